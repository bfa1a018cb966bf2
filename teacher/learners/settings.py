"""What SB3's learners take, checked before one is made: SB3 itself notices most of it in training.

Legend: n students, k tasks, f columns.
"""

import math
import os
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any, NamedTuple

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import ActionNoise

from .algorithms import learner_named

_OURS = {
    "policy": "its policy is that of the learner",
    "env": "it is made for the environment of its students",
    "seed": "its seed is given beside the settings",
    "_init_setup_model": "it is always made whole",
}
"""Arguments of SB3's classes that are no settings, and why."""
_SHARE = 0.5
"""Of the machine's memory that they may take."""
_MOST = 1_000_000_000


class _Form(NamedTuple):
    """What a setting reads like."""

    words: str
    low: float = 0.0
    high: float = 1e9
    whole: bool = False
    above: bool = False
    """Whether the lowest is itself too low."""
    also: tuple[Any, ...] = ()
    """What is taken besides numbers."""

    def takes(self, value: Any) -> bool:
        """Whether a value is of this form."""
        if any(value is one or (isinstance(one, str) and value == one) for one in self.also):
            return True
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.whole and not isinstance(value, int):
            return False
        return self.low <= value <= self.high and not (self.above and value == self.low)


_COUNT = _Form(f"a whole number from 1 to {_MOST:,}", 1, _MOST, whole=True)
_COUNT_OR_NONE = _Form(f"a whole number from 0 to {_MOST:,}", 0, _MOST, whole=True)
_SHARE_FORM = _Form("a number in [0, 1]", 0.0, 1.0)
_AMOUNT = _Form("a number of at least 0")
_POSITIVE = _Form("a number above 0", above=True)
_LIMIT = _Form("a number above 0, or null", above=True, also=(None,))
_FORMS = {
    "n_steps": _COUNT, "batch_size": _COUNT, "n_epochs": _COUNT, "buffer_size": _COUNT,
    "stats_window_size": _COUNT, "target_update_interval": _COUNT, "policy_delay": _COUNT,
    "cg_max_steps": _COUNT, "line_search_max_iter": _COUNT, "n_critic_updates": _COUNT,
    "sub_sampling_factor": _COUNT, "n_eval_episodes": _COUNT,
    "population_size": _Form("a whole number from 4 to 10,000, or null", 4, 10_000, whole=True,
                             also=(None,)),
    "sigma": _POSITIVE, "tail": _SHARE_FORM, "learning_starts": _COUNT_OR_NONE,
    "gradient_steps": _Form("a whole number of at least 1, or -1", -1, _MOST, whole=True),
    "sde_sample_freq": _Form("a whole number of at least -1", -1, _MOST, whole=True),
    "verbose": _Form("0, 1 or 2", 0, 2, whole=True),
    "gamma": _SHARE_FORM, "gae_lambda": _SHARE_FORM, "tau": _SHARE_FORM,
    "exploration_fraction": _SHARE_FORM, "exploration_initial_eps": _SHARE_FORM,
    "exploration_final_eps": _SHARE_FORM,
    "line_search_shrinking_factor": _Form("a number between 0 and 1", 0.0, 1.0, above=True),
    "learning_rate": _AMOUNT, "vf_coef": _AMOUNT, "cg_damping": _AMOUNT,
    "target_policy_noise": _AMOUNT, "target_noise_clip": _AMOUNT, "ent_coef": _AMOUNT,
    "rms_prop_eps": _POSITIVE, "clip_range": _POSITIVE, "clip_range_vf": _LIMIT,
    "max_grad_norm": _POSITIVE, "target_kl": _LIMIT,
    "action_noise": _Form("a number of at least 0, or null", also=(None,)),
    "target_entropy": _Form("a number, or auto", -1e9, also=("auto",)),
}  # fmt: skip
"""Settings that are numbers."""
_SCHEDULED = ("learning_rate", "clip_range", "clip_range_vf")
"""Settings that may be functions of the progress that remains."""
_POLICY = {
    "net_arch": "the network reads tasks one by one, and has width units in each layer",
    "features_extractor_class": "the network reads tasks one by one",
}
"""Arguments of SB3's policies that ours leave aside, and why."""


