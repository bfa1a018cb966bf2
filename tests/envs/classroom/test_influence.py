"""How training on one task moves the others: found where it was planted, forgotten where it ends.

Legend: n students, k tasks, d decisions.
"""

import time

import numpy as np
import pytest

from lessonplan.envs import Budget
from lessonplan.envs.classroom.columns.influence import FORGETTING, RIDGE, Influence
from lessonplan.envs.classroom.facts import Facts
from lessonplan.student import Evaluation, simulated


class World:
    """n students whose scores move by x S with every decision of shares x, and noise."""

    def __init__(self, n, k, effect, noise=0.0, seed=0):
        self.facts = Facts(n, simulated(k, 1), Budget(1e6, "steps"))
        self.influence = Influence(self.facts)
        self.rows, self.effect, self.noise = np.arange(n), np.asarray(effect), noise
        self.rng = np.random.default_rng(seed)
        self.score = np.full((n, k), 0.5)
        self.facts.reset(self.rows, self.rows)
        self.see(np.ones((n, k), bool))
        self.influence.start(self.rows)

    def see(self, measured):
        noise = self.noise * self.rng.normal(size=self.score.shape)
        shown = np.clip(self.score + noise, 0, 1)
        self.facts.see(self.rows, measured, Evaluation(shown, 0 * shown, 0 * shown))

    def step(self, shares, measured=True):
        self.score = self.score + np.einsum("ni,...ij->nj", shares, self.effect)
        self.facts.choose(self.rows, shares)
        self.see(np.broadcast_to(measured, self.score.shape))
        self.influence.update(self.rows)

    def some(self):
        """Shares that vary."""
        weights = np.exp(2 * self.rng.normal(size=self.score.shape))
        return weights / weights.sum(axis=1, keepdims=True)


def planted(k, seed=0):
    rng = np.random.default_rng(seed)
    effect = np.where(rng.random((k, k)) < 0.3, rng.uniform(-0.004, 0.004, (k, k)), 0.0)
    return effect + 0.005 * np.eye(k)


def test_what_was_planted_is_found():
    world = World(3, 5, planted(5))
    for _ in range(60):
        world.step(world.some())
    np.testing.assert_allclose(world.influence.effect, [planted(5)] * 3, atol=1.5e-3)
    assert np.corrcoef(world.influence.effect[0].ravel(), planted(5).ravel())[0, 1] > 0.97


def test_noise_is_averaged_out():
    def error(decisions):
        world = World(8, 4, planted(4), noise=0.005)
        for _ in range(decisions):
            world.step(world.some())
        return np.abs(world.influence.effect - planted(4)).mean()

    assert error(80) < 0.75 * error(8)


def test_it_is_the_weighted_least_squares_of_all_that_was_seen():
    world, shares, changes = World(1, 3, planted(3), noise=0.1), [], []
    for _ in range(12):
        before = world.facts.score[0].copy()
        world.step(world.some())
        shares.append(world.facts.last_share[0].copy())
        changes.append(world.facts.score[0] - before)
    weight = np.sqrt(FORGETTING ** np.arange(11, -1, -1))[:, None]
    x = np.concatenate([weight * shares, np.sqrt(RIDGE) * np.eye(3)])
    y = np.concatenate([weight * changes, np.zeros((3, 3))])
    wanted, *_ = np.linalg.lstsq(x, y, rcond=None)
    np.testing.assert_allclose(world.influence.effect[0], wanted, atol=1e-12)
    known = 1 - RIDGE * np.diag(np.linalg.inv(x.T @ x))
    np.testing.assert_allclose(world.influence.certainty[0], known, atol=1e-12)


def test_what_was_true_once_is_forgotten():
    world = World(2, 3, 0.004 * np.eye(3))
    for _ in range(60):
        world.step(world.some())
    world.effect = -world.effect
    for _ in range(120):
        world.step(world.some())
    assert (np.diagonal(world.influence.effect, axis1=1, axis2=2) < -0.002).all()


