"""Who teaches in a tutor: teachers as they are, what makes them, and teachers in files."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from lessonplan.teacher import StoredTeacher, stored_teacher


@runtime_checkable
class Teacher(Protocol):
    """Whatever predicts as an SB3 algorithm does."""

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Actions (1,) or (1, t) for an observation (1, t, f), and what to hand in next time."""


TeacherLike = Teacher | Callable[[Any], Teacher] | StoredTeacher | str | Path
"""A teacher, what makes one from an environment, or where one is stored."""


def settle_teacher(
    teacher: TeacherLike, observe: Sequence[str] | None, action: str | None, trust: bool = False
) -> tuple[Teacher | Callable[[Any], Teacher], Sequence[str], str, float | None]:
    """A teacher with the columns that it is shown and its action, which a stored one says itself.

    Last the half-life of what training examples tell it, of a stored one that went by that.

    Raises:
        ValueError: if there is no such file, or it does not say the columns and `observe` is None.
    """
    if isinstance(teacher, str | Path):
        teacher = stored_teacher(teacher, trust)
    if not isinstance(teacher, StoredTeacher):
        return teacher, ("progress",) if observe is None else observe, action or "task", None
    if teacher.why:
        warnings.warn(f"{teacher.why}; name a file to take another", stacklevel=3)
    if observe is None and not teacher.observe:
        raise ValueError(
            f"{teacher.path} does not say which columns its teacher was trained on: give observe="
        )
    shown = teacher.observe if observe is None else observe
    return teacher.make, shown, action or teacher.action, teacher.half_life


def ready_teacher(spec: Any, env: Any) -> Teacher:
    """The teacher itself, or what makes one made to make it.

    Raises:
        ValueError: for what can't predict, and for a teacher that was made for other columns.
    """
    teacher = spec if isinstance(spec, Teacher) and not isinstance(spec, type) else None
    if teacher is None and callable(spec) and not isinstance(spec, type):
        teacher = spec(env)
    if not isinstance(teacher, Teacher):
        raise ValueError(
            "teacher must be an SB3 algorithm, a function that makes one from an environment, or "
            f"the path of a stored one, got {spec!r}"
        )
    columns = tuple(getattr(teacher, "columns", ()))
    if columns and columns != env.columns:
        raise ValueError(
            f"this teacher was made for the columns {', '.join(columns)}, but the tutor shows "
            f"{', '.join(env.columns)}; give it the same with observe="
        )
    return teacher
