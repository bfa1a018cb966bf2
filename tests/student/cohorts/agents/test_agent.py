"""Agents as students: the contract of a cohort, exact resume, and a lake in a classroom."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hall_kit import Hall, agents, halls
from new_process import run_python
from stable_baselines3 import PPO

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv
from lessonplan.student import RLCohort, check_cohort, environments
from lessonplan.teacher import RULES, RuleTeacher

ALGORITHMS = {
    "PPO": {"n_epochs": 1, "batch_size": 8},
    "A2C": {},
    "DQN": {"buffer_size": 200, "learning_starts": 10, "train_freq": 2, "batch_size": 8},
}


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_agents_keep_the_whole_contract_of_a_cohort(algorithm):
    suite = halls(success="is_success", n_steps=4)
    options = {"algorithm": algorithm, "settings": ALGORITHMS[algorithm]}
    check_cohort(lambda n: agents(suite, n, batch_size=2, evaluation_size=2, **options))


class Counting(PPO):
    """An algorithm of another library, which counts what SB3's don't."""

    counters = ("trained",)
    trained = 0

    def train(self):
        super().train()
        self.trained += 1


def test_an_algorithm_of_ones_own_keeps_its_counters():
    suite = halls(n_steps=4)
    options = {"algorithm": f"{__name__}:Counting", "settings": ALGORITHMS["PPO"]}
    cohort, other = (agents(suite, 1, batch_size=2, evaluation_size=2, **options) for _ in "ab")
    cohort.train(np.eye(len(suite))[:1], 2)
    other.load_state_dict(cohort.state_dict())
    (counters,) = (student["counters"] for student in other.state_dict()["students"])
    assert counters["trained"] > 0


class Slope(Hall):
    """The hall with an action on a scale."""

    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def step(self, action):
        return super().step(int(action[0] > 0))


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["SAC", "TD3", "PPO"])
def test_agents_with_continuous_actions_resume_exactly(algorithm):
    settings = {"learning_starts": 20, "buffer_size": 500, "batch_size": 8}
    suite = environments(
        [{"name": "slope", "id": Slope, "low": 0, "high": 5, "horizon": 7}], n_steps=8
    )
    options = {"algorithm": algorithm, "settings": {} if algorithm == "PPO" else settings}
    options["settings"] |= {"batch_size": 8}
    cohort, other = (agents(suite, n=2, **options) for _ in range(2))
    for learner in (cohort,):
        learner.train(np.ones((2, 1)), 3)
    other.load_state_dict(cohort.state_dict())
    for learner in (cohort, other):
        learner.train(np.ones((2, 1)), 3)
    mine, its = (learner.state_dict()["students"] for learner in (cohort, other))
    for a, b in zip(mine, its, strict=True):
        assert a["counters"] == b["counters"]
        for name, part in a["parameters"]["policy"].items():
            assert torch.equal(part, b["parameters"]["policy"][name])
        np.testing.assert_equal(a["buffer"], b["buffer"])
        np.testing.assert_equal(a["rows"], b["rows"])
        assert a["counters"]["num_timesteps"] == 6 * 8 * 4


RESUME = """
import sys
import numpy as np
import torch
from lessonplan.student import RLCohort, environments
suite = environments(n_steps=16)
cohort = RLCohort(suite, 2, batch_size=4, evaluation_size=3, settings={"n_epochs": 2})
cohort.load_state_dict(torch.load(sys.argv[1], weights_only=False))
cohort.train(np.eye(4)[[0, 2]], 2)
print(cohort.evaluate("test").score.tobytes().hex())
parts = cohort.state_dict()["students"][1]["parameters"]["policy"]
print(sum(part.double().sum().item() for part in parts.values()).hex())
"""


@pytest.mark.slow
def test_agents_resume_exactly_in_a_new_process(tmp_path):
    cohort = agents(environments(n_steps=16), n=2)
    cohort.reset(np.arange(2), np.array([8, 9]))
    cohort.train(np.eye(4)[[0, 1]], 3)
    torch.save(cohort.state_dict(), tmp_path / "saved.pt")
    printed = run_python(RESUME, tmp_path / "saved.pt", cwd=tmp_path).split()
    cohort.train(np.eye(4)[[0, 2]], 2)
    parts = cohort.state_dict()["students"][1]["parameters"]["policy"]
    total = sum(part.double().sum().item() for part in parts.values()).hex()
    assert printed == [cohort.evaluate("test").score.tobytes().hex(), total]


def test_an_agent_whose_weights_are_no_numbers_is_flagged_and_scores_nothing():
    cohort = agents(n=2)
    with torch.no_grad():
        for part in cohort.students[1].model.policy.parameters():
            part.fill_(torch.nan)
    cohort.train(np.eye(2), 1)
    assert cohort.diverged.tolist() == [False, True]
    assert cohort.evaluate("test").score[1].tolist() == [0.0, 0.0]


@pytest.mark.slow
def test_an_agent_that_is_taught_in_order_masters_the_lake_in_a_classroom():
    settings = {"learning_rate": 3e-3, "n_epochs": 4, "ent_coef": 0.01}
    rule = RULES["in_order"]()
    room = Classroom(
        RLCohort(environments(), 1, settings=settings),
        Budget.parse("80-steps"),
        steps_per_decision=2,
        observe=("progress", *rule.needs, "key"),
    )
    teacher = RuleTeacher(rule, CurriculumVecEnv(room))
    observation, state = room.reset(np.array([0]), np.array([3])), None
    while not room.finished[0]:
        actions, state = teacher.predict(observation, state)
        observation = room.step(actions).observation
    assert room.facts.mastered_ever[0]
    assert room.cohort.evaluate("test").score.min() > 0.7
