"""The one recorder: what is kept of each decision of each student; `store/schedule.py` writes it.

Legend: n students, k tasks, r rows of one decision.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.envs import Classroom

from ..store.schedule import PartWriter
from .teaching import Decision


class Recorder:
    """Records the lifetimes of one teacher.

    Scores on `probe` are those by which mastery is judged, losses those that the teacher is shown.
    It evaluates `test` after the first decision, every so many and the last, and `stress` after the
    last; no teacher and no stopping rule ever sees either.

    Args:
        folder: of the parts.
        teacher: its name.
        teacher_seed: its seed.
        n: students.
        belongs_to: what the parts belong to.
        test_every: decisions from one evaluation of `test` to the next.
    """

    def __init__(
        self,
        folder: Path,
        teacher: str,
        teacher_seed: int,
        n: int,
        belongs_to: Mapping[str, Any] | None = None,
        test_every: int = 1,
    ) -> None:
        self.test_every = test_every
        self._parts = PartWriter(folder, teacher, teacher_seed, belongs_to or {})
        self.seconds = np.zeros(n)
        """What each student took so far, (n,): of every decision an equal share."""
        self._last = time.perf_counter()

    def record(self, room: Classroom, decision: Decision) -> None:
        """Enter one decision of every running student."""
        rows, lesson, facts = decision.rows, decision.lesson, room.facts
        names, spending = room.suite.names, room.facts.spending
        over = lesson.terminated | lesson.truncated
        made = facts.decisions[rows]
        due = over | (made == 1) | (made % self.test_every == 0)
        tests = _evaluated(room, "test", rows, due, _TESTS)
        self._take_time(rows)
        columns: dict[str, Any] = {
            "student_seed": facts.student_seed[rows],
            "decision": made,
            "student_steps": spending.steps[rows].astype(np.int64),
            "compute": spending.compute[rows],
            "probe_compute": spending.probing[rows],
            "equal_compute": spending.equal_compute[rows],
            "tokens": spending.tokens[rows],
            "task": [names[task] for task in lesson.task],
            "reward": lesson.reward,
            "training_loss_before": lesson.training_loss[:, 0].astype(np.float32),
            "training_loss_after": lesson.training_loss[:, 1].astype(np.float32),
            "terminated": lesson.terminated,
            "truncated": lesson.truncated,
            "diverged": room.cohort.diverged[rows],
            "wall_seconds": [
                seconds if end else None
                for seconds, end in zip(self.seconds[rows], over, strict=True)
            ],
            "probabilities": decision.probabilities,
            "observation": decision.observation.reshape(len(rows), -1),
            "probe_score": facts.judged[rows],
            "probe_loss": facts.loss[rows],
            **tests,
            **_evaluated(room, "stress", rows, over, {"stress_score": "score"}),
        }
        self._parts.add(columns)

    def flush(self) -> None:
        """Write what was recorded since the last part as a new part."""
        self._parts.flush()

    def state_dict(self) -> dict[str, Any]:
        """What to go on from, once everything is flushed."""
        return {"parts": self._parts.count, "seconds": self.seconds.copy()}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go on where a state was taken, None at the start; later parts are dropped.

        Raises:
            ValueError: where an earlier part is of another run.
        """
        if state is not None:
            self.seconds[:] = state["seconds"]
        self._parts.resume(state["parts"] if state else 0)
        self._last = time.perf_counter()

    def _take_time(self, rows: np.ndarray) -> None:
        now = time.perf_counter()
        self.seconds[rows] += (now - self._last) / len(rows)
        self._last = now


_TESTS = {
    "test_score": "score", "test_loss": "loss", "test_calibration_error": "calibration_error",
}  # fmt: skip
"""Columns by their names in an evaluation."""


def _evaluated(
    room: Classroom, split: str, rows: np.ndarray, due: np.ndarray, columns: Mapping[str, str]
) -> dict[str, Any]:
    """Columns of an evaluation of the rows that are due, (r, k), None for the others."""
    if not due.any():
        return {column: [None] * len(rows) for column in columns}
    evaluation = room.cohort.evaluate(split, rows=rows[due])
    measured = {column: getattr(evaluation, name) for column, name in columns.items()}
    if due.all():
        return measured
    found = np.cumsum(due) - 1
    return {
        column: [values[found[i]] if due[i] else None for i in range(len(rows))]
        for column, values in measured.items()
    }
