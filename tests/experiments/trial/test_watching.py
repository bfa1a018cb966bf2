"""What is seen of a teacher while it is trained: SB3's means, costs of candidates, its schedule."""

import json

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecMonitor
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import (
    REPORT_SEEDS,
    WATCHED_SEEDS,
    build_learner,
    build_suite,
)
from lessonplan.experiments.assembly.courses import courses_of
from lessonplan.experiments.assembly.training_envs import training_env
from lessonplan.experiments.config.config import Config, LearnedSection, Seeds
from lessonplan.experiments.store.learned_schedules import read_learned_schedules
from lessonplan.experiments.store.training_log import TrainingLog, read_training_log
from lessonplan.experiments.trial.training import TeacherTraining
from lessonplan.experiments.trial.watching import LifetimeMeans
from lessonplan.teacher import LearnerStreams

SETTINGS = {
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
    "dqn": {"learning_starts": 24, "train_freq": 2, "batch_size": 8},
    "recurrent_ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
}
CONFIGURED = Config.model_validate(
    CONFIG | {"teachers": ["uniform"], "seeds": {"select": 2}, "checkpoint_seconds": 1000.0}
)


def pupil(algorithm, **more):
    return LearnedSection.model_validate(
        {
            "name": "pupil", "type": "learned", "students": 4, "width": 8, "decisions": 160,
            "candidates": 2, "algorithm": algorithm, "settings": SETTINGS[algorithm],
        } | more
    )  # fmt: skip


def trained(run_dir, algorithm, **more):
    """What a training gives, its log, and its looks."""
    teacher = pupil(algorithm, **more)
    training = TeacherTraining(CONFIGURED, teacher, 3, build_suite(CONFIGURED), run_dir)
    result = training.run() | {"wall_seconds": 0.0}
    folder = run_dir / "training"
    looks = read_learned_schedules(folder / "pupil-3.schedules.jsonl")
    return result, read_training_log(folder / "pupil-3.jsonl"), looks


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_means_of_lifetimes_are_those_that_sb3_logs_of_an_environment_in_a_vec_monitor(
    tmp_path, algorithm
):
    _, lines, _ = trained(tmp_path / "ours", algorithm)
    teacher, streams = pupil(algorithm), LearnerStreams(3)
    env = training_env(teacher, courses_of(CONFIGURED, teacher, build_suite(CONFIGURED)))
    model = build_learner(teacher, VecMonitor(env), streams, 3)
    env.seed(3 * teacher.students)
    log = TrainingLog(tmp_path / "sb3.jsonl")
    log.begin(model)
    with streams.running():
        model.learn(160, log_interval=4 if algorithm == "dqn" else 1)
    names = ("decisions", "rollout/ep_rew_mean", "rollout/ep_len_mean")

    def means(lines):
        return [
            {name: line[name] for name in names}
            for line in lines
            if "rollout/ep_rew_mean" in line and "train/n_updates" in line
        ]

    expected = means(read_training_log(log.file))
    assert len(expected) >= 2
    assert means(lines)[: len(expected)] == expected


def test_a_row_that_rests_is_no_part_of_a_lifetime():
    means, end = LifetimeMeans(2), np.array([False, True])
    resting = [{"resting": True}, {}]
    for _ in range(3):
        means.step(np.array([0.0, 1.0]), np.zeros(2, dtype=bool), resting)
    assert means.step(np.array([0.0, 1.0]), end, resting)["rollout/ep_len_mean"] == 4
    means.step(np.ones(2), ~end, [{}, {}])
    assert means.step(np.ones(2), ~end, [{}, {}])["rollout/ep_len_mean"] == pytest.approx(2.0)


def test_a_lifetime_that_was_lost_does_not_count_and_the_next_begins_at_nothing():
    means = LifetimeMeans(2)
    none, both = np.zeros(2, dtype=bool), np.ones(2, dtype=bool)
    rewards = np.array([1.0, 2.0], dtype=np.float32)
    assert means.step(rewards, none, [{}, {}]) == {}
    ended = [{"TimeLimit.truncated": False}, {"TimeLimit.truncated": True, "lost": True}]
    first = {"rollout/ep_rew_mean": 2.0, "rollout/ep_len_mean": 2.0, "rollout/success_rate": 1.0}
    assert means.step(rewards, both, ended) == first
    again = LifetimeMeans(2)
    again.load_state_dict(json.loads(json.dumps(means.state_dict())))
    for one in (means, again):
        assert one.step(rewards, both, [{"TimeLimit.truncated": True}] * 2) == {
            "rollout/ep_rew_mean": pytest.approx(5 / 3),
            "rollout/ep_len_mean": pytest.approx(4 / 3),
            "rollout/success_rate": pytest.approx(1 / 3),
        }


def test_means_are_over_the_last_hundred_lifetimes():
    means, end = LifetimeMeans(1), np.ones(1, dtype=bool)
    for reward in (*[1.0] * 50, *[0.0] * 100):
        found = means.step(np.array([reward], dtype=np.float32), end, [{}])
    assert found["rollout/ep_rew_mean"] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", SETTINGS)
def test_a_training_that_is_watched_is_the_same_to_the_bit(tmp_path, algorithm):
    plain, lines, none = trained(tmp_path / "plain", algorithm)
    watched, more, looks = trained(tmp_path / "watched", algorithm, watch=2)
    assert (watched, none) == (plain, [])
    assert [line for line in more if "watch/cost" not in line] == lines
    assert [look.decisions for look in looks] == [0, 64 if algorithm != "dqn" else 80, 160]
    told = [line for line in more if "watch/cost" in line]
    assert [line["decisions"] for line in told] == [look.decisions for look in looks]
    assert [line["watch/compute"] for line in told] == [look.compute for look in looks]
    for look in looks:
        assert look.tasks == ("parity-1", "parity-2", "parity-3")
        assert look.probabilities.shape == (look.length, 3) == (12, 3)
        assert look.probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
        assert (look.lifetimes, look.student_steps) == (4, 4 * 120)


def test_each_candidate_has_its_cost_in_the_log(tmp_path):
    result, lines, _ = trained(tmp_path, "ppo")
    costs = [line for line in lines if "selection/cost" in line]
    assert [line["selection/cost"] for line in costs] == result["selection"]
    assert [line["decisions"] for line in costs] == [128, 160]


def test_students_that_a_teacher_is_watched_with_are_neither_selected_by_nor_reported():
    most = Seeds.model_json_schema()["properties"]["report"]["maximum"]
    assert WATCHED_SEEDS >= REPORT_SEEDS + most
