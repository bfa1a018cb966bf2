"""Training any learner: stopped at any moment it goes on to the same teacher.

Legend: m students.
"""

import numpy as np
import pytest
from fake_cohort import fake_room
from tiny_config import CONFIG

from lessonplan.envs import CurriculumVecEnv
from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.config import Config, LearnedSection
from lessonplan.experiments.trial.candidates import Judge, best_candidate
from lessonplan.experiments.trial.teaching import Teaching
from lessonplan.experiments.trial.training import TeacherTraining
from lessonplan.experiments.trial.tuning import Lives
from lessonplan.teacher import LearnerStreams, load_teacher, make_learner, stored_teacher

SETTINGS = {
    "a2c": {"n_steps": 4},
    "dqn": {"learning_starts": 24, "train_freq": 2, "batch_size": 8},
    "recurrent_ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
    "cma_es": {"population_size": 4, "n_eval_episodes": 2},
}
MORE = {"cma_es": {"action": "mixture", "prior": "shortfall"}}
"""What sections of some learners need besides."""


class Stopped(Exception):
    """As a kill would, at a moment that the test chooses."""


def training(folder, algorithm, decisions=192, **changes):
    config = Config.model_validate(
        CONFIG | {"teachers": ["uniform"], "checkpoint_seconds": 1e-9} | changes
    )
    plain = {"name": "pupil", "type": "learned", "students": 4, "width": 8}
    plain |= {"decisions": decisions, "candidates": 2, "settings": SETTINGS[algorithm]}
    plain |= {"algorithm": algorithm} | MORE.get(algorithm, {})
    teacher = LearnedSection.model_validate(plain)
    return TeacherTraining(config, teacher, 3, build_suite(config), folder)


def stop_after(calls):
    """A watcher that stops the work at its n-th report."""

    def report(fraction, words):
        nonlocal calls
        calls -= 1
        if calls == 0:
            raise Stopped

    return report


def run(work):
    """What training found, without times, and the weights of the candidates."""
    result = {name: value for name, value in work.run().items() if name != "wall_seconds"}
    weights = []
    for path in sorted(work.files.checkpoints.glob("*.zip")):
        parameters = load_teacher(path, work.env).policy.state_dict()
        weights.append({name: value.numpy() for name, value in parameters.items()})
    return result, weights


def lives(cost, area, mastered):
    """Two lifetimes of this mean cost and area."""
    return Lives(np.full(2, cost), np.full(2, area), np.arange(2) < mastered)


@pytest.mark.parametrize(
    ("worths", "best", "words"),
    [
        # Who is cheap to teach and masters nothing is no better for it.
        ([(90.0, 0.2, 0), (95.0, 0.3, 0)], 1,
         "nobody mastered all tasks, so candidates are compared by area"),
        ([(90.0, 0.2, 0), (95.0, 0.3, 1)], 0, ""),
        ([(90.0, 0.2, 1), (90.0, 0.3, 1)], 0,
         "2 candidates are level in cost, the first of them is taken"),
    ],
)  # fmt: skip
def test_candidates_are_compared_as_settings_are(worths, best, words, tmp_path, monkeypatch):
    work, judged = training(tmp_path, "a2c"), iter([lives(*each) for each in worths])
    monkeypatch.setattr(Judge, "lives", lambda self, file, learned_part=True: next(judged))
    monkeypatch.setattr(work.log, "add", lambda place, numbers: None)
    result = work._select([8, 16])
    work.env.close()
    assert (result["best"], result["chosen"]) == (best, words)
    assert result["candidate"] == work.candidate_path([8, 16][best]).name
    assert best_candidate(result) == best


def test_a_stored_teacher_says_how_it_looked_at_its_students(tmp_path):
    work = training(tmp_path, "a2c", lifetime=CONFIG["lifetime"] | {"half_life": 2.0})
    object.__setattr__(work.teacher, "feedback", "training")
    work.save_candidate(work.begin(), 0)
    file = work.candidate_path(0)
    work.keep(file.name, {"selection": [1.0]})
    work.env.close()
    stored = stored_teacher(work.files.teacher_zip("pupil", 3))
    assert stored.looking == {
        "feedback": "training", "probe_every": 0, "probe_size": 0, "probe_uncertainty": 0.0,
        "half_life": 2.0,
    }  # fmt: skip
    assert stored.half_life == 2.0
    # What differs in the courses that it was trained on is not said.
    course, suite = work.courses[0]
    slower = course.lifetime.model_copy(update={"half_life": 9.0})
    work.courses = [(course, suite), (course.model_copy(update={"lifetime": slower}), suite)]
    assert "half_life" not in work._looking()


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", SETTINGS)
def test_a_training_that_was_stopped_twice_ends_with_the_same_teacher(algorithm, tmp_path):
    # Whole lifetimes take longer than a rollout.
    decisions = 400 if algorithm == "cma_es" else 192
    wanted = run(training(tmp_path / "whole", algorithm, decisions))
    # One with a prior is a candidate before its training, too.
    assert len(wanted[0]["selection"]) == 2 + (algorithm == "cma_es")
    assert len(wanted[0]["curve"]) >= 3
    for calls in (3, 2):
        work = training(tmp_path / "stopped", algorithm, decisions)
        work.tell = stop_after(calls)
        with pytest.raises(Stopped):
            work.run()
    np.testing.assert_equal(run(training(tmp_path / "stopped", algorithm, decisions)), wanted)


