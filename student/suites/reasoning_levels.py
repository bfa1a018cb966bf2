"""Datasets of reasoning-gym at levels of their curricula: what a task's name means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

NO_ANSWERS = "has no reference answers to compare with"
REFUSED = {
    "codeio": "is not reproducible from a seed",
    "composite": "mixes other datasets and has no levels",
    **dict.fromkeys(
        ("boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"),
        NO_ANSWERS,
    ),
}
"""Datasets that cannot be tasks, and why."""


@dataclass(frozen=True)
class Spec:
    """What the name of a task asks for."""

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

    def below(self, other: "Spec") -> bool:
        """Whether every attribute is at most at the other's level, and one is lower."""
        return (
            self.dataset == other.dataset
            and self.levels != other.levels
            and all(level <= other.levels[name] for name, level in self.levels.items())
        )


def named_tasks(tasks: Sequence[str]) -> Sequence[str]:
    """The names, if they are several."""
    if isinstance(tasks, str):
        raise ValueError(f"tasks must be a list of names such as [{tasks}], got the text {tasks!r}")
    return tasks


def parse(library: Any, task: str) -> Spec:
    """The dataset and the levels that a name stands for.

    Raises:
        ValueError: for a dataset or a level that there is not.
    """
    dataset, _, wanted = task.partition("@")
    if dataset in REFUSED:
        raise ValueError(f"{dataset!r} cannot be a task: it {REFUSED[dataset]}; choose another")
    curricula = library.factory.CURRICULA
    if dataset not in curricula:
        raise ValueError(
            f"reasoning-gym has no dataset {dataset!r} with levels; it has {', '.join(curricula)}"
        )
    attributes = curricula[dataset]().attributes
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
    return Spec(task, dataset, dict.fromkeys(top, 0) | chosen, top, tuple(chosen))


def open_dataset(library: Any, name: str, levels: dict[str, int], seed: int, size: int) -> Any:
    """The generator at exactly these levels, without what the levels below already have."""
    coaching = library.coaching.base_curriculum
    only_this = coaching.DefaultCurriculumContext(coaching.RangeAttributeMode.UPPER_BOUND)

    def generate() -> Any:
        curriculum = library.factory.create_curriculum(name)
        for attribute, level in levels.items():
            curriculum.set_attr_level(attribute, level)
        settings = curriculum.generate_configuration({"seed": seed, "size": size}, only_this)
        return library.create_dataset(name, **vars(settings))

    return generated(name, generate)


def generated(name: str, generate: Callable[..., Any], *arguments: Any) -> Any:
    """What a generator of reasoning-gym gives; several fail at their top levels."""
    try:
        return generate(*arguments)
    except Exception as error:
        raise ValueError(
            f"reasoning-gym cannot generate {name!r} at this level or the next harder one "
            f"({type(error).__name__}: {error}); choose a lower level"
        ) from error


def verified(dataset: Any, text: str, item: dict[str, Any]) -> float:
    """How far the dataset's own scorer accepts a text as the answer of an item, in [0, 1]."""
    try:
        score = float(dataset.score_answer(text, item))
    except Exception:
        # Some scorers raise on text that they can't read, and a student may write anything.
        return 0.0
    return min(max(score, 0.0), 1.0)
