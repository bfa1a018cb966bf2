"""The loop cohort: one's own training loop behind the contract of a cohort."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cohort_kit import BUILDS, PARITY
from torch import nn

from lessonplan.student import (
    Adam,
    Cohort,
    LoopCohort,
    NotShownError,
    StackedCohort,
    Step,
    check_cohort,
    parity,
)


class MyStudent:
    """One's own loop, with dropout and a batch norm, which can't be stacked."""

    def reset(self, seed):
        layers = nn.Linear(11, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2)
        self.model = nn.Sequential(*layers)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)

    def train(self, batch):
        loss = F.cross_entropy(self.model.train()(batch.inputs), batch.targets[:, 0])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, batch):
        logits = self.model.eval()(batch.inputs)
        right = (logits.argmax(1) == batch.targets[:, 0]).float().mean().item()
        return max(0.0, 2 * right - 1), F.cross_entropy(logits, batch.targets[:, 0]).item()

    def state_dict(self):
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state):
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


class Diary(MyStudent):
    """Keeps what it is asked, and answers what it is told to."""

    answer = (0.5, 1.0)

    def reset(self, seed):
        self.asked, self.draws = [], [torch.rand(1).item(), np.random.rand(), random.random()]

    def train(self, batch):
        self.asked.append(batch)
        self.draws.append(torch.rand(1).item())
        return 1.0, 3.0

    def evaluate(self, batch):
        return self.answer

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def loop(student=MyStudent, n=3, **options):
    return LoopCohort(PARITY, student, n, **({"batch_size": 8, "evaluation_size": 10} | options))


@pytest.mark.slow
def test_ones_own_loop_keeps_the_whole_contract_of_a_cohort():
    assert isinstance(loop(), Cohort)
    check_cohort(lambda n: loop(n=n))


def test_ones_own_loop_learns_what_it_is_taught():
    cohort = loop(n=2, batch_size=32)
    brought = cohort.train(np.eye(3)[[0, 0]], 80)
    score = cohort.evaluate("test").score
    assert score[:, 0].min() > 0.9
    assert score[:, 1:].max() < 0.6
    assert (brought.loss_after < brought.loss_before - 0.3).all()


class Plain(MyStudent):
    """What the stacked cohort does, as a loop."""

    def reset(self, seed):
        torch.manual_seed(seed)
        self.model = BUILDS["mlp"][1]()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01, weight_decay=0.0)

    def train(self, batch):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(batch.inputs)[:, 0], batch.targets[:, 0])
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item(), norm.item()

    @torch.no_grad()
    def evaluate(self, batch):
        logits = self.model(batch.inputs)[:, 0]
        right = (logits.argmax(1) == batch.targets[:, 0]).double().mean().item()
        return max(0.0, 2 * right - 1), F.cross_entropy(logits, batch.targets[:, 0]).item()


def test_a_loop_over_plain_students_gets_the_figures_of_the_stacked_cohort():
    sizes = {"batch_size": 8, "evaluation_size": 10}
    looped = loop(Plain)
    stacked = StackedCohort(PARITY, BUILDS["mlp"][1], 3, optimizer=Adam(0.01), **sizes)
    for mixture in (np.eye(3)[[1, 1, 0]], np.tile([0.2, 0.5, 0.3], (3, 1))):
        mine, theirs = (cohort.train(mixture, 4, fresh=True) for cohort in (looped, stacked))
        for name, values in theirs.figures.items():
            np.testing.assert_allclose(getattr(mine, name), values, rtol=2e-4, atol=1e-6)
    for split in ("probe", "stress"):
        mine, theirs = looped.evaluate(split), stacked.evaluate(split)
        np.testing.assert_allclose(mine.score, theirs.score, atol=1e-6)
        np.testing.assert_allclose(mine.loss, theirs.loss, rtol=2e-4)


def test_global_streams_are_a_members_own_for_each_call_and_nobody_outside_notices():
    torch.manual_seed(1)
    np.random.seed(2)
    random.seed(3)
    wanted = torch.rand(1).item(), np.random.rand(), random.random()
    torch.manual_seed(1)
    np.random.seed(2)
    random.seed(3)
    cohort = loop(Diary)
    cohort.train(np.eye(3), 2)
    assert (torch.rand(1).item(), np.random.rand(), random.random()) == wanted
    solo = loop(Diary, n=1)
    solo.reset(np.array([0]), np.array([2]))
    solo.train(np.eye(3)[[2]], 2)
    assert solo.students[0].draws == cohort.students[2].draws
    draws = [draw for student in cohort.students for draw in student.draws]
    assert len(set(draws)) == len(draws) == 15


def test_a_batch_names_each_examples_task_and_place_and_holds_the_example():
    cohort = loop(Diary, n=1)
    cohort.train(np.array([[0.5, 0.5, 0.0]]), 3)
    batches = cohort.students[0].asked
    assert [len(batch) for batch in batches] == [8, 8, 8]
    assert set(np.concatenate([batch.tasks for batch in batches])) == {0, 1}
    for batch in batches:
        assert batch.split == "train"
        for i, (task, index) in enumerate(zip(batch.tasks, batch.index, strict=True)):
            examples = PARITY.tasks[task].splits["train"]
            assert torch.equal(batch.inputs[i], examples.inputs[index])
            assert torch.equal(batch.targets[i], examples.targets[index])


def test_reported_are_the_losses_of_the_first_and_last_batch_where_none_is_measured_again():
    class Counting(Diary):
        def train(self, batch):
            super().train(batch)
            return 10.0 - len(self.asked), float(len(self.asked))

    brought = loop(Counting, n=2, remeasure=False).train(np.eye(3)[[0, 1]], 4)
    assert brought.loss_before.tolist() == [9.0, 9.0]
    assert brought.loss_after.tolist() == [6.0, 6.0]
    assert brought.gradient_norm.tolist() == [2.5, 2.5]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            (float("nan"), 1.0),
            r"member 2 \(student seed 7\) returned the score nan for task 'parity-1",
        ),
        ((2.0, 1.0), r"the score 2.0 for task 'parity-1' on 'test'; it must be in \[0, 1\]"),
        ((-0.1, 1.0), "the score -0.1"),
        ((0.5, -1.0), r"the loss -1.0 for .* it must be at least 0"),
        ((0.5, 1.0, 1.5), "the calibration error 1.5"),
        (0.5, r"evaluate of member 2 must return 2 or 3 plain numbers, got 0.5"),
        (("good", 1.0), r"must return 2 or 3 plain numbers, got \('good', 1.0\)"),
        (None, "must return 2 or 3 plain numbers, got None"),
    ],
)
def test_a_figure_that_is_none_is_one_clear_sentence(answer, message):
    cohort = loop(Diary)
    cohort.reset(np.array([2]), np.array([7]))
    cohort.students[2].answer = answer
    with pytest.raises(ValueError, match=message):
        cohort.evaluate("test")


def test_a_training_loss_that_is_no_number_is_one_clear_sentence():
    class Forgetful(Diary):
        def train(self, batch):
            return None

    with pytest.raises(ValueError, match="train of member 0 must return 1 or 2 plain numbers"):
        loop(Forgetful).train(np.eye(3), 1)


def test_a_member_with_a_loss_that_is_not_finite_is_flagged_and_asked_no_more_to_train():
    class Exploding(Diary):
        def train(self, batch):
            super().train(batch)
            return float("inf") if batch.tasks[0] == 2 and len(self.asked) == 2 else 1.0

        def evaluate(self, batch):
            return (float("nan"), float("nan")) if len(self.asked) == 2 else (0.5, 1.0)

    cohort = loop(Exploding)
    brought = cohort.train(np.eye(3), 5)
    assert cohort.diverged.tolist() == [False, False, True]
    assert [len(student.asked) for student in cohort.students] == [5, 5, 2]
    assert brought.loss_after.tolist() == [1.0, 1.0, 100.0]
    found = cohort.evaluate("test")
    assert found.score[:, 0].tolist() == [0.5, 0.5, 0.0]
    assert found.loss[:, 0].tolist() == [1.0, 1.0, 100.0]
    again = cohort.train(np.eye(3), 1)
    assert [len(student.asked) for student in cohort.students] == [6, 6, 2]
    assert again.loss_before.tolist() == [1.0, 1.0, 100.0]
    cohort.reset(np.array([2]), np.array([4]))
    assert not cohort.diverged.any()


def test_students_poisoned_by_their_last_step_are_flagged_in_the_same_lesson():
    class Poisoned(Diary):
        def evaluate(self, batch):
            return 0.5, float("nan") if self.asked else 1.0

    cohort = loop(Poisoned, n=1)
    cohort.train(np.eye(3)[[0]], 1)
    assert cohort.diverged.tolist() == [True]


def test_a_cohort_that_cannot_be_is_refused():
    one = MyStudent()
    with pytest.raises(ValueError, match="one student twice; it must make a new one"):
        loop(lambda: one)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        loop(batch_size=0)
    with pytest.raises(ValueError, match=r"\(3, 3\), this cohort's is \(2, 3\)"):
        loop(n=2).load_state_dict(loop().state_dict())
    with pytest.raises(ValueError, match=r"split must be one of train, probe, test, stress"):
        LoopCohort(parity(2, 8), MyStudent, 1).evaluate("dev")


class Telling(MyStudent):
    """Says what its examples showed."""

    def train(self, batch):
        self.model.eval()
        with torch.no_grad():
            logits = self.model(batch.inputs)
        losses = F.cross_entropy(logits, batch.targets[:, 0], reduction="none")
        right = logits.argmax(1) == batch.targets[:, 0]
        return Step(super().train(batch), right.numpy(), losses.numpy(), norm=2.0)


def test_a_student_may_say_what_its_examples_showed():
    check_cohort(lambda n: loop(Telling, n=n))
    cohort, plain = loop(Telling), loop()
    mixture = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    found, other = (students.train(mixture, 6, by_task=students is cohort)
                    for students in (cohort, plain))  # fmt: skip
    assert (found.loss_after == other.loss_after).all()
    assert (found.gradient_norm == 2.0).all()
    assert (found.by_task.count.sum(axis=1) == 6 * cohort.batch_size).all()
    assert (found.by_task.count[mixture == 0] == 0).all()
    mean = found.by_task.loss.sum(axis=1) / (6 * cohort.batch_size)
    assert (mean > 0.2).all()
    assert (mean < 2.0).all()


def test_a_student_that_returns_a_loss_only_cannot_say_what_examples_showed():
    with pytest.raises(NotShownError, match=r"train of member 0 returned .*; return a lessonplan"):
        loop().train(np.eye(3), 1, by_task=True)


@pytest.mark.parametrize(
    "step",
    [
        Step(0.5, np.ones(3), np.ones(8)),
        Step(0.5, np.full(8, 1.5), np.ones(8)),
        Step(0.5, np.ones(2), np.ones(2), tasks=np.array([0, 3])),
    ],
    ids=["shapes", "right", "tasks"],
)
def test_a_step_that_makes_no_sense_is_refused(step):
    class Odd(MyStudent):
        def train(self, batch):
            return step

    with pytest.raises(ValueError, match="the Step of member 0 must hold tasks in"):
        loop(Odd).train(np.eye(3), 1, by_task=True)
