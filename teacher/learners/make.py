"""SB3's own learners: made with random streams of their own, loaded on other suites.

Legend: n students, k tasks, f columns.
"""

from collections.abc import Mapping, Sequence, Set
from inspect import signature
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv

from ..adapter import RulePolicy, RuleTeacher, columns_of
from ..files import read_teacher, see_that_methods_stay, zip_data
from ..mixture import mixture_shares
from ..streams import LearnerStreams
from .algorithms import ALGORITHMS, Learner, learner_named
from .leaning import LOG, leaning_places
from .settings import check_settings
from .taskwise import Taskwise

_REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
"""Arrays of a replay buffer."""
_NAMED = {"context", "bend"}
"""Arguments of policies that name columns."""
_UNFIT = (
    RuntimeError, TypeError, KeyError, AttributeError, AssertionError, IndexError, OverflowError,
    MemoryError,
)  # fmt: skip
"""What SB3 raises where attributes and weights do not fit each other, or no memory holds them."""


def make_learner(
    algorithm: str,
    env: VecEnv,
    *,
    seed: int,
    width: int = 64,
    deterministic: bool = True,
    prior: str = "",
    lean_on: Sequence[str] = (),
    **settings: Any,
) -> BaseAlgorithm:
    """A learner with a taskwise policy on a curriculum environment.

    Args:
        algorithm: a name in `ALGORITHMS`.
        env: the environment, any number of tasks.
        seed: of the network's weights and the learner's own streams; run it inside
            `LearnerStreams(seed).running()`.
        width: units of every layer of the policy.
        deterministic: whether it is to teach with its likeliest task, or with sampled ones; its
            file says so to whoever uses it.
        prior: a rule of `LEANS_ON` that it is before training, by the column `log_NAME`; none by
            default.
        lean_on: rules that it leans on, the prior among them; by default all whose columns
            are shown.
        settings: those of the SB3 algorithm; `action_noise` may be a number, the deviation of
            Gaussian noise as a fraction of the highest logit. `policy_kwargs` of `cma_es` may name
            columns as `context` and `bend`, and `offsets="task"`.

    Raises:
        ValueError: if there is no such algorithm, it can't act in the environment, or its policy
            is not shown what it needs.
    """
    learner, columns = learner_named(algorithm), columns_of(env)
    _check_action(algorithm, learner, env.action_space)
    _check_leaning(algorithm, learner, prior, lean_on)
    check_settings(algorithm, settings)
    settings = learner.settings | settings
    policy: dict[str, Any] = {"width": width, "present": _place(columns, "present")}
    policy |= {name: _column_of(columns, name, algorithm) for name in learner.needs}
    policy |= leaning_places(columns, prior, lean_on) if prior else {}
    policy |= settings.pop("policy_kwargs", None) or {}
    policy |= _named_places(columns, policy, env)
    if isinstance(settings.get("action_noise"), float | int):
        deviation = np.full(env.action_space.shape or 1, float(settings["action_noise"]))
        settings["action_noise"] = NormalActionNoise(0.0 * deviation, deviation)
    maker: Any = learner.algorithm
    model: Any = maker(
        learner.leaning if prior else learner.policy,
        env,
        seed=seed,
        policy_kwargs=policy,
        device=settings.pop("device", "cpu"),
        **settings,
    )
    # Saved with the model, for `load_teacher` and `stored_teacher`.
    model.columns, model.algorithm, model.deterministic = columns, algorithm, deterministic
    if prior:
        model.prior = prior
        model.lean_on = [columns[place].removeprefix(LOG) for place in policy["rules"]]
    teacher: BaseAlgorithm = model
    return teacher


def _check_action(algorithm: str, learner: Learner, space: spaces.Space[Any]) -> None:
    action = "mixture" if isinstance(space, spaces.Box) else "task"
    if action not in learner.actions:
        raise ValueError(
            f"algorithm {algorithm!r} chooses a {learner.actions[0]}, but the environment wants a "
            f"{action}; make it with action={learner.actions[0]!r}, or choose another algorithm"
        )


def _check_leaning(algorithm: str, learner: Learner, prior: str, lean_on: Sequence[str]) -> None:
    if lean_on and not prior:
        raise ValueError("lean_on names rules, but there is no prior to begin at; name one of them")
    if prior and learner.leaning is None:
        able = [name for name, one in ALGORITHMS.items() if one.leaning is not None]
        raise ValueError(
            f"algorithm {algorithm!r} can't lean on a prior; choose one of {', '.join(able)}"
        )
    if not prior and learner.leaning is learner.policy:
        raise ValueError(
            f"algorithm {algorithm!r} begins at a prior; name a rule that it leans on, such as "
            "prior: shortfall"
        )


def _named_places(
    columns: tuple[str, ...], policy: Mapping[str, Any], env: VecEnv
) -> dict[str, Any]:
    """Arguments of a policy that name columns, with the places of these."""
    places: dict[str, Any] = {
        key: _places(columns, key, policy[key]) for key in _NAMED & policy.keys()
    }
    offsets = policy.get("offsets")
    if offsets is None:
        return places
    if offsets != "task":
        raise ValueError(f"offsets are of tasks: write offsets: task, got {offsets!r:.40}")
    (place,) = _places(columns, "offsets", ["task"])
    return places | {"offsets": place, "n_offsets": int((env.observation_space.shape or (0,))[0])}


