"""What a tracker logs of a pair after each decision, computed from the Parquet parts alone.

What the teacher does (schedule, progress, reward) is a mean over the students whose lifetime goes
on; what the students have (scores, forgetting, cost, epochs) is a mean over all of them, where a
lifetime that has ended keeps its last values. Means over tasks go by importance. Progress is the
change of the probe score: what a teacher saw of it stands in columns that differ from teacher to
teacher, and in the shuffled order that it was shown.

Legend: m students, k tasks, r students whose lifetime goes on.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .collapse import Collapse
from .config import Config
from .evaluate import teacher_named
from .measures import TOLERANCE
from .recorder import parts_of

PER_TASK = (
    "schedule", "chosen", "progress", "probe_score", "test_score", "forgetting", "epochs",
)  # fmt: skip
"""Kinds of values that are logged as KIND/TASK, and nothing else is."""
_SCALARS = ("student_seed", "student_steps", "compute", "probe_compute", "tokens", "reward")
_LISTS = ("probabilities", "probe_score", "test_score")


@dataclass(frozen=True)
class Facts:
    """What a pair's rows are read with.

    Attributes:
        tasks: names in canonical order, k of them.
        weights: importance of each task, (k,), of sum 1.
        threshold: score that masters each task, (k,).
        sizes: training examples of each task, (k,); NaN where there is no end of them.
        pool: share of each task in the training data, (k,).
        streak: evaluations in a row that make mastery.
        decisions: in the whole budget.
        batch_size: training examples per student step.
        rehearsal: share of a batch that is drawn from all tasks by size.
        mixes: whether a batch holds several tasks, by the teacher's probabilities.
    """

    tasks: tuple[str, ...]
    weights: np.ndarray
    threshold: np.ndarray
    sizes: np.ndarray
    pool: np.ndarray
    streak: int
    decisions: int
    batch_size: int
    rehearsal: float
    mixes: bool


def read_facts(config: Config, run_dir: Path, teacher: str) -> Facts:
    """The facts of one teacher of a run that was begun."""
    environment = json.loads((run_dir / "environment.json").read_text(encoding="utf-8"))
    card_file = run_dir / "teachers" / f"{teacher}.json"
    card = json.loads(card_file.read_text(encoding="utf-8")) if card_file.exists() else {}
    tasks = environment["suite"]["tasks"]
    weights = np.array([task["importance"] for task in tasks], dtype=np.float64)
    examples = np.array([task["training_examples"] for task in tasks], dtype=np.float64)
    endless = np.array([task.get("endless", False) for task in tasks])
    action = getattr(teacher_named(config, teacher), "action", "task")
    return Facts(
        tasks=tuple(task["name"] for task in tasks),
        weights=weights / weights.sum(),
        threshold=np.array([task["threshold"] for task in tasks], dtype=np.float64),
        sizes=np.where(endless, np.nan, examples),
        pool=examples / examples.sum(),
        streak=int(environment["mastery_streak"]),
        decisions=int(environment["budget"]["decisions"]),
        batch_size=config.student.batch_size,
        rehearsal=config.lifetime.rehearsal,
        mixes=action == "mixture" or bool(card.get("mixes")),
    )


@dataclass
class _Students:
    """What the students of a pair have so far; arrays are (m,) or (m, k)."""

    seeds: np.ndarray
    values: dict[str, np.ndarray]
    best: np.ndarray
    seen: np.ndarray
    """Training examples of each task."""
    streak: np.ndarray
    mastered: np.ndarray

    @classmethod
    def of(cls, seeds: np.ndarray, k: int) -> "_Students":
        m = len(seeds)
        values = {name: np.zeros(m) for name in _SCALARS[1:]}
        values |= {name: np.zeros((m, k)) for name in _LISTS}
        return cls(
            np.sort(seeds), values, np.zeros((m, k)), np.zeros((m, k)), np.zeros(m),
            np.zeros(m, dtype=bool),
        )  # fmt: skip


@dataclass
class PairRows:
    """Reads a pair's parts as they come and makes one row of numbers per decision.

    Args:
        folder: of the parts.
        teacher: its name.
        seed: of the teacher.
        facts: from `read_facts`.
        collapse: watches the schedule.
    """

    folder: Path
    teacher: str
    seed: int
    facts: Facts
    collapse: Collapse
    decision: int = 0
    """The last decision that was read."""
    history: list[dict[str, np.ndarray]] = field(default_factory=list)
    """Of each decision the values per task, (k,) each, and the mean `student_steps`, (1,)."""
    _students: _Students | None = None
    _read: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def news(self) -> list[dict[str, float]]:
        """Rows of the decisions that were recorded since the last call, in order.

        A part that was dropped by a resume and written anew is read again; its decisions are the
        same, and those that were read before give no second row.
        """
        rows: list[dict[str, float]] = []
        for part in parts_of(self.folder, self.teacher, self.seed):
            try:
                stat = part.stat()
                mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                if self._read.get(part.name) == mark:
                    continue
                columns = [*_SCALARS, *_LISTS, "decision", "task"]
                table = pq.read_table(part, columns=columns, partitioning=None)
            except FileNotFoundError:
                # Dropped this moment, by a unit that goes on from its checkpoint.
                return rows
            self._read[part.name] = mark
            rows += self._rows(table)
        return rows

    def _rows(self, table: pa.Table) -> list[dict[str, float]]:
        k = len(self.facts.tasks)
        columns: dict[str, np.ndarray] = {name: table[name].to_numpy() for name in _SCALARS}
        for name in _LISTS:
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns[name] = flat.reshape(-1, k).astype(np.float64)
        coded = table["task"].combine_chunks().dictionary_encode()
        places = [self.facts.tasks.index(name) for name in coded.dictionary.to_pylist()]
        columns["chosen"] = np.eye(k)[np.array(places, dtype=np.int64)[coded.indices.to_numpy()]]
        decision = table["decision"].to_numpy()
        order = np.argsort(decision, kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        made, starts = np.unique(decision[order], return_index=True)
        rows = []
        for number, start, end in zip(made, starts, [*starts[1:], len(order)], strict=True):
            if number > self.decision:
                self.decision = int(number)
                rows.append(self._row({name: v[start:end] for name, v in columns.items()}))
        return rows

    def _row(self, now: dict[str, np.ndarray]) -> dict[str, float]:
        """One decision of the r students whose lifetime went on; arrays are (r,) or (r, k)."""
        facts = self.facts
        if self._students is None:
            self._students = _Students.of(now["student_seed"], len(facts.tasks))
        students, first = self._students, self.decision == 1
        at = np.searchsorted(students.seeds, now["student_seed"])
        before = {name: students.values[name][at] for name in ("student_steps", "probe_score")}
        for name, values in students.values.items():
            values[at] = now[name]
        shares = now["probabilities"] if facts.mixes else now["chosen"]
        shares = (1.0 - facts.rehearsal) * shares + facts.rehearsal * facts.pool
        steps = now["student_steps"] - before["student_steps"]
        students.seen[at] += facts.batch_size * steps[:, None] * shares
        students.best[at] = np.maximum(students.best[at], now["test_score"])
        above = now["test_score"] >= facts.threshold - TOLERANCE
        students.streak[at] = np.where(above.all(axis=1), students.streak[at] + 1, 0)
        students.mastered |= students.streak >= facts.streak
        per_task = {
            "schedule": now["probabilities"].mean(axis=0),
            "chosen": shares.mean(axis=0) if facts.mixes else now["chosen"].mean(axis=0),
            "progress": (now["probe_score"] - before["probe_score"]).mean(axis=0),
            "probe_score": students.values["probe_score"].mean(axis=0),
            "test_score": students.values["test_score"].mean(axis=0),
            "forgetting": (students.best - students.values["test_score"]).mean(axis=0),
            "epochs": students.seen.mean(axis=0) / facts.sizes,
        }
        if first:
            # The scores before the first decision are not recorded.
            per_task["progress"] = np.full(len(facts.tasks), np.nan)
        self.history.append(per_task | {"student_steps": now["student_steps"].mean(keepdims=True)})
        share = self.collapse.watch(self.decision, per_task["schedule"], above)
        return _plain(self.decision, facts, per_task, share, students, now)


def _plain(
    decision: int, facts: Facts, per_task: dict[str, np.ndarray], share: float,
    students: _Students, now: dict[str, np.ndarray],
) -> dict[str, float]:  # fmt: skip
    """Names and finite numbers."""
    values = students.values
    row: dict[str, Any] = {
        "decision": decision,
        "student_steps": now["student_steps"].mean(),
        "compute": now["compute"].mean(),
        "reward": now["reward"].mean(),
        "entropy": entropy(per_task["schedule"]),
        "window_share": share,
        "cost/compute": values["compute"].mean(),
        "cost/probe_compute": values["probe_compute"].mean(),
        "cost/tokens": values["tokens"].mean(),
        "students/mastered": students.mastered.mean(),
        "students/running": len(now["reward"]),
    }
    for kind in ("progress", "probe_score", "test_score", "forgetting"):
        row[f"mean/{kind}"] = per_task[kind] @ facts.weights
    for kind in PER_TASK:
        for task, value in zip(facts.tasks, per_task[kind], strict=True):
            row[f"{kind}/{task}"] = value
    plain = {name: np.asarray(value).item() for name, value in row.items()}
    return {name: value for name, value in plain.items() if np.isfinite(value)}


def entropy(schedule: np.ndarray) -> float:
    """Entropy of a schedule (k,) as a share of that of an even one, in [0, 1]; 0 for one task.

    >>> entropy(np.array([0.5, 0.5])), entropy(np.array([1.0, 0.0]))
    (1.0, 0.0)
    """
    positive = schedule[schedule > 0]
    nats = -float((positive * np.log(positive)).sum())
    return max(0.0, nats) / float(np.log(len(schedule))) if len(schedule) > 1 else 0.0