def test_a_search_ends_with_a_generation_and_has_all_its_candidates(tmp_path):
    """Places are where decisions are asked for; what is kept is of the first end after them."""
    work = training(tmp_path, "cma_es", 20)
    result, weights = run(work)
    assert len(result["selection"]) == len(weights) == 3
    places = [0, 18, 20]
    assert all(work.candidate_path(place).exists() for place in places)
    # The first generation, eight lifetimes, ends after both.
    np.testing.assert_equal(weights[1], weights[2])
    assert np.any(weights[0]["weights"] != weights[1]["weights"])
    judged = 3 * work.config.seeds.select
    assert (result["lifetimes"] - judged) % 8 == 0


@pytest.mark.parametrize(
    ("algorithm", "decisions", "stretch", "places"),
    [
        # A rollout is 4 steps of 4 students; two turns of collecting are 8 decisions.
        ("a2c", 100, 16, [112, 96]),
        ("a2c", 6400, 64, [6400, 5760]),
        ("dqn", 100, 8, [104, 96]),
        ("dqn", 8000, 80, [8000, 7200]),
    ],
)
def test_things_are_kept_at_whole_rollouts_about_a_hundred_times(
    algorithm, decisions, stretch, places, tmp_path
):
    work = training(tmp_path, algorithm, decisions)
    model = work.begin()
    assert work.stretch(model) == stretch
    assert work.places(model) == sorted(places)


def recurrent(n):
    room = fake_room(n=n, observe=("progress", "score"), budget="9-steps")
    env = CurriculumVecEnv(room)
    with LearnerStreams(0).running():
        model = make_learner("recurrent_ppo", env, seed=0, width=8)
    return model, room


def chances(lifetimes, decisions):
    """Probabilities by row and decision."""
    given = {}
    for _ in range(decisions):
        if len(lifetimes.running):
            decision = lifetimes.step()
            for row, values in zip(decision.rows, decision.probabilities, strict=True):
                given.setdefault(int(row), []).append(values)
    return given


def test_a_recurrent_teacher_remembers_each_student_by_itself():
    seeds = np.array([3, 11, 5, 8])
    model, room = recurrent(4)
    together = chances(Teaching(model, room, seeds), 30)
    for row, seed in enumerate(seeds):
        alone, single = recurrent(1)
        by_itself = chances(Teaching(alone, single, seeds[[row]]), 30)[0]
        np.testing.assert_allclose(together[row], by_itself, atol=1e-6, err_msg=str(seed))


def test_the_memory_of_a_recurrent_teacher_is_part_of_the_state_of_lifetimes():
    seeds = np.array([3, 11, 5, 8])
    model, room = recurrent(4)
    lifetimes = Teaching(model, room, seeds)
    chances(lifetimes, 4)
    state = lifetimes.state_dict()
    wanted = chances(lifetimes, 5)
    again = Teaching(*recurrent(4), seeds)
    again.load_state_dict(state)
    np.testing.assert_equal(chances(again, 5), wanted)
    hidden, cell = state["memory"]
    assert hidden.shape == cell.shape == (1, 4, 3 * 8)
    assert np.abs(hidden).min(axis=2).max() > 0


def test_a_teacher_of_mixtures_trains_its_students_on_them_and_shows_the_shares():
    room = fake_room(n=3, observe=("progress", "score"), budget="9-steps", action="mixture")
    env = CurriculumVecEnv(room)
    with LearnerStreams(0).running():
        model = make_learner("ppo", env, seed=0, width=8, n_steps=8, batch_size=24)
        model.learn(24)
    lifetimes = Teaching(model, room, np.arange(3))
    decision = lifetimes.step()
    shares = decision.probabilities
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares > 0.01).all()
    np.testing.assert_allclose(room.cohort.mixtures[-1], shares)
