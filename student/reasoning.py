"""Tasks from reasoning-gym: one of its datasets at one level of its curriculum each.

A task is named `dataset@levels`: `spell_backward@2` puts every attribute of the dataset's
curriculum at level 2, `chain_sum@num_digits=1` puts this attribute at level 1 and all others at
their lowest. A level holds only what is new in it, not the levels below, so the task below is
worth learning first and becomes a prerequisite.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .tasks import TaskSuite
from .text import Pair, TextTask, content_uniform, text_suite

DEFAULT_TASKS = (
    "spell_backward@0",
    "spell_backward@1",
    "products@num_terms=0",
    "products@num_terms=1",
    "chain_sum@num_digits=0",
    "chain_sum@num_terms=1",
    "chain_sum@num_digits=1",
    "basic_arithmetic@num_terms=0",
)

_NO_ANSWERS = "has no reference answers to compare with"
REFUSED = {
    "codeio": "is not reproducible from a seed",
    "composite": "mixes other datasets and has no levels",
    **dict.fromkeys(
        ("boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"),
        _NO_ANSWERS,
    ),
}
"""Datasets that cannot be tasks, and why."""

_HELD_OUT_SHARE = 0.125
_LEAST_EXAMPLES = 4
_MOST_DRAWS, _PATIENCE = 100_000, 500
"""Examples drawn from a generator at most, and how many in a row may bring nothing new."""


def _keep(pattern: str, prefix: str = "", drop: str = "") -> Callable[[str], str]:
    """A compaction: `prefix` and what the groups of `pattern` find, without `drop`."""
    found, dropped = re.compile(pattern), str.maketrans("", "", drop)

    def shorten(question: str) -> str:
        match = found.search(question)
        return prefix + " ".join(match.groups()).translate(dropped) if match else question

    return shorten


COMPACTIONS = {
    "basic_arithmetic": _keep(r"Calculate (.+)\.$", drop=" "),
    "chain_sum": _keep(r"problem: (.+) =$", drop=" "),
    "count_bits": _keep(r"number (\d+)\?", "bits "),
    "count_primes": _keep(r"between (\d+) and (\d+)", "primes "),
    "decimal_chain_sum": _keep(r"problem: (.+) =$", drop=" "),
    "gcd": _keep(r"numbers: (.+)\. Give", "gcd ", drop=","),
    "lcm": _keep(r"numbers: ([\d, ]+)", "lcm ", drop=","),
    "leg_counting": _keep(r"you have (.+)\?"),
    "number_sequence": _keep(r"(.+), \?$", drop=" "),
    "prime_factorization": _keep(r"factorization of (\d+)", "factors "),
    "products": _keep(r"multiplication: (.+)\. Give", drop=" "),
    "spell_backward": _keep(r": (\w+)$"),
}
"""What stays of a question, per dataset: its payload, with a word in front where that alone would
not say what is asked. The questions of other datasets stay as they are."""

LOWERED = ("spell_backward",)
"""Datasets whose own scoring ignores case: prompts and answers are written in lower case."""


@dataclass(frozen=True)
class _Spec:
    name: str
    dataset: str
    levels: dict[str, int]
    """Level of every attribute."""
    top: dict[str, int]
    """Highest level of every attribute."""
    raised: tuple[str, ...]
    """Attributes that the name sets, which the stress split raises by one."""

    def harder(self) -> dict[str, int]:
        """Levels of the stress split."""
        raised = {
            name: min(level + (name in self.raised), self.top[name])
            for name, level in self.levels.items()
        }
        if raised == self.levels:
            raise ValueError(
                f"task {self.name!r} is at the highest level already, so nothing harder is left "
                "for its stress split; lower it by one"
            )
        return raised

    def below(self, other: "_Spec") -> bool:
        """Whether every attribute is at most at the other's level, and one is lower."""
        return (
            self.dataset == other.dataset
            and self.levels != other.levels
            and all(level <= other.levels[name] for name, level in self.levels.items())
        )


