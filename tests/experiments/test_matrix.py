"""Every rule, and a learner of each kind, teaches in every suite for a few decisions."""

import json

import numpy as np
import pytest

from lessonplan.envs import CurriculumVecEnv
from lessonplan.envs.classroom.columns import student_key
from lessonplan.experiments.assembly import build
from lessonplan.experiments.assembly.build import (
    build_learner,
    build_rule,
    build_suite,
    rule_teacher,
)
from lessonplan.experiments.config.config import LearnedSection
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.teaching import Teaching
from lessonplan.student import SUITES
from lessonplan.teacher import ALGORITHMS, RULES, LearnerStreams, Replay

DECISIONS = 3
SIGNS = {"options": {"hidden": [8]}}
TEXT = {"model": "decoder", "options": {"width": 8, "n_layers": 1, "n_heads": 2}}
GAMES = [
    {"name": name, "id": "CartPole-v1", "low": 0, "high": top, "horizon": 10}
    for name, top in (("short", 5), ("long", 10))
]
AGENTS = {
    "batch_size": 2,
    "evaluation_size": 2,
    "options": {"settings": {"batch_size": 16, "n_epochs": 1}},
}
COURSES = {
    "parity": ({"n_tasks": 3, "n_signs": 8}, SIGNS),
    "addition": ({}, TEXT),
    "simulated": ({}, {}),
    "jsonl": ({"path": "d.jsonl"}, TEXT),
    "dataset": ({}, TEXT),
    "docstrings": (
        {"tasks": ["gymnasium", "numpy"], "length": 16, "train_size": 40, "held_out": 8},
        {
            "model": "encoder",
            "lora": {"r": 2, "modules_to_save": ["classifier"], "member_chunk": 2},
        },
    ),
    "reasoning": (
        {"tasks": ["chain_sum@0", "spell_backward@0"], "train_size": 20, "held_out": 4},
        TEXT,
    ),
    "environments": ({"tasks": GAMES, "n_steps": 8, "probe": 4, "test": 4, "stress": 4}, AGENTS),
}
"""Options of suites and of their students; any other suite needs none, and has a small network."""
SLOW = ("addition", "reasoning", "environments", "dataset", "docstrings")
LEARNED = {
    "ppo": "task", "dqn": "task", "sac": "mixture", "recurrent_ppo": "task", "maskable_ppo": "task",
    "cma_es": "mixture",
}  # fmt: skip
"""One of each kind: policy gradient, values, actor and critic, recurrent, masked, search."""


def test_courses_are_of_suites_and_every_kind_of_learner_exists():
    assert set(COURSES) <= set(SUITES)
    assert set(LEARNED) <= set(ALGORITHMS)


