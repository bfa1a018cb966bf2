"""Teachers that a config takes from files: which file it is, and what the file says of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lessonplan.teacher import StoredTeacher, stored_teacher

from ..common.trust import take_for_strange
from .config import LearnedSection
from .sections.course import LOOKS

_OF_FILE = ("algorithm", "action", "observe", "deterministic")
"""Keys that a file fills in where the config does not; a stored config has them all."""
_ALSO_OF_FILE = (*LOOKS, "prior", "lean_on")
"""The same, of configs since there are priors and teachers that look as they say themselves."""
TRAINING_KEYS = set(LearnedSection.model_fields) - {
    "name", "type", "origin", "sampled", "prior_row", *_OF_FILE, *_ALSO_OF_FILE,
}  # fmt: skip
"""Keys that mean nothing for a teacher that is not trained."""


def settle_stored(teachers: Sequence[Any]) -> None:
    """Name the file of each teacher with `from`, and fill in what it says of itself.

    A section in which nothing is open stays as it is: the file of an old run may be gone.

    Args:
        teachers: their sections as plain values, which are changed.

    Raises:
        ValueError: if there is no such file, or what it holds can't be used.
    """
    for teacher in teachers:
        if isinstance(teacher, dict) and isinstance(teacher.get("from"), str) and teacher["from"]:
            if teacher.setdefault("type", "learned") == "learned":
                _settle(teacher)


def _settle(teacher: dict[str, Any]) -> None:
    # An override can't take away what a config says, but set it to null.
    empty = {key for key in _OF_FILE if teacher.get(key, "") is None}
    for key in (TRAINING_KEYS | empty) & teacher.keys():
        del teacher[key]
    place = Path(teacher["from"])
    settled = place.is_absolute() and not place.is_dir() and all(key in teacher for key in _OF_FILE)
    # Configs of earlier versions do not have the later keys, nor has what is gone.
    if settled and (all(key in teacher for key in LOOKS) or not place.exists()):
        return
    try:
        if not (place.exists() or place.with_name(f"{place.name}.zip").exists()):
            raise ValueError(
                f"there is no {teacher['from']}, in the folder of the config or in {Path.cwd()}; "
                "give from: a run directory, or a file that `save` wrote"
            )
        if place.is_dir():
            take_for_strange(place)
        stored = stored_teacher(place)
        values = _values_of(stored, teacher)
    except ValueError as error:
        raise ValueError(f"teacher {teacher.get('name', '')!r}: {error}") from error
    teacher["from"] = str(stored.path.resolve())
    _see_that_it_leans_so(stored, teacher)
    teacher |= {"prior": stored.prior, "lean_on": list(stored.lean_on)}
    for key, value in values.items():
        teacher.setdefault(key, value)
    for key in LOOKS:
        if teacher.get(key) is None:
            teacher[key] = stored.looking.get(key)


def _see_that_it_leans_so(stored: StoredTeacher, teacher: Mapping[str, Any]) -> None:
    said = teacher.get("prior") or stored.prior
    if said != stored.prior:
        own = f"begins at {stored.prior}" if stored.prior else "has no prior"
        raise ValueError(
            f"teacher {teacher.get('name', '')!r} has prior {said}, but the one in {stored.path} "
            f"{own}; leave out prior"
        )


def _values_of(stored: StoredTeacher, teacher: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says for `_OF_FILE`."""
    if stored.is_rule:
        raise ValueError(f"{stored.path} holds a rule, which a config names with rule:")
    values: dict[str, Any] = {"action": stored.action, "deterministic": stored.deterministic}
    if stored.columns:
        values["observe"] = list(stored.columns)
    elif "observe" not in teacher:
        raise ValueError(
            f"{stored.path} does not say which columns it was trained on: give observe"
        )
    if stored.algorithm:
        values["algorithm"] = stored.algorithm
    return values