def reasoning(
    tasks: Sequence[str] = DEFAULT_TASKS,
    train_size: int = 2000,
    held_out: int = 128,
    prompt_length: int = 12,
    seed: int = 0,
) -> TaskSuite:
    """A suite of reasoning-gym datasets at given levels, the same to the bit for the same seed.

    A hash of the prompt reserves an eighth of all prompts for each of probe, test and stress, in
    all tasks and under all seeds alike, so no held-out prompt is ever trained on. `stress` comes
    from the next harder level. Prompts are the questions, shortened by `COMPACTIONS`; those that
    are still longer than `prompt_length` are left out. A level with few different questions
    gives what it has.

    The score is exact match: an answer that reasoning-gym accepts although it is written otherwise
    than the reference ("05" for "5") counts as wrong.

    Args:
        tasks: names of the form `dataset@level` or `dataset@attribute=level,attribute=level`.
        train_size: most training examples of a task.
        held_out: most examples of a task in each of probe, test and stress.
        prompt_length: most characters of a prompt; every student step pays for the longest.
        seed: of the generators.

    Raises:
        ModuleNotFoundError: if reasoning-gym is not installed.
        ValueError: for a task that does not exist or cannot be scored, or one that is too small.
    """
    library = _library()
    for name, value in (("train_size", train_size), ("held_out", held_out)):
        if value < _LEAST_EXAMPLES:
            raise ValueError(f"{name} must be at least {_LEAST_EXAMPLES}, got {value}")
    specs = [_parse(library, task) for task in tasks]
    most = {"train": train_size, "probe": held_out, "test": held_out}
    texts = []
    for spec in specs:
        above = spec.harder()
        splits, category = _fill(library, spec, spec.levels, most, prompt_length, seed)
        stress, _ = _fill(library, spec, above, {"stress": held_out}, prompt_length, seed)
        texts.append(_text_task(spec, specs, splits | stress, category))
    return text_suite("reasoning", texts)


def make_dataset(task: str, seed: int, size: int) -> Any:
    """The reasoning-gym dataset that a task's examples come from, with its own `score_answer`."""
    library = _library()
    spec = _parse(library, task)
    return _dataset(library, spec.dataset, spec.levels, seed, size)


def compact(dataset: str, question: str, answer: str) -> Pair:
    """Prompt and answer as the student sees them."""
    shorten = COMPACTIONS.get(dataset)
    prompt = shorten(question) if shorten else question
    return (prompt.lower(), answer.lower()) if dataset in LOWERED else (prompt, answer)


def _library() -> Any:
    try:
        import reasoning_gym
    except ImportError:
        raise ModuleNotFoundError(
            "the reasoning suite needs reasoning-gym, which is not installed; "
            'run pip install "lessonplan[reasoning]"'
        ) from None
    return reasoning_gym


def _parse(library: Any, task: str) -> _Spec:
    dataset, _, wanted = task.partition("@")
    if dataset in REFUSED:
        raise ValueError(f"{dataset!r} cannot be a task: it {REFUSED[dataset]}; choose another")
    known = library.factory.CURRICULA
    if dataset not in known:
        raise ValueError(
            f"reasoning-gym has no dataset {dataset!r} with levels; it has {', '.join(known)}"
        )
    attributes = known[dataset]().attributes
    top = {name: len(attribute.levels) - 1 for name, attribute in attributes.items()}
    if wanted.isdecimal():
        chosen = {name: min(int(wanted), highest) for name, highest in top.items()}
        valid = int(wanted) <= max(top.values())
    else:
        parts = [part.partition("=") for part in wanted.split(",")]
        chosen = {name: int(level) for name, _, level in parts if level.isdecimal()}
        valid = len(chosen) == len(parts) and all(
            level <= top.get(name, -1) for name, level in chosen.items()
        )
    if not valid:
        levels = ", ".join(f"{name} 0 to {highest}" for name, highest in top.items())
        raise ValueError(
            f"task {task!r} must be {dataset}@LEVEL or {dataset}@ATTRIBUTE=LEVEL,... with {levels}"
        )
    return _Spec(task, dataset, dict.fromkeys(top, 0) | chosen, top, tuple(chosen))


