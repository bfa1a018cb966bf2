"""What a cohort does in a lesson and in a test, and which lessons, models and sizes it refuses."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cohort_kit import BUILDS, PARITY, figures, make, member, teach
from torch import nn

from lessonplan.student import Adam, Cohort, Examples, StackedCohort, Task, TaskSuite
from lessonplan.student.cohorts.lockstep import row_cohort as rows


def explosive_suite():
    """Parity with a last task whose inputs are too large to multiply."""
    last = PARITY.tasks[2]
    splits = {
        name: Examples(part.inputs * 3e38, part.targets) if name == "train" else part
        for name, part in last.splits.items()
    }
    tasks = (*PARITY.tasks[:2], Task("explosive", splits, chance=0.5))
    return TaskSuite("explosive", tasks, n_outputs=2)


def test_a_diverged_member_is_frozen_and_flagged_and_the_others_go_on():
    suite, build = explosive_suite(), BUILDS["mlp"][1]
    cohort, calm = (StackedCohort(suite, build, 4, batch_size=8) for _ in range(2))
    mixture = np.eye(3)[[0, 2, 1, 0]]
    found = cohort.train(mixture, 6, fresh=True)
    calm.train(np.eye(3)[[0, 0, 1, 0]], 6)
    assert cohort.diverged.tolist() == [False, True, False, False]
    assert all(np.isfinite(values).all() for values in found.figures.values())
    assert [member(cohort, row) for row in (0, 2, 3)] == [member(calm, row) for row in (0, 2, 3)]
    state = cohort.state_dict()
    assert state["taken"].tolist() == [6.0, 0.0, 6.0, 6.0]
    cohort.train(np.eye(3)[[0, 0, 0, 0]], 3)
    assert torch.equal(cohort.state_dict()["weights"][1], state["weights"][1])
    assert not torch.equal(cohort.state_dict()["weights"][0], state["weights"][0])
    cohort.reset(np.array([1]), np.array([1]))
    assert not cohort.diverged.any()
    cohort.train(np.eye(3)[[0, 0, 0, 0]], 3)
    assert cohort.state_dict()["taken"].tolist() == [12.0, 3.0, 12.0, 12.0]


class Overflowing(nn.Module):
    """Logits so far apart that their loss is infinite, and its gradient is not."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(11, 2)

    def forward(self, inputs):
        return (self.layer(inputs) + torch.tensor([3e38, -3e38]))[:, None]


def test_an_infinite_loss_freezes_even_where_its_gradient_is_finite():
    cohort = StackedCohort(PARITY, Overflowing, 2, batch_size=8)
    before = [member(cohort, row) for row in range(2)]
    found = cohort.train(np.eye(3)[[0, 1]], 1)
    assert cohort.diverged.all()
    assert all(np.isfinite(values).all() for values in found.figures.values())
    state = cohort.state_dict()
    assert state["taken"].tolist() == [0.0, 0.0]
    state["drawn"][:] = 0
    cohort.load_state_dict(state)
    assert [member(cohort, row) for row in range(2)] == before


def test_scores_and_losses_stay_finite_even_with_weights_that_are_not():
    cohort = make()
    state = cohort.state_dict()
    state["weights"][1], state["weights"][2] = torch.nan, torch.inf
    cohort.load_state_dict(state)
    training, found = teach(cohort)[0], cohort.evaluate("probe")
    for values in (*training.figures.values(), *vars(found).values()):
        assert np.isfinite(values).all()
    assert (found.score[1:3] == 0.0).all()


@pytest.fixture
def drawn(monkeypatch):
    """The pool indices of every training call, (n, s) each."""
    calls, draw = [], rows.draw_examples

    def spy(*arguments):
        calls.append(draw(*arguments))
        return calls[-1]

    monkeypatch.setattr(rows, "draw_examples", spy)
    return calls


def test_a_batch_of_a_task_is_the_same_under_every_order_of_teaching(drawn):
    for order in ((0, 1, 2, 1), (1, 1, 0, 2)):
        cohort = make(n=2)
        for task in order:
            cohort.train(np.eye(3)[[task, task]], 4)
    first, second = drawn[:4], drawn[4:]
    for i, j in ((0, 2), (1, 0), (2, 3), (3, 1)):
        assert (first[i] == second[j]).all()
    assert (first[1] != first[3]).any()
    assert (first[0][0] != first[0][1]).any()


def test_the_losses_are_those_of_the_first_batch_before_and_after(drawn):
    cohort = make(n=2)
    torch.manual_seed(1)
    student = BUILDS["mlp"][1]()
    found = cohort.train(np.eye(3)[[0, 2]], 30)
    before, after = found.loss_before, found.loss_after
    pool, batch = PARITY.pool("train"), torch.from_numpy(drawn[0][1, :8])

    def loss():
        return F.cross_entropy(student(pool.inputs[batch])[:, 0], pool.targets[batch][:, 0]).item()

    assert before[1] == pytest.approx(loss(), rel=1e-4)
    student.load_state_dict(cohort.student(1).state_dict())
    assert after[1] == pytest.approx(loss(), rel=1e-4)
    assert abs(before[1] - after[1]) > 0.01


