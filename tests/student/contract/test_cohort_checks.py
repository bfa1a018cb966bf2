"""What `check_cohort` finds: one broken promise at a time, in words."""

import numpy as np
import pytest
import torch
from cohort_kit import PARITY, make

from lessonplan.student import LoopCohort, SimulatedCohort, check_cohort, simulated
from lessonplan.student.contract.cohort_checks import COHORT_CHECKS, check_divergence

SUITE = simulated(n_tasks=3, width=1)


class Simulated(SimulatedCohort):
    """A cohort that keeps its contract and is fast, to be broken."""

    def __init__(self, n):
        super().__init__(SUITE, n, batch_size=20, evaluation_size=30, rate=2e-3)


class NoFlags(Simulated):
    def __init__(self, n):
        super().__init__(n)
        self.diverged = np.zeros(n, dtype=int)


class AnotherSize(Simulated):
    def __init__(self, n):
        super().__init__(n + 1)


class NoState(Simulated):
    state_dict = property()


class TwoLosses(Simulated):
    def train(self, *arguments, **named):
        return np.zeros(3), np.zeros(3)


class NanLoss(Simulated):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        brought.loss_after[0] = np.nan
        return brought


class AnyLesson(Simulated):
    def train(self, mixture, steps, rows=None, fresh=False):
        return super().train(mixture / mixture.sum(axis=1, keepdims=True), steps, rows, fresh)


class HighScore(Simulated):
    def evaluate(self, *arguments, **named):
        found = super().evaluate(*arguments, **named)
        found.score[0, 0] = 2.0
        return found


class WholeAlways(Simulated):
    def evaluate(self, split, tasks=None, rows=None):
        return super().evaluate(split, rows=rows)


class OtherTask(Simulated):
    def evaluate(self, split, tasks=None, rows=None):
        return super().evaluate(split, None if tasks is None else (tasks + 1) % 3, rows)


class LearnsFromTests(Simulated):
    def evaluate(self, *arguments, **named):
        self._level *= 1 - 1e-5
        return super().evaluate(*arguments, **named)


class MovesStreams(Simulated):
    def evaluate(self, *arguments, **named):
        self._practised += 1
        return super().evaluate(*arguments, **named)


class FreshMoves(Simulated):
    def train(self, mixture, steps, rows=None, fresh=False):
        brought = super().train(mixture, steps, rows, fresh)
        self._level *= 0.9 if fresh else 1.0
        return brought


class ShowsAndMoves(Simulated):
    def train(self, mixture, steps, rows=None, fresh=False, by_task=False):
        brought = super().train(mixture, steps, rows, fresh, by_task)
        self._level *= 0.9 if by_task else 1.0
        return brought


class ShowsNothing(Simulated):
    def train(self, mixture, steps, rows=None, fresh=False, by_task=False):
        return super().train(mixture, steps, rows, fresh)


class ShowsTwice(Simulated):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        if brought.by_task is not None:
            brought.by_task.right[:] += 2 * brought.by_task.count
        return brought


class ShowsAll(Simulated):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        if brought.by_task is not None:
            brought.by_task.count[:] += self.n
        return brought


class AnySize(Simulated):
    def evaluate(self, split, tasks=None, rows=None, size=None):
        return super().evaluate(split, tasks, rows, size or None)


class Crowded(Simulated):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        self._level *= 1 - 1e-4 * self.n
        return brought


class AllRows(Simulated):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        self._level *= 0.99
        return brought


class Coupled(Simulated):
    def train(self, mixture, steps, rows=None, fresh=False):
        brought = super().train(mixture, steps, rows, fresh)
        if self.n > 1 and rows is None:
            self._level[1] *= 1 - 0.1 * abs(self._level[0] - self._level[2]).max()
        return brought


class KeepsStreams(Simulated):
    def reset(self, rows, seeds):
        kept = self._practised.copy()
        super().reset(rows, seeds)
        self._practised = kept


class KeepsLevels(Simulated):
    def reset(self, rows, seeds):
        kept = self._level.copy()
        super().reset(rows, seeds)
        self._level = kept


class StateIsNoCopy(Simulated):
    def state_dict(self):
        return self._arrays()


class StateIsAnObject(Simulated):
    def state_dict(self):
        return super().state_dict() | {"helpers": [1, np.random.default_rng(0)]}


class StateLacksStreams(Simulated):
    def load_state_dict(self, state):
        super().load_state_dict(state | {"practised": self._practised})