def small_course(name):
    return {}, TEXT if SUITES[name]().tokens else SIGNS


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SUITES],
)
def course(request, tmp_path_factory):
    """Config and suite; both are made once."""
    options, student = COURSES.get(request.param) or small_course(request.param)
    if request.param == "reasoning":
        pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")
    if request.param == "jsonl":
        path = tmp_path_factory.mktemp("data") / "d.jsonl"
        lines = [
            {"prompt": f"{task} {i}", "answer": str(i % 3), "task": task}
            for task in ("one", "two")
            for i in range(24)
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        options = {"path": str(path)}
    if request.param == "dataset":
        datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
        path = tmp_path_factory.mktemp("saved")
        columns = {
            "prompt": [f"{i} {task}" for task in ("one", "two") for i in range(24)],
            "answer": [str(i % 3) for i in range(48)],
            "task": [task for task in ("one", "two") for _ in range(24)],
        }
        datasets.Dataset.from_dict(columns).save_to_disk(path)
        options = {"path": str(path)}
    if request.param == "docstrings":
        pytest.importorskip("transformers", reason="the hf extra is not installed")
        from tiny_pretrained import save_tiny_bert

        folder = save_tiny_bert(tmp_path_factory.mktemp("bert"))
        options = options | {"tokenizer": folder}
    config = make_config(
        {
            "suite": {"name": request.param, "options": options},
            "student": {"batch_size": 2, "evaluation_size": 4, **student},
            "lifetime": {"budget": f"{DECISIONS}-steps", "steps_per_decision": 1},
            "teachers": ["uniform"],
        }
    )
    return config, build_suite(config)


@pytest.fixture(scope="module")
def students(course):
    """Two students of the course that all teachers teach in turn."""
    config, suite = course
    return build.build_room(config, suite, 2).cohort


@pytest.fixture
def reused(students, monkeypatch):
    """Every room is built around these students instead of new ones."""
    monkeypatch.setattr(build, "build_cohort", lambda *_: students)


def rule_of(name, course):
    config, suite = course
    weights = list(range(1, len(suite) + 1))
    parameters = {
        "static_mixture": {"weights": weights},
        "open_loop": {"weights": [weights, weights[::-1]], "horizon": DECISIONS},
    }
    return build_rule(name, parameters.get(name, {}), config, suite)


def check_lifetimes(teacher, room):
    """Teach to the end of the budget, look at every decision and return the tasks, (2, d)."""
    lifetimes, k = Teaching(teacher, room, np.array([5, 6])), len(room.suite)
    count, played = 0, []
    while len(lifetimes.running):
        decision = lifetimes.step()
        count += 1
        played.append(decision.lesson.task)
        shown, chances, lesson = decision.observation, decision.probabilities, decision.lesson
        assert shown.shape == (len(decision.rows), k, len(room.observe))
        assert np.isfinite(shown).all()
        assert np.isfinite(lesson.observation).all()
        assert np.isfinite(lesson.reward).all()
        assert chances.shape == (len(decision.rows), k)
        assert (chances >= 0).all()
        np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(lesson.shares.sum(axis=1), 1.0, rtol=1e-5)
        assert ((lesson.task >= 0) & (lesson.task < k)).all()
        assert (lesson.terminated | lesson.truncated | (count < DECISIONS)).all()
        # What was chosen had a chance of being chosen.
        assert (np.take_along_axis(chances, lesson.task[:, None], axis=1) > 0).all()
    assert count == DECISIONS
    assert not room.cohort.diverged.any()
    return np.stack(played, axis=1)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.usefixtures("reused")
def test_every_rule_teaches_in_every_suite(name, course):
    check_lifetimes(*rule_teacher(rule_of(name, course), *course, 2, 3))


@pytest.mark.usefixtures("reused")
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_replay_plays_its_schedule_in_every_suite(shuffled, course):
    config, suite = course
    schedules = np.array([[1, 0, 1], [0, 0, 1]])
    replay = Replay(schedules, student_key(np.array([5, 6])), shuffled=shuffled)
    played = check_lifetimes(*rule_teacher(replay, config, suite, 2, 3))
    if shuffled:
        played.sort(axis=1)
        schedules.sort(axis=1)
    np.testing.assert_array_equal(played, schedules)


@pytest.mark.slow
@pytest.mark.usefixtures("reused")
@pytest.mark.parametrize("name", LEARNED)
def test_a_learner_of_each_kind_learns_and_teaches_in_every_suite(name, course):
    settings = {"learning_starts": 2, "batch_size": 4, "train_freq": 2}
    if name.endswith(("ppo", "a2c")):
        settings = {"n_steps": 4, "batch_size": 4, "n_epochs": 1}
    elif name == "cma_es":
        settings = {"population_size": 4, "n_eval_episodes": 1}
    prior = "shortfall" if name == "cma_es" else ""
    observe = ["progress", *(ALGORITHMS[name].needs or ("score",))]
    teacher = LearnedSection(
        name="a", type="learned", algorithm=name, action=LEARNED[name], observe=observe, width=8,
        students=2, settings=settings, prior=prior,
    )  # fmt: skip
    room = build.build_room(*course, 2, teacher.observe, action=LEARNED[name])
    model = build_learner(teacher, CurriculumVecEnv(room), LearnerStreams(0), 0)
    model.learn(8)
    check_lifetimes(model, room)