@pytest.mark.parametrize("kind", BUILDS)
def test_asking_for_fresh_losses_changes_nothing_else(kind):
    plain, asking = make(kind), make(kind)
    mixture = np.tile([0.5, 0.3, 0.2], (4, 1))
    for _ in range(3):
        one, other = plain.train(mixture, 3), asking.train(mixture, 3, fresh=True)
        assert (one.fresh_before == one.loss_before).all()
        assert (one.fresh_after == one.loss_after).all()
        assert (other.fresh_before != other.loss_before).all()
        for name in ("loss_before", "loss_after", "gradient_norm"):
            assert (getattr(one, name) == getattr(other, name)).all()
    assert [member(plain, row) for row in range(4)] == [member(asking, row) for row in range(4)]


def test_a_fresh_batch_was_not_trained_on_and_is_what_comes_next(drawn):
    cohort = make(n=2)
    mixture = np.array([[0.4, 0.6, 0.0], [0.0, 0.0, 1.0]])
    first = cohort.train(mixture, 5, fresh=True)
    trained, ahead = drawn
    assert trained.shape == (2, 40)
    assert ahead.shape == (2, 8)
    assert not any(set(one) & set(other) for one, other in zip(trained, ahead, strict=True))
    second = cohort.train(mixture, 5)
    assert (drawn[2][:, :8] == ahead).all()
    np.testing.assert_allclose(first.fresh_after, second.loss_before, rtol=1e-5)
    assert (first.fresh_before != first.fresh_after).all()


@pytest.mark.parametrize("kind", BUILDS)
def test_evaluating_changes_nothing_and_repeats(kind):
    cohort = make(kind)
    teach(cohort)
    before = [member(cohort, row) for row in range(4)]
    first = figures(cohort, slice(None))
    assert figures(cohort, slice(None)) == first
    assert [member(cohort, row) for row in range(4)] == before


def test_evaluating_one_task_of_some_members_gives_those_figures():
    cohort = make(n=5)
    teach(cohort)
    rows, tasks = np.array([4, 1, 2]), np.array([2, 0, 1])
    whole, part = cohort.evaluate("stress"), cohort.evaluate("stress", tasks=tasks, rows=rows)
    assert part.score.shape == (3, 1)
    for name in ("score", "loss", "calibration_error"):
        wanted = getattr(whole, name)[rows, tasks]
        np.testing.assert_allclose(getattr(part, name)[:, 0], wanted, rtol=1e-5)


def test_a_student_learns_what_it_is_taught():
    cohort = make(n=3, batch_size=32, optimizer=Adam(1e-2))
    assert isinstance(cohort, Cohort)
    cohort.train(np.eye(3)[[0, 0, 0]], 60)
    score = cohort.evaluate("test").score
    assert score[:, 0].min() > 0.9
    assert score[:, 1].max() < 0.6


class Broken(nn.Module):
    """A linear student with one more part."""

    def __init__(self, part=None, n_outputs=2):
        super().__init__()
        self.part, self.layer = part, nn.Linear(11, n_outputs)

    def forward(self, inputs):
        return self.layer(inputs)[:, None]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Broken(nn.Dropout(0.1)), "dropout in 'part'"),
        (lambda: Broken(nn.BatchNorm1d(3)), "running statistics in 'part'"),
        (lambda: Broken(n_outputs=3), r"\(5, 1, 3\), wanted \(b, l, v\) = \(5, 1, 2\)"),
    ],
    ids=["dropout", "statistics", "outputs"],
)
def test_a_model_that_cannot_be_a_student_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        StackedCohort(PARITY, build, 2, batch_size=5)


@pytest.mark.parametrize("option", ["n", "batch_size", "evaluation_size", "threads", "chunk"])
def test_counts_below_one_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        make(**{option: 0})


@pytest.mark.parametrize(
    ("mixture", "steps", "message"),
    [
        (np.eye(3), 4, r"\(r, k\) = \(4, 3\), got \(3, 3\)"),
        (np.full((4, 3), 0.5), 4, "sum to 1"),
        (np.array([[2.0, -1.0, 0.0]] * 4), 4, "non-negative"),
        (np.full((4, 3), np.nan), 4, "sum to 1"),
        (np.full((4, 3), 1 / 3), 0, "steps must be at least 1"),
    ],
)
def test_a_lesson_that_makes_no_sense_is_refused(mixture, steps, message):
    with pytest.raises(ValueError, match=message):
        make().train(mixture, steps)


def test_the_state_of_another_cohort_is_refused():
    with pytest.raises(ValueError, match="same suite, model and n"):
        make().load_state_dict(make(n=3).state_dict())