def check_settings(algorithm: str, settings: Mapping[str, Any]) -> None:
    """Refuse settings that SB3 does not have, or takes and fails with later.

    Args:
        algorithm: a name in `ALGORITHMS`.
        settings: of it, as SB3 names them.

    Raises:
        ValueError: in one sentence, with the setting, what came and what it takes.
    """
    defaults = _defaults(learner_named(algorithm).algorithm)
    for key, value in settings.items():
        if key in _OURS:
            raise ValueError(f"{key} is no setting: {_OURS[key]}; leave it out")
        if key not in defaults:
            near = get_close_matches(key, defaults, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            own = ", ".join(one for one in defaults if one not in _OURS)
            raise ValueError(f"{algorithm} has no setting {key!r}; {hint}there are {own}")
        if words := _wanted(key, value, defaults[key]):
            raise ValueError(f"{key} must be {words}, got {_shown(value)}")
    _check_policy(settings.get("policy_kwargs") or {})
    usable_device(settings.get("device", "cpu"))


def check_rollout(
    algorithm: str, settings: Mapping[str, Any], n: int, shape: tuple[int, ...]
) -> str:
    """Refuse a rollout or a buffer that no memory holds, and a batch that is larger than it.

    Args:
        algorithm: a name in `ALGORITHMS`.
        settings: of it, checked.
        n: students that it is trained on.
        shape: of what it is shown of one, (k, f).

    Returns:
        What there is to say of it; empty for most.

    Raises:
        ValueError: in one sentence.
    """
    learner = learner_named(algorithm)
    values = _defaults(learner.algorithm) | learner.settings | dict(settings)
    if "n_eval_episodes" in values:
        return _check_lifetimes(values["n_eval_episodes"], n)
    steps: Any = values.get("n_steps")
    batch = values.get("batch_size")
    on_policy = "buffer_size" not in values
    kept = steps * n if on_policy else values["buffer_size"]
    # An observation, and a few numbers beside it; replays keep the next observation too.
    size = kept * (4.0 * math.prod(shape) * (1 if on_policy else 2) + 32.0)
    memory = _machine_bytes()
    key = "n_steps" if on_policy else "buffer_size"
    if size > _SHARE * memory:
        raise ValueError(
            f"{key}={values[key]:,} keeps {kept:,} decisions in {size / 1e9:,.0f} GB, and this "
            f"machine has {memory / 1e9:,.0f}; take fewer"
        )
    if not on_policy or batch is None:
        return ""
    if batch > kept and "batch_size" in settings:
        raise ValueError(
            f"batch_size={batch:,} is more than a rollout has: {steps:,} steps of {n:,} students "
            f"are {kept:,} decisions; take at most as many, or more n_steps"
        )
    if kept % batch and batch < kept:
        return (
            f"a rollout of {kept:,} decisions ({steps:,} steps of {n:,} students) is no multiple "
            f"of batch_size={batch:,}; the last batch has {kept % batch:,}"
        )
    return ""


def _check_lifetimes(episodes: int, n: int) -> str:
    """Refuse students of a candidate that the rows can't be shared among."""
    if n % episodes:
        raise ValueError(
            f"n_eval_episodes={episodes:,} is no divisor of the {n:,} students in lockstep; take "
            "one that is"
        )
    return ""


def usable_device(device: str | torch.device) -> torch.device:
    """A device of this machine that numbers can be computed on.

    Raises:
        ValueError: for a name that torch does not know, and for a device that is not there.
    """
    try:
        where = torch.device(device)
        if where.type == "meta":
            raise RuntimeError("nothing is computed on it")
        torch.zeros(1, device=where)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ImportError) as error:
        raise ValueError(
            f"device must be one of this machine, such as cpu, got {str(device)!r:.60}"
            f"{_reason(error)}"
        ) from error
    return where


def _reason(error: Exception) -> str:
    """What torch says, where it speaks to who uses it."""
    reason = " ".join(str(error).split()).partition(". ")[0]
    return "" if "INTERNAL ASSERT" in reason else f": {reason:.160}"


def _machine_bytes() -> float:
    """Memory of this machine; without end where the system does not say, as Windows does not."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def _defaults(algorithm: type[BaseAlgorithm]) -> dict[str, Any]:
    return {name: one.default for name, one in signature(algorithm).parameters.items()}


def _wanted(key: str, value: Any, default: Any) -> str:
    """What a setting should be, in words; empty where it is that."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if key == "train_freq":
        return _wanted_frequency(value)
    if key == "ent_coef" and default == "auto" and isinstance(value, str):
        number = value.removeprefix("auto").removeprefix("_") or "1"
        begins = value.startswith("auto")
        return "" if begins and _is_number(number) else "a number above 0, or auto"
    if key.endswith("_class"):
        return "" if value is None or isinstance(value, type) else "a class, from Python"
    if key.endswith("_kwargs"):
        return "" if value is None or isinstance(value, Mapping) else "keys with values"
    if key == "tensorboard_log":
        return "" if value is None or isinstance(value, str) else "a folder"
    if key not in _FORMS or (key in _SCHEDULED and callable(value)):
        return ""
    if key == "gradient_steps" and value == 0:
        return _FORMS[key].words
    if key == "action_noise" and isinstance(value, ActionNoise):
        return ""
    return "" if _FORMS[key].takes(value) else _FORMS[key].words


def _wanted_frequency(value: Any) -> str:
    pair = list(value) if isinstance(value, list | tuple) else [value, "step"]
    fits = len(pair) == 2 and _COUNT.takes(pair[0]) and pair[1] in ("step", "episode")
    return "" if fits else f"{_COUNT.words}, or [number, step]"


def _is_number(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _check_policy(arguments: Mapping[str, Any]) -> None:
    for key, why in _POLICY.items():
        if key in arguments:
            raise ValueError(f"policy_kwargs has no {key}: {why}; leave it out")
    if "width" in arguments and not _Form("", 1, 16_384, whole=True).takes(arguments["width"]):
        raise ValueError(
            f"width must be a whole number from 1 to 16,384, got {_shown(arguments['width'])}"
        )
    for key in ("activation_fn", "optimizer_class"):
        if isinstance(arguments.get(key), str | int | float):
            raise ValueError(
                f"policy_kwargs.{key} must be a class, from Python, got {_shown(arguments[key])}"
            )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
