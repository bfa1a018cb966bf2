"""The schedule of a run that is still written: decisions as they come.

Legend: r rows of one decision, k tasks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .schedule import EQUAL, parts_of


@dataclass(frozen=True)
class DecisionRows:
    """One decision of the students whose lifetime went on; arrays are (r,) or (r, k) float64."""

    decision: int
    student_seed: np.ndarray
    student_steps: np.ndarray
    compute: np.ndarray
    probe_compute: np.ndarray
    equal_compute: np.ndarray
    tokens: np.ndarray
    reward: np.ndarray
    chosen: np.ndarray
    """1 for the task that was drawn, (r, k), as are the next three."""
    probabilities: np.ndarray
    probe_score: np.ndarray
    test_score: np.ndarray
    """NaN for a student that was not tested after this decision."""


_PER_DECISION = (
    "student_seed", "student_steps", "compute", "probe_compute", EQUAL, "tokens", "reward",
)  # fmt: skip
_PER_DECISION_AND_TASK = ("probabilities", "probe_score", "test_score")
_COLUMNS = (*_PER_DECISION, *_PER_DECISION_AND_TASK, "decision", "task")


@dataclass
class GrowingSchedule:
    """Reads the parts of one teacher as they come.

    Args:
        folder: of the parts.
        teacher: its name.
        teacher_seed: its seed.
        tasks: names in canonical order, k of them.
    """

    folder: Path
    teacher: str
    teacher_seed: int
    tasks: tuple[str, ...]
    decision: int = 0
    """The last decision that was read."""
    _marks: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def news(self) -> Iterator[DecisionRows]:
        """Decisions that were recorded since the last call, in order.

        A part that was dropped by a resume and written anew is read again; its decisions are the
        same, and those that were read before come no second time.
        """
        for part in parts_of(self.folder, self.teacher, self.teacher_seed):
            try:
                stat = part.stat()
                mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                if self._marks.get(part.name) == mark:
                    continue
                there = set(pq.read_schema(part).names)
                columns = [name for name in _COLUMNS if name in there or name != EQUAL]
                table = pq.read_table(part, columns=columns, partitioning=None)
                if EQUAL not in there:
                    table = table.append_column(EQUAL, table["compute"])
            except FileNotFoundError:
                # Dropped this moment, by a unit that goes on from its checkpoint.
                return
            self._marks[part.name] = mark
            yield from self._decisions(table)

    def _decisions(self, table: pa.Table) -> Iterator[DecisionRows]:
        k = len(self.tasks)
        columns: dict[str, np.ndarray] = {name: table[name].to_numpy() for name in _PER_DECISION}
        for name in _PER_DECISION_AND_TASK:
            measured = table[name].is_valid().to_numpy()
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns[name] = np.full((len(table), k), np.nan)
            columns[name][measured] = flat.reshape(-1, k)
        coded = table["task"].combine_chunks().dictionary_encode()
        index = {name: i for i, name in enumerate(self.tasks)}
        places = np.array([index[name] for name in coded.dictionary.to_pylist()], dtype=np.int64)
        columns["chosen"] = np.zeros((len(table), k))
        columns["chosen"][np.arange(len(table)), places[coded.indices.to_numpy()]] = 1.0
        decision = table["decision"].to_numpy()
        order = np.argsort(decision, kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        numbers, starts = np.unique(decision[order], return_index=True)
        for number, start, end in zip(numbers, starts, [*starts[1:], len(order)], strict=True):
            if number > self.decision:
                self.decision = int(number)
                rows = {name: values[start:end] for name, values in columns.items()}
                yield DecisionRows(self.decision, **rows)
