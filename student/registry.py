"""Suites, cohorts and models by name, and how students are made of them."""

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any

from torch import Tensor, nn

from .cohorts.agents.cohort import RLCohort
from .cohorts.agents.suite import environments
from .cohorts.lockstep.base_weights import load_base
from .cohorts.lockstep.optimizer import Adam
from .cohorts.lockstep.stacked import StackedCohort
from .cohorts.loop import LoopCohort
from .cohorts.lora.cohort import LoRACohort
from .cohorts.lora.layers import LoRA, copy_sharing_weights
from .cohorts.simulation import SimulatedCohort, simulated
from .contract.cohort import Cohort
from .contract.devices import usable_device
from .contract.tasks import TaskSuite
from .corpora.own_files import jsonl
from .networks.models import MODELS
from .networks.pretrained import PRETRAINED
from .suites.addition_suite import addition
from .suites.chain_suite import chain
from .suites.docstring_suite import docstrings
from .suites.reasoning_suite import reasoning
from .suites.sign_suites import distractors, finite, flat, graph, interference, parity
from .text.lengths import check_lengths

SUITES: dict[str, Callable[..., TaskSuite]] = {
    "parity": parity,
    "addition": addition,
    "simulated": simulated,
    "interference": interference,
    "distractors": distractors,
    "graph": graph,
    "flat": flat,
    "finite": finite,
    "chain": chain,
    "jsonl": jsonl,
    # The name in configs that were written when datasets on disk had a reader of their own.
    "dataset": jsonl,
    "reasoning": reasoning,
    "docstrings": docstrings,
    "environments": environments,
}
"""Suites by the names that configs use."""

COHORTS: dict[str, type[Cohort]] = {
    "stacked": StackedCohort,
    "simulated": SimulatedCohort,
    "rl": RLCohort,
}
"""Cohorts by the kind that a suite names."""

LEARNING_RATE = 3e-3
"""What students that are networks have where nothing else is said; it is the configs' default."""
BATCH_SIZE = 32
"""Training examples per student step, likewise."""
EVALUATION_SIZE = 128
"""Held-out examples per task and split, likewise."""

Call = Callable[[str, Callable[..., Any], Mapping[str, Any]], Any]
"""Calls a maker of a `student` or a `model` with its options."""


def call_plainly(kind: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """What the maker gives; whatever it raises stays as it is."""
    return maker(**options)


def make_cohort(
    suite: TaskSuite,
    n: int,
    *,
    cohort: type[Cohort] | None = None,
    model: str | Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = BATCH_SIZE,
    evaluation_size: int = EVALUATION_SIZE,
    optimizer: Adam | None = None,
    base: Mapping[str, Tensor] | None = None,
    lora: LoRA | None = None,
    call: Call = call_plainly,
    **settings: Any,
) -> Cohort:
    """Students that fit a suite, n of them.

    Args:
        suite: what there is to learn.
        n: members.
        cohort: its class; that which the suite names by default.
        model: of students that are networks: a name in `MODELS` or `PRETRAINED`, what makes a
            module of the suite's `input_shape` and `n_outputs`, or a `SingleStudent`'s class, which
            takes the suite; by default the decoder for tokens, else the MLP.
        options: arguments of the model, and of the cohort where students are no networks.
        batch_size: training examples per student step.
        evaluation_size: held-out examples per task and split.
        optimizer: of networks; Adam with `LEARNING_RATE` by default.
        base: weights of a network, from which every lifetime starts.
        lora: train adapters of this kind over one frozen network; pretrained models need it.
        call: calls what takes `options`; one's own may say in words what does not fit. Pretrained
            weights are loaded once for all that compare equal.
        settings: further arguments of the cohort of networks, such as `device`.

    Raises:
        ValueError: for a name that there is not, and for what students of the suite do not take.
    """
    settings |= {"batch_size": batch_size, "evaluation_size": evaluation_size}
    options = options or {}
    kind: Any = cohort or _by_name(f"the cohort of suite {suite.name!r}", suite.cohort, COHORTS)
    if kind is not StackedCohort:
        network = {"model": model, "optimizer": optimizer, "base": base, "lora": lora}
        if wrong := [name for name, value in network.items() if value is not None]:
            raise ValueError(
                f"students of suite {suite.name!r} are no networks of ours and take no {wrong[0]}"
            )
        students: Cohort = call("student", partial(kind, suite, n, **settings), options)
        return students
    maker = _maker(suite, model, lora)
    if _is_single_student(maker):
        one = partial(call, "student", partial(maker, suite), options)
        return LoopCohort(suite, one, n, batch_size=batch_size, evaluation_size=evaluation_size)
    build = _network(suite, maker, options, call, settings.get("device", "cpu"))
    settings["optimizer"] = optimizer or Adam(LEARNING_RATE)
    if lora is None:
        return StackedCohort(suite, build, n, base=base, **settings)
    shared = build if base is None else partial(_with_base, build, base)
    return LoRACohort(suite, shared, n, lora=lora, **settings)


def default_model(suite: TaskSuite) -> str:
    """The name of the model that students of a suite are, where none is named."""
    return "decoder" if suite.tokens else "mlp"


def _by_name(what: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        near = get_close_matches(str(name), choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{what} must be one of {', '.join(choices)}, got {name!r}{hint}")
    return choices[name]


def _maker(suite: TaskSuite, model: str | Callable[..., Any] | None, lora: LoRA | None) -> Any:
    """What makes a network, or a student with a loop of its own."""
    model = model or default_model(suite)
    maker = _by_name("model", model, MODELS | PRETRAINED) if isinstance(model, str) else model
    if maker in PRETRAINED.values() and lora is None:
        raise ValueError(
            f"students of model {model!r} train adapters over one frozen model; give lora=, such "
            "as LoRA(8, 16)"
        )
    return maker


def _is_single_student(maker: Any) -> bool:
    is_module = isinstance(maker, type) and issubclass(maker, nn.Module)
    return hasattr(maker, "evaluate") and not is_module


def _network(
    suite: TaskSuite, maker: Any, options: Mapping[str, Any], call: Call, device: str
) -> Callable[[], nn.Module]:
    """What builds one student; all that are pretrained share their weights in this process."""
    if maker not in PRETRAINED.values():
        return partial(call, "model", partial(maker, suite.input_shape, suite.n_outputs), options)
    # The tokens of the suite say which model reads them.
    options = {"source": suite.tokenizer, **options}
    if maker is PRETRAINED["causal"]:
        options["answer_length"] = suite.answer_length
    else:
        options["n_outputs"] = suite.n_outputs
    check_lengths(suite, options["source"])
    key = json.dumps(options, sort_keys=True)
    return lambda: copy_sharing_weights(_pretrained_module(maker, key, device, call))


@lru_cache(maxsize=2)
def _pretrained_module(maker: Any, options: str, device: str, call: Call) -> nn.Module:
    module: nn.Module = call("model", maker, json.loads(options))
    return module.to(usable_device(device))


def _with_base(build: Callable[[], nn.Module], base: Mapping[str, Tensor]) -> nn.Module:
    """The module of all adapters."""
    module = build()
    load_base(module, base)
    return module
