"""Simulated students: levels by hand, and the whole contract of a cohort."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from new_process import run_python

from lessonplan.student import Cohort, SimulatedCohort, simulated
from lessonplan.student.contract.streams import stream_key, uniform

SUITE = simulated(n_tasks=5, width=2)
CHAIN = simulated(n_tasks=3, width=1)
LESSONS = (np.eye(5)[0], np.array([0.2, 0.3, 0.1, 0.4, 0.0]), np.eye(5)[3])


def teach(cohort, lessons=LESSONS, rows=None):
    count = cohort.n if rows is None else len(rows)
    return [cohort.train(np.broadcast_to(row, (count, 5)), 7, rows) for row in lessons]


def member(cohort, row):
    """All that a member is and shows, as bytes."""
    parts = [array[row].tobytes() for array in cohort.state_dict().values()]
    for split in ("train", "probe", "test", "stress"):
        found = cohort.evaluate(split)
        parts += [values[row].tobytes() for values in vars(found).values()]
    return b"".join(parts)


def test_it_is_a_cohort():
    assert isinstance(SimulatedCohort(SUITE, 2), Cohort)
    assert SUITE.cohort == "simulated"
    assert not SimulatedCohort(SUITE, 3).diverged.any()


def test_tasks_need_one_or_two_of_the_layer_before():
    needs = {task.name: task.prerequisites for task in simulated(n_tasks=7, width=3).tasks}
    assert needs["skill-1.3"] == ()
    assert needs["skill-2.1"] == ("skill-1.1", "skill-1.2")
    assert needs["skill-2.3"] == ("skill-1.1", "skill-1.3")
    assert needs["skill-3.1"] == ("skill-2.1", "skill-2.2")
    assert [task.prerequisites for task in CHAIN.tasks] == [(), ("skill-1.1",), ("skill-2.1",)]
    assert all(not task.prerequisites for task in simulated(4, 4).tasks)
    assert simulated(6, 2).order == tuple(range(6))


@pytest.mark.parametrize(("n_tasks", "width"), [(0, 1), (3, 4), (3, 0)])
def test_impossible_layers_are_refused(n_tasks, width):
    with pytest.raises(ValueError, match="width must be in"):
        simulated(n_tasks, width)


def test_levels_without_luck_and_talent_are_those_computed_by_hand():
    cohort = SimulatedCohort(
        CHAIN, 1, batch_size=10, rate=0.01, talent=0.0, luck=0.0, transfer=0.5, forgetting=0.1,
        unready=0.2,
    )  # fmt: skip
    cohort.train(np.array([[0.0, 1.0, 0.0]]), 1)
    # Effort 0.1 on the second, 0.05 on the first that it needs. The second is not ready (0.2).
    first, second = 0.05 * 0.9, 0.1 * 0.2
    np.testing.assert_allclose(cohort.state_dict()["level"][0], [first, second, 0.0], rtol=1e-12)
    cohort.train(np.array([[0.5, 0.0, 0.5]]), 1)
    ready = 0.2 + 0.8 * first**2
    third = (0.05 * (0.2 + 0.8 * second**2)) * 0.95
    second = (second + 0.025 * ready * (1 - second)) * 0.9
    first = (first + 0.05 * (1 - first)) * 0.95
    np.testing.assert_allclose(cohort.state_dict()["level"][0], [first, second, third], rtol=1e-12)


def scalar_student(seed, lessons, steps, settings_, suite):
    """The formulas of the module, one number at a time."""
    k, names = len(suite), suite.names
    needs = [[names.index(name) for name in task.prerequisites] for task in suite.tasks]
    level, practised = [0.0] * k, [0] * k

    def lot(purpose, task, position):
        return float(uniform(stream_key(seed, purpose, task), position)[0])

    rates = [
        settings_["rate"] * (1 + settings_["talent"] * (2 * lot(401, i, 0) - 1)) for i in range(k)
    ]
    for lesson in lessons:
        for _ in range(steps):
            direct = [0.0] * k
            for i in range(k):
                if lesson[i] > 0:
                    luck = 1 + settings_["luck"] * (2 * lot(402, i, practised[i]) - 1)
                    direct[i] = rates[i] * settings_["batch_size"] * lesson[i] * luck
                    practised[i] += 1
            old = list(level)
            for i in range(k):
                helped = sum(direct[j] for j in range(k) if i in needs[j])
                effort = min(direct[i] + settings_["transfer"] * helped, 1.0)
                lowest = min([old[j] for j in needs[i]], default=1.0)
                ready = settings_["unready"] + (1 - settings_["unready"]) * lowest**2
                level[i] = old[i] + effort * ready * (1 - old[i])
                level[i] *= 1 - settings_["forgetting"] * (1 - lesson[i])
    return level


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    rate=st.floats(1e-4, 0.5),
    luck=st.floats(0, 1),
    talent=st.floats(0, 1),
    transfer=st.floats(0, 1),
    forgetting=st.floats(0, 0.2),
    unready=st.floats(0, 1),
)
def test_every_member_follows_the_scalar_formulas(seed, **options):
    options["batch_size"] = 4
    cohort = SimulatedCohort(SUITE, 3, **options)
    cohort.reset(np.array([1]), np.array([seed]))
    teach(cohort)
    expected = scalar_student(seed, LESSONS, 7, options, SUITE)
    np.testing.assert_allclose(cohort.state_dict()["level"][1], expected, rtol=1e-9, atol=1e-15)
    assert (np.array(expected) >= 0).all()
    assert (np.array(expected) <= 1).all()


@pytest.mark.parametrize(("n", "row"), [(1, 0), (2, 1), (9, 4), (33, 32)])
def test_solo_equals_member_to_the_bit(n, row):
    solo, cohort = SimulatedCohort(SUITE, 1), SimulatedCohort(SUITE, n)
    solo.reset(np.array([0]), np.array([77]))
    cohort.reset(np.array([row]), np.array([77]))
    alone, found = teach(solo), teach(cohort)
    assert member(cohort, row) == member(solo, 0)
    for one, other in zip(alone, found, strict=True):
        for name, values in one.figures.items():
            assert getattr(other, name)[row] == values[0]


def test_neighbours_do_not_matter():
    quiet, busy = SimulatedCohort(SUITE, 4), SimulatedCohort(SUITE, 4)
    teach(quiet, rows=np.array([2]))
    for lesson in LESSONS:
        busy.train(np.tile(LESSONS[1], (2, 1)), 3, np.array([0, 3]))
        busy.train(lesson[None], 7, np.array([2]))
        busy.reset(np.array([1]), np.array([9]))
    assert member(busy, 2) == member(quiet, 2)


def test_a_reset_member_is_a_new_one():
    used, new = SimulatedCohort(SUITE, 2), SimulatedCohort(SUITE, 2)
    teach(used)
    for cohort in (used, new):
        cohort.reset(np.array([0, 1]), np.array([5, 6]))
    assert member(used, 0) == member(new, 0)
    assert member(used, 0) != member(used, 1) or used.evaluate("test").score.max() == 0
    assert (used.evaluate("test").score == 0).all()


def test_talents_differ_between_students_and_tasks():
    cohort = SimulatedCohort(simulated(4, 4), 64, luck=0.0, rate=0.001, talent=0.3)
    cohort.train(np.full((64, 4), 0.25), 1)
    rates = cohort.state_dict()["level"] / 0.008
    assert len(np.unique(rates)) == 256
    assert 0.699 < rates.min() < 0.75
    assert 1.25 < rates.max() < 1.301


GO_ON = """
import pickle, sys
import numpy as np
from lessonplan.student import SimulatedCohort, simulated
cohort = SimulatedCohort(simulated(n_tasks=5, width=2), 3)
cohort.load_state_dict(pickle.load(open(sys.argv[1], "rb")))
cohort.train(np.tile([0.2, 0.3, 0.1, 0.4, 0.0], (3, 1)), 7)
pickle.dump([cohort.state_dict(), cohort.evaluate("probe")], open(sys.argv[2], "wb"))
"""


def test_resume_in_a_new_process_is_exact(tmp_path):
    cohort = SimulatedCohort(SUITE, 3)
    cohort.reset(np.arange(3), np.array([7, 2**40, 8]))
    teach(cohort)
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(pickle.dumps(cohort.state_dict()))
    run_python(GO_ON, before, after, cwd=tmp_path)
    cohort.train(np.tile(LESSONS[1], (3, 1)), 7)
    state, evaluation = pickle.loads(after.read_bytes())
    for name, values in cohort.state_dict().items():
        assert np.array_equal(state[name], values)
    assert np.array_equal(evaluation.score, cohort.evaluate("probe").score)


def test_a_state_of_another_size_is_refused():
    state = SimulatedCohort(SUITE, 3).state_dict()
    with pytest.raises(ValueError, match=r"'level' of shape \(3, 5\), this cohort's is \(4, 5\)"):
        SimulatedCohort(SUITE, 4).load_state_dict(state)


def test_one_task_of_each_member_is_evaluated_as_among_all():
    cohort = SimulatedCohort(SUITE, 4)
    teach(cohort)
    tasks, rows = np.array([3, 0, 1]), np.array([2, 0, 3])
    for split in ("probe", "test", "stress"):
        every, some = cohort.evaluate(split), cohort.evaluate(split, tasks, rows)
        for name, values in vars(some).items():
            assert np.array_equal(values[:, 0], getattr(every, name)[rows, tasks])


def test_looking_changes_nothing_and_shows_the_same_again():
    cohort = SimulatedCohort(SUITE, 2)
    teach(cohort)
    first, again = cohort.evaluate("probe"), cohort.evaluate("probe")
    assert np.array_equal(first.score, again.score)
    fresh, plain = SimulatedCohort(SUITE, 2), SimulatedCohort(SUITE, 2)
    found = fresh.train(np.tile(LESSONS[1], (2, 1)), 5, fresh=True)
    plain.train(np.tile(LESSONS[1], (2, 1)), 5)
    assert member(fresh, 0) == member(plain, 0)
    assert np.array_equal(found.fresh_after, found.loss_after)
    assert not found.gradient_norm.any()


def test_probe_and_test_are_the_level_with_the_noise_of_so_many_questions():
    suite = simulated(n_tasks=2, width=2)
    cohort = SimulatedCohort(suite, 4000, evaluation_size=50, talent=0.0, luck=0.0)
    cohort.train(np.tile([0.8, 0.2], (4000, 1)), 60)
    level = cohort.state_dict()["level"][0]
    noise = {split: cohort.evaluate(split).score - level for split in ("probe", "test")}
    for error in noise.values():
        np.testing.assert_allclose(error.mean(axis=0), 0.0, atol=0.005)
        expected = np.sqrt(level * (1 - level) / 50)
        np.testing.assert_allclose(error.std(axis=0), expected, rtol=0.05)
    together = np.corrcoef(noise["probe"].ravel(), noise["test"].ravel())[0, 1]
    assert abs(together) < 0.05
    stress = cohort.evaluate("stress").score.mean(axis=0)
    np.testing.assert_allclose(stress, level**2, atol=0.005)


def test_losses_are_those_of_the_level():
    cohort = SimulatedCohort(CHAIN, 1, rate=0.01, batch_size=10, luck=0.0, talent=0.0, unready=1.0)
    found = cohort.train(np.array([[0.25, 0.75, 0.0]]), 20)
    level = cohort.state_dict()["level"][0]
    after = [-math.log(0.01 + 0.99 * x) for x in level[:2]]
    assert found.loss_before[0] == pytest.approx(-math.log(0.01))
    assert found.loss_after[0] == pytest.approx(0.25 * after[0] + 0.75 * after[1])


def test_what_was_learned_fades_while_other_tasks_are_practised():
    cohort = SimulatedCohort(simulated(2, 2), 1, forgetting=0.01, transfer=0.0)
    cohort.train(np.array([[1.0, 0.0]]), 300)
    known = cohort.state_dict()["level"][0, 0]
    cohort.train(np.array([[0.0, 1.0]]), 10)
    assert cohort.state_dict()["level"][0, 0] == pytest.approx(known * 0.99**10)


def test_in_order_learns_all_and_the_last_task_first_learns_nothing():
    suite = simulated(n_tasks=4, width=1)
    forth, back = SimulatedCohort(suite, 8), SimulatedCohort(suite, 8)
    for task in range(4):
        forth.train(np.tile(np.eye(4)[task], (8, 1)), 300)
        back.train(np.tile(np.eye(4)[3 - task], (8, 1)), 300)
    assert forth.evaluate("test").score.min() > 0.8
    assert back.evaluate("test").score[:, 3].max() < 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n must be at least 1, got 0"),
        ({"n": 1, "batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"n": 1, "rate": 1.5}, r"rate of a simulated student must be in \[0, 1\], got 1.5"),
        ({"n": 1, "forgetting": -0.1}, "forgetting of a simulated student"),
    ],
    ids=str,
)
def test_impossible_students_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SimulatedCohort(SUITE, **options)


def test_bad_mixtures_are_refused():
    cohort = SimulatedCohort(SUITE, 2)
    with pytest.raises(ValueError, match=r"\(r, k\) = \(2, 5\), got \(2, 4\)"):
        cohort.train(np.full((2, 4), 0.25), 1)
    with pytest.raises(ValueError, match="sum to 1"):
        cohort.train(np.full((2, 5), 0.3), 1)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        cohort.train(np.full((2, 5), 0.2), 0)
    with pytest.raises(ValueError, match="split must be one of"):
        cohort.evaluate("exam")


def test_a_lesson_shows_what_a_test_of_as_many_questions_would():
    """500 students; the mean of the noise is 0, and its variance that of so many questions."""
    cohort = SimulatedCohort(SUITE, 500, talent=0.0, luck=0.0, rate=2e-3)
    cohort.train(np.tile([0.5, 0.5, 0.0, 0.0, 0.0], (500, 1)), 40)
    level = cohort.state_dict()["level"][0]
    found = cohort.train(np.tile([0.6, 0.4, 0.0, 0.0, 0.0], (500, 1)), 1, by_task=True).by_task
    np.testing.assert_allclose(found.count, np.tile([19.2, 12.8, 0, 0, 0], (500, 1)))
    accuracy = found.right[:, :2] / found.count[:, :2]
    spread = np.sqrt(level[:2] * (1 - level[:2]) / [19.2, 12.8])
    assert (level[:2] > 0.3).all()
    assert (abs(accuracy.mean(axis=0) - level[:2]) < 4 * spread / np.sqrt(500)).all()
    np.testing.assert_allclose(accuracy.std(axis=0), spread, rtol=0.12)
    assert (found.right[:, 2:] == 0).all()
    assert (found.loss[:, 2:] == 0).all()


def test_what_a_lesson_shows_is_a_members_own_and_free():
    solo, cohort, plain = (SimulatedCohort(SUITE, n) for n in (1, 4, 4))
    solo.reset(np.array([0]), np.array([3]))
    for lesson in LESSONS:
        alone = solo.train(np.atleast_2d(lesson), 7, by_task=True).by_task
        found = cohort.train(np.tile(lesson, (4, 1)), 7, by_task=True).by_task
        plain.train(np.tile(lesson, (4, 1)), 7)
        for name, values in vars(found).items():
            assert (values[3] == getattr(alone, name)[0]).all()
    assert [member(cohort, row) for row in range(4)] == [member(plain, row) for row in range(4)]
