"""What training examples showed by task: of networks against a computation of its own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cohort_kit import BUILDS, make, member

from lessonplan.student import IGNORED, Adam, Outcomes, StackedCohort, takes
from lessonplan.student.cohorts.lockstep import row_cohort as rows
from lessonplan.student.cohorts.lockstep import training as training_of
from lessonplan.student.contract.scoring import score_examples, shown_by, token_losses

MIXED = np.tile([0.5, 0.3, 0.2], (4, 1))
LESSONS = (MIXED, np.eye(3)[[1, 0, 2, 2]], MIXED[:, ::-1])


def tasks_at(pool, index):
    return np.searchsorted(pool.offsets, index, side="right") - 1


def sums(outcomes):
    return np.stack([outcomes.count, outcomes.right, outcomes.loss])


def test_examples_are_added_up_by_task():
    tasks = np.array([[0, 2, 0, 0], [1, 1, 2, 2]])
    right = np.array([[1, 1, 0, 1], [0, 0.5, 1, 1]])
    loss = np.array([[0.1, 0.2, 0.3, np.inf], [1.0, 2.0, 3.0, 400.0]])
    found = Outcomes.summed(tasks, right, loss, 3)
    assert found.count.tolist() == [[3, 0, 1], [0, 2, 2]]
    assert found.right.tolist() == [[2, 0, 1], [0, 0.5, 2]]
    np.testing.assert_allclose(found.loss, [[100.4, 0, 0.2], [0, 3, 103]])


@pytest.mark.parametrize("kind", BUILDS)
def test_asking_what_examples_show_changes_nothing_else(kind):
    plain, asking = make(kind), make(kind)
    for lesson in LESSONS:
        one = plain.train(lesson, 3, fresh=True)
        other = asking.train(lesson, 3, fresh=True, by_task=True)
        assert one.by_task is None
        for name, values in one.figures.items():
            assert (values == other.figures[name]).all()
        assert (other.by_task.count.sum(axis=1) == 24).all()
        assert (other.by_task.count[lesson == 0] == 0).all()
    assert [member(plain, row) for row in range(4)] == [member(asking, row) for row in range(4)]


@pytest.mark.parametrize("kind", BUILDS)
def test_a_members_examples_show_what_they_show_alone(kind):
    solo, cohort = make(kind, n=1), make(kind, n=7, chunk=3, threads=2)
    solo.reset(np.array([0]), np.array([77]))
    cohort.reset(np.array([6]), np.array([77]))
    for lesson in (MIXED[:1], np.eye(3)[:1], MIXED[:1]):
        alone = solo.train(lesson, 3, by_task=True).by_task
        found = cohort.train(np.repeat(lesson, 7, axis=0), 3, by_task=True).by_task
        assert np.array_equal(sums(found)[:, 6], sums(alone)[:, 0])
        some = cohort.train(lesson, 3, np.array([6]), by_task=True).by_task
        again = solo.train(lesson, 3, by_task=True).by_task
        assert np.array_equal(sums(some), sums(again))


@pytest.mark.parametrize("kind", ["mlp", "decoder"])
def test_outcomes_are_those_of_a_loop_that_looks_before_each_step(kind, monkeypatch):
    suite, build = BUILDS[kind]
    drawn, draw = [], rows.draw_examples
    monkeypatch.setattr(
        rows, "draw_examples", lambda *arguments: drawn.append(draw(*arguments)) or drawn[-1]
    )
    cohort = make(kind, n=2)
    found = cohort.train(MIXED[:2], 5, by_task=True).by_task
    pool, wanted = suite.pool("train"), np.zeros((3, 3))
    torch.manual_seed(1)
    student = build()
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    for index in torch.from_numpy(drawn[0][1]).split(8):
        logits, targets = student(pool.inputs[index]), pool.targets[index]
        losses = F.cross_entropy(logits.mT, targets, ignore_index=IGNORED, reduction="none")
        for place, task in enumerate(tasks_at(pool, index.numpy())):
            asked = targets[place] != IGNORED
            right = (logits[place].argmax(-1) == targets[place])[asked].all()
            loss = losses[place][asked].mean().item()
            wanted[:, task] += [1, float(right), loss]
        optimizer.zero_grad()
        F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
    np.testing.assert_allclose(sums(found)[:, 1], wanted, rtol=2e-3)


@pytest.mark.parametrize("kept", [1, 100, 10**9])
def test_what_was_kept_for_a_while_is_what_is_looked_at_at_once(kept, monkeypatch):
    wanted = sums(make().train(MIXED, 9, by_task=True).by_task)
    monkeypatch.setattr(training_of, "_KEPT", kept)
    assert np.array_equal(sums(make().train(MIXED, 9, by_task=True).by_task), wanted)


def test_right_and_loss_are_those_of_evaluations():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 50, 3, 4, generator=generator) * 3
    targets = torch.where(torch.rand(2, 50, 3, generator=generator) < 0.7, logits.argmax(-1), 1)
    targets[:, :, 0] = IGNORED
    logits[0, 0, 1] = torch.nan
    logits[0, 1, 2, targets[0, 1, 2]] = torch.inf
    right, loss, _ = score_examples(logits, targets)
    found = shown_by(logits, targets, token_losses(logits, targets))
    assert torch.equal(found[0], right)
    assert not right[0, :2].any()
    torch.testing.assert_close(found[1], loss, equal_nan=True)


def test_a_diverged_member_shows_finite_figures():
    cohort = make()
    state = cohort.state_dict()
    state["weights"][1] = torch.nan
    cohort.load_state_dict(state)
    found = cohort.train(MIXED, 2, by_task=True).by_task
    assert cohort.diverged.tolist() == [False, True, False, False]
    assert np.isfinite(sums(found)).all()
    assert (found.right[1] == 0).all()
    assert (found.loss[1] == 100.0 * found.count[1]).all()


def test_a_first_part_of_the_evaluation_sets_is_that_part():
    cohort = make(n=5)
    small = make(n=5, evaluation_size=4)
    for one in (cohort, small):
        one.train(np.full((5, 3), 1 / 3), 5)
    found, wanted = cohort.evaluate("test", size=4), small.evaluate("test")
    for name, values in vars(wanted).items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-5, atol=1e-7)
    some = cohort.evaluate("test", rows=np.array([3]), size=4)
    assert np.array_equal(some.loss[0], found.loss[3])
    one = cohort.evaluate("test", tasks=np.array([2]), rows=np.array([3]), size=4)
    np.testing.assert_allclose(one.loss[0, 0], found.loss[3, 2], rtol=1e-5)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        cohort.evaluate("test", size=0)


def test_whether_a_cohort_of_ones_own_can_say_is_known_by_its_arguments():
    def plain(mixture, steps, rows=None, fresh=False): ...

    def anything(*arguments, **named): ...

    assert not takes(plain, "by_task")
    assert takes(anything, "by_task")
    assert takes(make().train, "by_task")
    assert takes(make().evaluate, "size")


def test_a_students_training_scores_are_what_it_knows():
    suite, build = BUILDS["mlp"]
    cohort = StackedCohort(suite, build, 3, optimizer=Adam(1e-2))
    cohort.train(np.eye(3)[[0, 0, 0]], 60)
    found = cohort.train(np.full((3, 3), 1 / 3), 5, by_task=True).by_task
    accuracy = found.right / found.count
    assert accuracy[:, 0].min() > 0.9
    assert accuracy[:, 2].max() < 0.8