def _places(columns: tuple[str, ...], key: str, names: Sequence[Any]) -> list[Any]:
    """Places of columns that a setting names; places are taken as they are."""
    if not isinstance(names, str | list | tuple):
        raise ValueError(f"{key} must be a list of columns, got {names!r:.40}")
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if isinstance(name, str) and name not in columns:
            raise ValueError(
                f"{key} names the column {name}, which the environment does not show; add it to "
                f"observe={list(columns)}"
            )
    return [columns.index(name) if isinstance(name, str) else name for name in wanted]


def _place(columns: tuple[str, ...], name: str) -> int | None:
    return columns.index(name) if name in columns else None


def _column_of(columns: tuple[str, ...], name: str, algorithm: str) -> int:
    if name not in columns:
        raise ValueError(
            f"algorithm {algorithm!r} needs the column {name}, which the environment does not "
            f"show; add it to observe={list(columns)}"
        )
    return columns.index(name)


def load_teacher(
    path: str | Path | BytesIO,
    env: VecEnv,
    algorithm: type[BaseAlgorithm] | None = None,
    *,
    trust: bool = False,
    **options: Any,
) -> BaseAlgorithm:
    """Load a saved teacher for an environment that may have another number of tasks.

    SB3's own `load` refuses another action space; a taskwise policy has the same weights for every
    k, so the spaces are bound anew. Of SB3's own zips only JSON and weights are read, unless the
    file is trusted.

    Args:
        path: a zip that `save` or `save_teacher` wrote.
        env: where it is to teach; must show the same columns as in training.
        algorithm: the class that saved it; by default the one that `make_learner` noted in the
            file, else the one whose settings the file holds.
        trust: whether what SB3 has pickled in the file is opened, which can run any code. It is
            needed for parts of one's own that are no plain values, and to go on exactly where a
            file of SB3's own `save` stopped.
        options: passed on to SB3's `load` (`force_reset=False` goes on where it stopped).

    Raises:
        ValueError: if `env` shows other columns, or wants other actions, than those that the
            teacher was trained on, or the file has to be trusted.
    """
    spaces_of = env.observation_space, env.action_space
    options |= {"env": env, "trust": trust}
    return load_for_spaces(path, *spaces_of, columns_of(env), algorithm, **options)


def load_for_spaces(
    path: str | Path | BytesIO,
    observation_space: spaces.Space[Any],
    action_space: spaces.Space[Any],
    columns: tuple[str, ...],
    algorithm: type[BaseAlgorithm] | None = None,
    *,
    trust: bool = False,
    **options: Any,
) -> BaseAlgorithm:
    """As `load_teacher`, for what an environment shows and wants: it need not be there."""
    # SB3 sows the global streams when it loads; inside streams of its own nobody notices.
    with LearnerStreams(0).running():
        known, algorithm = _classes_of(path, algorithm)
        exact = not options.get("force_reset", True)
        saved = read_teacher(path, trust=trust, exact=exact, known=known)
        objects = dict(saved.attributes)
        algorithm = algorithm or _saved_by(objects["policy_class"], saved.names)
        own_action = objects["action_space"]
        if issubclass(algorithm, RuleTeacher) or issubclass(objects["policy_class"], Taskwise):
            objects |= {"observation_space": observation_space, "action_space": action_space}
            if objects.get("action_noise") and own_action != action_space:
                # It was made for another number of tasks, and is for training alone.
                objects["action_noise"] = None
        if issubclass(algorithm, RuleTeacher):
            # It reads the file itself, with what is known here.
            return algorithm.load(
                path, device="cpu", custom_objects=objects, trust=trust, **options
            )
        see_that_methods_stay(saved.attributes, algorithm, path)
        _check_columns(saved.attributes, columns)
        _check_same_action(own_action, action_space)
        try:
            return algorithm.load(saved.zipped, device="cpu", custom_objects=objects, **options)
        except (ValueError, *_UNFIT) as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"the teacher in {path} can't be made of what the file holds "
                f"({type(error).__name__}: {reason:.200}); save it again, with the versions of SB3 "
                "and lessonplan that are here"
            ) from error


def _classes_of(
    path: str | Path | BytesIO, algorithm: type[BaseAlgorithm] | None
) -> tuple[dict[str, Any], type[BaseAlgorithm] | None]:
    """The policy of a file that names its learner, and the class that saved it.

    That is None where the file does not name it.
    """
    data = zip_data(path)
    name, prior = data.get("algorithm"), data.get("prior")
    if not isinstance(name, str | None):
        raise ValueError(f"{path} is damaged: the name of its algorithm is no text; save it again")
    if name is None or (algorithm is not None and name not in ALGORITHMS):
        return {}, algorithm
    learner = learner_named(name)
    policy = learner.leaning if prior else learner.policy
    return {"policy_class": policy}, algorithm or learner.algorithm


