"""A cohort that learns nothing: its scores follow a script. And suites without data to speak of.

Legend: n students, k tasks, d decisions, r rows named in a call.
"""

import numpy as np
import torch

from lessonplan.envs import Budget, Classroom
from lessonplan.student import Evaluation, Examples, Outcomes, Task, TaskSuite, Training

SPLIT_SIZES = {"train": 8, "probe": 6, "test": 6, "stress": 6}


def fake_suite(k=3, sizes=None, probes=None, **fields):
    """k tasks `a`, `b`, ...; `fields` are lists with one value per task."""
    sizes, probes = sizes or [8] * k, probes or [6] * k
    tasks = []
    for i in range(k):
        count = SPLIT_SIZES | {"train": sizes[i], "probe": probes[i]}
        splits = {
            split: Examples(torch.zeros(m, 2), torch.zeros(m, 1, dtype=torch.int64))
            for split, m in count.items()
        }
        tasks.append(
            Task(chr(97 + i), splits, **{name: values[i] for name, values in fields.items()})
        )
    return TaskSuite("fake", tuple(tasks), n_outputs=2)


def table(values):
    """A script that reads scores (d, k), or (n, d, k) by row, at each row's decision."""
    values = np.asarray(values, dtype=np.float64)

    def script(rows, seeds, decision, counts):
        at = np.minimum(decision, values.shape[-2] - 1)
        return values[at] if values.ndim == 2 else values[rows, at]

    return script


def practice(rows, seeds, decision, counts):
    """Scores that rise by a tenth and a bit of seed with each visit of a task, at most 1."""
    return np.minimum(counts * (0.1 + seeds[:, None] % 7 / 50), 1.0)


class FakeCohort:
    """n members whose scores are what a script says.

    Args:
        suite: the tasks.
        n: members.
        script: (rows (r,), seeds (r,), decision (r,), visits (r, k)) -> scores (r, k).
        batch_size: as in every cohort.
        evaluation_size: as in every cohort.
        held_out: split -> scores (broadcasts to (n, k)) of splits that are not `probe`; evaluating
            another one raises.
    """

    def __init__(self, suite, n, script=practice, batch_size=4, evaluation_size=6, held_out=None):
        self.suite, self.n, self.script = suite, n, script
        self.batch_size, self.evaluation_size = batch_size, evaluation_size
        self.held_out = held_out or {}
        self.diverged = np.zeros(n, dtype=bool)
        self.seeds, self.decision = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.counts = np.zeros((n, len(suite)), np.int64)
        self.asked = []
        """Every evaluation: split, tasks, rows."""
        self.mixtures = []
        """Every training: mixture (r, k)."""

    def reset(self, rows, seeds):
        self.seeds[rows], self.decision[rows], self.counts[rows] = seeds, 0, 0

    def train(self, mixture, steps, rows=None, fresh=False, by_task=False):
        rows = np.arange(self.n) if rows is None else rows
        outcomes = self._outcomes(mixture, steps, rows) if by_task else None
        self.mixtures.append(mixture)
        self.decision[rows] += 1
        self.counts[rows] += (mixture > 0).astype(np.int64)
        before, after = np.full(len(rows), 2.0), np.full(len(rows), 1.0)
        return Training(before, after, np.zeros(len(rows)), before, after, outcomes)

    def _outcomes(self, mixture, steps, rows):
        """As many examples of each task as its share says, right as its score says."""
        count = steps * self.batch_size * mixture
        score = self.script(rows, self.seeds[rows], self.decision[rows], self.counts[rows])
        score = np.broadcast_to(score, count.shape)
        return Outcomes(count, count * score, count * (2 - 2 * score))

    def evaluate(self, split, tasks=None, rows=None, size=None):
        rows = np.arange(self.n) if rows is None else rows
        self.asked.append((split, tasks, rows) if size is None else (split, tasks, rows, size))
        if split == "probe":
            score = self.script(rows, self.seeds[rows], self.decision[rows], self.counts[rows])
        else:
            score = np.broadcast_to(self.held_out[split], (len(rows), len(self.suite)))
        score = np.asarray(score, dtype=np.float32)
        score = score if tasks is None else np.take_along_axis(score, tasks[:, None], axis=1)
        return Evaluation(score, 2 - 2 * score, 0 * score)

    def state_dict(self):
        return {
            "seeds": self.seeds.copy(), "decision": self.decision.copy(),
            "counts": self.counts.copy(),
        }  # fmt: skip

    def load_state_dict(self, state):
        for name, value in state.items():
            getattr(self, name)[:] = value


def fake_room(script=practice, k=3, n=1, budget="1000-steps", suite=None, cohort=None, **options):
    """A classroom of a fake cohort; `options` are those of `Classroom`."""
    suite = suite or fake_suite(k)
    students = FakeCohort(suite, n, script, **(cohort or {}))
    return Classroom(students, Budget.parse(budget), **({"steps_per_decision": 1} | options))


def begun(room, first_seed=0):
    """The same classroom with a lifetime begun in every row, seeds `first_seed`, + 1, ..."""
    room.reset(np.arange(room.n), first_seed + np.arange(room.n))
    return room
