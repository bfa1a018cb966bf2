"""What a tracker logs of a pair after each decision, computed from the Parquet parts alone.

What the teacher does (schedule, progress, reward) is a mean over the students whose lifetime goes
on; what the students have (scores, forgetting, cost, epochs) is a mean over all of them, where a
lifetime that has ended keeps its last values, and one that was not tested those of its last test.
Means over tasks go by importance. Progress is the change of the probe score: what a teacher saw of
it stands in columns that differ from teacher to teacher, and in the shuffled order that it was
shown.

Legend: m students, k tasks, r students whose lifetime goes on.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.envs import next_streak, passes

from ..common.files import read_object
from ..config.config import Config, GuardedSection, ReplaySection
from ..store.cards import read_card
from ..store.growing_schedule import DecisionRows, GrowingSchedule
from ..store.layout import RunDir
from .collapse import Collapse

PER_TASK = (
    "schedule", "chosen", "progress", "probe_score", "test_score", "forgetting", "epochs",
)  # fmt: skip
"""Kinds of values that are logged as KIND/TASK, and nothing else is."""


@dataclass(frozen=True)
class PairFacts:
    """What a pair's rows are read with.

    Attributes:
        tasks: names in canonical order, k of them.
        order: the true order, k task indices.
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
    order: tuple[int, ...]
    weights: np.ndarray
    threshold: np.ndarray
    sizes: np.ndarray
    pool: np.ndarray
    streak: int
    decisions: int
    batch_size: int
    rehearsal: float
    mixes: bool


def read_facts(config: Config, run_dir: Path, teacher: str) -> PairFacts:
    """The facts of one teacher of a run that was begun."""
    files = RunDir(run_dir)
    environment, card = read_object(files.environment), files.card(teacher)
    tasks = environment["suite"]["tasks"]
    weights = np.array([task["importance"] for task in tasks], dtype=np.float64)
    examples = np.array([task["training_examples"] for task in tasks], dtype=np.float64)
    endless = np.array([task.get("endless", False) for task in tasks])
    section = config.teacher(teacher)
    while isinstance(section, ReplaySection | GuardedSection):
        section = config.teacher(section.of)
    action = section.action
    return PairFacts(
        tasks=tuple(task["name"] for task in tasks),
        order=tuple(environment["suite"].get("order") or range(len(tasks))),
        weights=weights / weights.sum(),
        threshold=np.array([task["threshold"] for task in tasks], dtype=np.float64),
        sizes=np.where(endless, np.nan, examples),
        pool=examples / examples.sum(),
        streak=int(environment["mastery_streak"]),
        decisions=int(environment["budget"]["decisions"]),
        batch_size=config.student.batch_size,
        rehearsal=config.lifetime.rehearsal,
        mixes=action == "mixture" or (card.exists() and read_card(card).mixes),
    )


