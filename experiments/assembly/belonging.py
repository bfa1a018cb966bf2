"""What the files of a run belong to: their fingerprints, which no other run has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lessonplan.envs.classroom import check_belonging

from ..common.files import read_checkpoint
from ..config.config import Config, GuardedSection
from ..config.sections.section import Section

_COUNTS = {"name", "seeds", "sampled", "prior_row", "actors", "actor_gpus", "watch"}
"""What of a teacher's section is in the names of files, or changes no number."""
_STRANGE = (
    TypeError, KeyError, AttributeError, IndexError, AssertionError, RuntimeError, ArithmeticError,
    MemoryError,
)  # fmt: skip
"""What comes of values that are not those that were kept."""


def run_belongs_to(config: Config) -> dict[str, Any]:
    """What all numbers of a run depend on: suite, students, lifetimes, and how many there are."""
    earlier = config.earlier_candidates
    tuning: dict[str, Any] = {"tuning": config.tuning.model_dump()}
    seeds = config.seeds.model_dump(include={"report", "select"})
    if config.seeds.report_fold:
        # Earlier versions had a single fold.
        seeds["report_fold"] = config.seeds.report_fold
    return {
        **config.model_dump(mode="json", include={"suite", "student", "lifetime"}),
        "seeds": seeds,
        **(tuning if earlier is None else {"tuning_candidates": earlier}),
    }


def teacher_belongs_to(config: Config, teacher: Section) -> dict[str, Any]:
    """The same with the section of a teacher."""
    section = teacher.model_dump(mode="json")
    own = {key: value for key, value in section.items() if key not in _COUNTS}
    if begin_at := own.pop("begin_at", ""):
        # Earlier versions began at the prior alone.
        own["begin_at"] = config.teacher(begin_at).model_dump(mode="json")
    if isinstance(teacher, GuardedSection):
        of = config.teacher(teacher.of).model_dump(mode="json")
        own["of"] = {key: value for key, value in of.items() if key not in _COUNTS}
    return run_belongs_to(config) | {"teacher": own}


def own_checkpoint(path: Path, belongs_to: dict[str, Any], *parts: str) -> dict[str, Any] | None:
    """The checkpoint of a unit that was interrupted; None where there is none.

    Those of earlier versions do not say what they belong to, and are taken as they are.

    Args:
        path: of the checkpoint.
        belongs_to: what one of this unit belongs to.
        parts: what it has to hold.

    Raises:
        ValueError: if it is damaged, or that of another run.
    """
    state = read_checkpoint(path)
    missing = [part for part in parts if state is not None and part not in state]
    if missing:
        raise ValueError(
            f"the checkpoint {path} is damaged: it has no {', '.join(missing)}; delete it, and "
            "--resume does this unit again from its beginning"
        )
    if state is not None and "belongs_to" in state:
        check_belonging(
            state["belongs_to"],
            belongs_to,
            what=path.name,
            whose="this run",
            way_out=f"delete {path}, and --resume does this unit again from its beginning",
        )
    return state


@contextmanager
def taking_up(path: Path) -> Iterator[None]:
    """Say of a checkpoint that all its parts are there and one holds something else."""
    try:
        yield
    except _STRANGE as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"the checkpoint {path} is damaged: what it holds can't be taken up "
            f"({type(error).__name__}: {reason:.160}); delete it, and --resume does this unit "
            "again from its beginning"
        ) from error
