"""Learned teachers that a run takes from files: checked, copied into its directory, described."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lessonplan.envs import CurriculumVecEnv
from lessonplan.student import Cohort, TaskSuite
from lessonplan.teacher import StoredTeacher, load_teacher, stored_teacher

from ..common.files import write_whole
from ..common.sentences import say
from ..common.trust import is_trusted
from ..config.config import Course, LearnedSection
from ..config.loading import read_config
from ..config.sections.course import looks_of
from ..store.layout import RunDir
from .build import build_room

_LATER = ("probe_every", "probe_size", "probe_uncertainty", "half_life", "check_every")
"""Keys of a lifetime that earlier versions did not have: their defaults tell no courses apart."""


def take_teacher(section: LearnedSection, files: RunDir, seed: int) -> None:
    """Copy the file that a teacher comes from into the run directory, unless it is there.

    Raises:
        ValueError: if it is gone.
    """
    target, source = files.teacher_zip(section.name, seed), Path(section.origin)
    if target.exists():
        return
    if not source.exists():
        raise ValueError(f"teacher {section.name!r}: {source}, from which it comes, is gone")
    stored = stored_teacher(source)
    write_whole(target, stored.copy)


def taken_teacher(section: LearnedSection, files: RunDir, seed: int) -> StoredTeacher | None:
    """What the file of a teacher says: the run's own, else where it comes from; None if gone."""
    places = (files.teacher_zip(section.name, seed), Path(section.origin))
    return next((stored_teacher(place) for place in places if place.exists()), None)


def check_taken(section: LearnedSection, course: Course, suite: TaskSuite, cohort: Cohort) -> None:
    """See that a teacher can be used as its section says.

    What is gone is not looked at: a run that is gone on with has a copy.

    Raises:
        ValueError: if the section says other columns or another action than the file.
    """
    path = Path(section.origin)
    if not path.exists():
        return
    stored = stored_teacher(path)
    if stored.action != section.action:
        raise ValueError(
            f"teacher {section.name!r} has action {section.action}, but the one in {path} was "
            f"trained to choose a {stored.action}; leave out action, or set it to null"
        )
    if stored.columns and list(stored.columns) != section.observe:
        raise ValueError(
            f"teacher {section.name!r} has an observe that is not that of {path}: "
            f"{_difference(stored.columns, section.observe)}; leave it out, or set it to null"
        )
    room = build_room(
        course, suite, 1, section.observe, action=section.action, cohort=cohort, looking=section
    )
    try:
        load_teacher(path, CurriculumVecEnv(room), trust=is_trusted())
    except ValueError as error:
        raise ValueError(f"teacher {section.name!r}, from {path}: {error}") from error
    if words := _looks_otherwise(section, stored, course):
        say(f"teacher {section.name!r}, from {path}, {words}")


def _looks_otherwise(section: LearnedSection, stored: StoredTeacher, course: Course) -> str:
    """How a teacher looks at students as it was not trained to; empty where it does not."""
    now = looks_of(course.lifetime, section)
    other = {key: (x, now[key]) for key, x in stored.looking.items() if now.get(key, x) != x}
    if now["feedback"] != "training":
        other.pop("half_life", None)
    were = " and ".join(f"{key} {before}" for key, (before, _) in other.items())
    are = " and ".join(f"{key} {here}" for key, (_, here) in other.items())
    return f"was trained with {were} and is used with {are}" if other else ""


def was_trained_on(stored: StoredTeacher, course: Course, path: Path) -> bool:
    """Whether a teacher is known to have been trained on this course.

    Args:
        stored: what its file says.
        course: that it is to teach on.
        path: where it comes from: earlier versions left the course in the config of its run alone.
    """
    digests = stored.card.get("courses")
    if digests is None and not stored.card.get("other_course"):
        run = RunDir(path.parent.parent)
        try:
            digests = (
                [course_digest(read_config(run.config, begun=True))] if run.config.exists() else []
            )
        except ValueError:
            digests = []
    return digests == [course_digest(course)]


def course_digest(course: Course) -> str:
    """What tells suite, students and lifetimes of a course from others, in 16 hex digits."""
    student: dict[str, Any] = course.student.model_dump(mode="json", exclude={"device"})
    # What is tested is seen by nobody who is trained.
    lifetime = course.lifetime.model_dump(mode="json", exclude={"test_every"})
    later = {key: type(course.lifetime).model_fields[key].default for key in _LATER}
    values = [
        course.suite.model_dump(mode="json"),
        student,
        {key: value for key, value in lifetime.items() if key not in later or value != later[key]},
    ]
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _difference(own: Sequence[str], wanted: Sequence[str]) -> str:
    """In what the columns that are wanted differ from a teacher's own."""
    lacks = ", ".join(column for column in own if column not in wanted)
    more = ", ".join(column for column in wanted if column not in own)
    parts = [f"it lacks {lacks}"] * bool(lacks) + [f"it has {more} more"] * bool(more)
    return " and ".join(parts) or "the order is another"
