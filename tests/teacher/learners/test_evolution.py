"""CMA-ES as a learner: the same students for all candidates, the search by hand, exact resume.

Legend: c candidates, m students, d weights.
"""

import io
from itertools import combinations

import numpy as np
import pytest
import torch
from cmaes import CMA
from leaning_tasks import LeaningTasks
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from lessonplan.envs import CurriculumEnv, CurriculumVecEnv, JoinedVecEnv, make_classroom
from lessonplan.teacher import LearnerStreams, load_teacher, make_learner, save_teacher
from lessonplan.teacher.learners.make import beside_zip, load_beside_zip

COLUMNS = ("progress:ema=0.5", "score", "log_data", "log_shortfall")
POPULATION, STUDENTS, ROWS = 5, 2, 4


def classroom(n, **options):
    """Students of parity that really learn, in lifetimes of at most 4 decisions."""
    return make_classroom(
        "parity", n, suite_options={"n_tasks": 3, "n_signs": 8}, model_options={"hidden": (16,)},
        evaluation_size=16, batch_size=8, steps_per_decision=3, budget="12-steps",
        learning_rate=0.05, shuffle_tasks=True, action="mixture", feedback="training",
        observe=COLUMNS, **options,
    )  # fmt: skip


def searching(env, seed=0, **settings):
    with LearnerStreams(seed).running():
        return make_learner(
            "cma_es", env, seed=seed, prior="shortfall", population_size=POPULATION,
            n_eval_episodes=STUDENTS, policy_kwargs={"context": ["score"]}, **settings,
        )  # fmt: skip


class Watch(BaseCallback):
    """Keeps what each row was told and paid."""

    def __init__(self):
        super().__init__()
        self.students, self.resting, self.generations = [], [], 0

    def _on_rollout_start(self):
        self.generations += 1

    def _on_step(self):
        self.students += [
            info["student_seed"] for info in self.locals["infos"] if "student_seed" in info
        ]
        self.resting.append(int((self.locals["now"] < 0).sum()))
        return True


def alone(policy, weights, student):
    """The return of a candidate with a student, in an environment of one."""
    env = CurriculumEnv(classroom(1))
    observation, _ = env.reset(options={"student_seed": student})
    total, ended = 0.0, False
    while not ended:
        columns = torch.as_tensor(observation[None])
        action = policy.logits(columns, torch.as_tensor(weights[None], dtype=torch.float32))
        observation, reward, terminated, truncated, _ = env.step(action[0].numpy())
        total, ended = total + reward, terminated or truncated
    return total


def test_all_candidates_teach_the_same_students_and_are_worth_what_they_are_alone():
    env, watch = CurriculumVecEnv(classroom(ROWS)), Watch()
    model = searching(env)
    model.learn(1, watch)
    assert watch.generations == 1
    lived = env.spent()["lifetimes"]
    assert lived == len(watch.students) == POPULATION * STUDENTS
    students, counts = np.unique(watch.students, return_counts=True)
    assert len(students) == STUDENTS
    assert (counts == POPULATION).all()
    assert max(watch.resting) > 0
    # The same search by hand, with candidates that live one at a time.
    search = CMA(np.zeros(model.policy.n_weights), 0.3, seed=0, population_size=POPULATION)
    candidates = [search.ask() for _ in range(POPULATION)]
    fresh = searching(CurriculumVecEnv(classroom(ROWS))).policy
    returns = [np.mean([alone(fresh, each, int(s)) for s in students]) for each in candidates]
    (ranks,) = model.ranks
    for i, j in combinations(range(POPULATION), 2):
        # Sums of the same rewards in another order differ in their last bits.
        if abs(returns[i] - returns[j]) > 1e-6:
            assert (ranks[i] < ranks[j]) == (returns[i] > returns[j])
    assert len(set(ranks)) > 2
    search.tell(list(zip(candidates, ranks, strict=True)))
    np.testing.assert_allclose(model.policy.weights.numpy(), search.mean, rtol=1e-6)