@dataclass
class _Students:
    """What the m students of a pair have so far; arrays are (m,) or (m, k)."""

    seeds: np.ndarray
    steps: np.ndarray
    compute: np.ndarray
    probing: np.ndarray
    equal: np.ndarray
    tokens: np.ndarray
    streak: np.ndarray
    mastered: np.ndarray
    probe_score: np.ndarray
    test_score: np.ndarray
    best: np.ndarray
    """The best test score of each task so far."""
    examples: np.ndarray
    """Training examples of each task."""

    @classmethod
    def of(cls, seeds: np.ndarray, k: int) -> "_Students":
        """Nothing yet, of k tasks."""
        account, table = np.zeros(len(seeds)), np.zeros((len(seeds), k))
        return cls(
            seeds=np.sort(seeds),
            steps=account.copy(),
            compute=account.copy(),
            probing=account.copy(),
            equal=account.copy(),
            tokens=account.copy(),
            streak=account.copy(),
            mastered=account > 0,
            probe_score=table.copy(),
            test_score=table.copy(),
            best=table.copy(),
            examples=table.copy(),
        )

    def enter(self, now: DecisionRows, facts: PairFacts) -> tuple[np.ndarray, np.ndarray]:
        """Take in a decision.

        Returns:
            Which tasks each of the r students passes by its last test, and what its last training
            was drawn from, (r, k) each.
        """
        at = np.searchsorted(self.seeds, now.student_seed)
        shares = now.probabilities if facts.mixes else now.chosen
        shares = (1.0 - facts.rehearsal) * shares + facts.rehearsal * facts.pool
        self.examples[at] += (
            facts.batch_size * (now.student_steps - self.steps[at])[:, None] * shares
        )
        self.steps[at], self.compute[at] = now.student_steps, now.compute
        self.probing[at], self.tokens[at] = now.probe_compute, now.tokens
        self.equal[at] = now.equal_compute
        tested = ~np.isnan(now.test_score[:, 0])
        score = np.where(tested[:, None], now.test_score, self.test_score[at])
        self.probe_score[at], self.test_score[at] = now.probe_score, score
        self.best[at] = np.maximum(self.best[at], score)
        passing = passes(score, facts.threshold)
        streak = next_streak(self.streak[at], np.asarray(passing.all(axis=1)))
        self.streak[at] = np.where(tested, streak, self.streak[at])
        self.mastered |= self.streak >= facts.streak
        return passing, shares


@dataclass
class PairRows:
    """Makes one row of numbers per decision of a pair, from its parts as they come.

    Args:
        schedule: of the pair.
        facts: from `read_facts`.
        collapse: watches the schedule.
    """

    schedule: GrowingSchedule
    facts: PairFacts
    collapse: Collapse
    history: list[dict[str, np.ndarray]] = field(default_factory=list)
    """Of each decision the values per task, (k,) each, and the mean `student_steps`, (1,)."""
    _students: _Students | None = None

    @property
    def decision(self) -> int:
        """The last decision that was read."""
        return self.schedule.decision

    def news(self) -> list[dict[str, float]]:
        """Rows of the decisions that were recorded since the last call, in order."""
        return [self._row(now) for now in self.schedule.news()]

    def _row(self, now: DecisionRows) -> dict[str, float]:
        """One decision of the r students whose lifetime went on."""
        facts, k = self.facts, len(self.facts.tasks)
        students = self._students = self._students or _Students.of(now.student_seed, k)
        probe_before = students.probe_score[np.searchsorted(students.seeds, now.student_seed)]
        passing, shares = students.enter(now, facts)
        per_task = {
            "schedule": now.probabilities.mean(axis=0),
            "chosen": shares.mean(axis=0) if facts.mixes else now.chosen.mean(axis=0),
            "progress": (now.probe_score - probe_before).mean(axis=0),
            "probe_score": students.probe_score.mean(axis=0),
            "test_score": students.test_score.mean(axis=0),
            "forgetting": (students.best - students.test_score).mean(axis=0),
            "epochs": students.examples.mean(axis=0) / facts.sizes,
        }
        if now.decision == 1:
            # The scores before the first decision are not recorded.
            per_task["progress"] = np.full(k, np.nan)
        self.history.append(per_task | {"student_steps": now.student_steps.mean(keepdims=True)})
        share = self.collapse.watch(now.decision, per_task["schedule"], passing)
        return _plain(facts, per_task, share, students, now)


def _plain(
    facts: PairFacts,
    per_task: dict[str, np.ndarray],
    share: float,
    students: _Students,
    now: DecisionRows,
) -> dict[str, float]:
    """Names and finite numbers."""
    row: dict[str, Any] = {
        "decision": now.decision,
        "student_steps": now.student_steps.mean(),
        "compute": now.compute.mean(),
        "reward": now.reward.mean(),
        "entropy": entropy(per_task["schedule"]),
        "window_share": share,
        "cost/compute": students.compute.mean(),
        "cost/probe_compute": students.probing.mean(),
        "cost/equal_compute": students.equal.mean(),
        "cost/tokens": students.tokens.mean(),
        "students/mastered": students.mastered.mean(),
        "students/running": len(now.reward),
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