def _text_task(
    spec: _Spec, specs: Sequence[_Spec], splits: dict[str, list[Pair]], category: str
) -> TextTask:
    """The task with what its levels say about it."""
    below = [other for other in specs if other.below(spec)]
    return TextTask(
        name=spec.name,
        splits=splits,
        difficulty=float(sum(spec.levels.values())),
        skills=(spec.dataset, *(f"{name}-{level}" for name, level in spec.levels.items() if level)),
        prerequisites=tuple(
            one.name for one in below if not any(one.below(other) for other in below)
        ),
        category=category,
        endless=True,
    )


def _fill(
    library: Any,
    spec: _Spec,
    levels: dict[str, int],
    most: dict[str, int],
    prompt_length: int,
    seed: int,
) -> tuple[dict[str, list[Pair]], str]:
    """Different examples of some splits, up to `most` of each, and the dataset's category."""
    first = int(content_uniform(f"{spec.dataset} {sorted(levels.items())} {seed}") * 2**31)
    dataset = _dataset(library, spec.dataset, levels, first, _MOST_DRAWS)
    splits: dict[str, list[Pair]] = {split: [] for split in most}
    for pair in _different_examples(dataset, spec.dataset, prompt_length):
        split = _split_of(pair[0])
        if split in most and len(splits[split]) < most[split]:
            splits[split].append(pair)
            if all(len(splits[name]) == most[name] for name in most):
                break
    for split, pairs in splits.items():
        if len(pairs) < _LEAST_EXAMPLES:
            raise ValueError(
                f"task {spec.name!r} has {len(pairs)} questions of at most {prompt_length} "
                f"characters for {split!r}, {_LEAST_EXAMPLES} are needed; raise prompt_length or "
                "change the level"
            )
    return splits, str(dataset.category)


def _different_examples(dataset: Any, name: str, prompt_length: int) -> Iterator[Pair]:
    """Examples in the dataset's order, each prompt that fits once, until nothing new comes."""
    seen: set[str] = set()
    stale = 0
    for i in range(len(dataset)):
        item = _generated(name, dataset.__getitem__, i)
        if not isinstance(item["answer"], str) or not item["answer"]:
            raise ValueError(f"{name!r} cannot be a task: it {_NO_ANSWERS}; choose another")
        prompt, answer = compact(name, item["question"], item["answer"])
        stale += 1
        if prompt not in seen and len(prompt) <= prompt_length:
            stale = 0
            seen.add(prompt)
            yield prompt, answer
        elif stale > _PATIENCE:
            return


def _generated(name: str, generate: Callable[..., Any], *given: Any) -> Any:
    """What a generator of reasoning-gym gives; several fail at their top levels."""
    try:
        return generate(*given)
    except Exception as error:
        raise ValueError(
            f"reasoning-gym cannot generate {name!r} at this level or the next harder one "
            f"({type(error).__name__}: {error}); choose a lower level"
        ) from error


def _split_of(prompt: str) -> str:
    """The split that a prompt belongs to, in every task."""
    place = int(content_uniform(prompt) / _HELD_OUT_SHARE)
    return ("probe", "test", "stress")[place] if place < 3 else "train"


def _dataset(library: Any, name: str, levels: dict[str, int], seed: int, size: int) -> Any:
    """The generator at exactly these levels, without what the levels below already have."""
    coaching = library.coaching.base_curriculum
    only_this = coaching.DefaultCurriculumContext(coaching.RangeAttributeMode.UPPER_BOUND)

    def generate() -> Any:
        curriculum = library.factory.create_curriculum(name)
        for attribute, level in levels.items():
            curriculum.set_attr_level(attribute, level)
        settings = curriculum.generate_configuration({"seed": seed, "size": size}, only_this)
        return library.create_dataset(name, **vars(settings))

    return _generated(name, generate)