def test_the_policy_is_the_average_of_the_latest_means_of_the_search():
    means, weights = [], {}
    for tail in (0.0, 0.5):
        model = searching(CurriculumVecEnv(classroom(ROWS)), tail=tail)
        while len(model.ranks) < 4:
            model.learn(1, reset_num_timesteps=False)
        weights[tail] = model.policy.weights.numpy()
    search = CMA(np.zeros(model.policy.n_weights), 0.3, seed=0, population_size=POPULATION)
    for ranks in model.ranks:
        search.tell([(search.ask(), rank) for rank in ranks])
        means.append(search.mean.copy())
    np.testing.assert_allclose(weights[0.0], means[-1], rtol=1e-5)
    np.testing.assert_allclose(weights[0.5], (means[-1] + means[-2]) / 2, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("ends", [False, True])
def test_the_environment_is_as_others_find_it_after_a_search(ends):
    env = CurriculumVecEnv(classroom(ROWS))
    model = searching(env)
    model.learn(1, EndsEarly() if ends else None)
    env.seed(5)
    other = CurriculumVecEnv(classroom(ROWS))
    other.seed(5)
    np.testing.assert_array_equal(env.reset(), other.reset())
    _, lengths = evaluate_policy(
        model, VecMonitor(env), n_eval_episodes=4, return_episode_rewards=True
    )
    assert len(lengths) == 4
    assert max(lengths) <= 4


class EndsEarly(BaseCallback):
    def _on_step(self):
        return False


def test_rows_that_rest_cost_nothing():
    env = CurriculumVecEnv(classroom(ROWS))
    model = searching(env)
    model.learn(1)
    # Every decision of a lifetime is one of training, three steps each.
    assert env.spent()["student_steps"] == 3 * model.num_timesteps


def test_other_students_come_in_each_generation():
    env, watch = CurriculumVecEnv(classroom(ROWS)), Watch()
    model = searching(env)
    while len(model.ranks) < 3:
        model.learn(1, watch, reset_num_timesteps=False)
    assert len(set(watch.students)) == 3 * STUDENTS


def test_it_goes_on_from_a_file_as_if_it_had_never_stopped():
    whole = searching(CurriculumVecEnv(classroom(ROWS)))
    whole.learn(100)
    assert len(whole.ranks) >= 3
    first = searching(CurriculumVecEnv(classroom(ROWS)))
    first.learn(1)
    zipped = io.BytesIO()
    save_teacher(first, zipped)
    beside, room = beside_zip(first), first.env.state_dict()
    env = CurriculumVecEnv(classroom(ROWS))
    other = load_teacher(zipped, env, force_reset=False)
    load_beside_zip(other, beside)
    env.load_state_dict(room)
    other.learn(100 - other.num_timesteps, reset_num_timesteps=False)
    assert other.ranks == whole.ranks
    assert other.num_timesteps == whole.num_timesteps
    np.testing.assert_array_equal(other.policy.weights, whole.policy.weights)
    assert env.spent() == whole.env.spent()


def test_rows_in_several_parts_find_the_same():
    one = searching(CurriculumVecEnv(classroom(ROWS)))
    one.learn(40)
    parts = searching(JoinedVecEnv([CurriculumVecEnv(classroom(2)) for _ in range(2)]))
    parts.learn(40)
    assert parts.ranks == one.ranks


def test_the_same_seed_finds_the_same_and_another_something_else():
    found = []
    for seed in (0, 0, 1):
        model = searching(CurriculumVecEnv(classroom(ROWS)), seed)
        model.learn(1)
        found.append(model.policy.weights.numpy().copy())
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_what_it_can_not_work_with_is_said():
    with pytest.raises(ValueError, match="names the students of each row, which this environment"):
        searching(LeaningTasks(action="mixture")).learn(1)
    with pytest.raises(ValueError, match="a divisor of the 3 students in lockstep, got 2"):
        searching(CurriculumVecEnv(classroom(3))).learn(1)
    with pytest.raises(ValueError, match="population_size must be a whole number from 4"):
        make_learner(
            "cma_es", CurriculumVecEnv(classroom(2)), seed=0, prior="shortfall", population_size=3
        )


@pytest.mark.slow
def test_it_gets_ahead_of_a_prior_that_leaves_something_to_learn():
    """Begun at the data's shares, it teaches students that it never met in less time."""
    env = CurriculumVecEnv(room(32))
    with LearnerStreams(0).running():
        model = make_learner("cma_es", env, seed=0, prior="data", n_eval_episodes=8)
        model.learn(20_000)
    lengths = {}
    for learned in (False, True):
        model.policy.learned_part = learned
        lengths[learned] = mean_length(model, room(32))
    assert lengths[True] < 0.9 * lengths[False]


def room(n):
    return make_classroom(
        "parity", n, suite_options={"n_tasks": 4, "n_signs": 8}, model_options={"hidden": (32,)},
        evaluation_size=64, batch_size=32, steps_per_decision=20, budget="2000-steps",
        learning_rate=0.01, reward="time_to_mastery", feedback="training", action="mixture",
        observe=("progress:ema=0.5,scale=5", "score", "log_data", "log_shortfall"),
    )  # fmt: skip


def mean_length(model, students):
    rows = np.arange(students.n)
    students.reset(rows, 2_000_000 + rows)
    while len(rows := np.flatnonzero(~students.finished)):
        actions, _ = model.predict(students.observation(rows), deterministic=True)
        students.step(students.decode(actions, rows), rows)
    return students.facts.decisions.mean()
