"""Environments in a row: the same rows as one environment of all students, whatever the parts.

Legend: n rows, t places, f columns.
"""

import numpy as np
import pytest
from fake_cohort import fake_room, fake_suite
from stable_baselines3.common.vec_env import VecMonitor

from lessonplan.envs import CurriculumVecEnv, JoinedVecEnv, make_classroom
from lessonplan.teacher import make_learner

COLUMNS = ("progress:ema=0.5", "score", "remaining", "key")


def trained(n):
    """Students of parity that really learn, in lifetimes of 3 decisions."""
    return CurriculumVecEnv(
        make_classroom(
            "parity", n, suite_options={"n_tasks": 3, "n_signs": 8},
            model_options={"hidden": (16,)}, evaluation_size=16, batch_size=8,
            steps_per_decision=3, budget="9-steps", learning_rate=0.05, shuffle_tasks=True,
            observe=COLUMNS,
        )
    )  # fmt: skip


def played(env, actions, begin=True):
    """Everything that an environment says over these actions (d, n), flat."""
    said = [env.reset()] if begin else []
    for chosen in actions:
        observation, reward, done, infos = env.step(chosen)
        ended = [tuple(sorted((k, np.array(v).tolist()) for k, v in i.items())) for i in infos]
        said += [observation, reward, done, ended]
    return said


def assert_same(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if isinstance(one, list):
            assert one == other
        else:
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 1), (1, 2, 1)])
def test_rows_in_several_parts_are_rows_of_one_environment_to_the_bit(sizes):
    whole, parts = trained(4), JoinedVecEnv([trained(size) for size in sizes])
    actions = np.random.default_rng(0).integers(0, 3, (8, 4))
    for env in (whole, parts):
        env.seed(17)
    assert parts.num_envs == 4
    assert_same(played(parts, actions), played(whole, actions))
    spent, wanted = parts.spent(), whole.spent()
    assert spent["lifetimes"] == wanted["lifetimes"] == 12
    assert spent["student_steps"] == wanted["student_steps"] == 8 * 4 * 3
    assert spent["compute"] == pytest.approx(wanted["compute"])


def test_a_joined_environment_goes_on_from_its_state():
    actions = np.random.default_rng(1).integers(0, 3, (10, 4))
    undisturbed = JoinedVecEnv([trained(2), trained(2)])
    undisturbed.seed(3)
    wanted = played(undisturbed, actions)
    first = JoinedVecEnv([trained(2), trained(2)])
    first.seed(3)
    begun = played(first, actions[:4])
    second = JoinedVecEnv([trained(2), trained(2)])
    # As SB3 does when it loads a model; what was loaded counts.
    second.seed(99)
    second.load_state_dict(first.state_dict())
    assert_same(begun + played(second, actions[4:], begin=False), wanted)


def padded(suite, observe=("progress", "present"), max_tasks=4, action="task"):
    room = fake_room(
        suite=suite, n=2, observe=observe, max_tasks=max_tasks, budget="6-steps",
        shuffle_tasks=True, action=action,
    )  # fmt: skip
    return CurriculumVecEnv(room)


@pytest.mark.parametrize("action", ["task", "mixture"])
def test_one_teacher_learns_from_suites_of_unequal_size(action):
    small, large = (padded(fake_suite(k), action=action) for k in (2, 4))
    env = JoinedVecEnv([small, large])
    teacher = make_learner("ppo", env, n_steps=12, batch_size=24, seed=0)
    teacher.learn(96)  # a choice of an empty place would be refused
    assert small.spent()["lifetimes"] > 2
    if action == "task":
        # Every task of both suites was tried, and nothing else can have been.
        chosen = [part.room.facts.chosen.sum(axis=0) for part in (small, large)]
        assert [len(counts) for counts in chosen] == [2, 4]
    monitored = VecMonitor(env)
    monitored.reset()
    for part in env.parts:
        # A task at place 0 of every row, which shuffling may have left empty.
        part.room.board.places[:] = np.sort(part.room.board.places)[:, ::-1]
    first = np.zeros(4, int) if action == "task" else np.zeros((4, 4))
    observation, *_ = monitored.step(first)
    assert observation.shape == (4, 4, 2)
    assert observation[:2, :, 1].sum(axis=1).tolist() == [2, 2]
    assert observation[2:, :, 1].sum(axis=1).tolist() == [4, 4]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda: padded(fake_suite(2), observe=("progress", "score")), "columns"),
        (lambda: padded(fake_suite(2), max_tasks=3), "observation space"),
        (lambda: padded(fake_suite(2), action="mixture"), "action space"),
    ],
)
def test_parts_that_differ_are_refused(other, what):
    with pytest.raises(ValueError, match=f"(?s)must have the same {what}.*number 2"):
        JoinedVecEnv([padded(fake_suite(4)), other()])


def test_nothing_can_not_be_joined():
    with pytest.raises(ValueError, match="no environments to join"):
        JoinedVecEnv([])


def test_options_are_of_rows_whichever_part_they_are_in():
    parts = [CurriculumVecEnv(fake_room(n=n, budget="2-steps")) for n in (1, 2)]
    env = JoinedVecEnv(parts)
    env.set_options([{"student_seed": 3}, {"rest": True}, {"student_seed": 5}])
    env.reset()
    assert parts[0].room.facts.student_seed[0] == 3
    assert parts[1].room.facts.student_seed[1] == 5
    assert env.spent()["lifetimes"] == 2
    assert env.student_seeds == parts[0].student_seeds
