"""The one recorder: a row per decision and student, in Parquet parts that are always whole.

Legend: n students, k tasks, r rows of one decision.
"""

import glob
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lessonplan.envs import Classroom

from .files import write_whole
from .lifetimes import Decision

_LISTS = (
    "probabilities", "observation", "probe_score", "probe_loss", "test_score", "test_loss",
    "test_calibration_error", "stress_score",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("teacher", pa.string()), ("teacher_seed", pa.int64()), ("student_seed", pa.int64()),
        ("decision", pa.int64()), ("student_steps", pa.int64()), ("compute", pa.float64()),
        ("probe_compute", pa.float64()), ("tokens", pa.float64()), ("task", pa.string()),
        ("reward", pa.float64()), ("training_loss_before", pa.float32()),
        ("training_loss_after", pa.float32()), ("terminated", pa.bool_()),
        ("truncated", pa.bool_()), ("diverged", pa.bool_()), ("wall_seconds", pa.float64()),
        *[(name, pa.list_(pa.float32())) for name in _LISTS],
    ]
)  # fmt: skip


def parts_of(folder: Path, teacher: str, teacher_seed: int) -> list[Path]:
    """Parts that a recorder has written for a teacher, in order."""
    return sorted(folder.glob(f"{glob.escape(_stem(teacher, teacher_seed))}-{'[0-9]' * 4}.parquet"))


def _stem(teacher: str, teacher_seed: int) -> str:
    return f"part-{teacher}-{teacher_seed}"


class Recorder:
    """Records the lifetimes of one teacher.

    It evaluates `test` after every decision and `stress` at the end of a lifetime; no teacher and
    no stopping rule ever sees either.

    Args:
        folder: of the parts.
        teacher: its name.
        teacher_seed: its seed.
        n: students.
    """

    def __init__(self, folder: Path, teacher: str, teacher_seed: int, n: int) -> None:
        self.folder, self.teacher, self.teacher_seed = folder, teacher, teacher_seed
        self.parts = 0
        self.seconds = np.zeros(n)
        """What each student took so far, (n,): of every decision an equal share."""
        self._tables: list[pa.Table] = []
        self._last = time.perf_counter()

    def record(self, room: Classroom, decision: Decision) -> None:
        """Enter one decision of every running student."""
        rows, lesson, facts = decision.rows, decision.lesson, room.facts
        names, spending = room.suite.names, room.facts.spending
        over = lesson.terminated | lesson.truncated
        test = room.cohort.evaluate("test", rows=rows)
        self._take_time(rows)
        columns: dict[str, Any] = {
            "teacher": [self.teacher] * len(rows),
            "teacher_seed": np.full(len(rows), self.teacher_seed),
            "student_seed": facts.student_seed[rows],
            "decision": facts.decisions[rows],
            "student_steps": spending.steps[rows].astype(np.int64),
            "compute": spending.compute[rows],
            "probe_compute": spending.probing[rows],
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
            "probe_score": facts.score[rows],
            "probe_loss": facts.loss[rows],
            "test_score": test.score,
            "test_loss": test.loss,
            "test_calibration_error": test.calibration_error,
            "stress_score": self._stress(room, rows, over),
        }
        self._tables.append(
            pa.table([_array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)
        )

    def flush(self) -> None:
        """Write what was recorded since the last part as a new part."""
        if not self._tables:
            return
        table = pa.concat_tables(self._tables).combine_chunks()
        stem = _stem(self.teacher, self.teacher_seed)
        path = self.folder / f"{stem}-{self.parts:04d}.parquet"
        write_whole(path, lambda aside: pq.write_table(table, aside))
        self._tables.clear()
        self.parts += 1

    def state_dict(self) -> dict[str, Any]:
        """What to go on from, once everything is flushed."""
        return {"parts": self.parts, "seconds": self.seconds.copy()}

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go on where a state was taken, None at the start; later parts are dropped."""
        if state is not None:
            self.parts, self.seconds[:] = state["parts"], state["seconds"]
        for path in parts_of(self.folder, self.teacher, self.teacher_seed):
            if int(path.stem[-4:]) >= self.parts:
                path.unlink()
        self._last = time.perf_counter()

    def _take_time(self, rows: np.ndarray) -> None:
        now = time.perf_counter()
        self.seconds[rows] += (now - self._last) / len(rows)
        self._last = now

    @staticmethod
    def _stress(room: Classroom, rows: np.ndarray, over: np.ndarray) -> list[Any]:
        """Scores on `stress` of the students whose lifetime is over, None for the others."""
        scores: list[Any] = [None] * len(rows)
        ended = np.flatnonzero(over)
        if len(ended):
            stress = room.cohort.evaluate("stress", rows=rows[ended]).score
            for place, score in zip(ended, stress, strict=True):
                scores[place] = score
        return scores


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    """Arrow array; (r, w) arrays become lists without a Python loop."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).ravel())
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]).cast(kind)
    return pa.array(values, type=kind)