def _saved_by(policy: type[Any], names: Set[str]) -> type[BaseAlgorithm]:
    """The class that saved a model with such attributes, which are named as its arguments."""
    if issubclass(policy, RulePolicy):
        return RuleTeacher
    able = [one.algorithm for one in ALGORITHMS.values() if issubclass(policy, one.policy)]

    def missing(algorithm: type[BaseAlgorithm]) -> int:
        return len(set(signature(algorithm).parameters) - names)

    return min(able, key=missing, default=PPO)


def _check_columns(attributes: dict[str, Any], columns: tuple[str, ...]) -> None:
    """Refuse an environment that does not show what a learned teacher was trained on."""
    space = attributes["observation_space"]
    own: tuple[str, ...] = tuple(attributes.get("columns", ()) or vars(space).get("columns", ()))
    count = space.shape[-1]
    if (own or columns) != columns or count != len(columns):
        what = f"the columns {', '.join(own)}" if own else f"{count} columns"
        raise ValueError(
            f"this teacher was trained on {what}, but the environment shows "
            f"{', '.join(columns)}; give it the same with observe="
        )


def _check_same_action(own: spaces.Space[Any], space: spaces.Space[Any]) -> None:
    """Refuse an environment of tasks to a teacher of mixtures, and conversely."""
    mixes = isinstance(own, spaces.Box)
    if mixes != isinstance(space, spaces.Box):
        action = "mixture" if mixes else "task"
        raise ValueError(
            f"this teacher was trained to choose a {action} and the environment wants the other; "
            f"make it with action={action!r}"
        )


def beside_zip(model: BaseAlgorithm) -> dict[str, Any]:
    """What SB3's zip leaves out and an exact resume needs, at the boundary of a rollout.

    The stream that actions are explored from, the memory of a recurrent policy, and the filled part
    of a replay buffer.
    """
    learner: Any = model
    buffer = getattr(learner, "replay_buffer", None)
    arrays = None
    if buffer is not None:
        # One more: with shared memory the last observation stands at the next place.
        count = buffer.buffer_size if buffer.full else buffer.pos + 1
        # With shared memory there are no `next_observations`.
        names = [name for name in _REPLAYED if hasattr(buffer, name)]
        arrays = {name: getattr(buffer, name)[:count].copy() for name in names}
        arrays |= {"pos": buffer.pos, "full": buffer.full}
    return {
        "exploration": learner.action_space.np_random.bit_generator.state,
        "memory": _as_lists(getattr(learner, "_last_lstm_states", None)),
        "buffer": arrays,
    }


def _as_lists(memory: Any) -> list[list[torch.Tensor]] | None:
    """The memory of a recurrent policy without the class that sb3-contrib has for it."""
    return None if memory is None else [list(states) for states in memory]


def load_beside_zip(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Take up what `beside_zip` kept."""
    learner: Any = model
    learner.action_space.np_random.bit_generator.state = state["exploration"]
    if state["memory"] is not None:
        fresh = learner._last_lstm_states
        learner._last_lstm_states = type(fresh)(*map(tuple, state["memory"]))
    for name, value in (state["buffer"] or {}).items():
        if isinstance(value, np.ndarray):
            getattr(learner.replay_buffer, name)[: len(value)] = value
        else:
            setattr(learner.replay_buffer, name, value)


def action_probabilities(teacher: BaseAlgorithm, observation: Any, state: Any) -> Any:
    """Probabilities of the tasks at the last choice, (n, k) float, or its shares where it mixed.

    A rule drew its choice from them. A learned teacher that was asked for its likeliest task drew
    nothing: they are its policy's, and one-hot for a value-based learner, which has no policy.

    Args:
        teacher: any SB3 algorithm.
        observation: what it saw, (n, k, f).
        state: what its `predict` returned.
    """
    if isinstance(state, dict) and "probabilities" in state:
        return state["probabilities"]
    policy: Any = teacher.policy
    with torch.no_grad():
        tensor, _ = policy.obs_to_tensor(observation)
        if state is not None:
            distribution = policy.distribution_after(tensor, state)
        elif hasattr(policy, "get_distribution"):
            distribution = policy.get_distribution(tensor)
        else:
            distribution = None
        if isinstance(teacher.action_space, spaces.Box):
            return _shares(policy, observation, distribution)
        if distribution is not None:
            return distribution.distribution.probs.numpy()
        likeliest = policy._predict(tensor, deterministic=True)
        tasks: Any = teacher.action_space
        return torch.nn.functional.one_hot(likeliest, int(tasks.n)).float().numpy()


def _shares(policy: Any, observation: np.ndarray, distribution: Any) -> np.ndarray:
    """Shares of the likeliest mixture, (n, k)."""
    if distribution is None:
        logits, _ = policy.predict(observation, deterministic=True)
    else:
        space = policy.action_space
        logits = np.clip(distribution.mode().numpy(), space.low, space.high)
    present = getattr(policy, "present", None)
    return mixture_shares(logits, None if present is None else observation[:, :, present] > 0)