def test_shares_that_never_vary_make_nothing_grow():
    world = World(1, 3, 0.0 * np.eye(3), noise=0.02)
    for _ in range(500):
        world.step(np.array([[0.5, 0.5, 0.0]]))
    assert np.abs(world.influence.effect).max() < 0.05
    assert world.influence.certainty[0, 2] == 0
    assert (world.influence.effect[0, 2] == 0).all()


def test_shares_add_up_while_nothing_is_looked_at():
    often, seldom = (World(1, 3, planted(3)) for _ in range(2))
    for decision in range(40):
        shares = often.some()
        often.step(shares)
        seldom.step(shares, measured=decision % 4 == 3)
    # A third of what the four bring in all is not lost to the first three.
    assert np.corrcoef(seldom.influence.effect.ravel(), planted(3).ravel())[0, 1] > 0.9


def test_a_task_that_was_not_measured_moves_no_estimate_of_it():
    world = World(1, 2, [[0.01, 0.01], [0.0, 0.0]])
    for _ in range(5):
        world.step(np.array([[1.0, 0.0]]))
    before = world.influence.effect.copy()
    world.step(np.array([[1.0, 0.0]]), measured=np.array([[True, False]]))
    after = world.influence.effect
    assert after[0, 0, 0] > before[0, 0, 0]
    assert after[0, 0, 1] == pytest.approx(before[0, 0, 1], abs=1e-3)


def test_what_moved_while_it_was_not_measured_is_not_taken_for_the_work_of_one_decision():
    world = World(1, 2, [[0.01, 0.01], [0.0, 0.01]])
    for _ in range(40):
        world.step(world.some())
    before = world.influence.effect.copy()
    for decision in range(12):
        world.step(np.array([[0.5, 0.5]]), measured=np.array([[True, decision % 6 == 5]]))
    np.testing.assert_allclose(world.influence.effect, before, atol=1e-3)


def test_a_first_measurement_is_no_change():
    world = World(1, 2, np.zeros((2, 2)))
    world.facts.seen[:] = False
    world.facts.score[:] = 0.0
    world.influence.start(world.rows)
    for measured in ([True, False], [True, True], [True, True]):
        world.step(np.array([[0.5, 0.5]]), measured=np.array([measured]))
        assert (world.influence.effect == 0).all()


def test_a_student_in_company_is_the_same_to_the_bit_as_alone():
    many, one = World(7, 6, planted(6), noise=0.01), World(1, 6, planted(6))
    for array in ("score", "last"):
        target = one.facts.score if array == "score" else one.influence.last
        target[:] = many.facts.score[4]
    for _ in range(9):
        shares = many.some()
        many.step(shares)
        one.facts.choose(one.rows, shares[4:5])
        shown = many.facts.score[4:5]
        one.facts.see(one.rows, np.ones((1, 6), bool), Evaluation(shown, 0 * shown, 0 * shown))
        one.influence.update(one.rows)
    np.testing.assert_array_equal(one.influence.effect[0], many.influence.effect[4])
    np.testing.assert_array_equal(one.influence.promise(one.rows), many.influence.promise([4]))


def test_a_new_lifetime_knows_nothing():
    world = World(2, 3, planted(3))
    world.step(world.some())
    world.influence.start(np.array([0]))
    assert (world.influence.effect[0] == 0).all()
    assert (world.influence.effect[1] != 0).any()


def test_64_students_of_20_tasks_take_less_than_a_tenth_of_a_second():
    world = World(64, 20, 0.0 * np.eye(20), noise=0.02)
    seconds = []
    for _ in range(5):
        shares = world.some()
        world.facts.choose(world.rows, shares)
        began = time.process_time()
        world.influence.update(world.rows)
        seconds.append(time.process_time() - began)
    assert min(seconds) < 0.1