BROKEN = {
    NoFlags: r"diverged of a new cohort must be \(n,\) = \(1,\) False, is \[0\]",
    AnotherSize: r"make_cohort\(1\) made a cohort of n = 2",
    NoState: "NoState has no state_dict",
    TwoLosses: "train must return a Training, got tuple",
    NanLoss: r"loss_after of a training of 3 members must be \(3,\) finite numbers, is \[ *nan",
    AnyLesson: "train of 3 members must refuse a mixture with rows that sum to 2",
    HighScore: r"score on 'train' must be finite in \[0, 1.0\]",
    WholeAlways: r"must be \(n, k\) = \(3, 3\), and \(2, 1\) for one task of two members",
    OtherTask: "on 'train' of one task alone is .*, among all tasks",
    LearnsFromTests: "two evaluations of the same students differ",
    MovesStreams: "students that were evaluated learn otherwise",
    FreshMoves: "train with fresh=True teaches otherwise than without",
    AnySize: "evaluate must refuse a size of 0",
    ShowsAndMoves: "train with by_task=True teaches otherwise than without",
    ShowsNothing: "train with by_task=True must bring Outcomes, got NoneType",
    ShowsTwice: r"right by task must be in \[0, count\]",
    ShowsAll: "count by task of tasks that were not taught must be 0",
    Crowded: "student 77 learns otherwise as the last of 3 members than alone",
    AllRows: "members that are not among the rows of a training change in it",
    Coupled: "a member learns otherwise when other members are taught or reset",
    KeepsStreams: "a member that was reset learns otherwise than a new one",
    KeepsLevels: "a member that was reset is not what a new one with its seed is",
    StateIsAnObject: r"state_dict\(\)\['helpers'\]\[1\] is a Generator; a state must be made of .* "
    "loaded with weights_only=True",
    StateIsNoCopy: "state_dict must return copies",
    StateLacksStreams: "something that training depends on is missing in state_dict",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_promise_is_found_and_named(broken):
    with pytest.raises(ValueError, match=BROKEN[broken]):
        check_cohort(broken, can_diverge=False)


class Line:
    """One number that moves towards its task's."""

    def reset(self, seed):
        self.at = torch.tensor(seed / 100, dtype=torch.float64)

    def train(self, batch):
        self.at += 0.1 * (batch.tasks[0] - self.at)
        return float((self.at - batch.tasks[0]) ** 2)

    def evaluate(self, batch):
        gap = float((self.at - batch.tasks[0]) ** 2)
        return 1 / (1 + gap), gap

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


class Lines(LoopCohort):
    """A cohort that can diverge and keeps its contract, to be broken."""

    def __init__(self, n):
        super().__init__(PARITY, Line, n, batch_size=1, evaluation_size=1)


class NeverFlags(Lines):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        self.diverged[:] = False
        return brought


class FreezesAll(Lines):
    def train(self, *arguments, **named):
        brought = super().train(*arguments, **named)
        if self.diverged.any():
            for student in self.students[2:]:
                student.at = student.at * 0.9
        return brought


class ShowsNan(Lines):
    def evaluate(self, *arguments, **named):
        found = super().evaluate(*arguments, **named)
        found.loss[self.diverged] = np.nan
        return found


class GoesOn(Lines):
    def train(self, *arguments, **named):
        if self.diverged.any():
            self.students[1].at = torch.tensor(float(self._drawn.sum()))
        return super().train(*arguments, **named)


class StaysFlagged(Lines):
    def reset(self, rows, seeds):
        kept = self.diverged.copy()
        super().reset(rows, seeds)
        self.diverged = kept


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (NeverFlags, r"diverged must be \[False, True, False\], is \[False, False, False\]"),
        (FreezesAll, "other members learn otherwise when one diverges"),
        (ShowsNan, "loss of a cohort with a diverged member is not finite"),
        (GoesOn, "a diverged member must be frozen, but it changes when it is trained"),
        (StaysFlagged, "a diverged member that was reset is still flagged"),
    ],
)
def test_a_diverged_member_that_is_not_treated_as_one_is_found(broken, message):
    with pytest.raises(ValueError, match=message):
        check_divergence(broken)


def test_cohorts_that_keep_their_contract_pass():
    check_cohort(Simulated, can_diverge=False)
    check_cohort(Lines)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "decoder", "any module"])
def test_stacked_cohorts_pass(kind):
    check_cohort(lambda n: make(kind, n=n))


def test_every_check_has_a_broken_cohort_that_it_finds():
    found = set()
    for broken in BROKEN:
        for name, check in COHORT_CHECKS.items():
            try:
                check(broken)
            except (ValueError, TypeError, AttributeError):
                found.add(name)
                break
    assert found == set(COHORT_CHECKS)
