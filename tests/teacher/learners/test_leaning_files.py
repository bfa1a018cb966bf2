"""A learner that leans on rules goes on from its file, here and in another process.

Legend: b batch, k tasks.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_cohort import fake_room
from leaning_tasks import LeaningTasks, seen, trained
from new_process import run_python

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.teacher import (
    LEANS_ON,
    LearnerStreams,
    load_teacher,
    make_learner,
    save_teacher,
    stored_teacher,
)
from lessonplan.teacher.learners.make import beside_zip, load_beside_zip

CASES = [("ppo", "mixture"), ("ppo", "task"), ("a2c", "mixture"), ("trpo", "mixture")]


def state_of(model, streams):
    """Everything that a checkpoint holds."""
    zipped = io.BytesIO()
    save_teacher(model, zipped)
    return zipped, beside_zip(model), model.env.state_dict(), streams.state


def numbers(model):
    """Weights and moments of the optimizer, one vector."""
    parts = [one.flatten() for one in model.policy.state_dict().values()]
    for each in model.policy.optimizer.state_dict()["state"].values():
        parts += [value.flatten() for value in each.values() if isinstance(value, torch.Tensor)]
    return torch.cat(parts).numpy()


def answers(model, shown):
    return model.predict(shown, None, np.ones(len(shown), bool), deterministic=True)[0]


@pytest.mark.parametrize(("algorithm", "action"), CASES)
def test_it_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(algorithm, action):
    model, streams = trained(algorithm, 96, LeaningTasks(n=4, length=5, action=action))
    zipped, beside, room, drawn = state_of(model, streams)
    other = load_teacher(zipped, LeaningTasks(n=4, length=5, action=action), force_reset=False)
    load_beside_zip(other, beside)
    other.env.load_state_dict(room)
    others = LearnerStreams(0)
    others.state = drawn
    np.testing.assert_array_equal(numbers(other), numbers(model))
    before = numbers(model)
    for each, own in ((model, streams), (other, others)):
        with own.running():
            each.learn(64, reset_num_timesteps=False)
    assert not np.array_equal(numbers(model), before)
    np.testing.assert_array_equal(numbers(other), numbers(model))


def test_nothing_in_its_file_is_pickled_and_all_of_it_is_read(tmp_path):
    model, _ = trained()
    save_teacher(model, tmp_path / "teacher")
    with zipfile.ZipFile(tmp_path / "teacher.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pth", ".pkl"))]
        assert ":serialized:" not in archive.read("data").decode()
        assert json.loads(archive.read("data"))["prior"] == "shortfall"
    stored = stored_teacher(tmp_path / "teacher.zip")
    assert stored.columns == LeaningTasks.columns


def test_it_loads_on_suites_of_other_sizes(tmp_path):
    model, _ = trained()
    model.save(tmp_path / "own")
    save_teacher(model, tmp_path / "plain")
    for k in (1, 3, 9):
        shown = seen(k, 5, k)
        env = LeaningTasks(k=k, places=k, action="mixture")
        given = [answers(load_teacher(tmp_path / name, env), shown) for name in ("own", "plain")]
        assert given[0].shape == (5, k)
        np.testing.assert_array_equal(*given)


def test_an_environment_that_does_not_show_its_rules_is_refused(tmp_path):
    model, _ = trained()
    save_teacher(model, tmp_path / "teacher")
    env = LeaningTasks(action="mixture")
    env.columns = (*env.columns[:-1], "log_promise")
    with pytest.raises(ValueError, match="was trained on the columns"):
        load_teacher(tmp_path / "teacher", env)


def test_a_file_whose_places_were_changed_is_refused(tmp_path):
    model, _ = trained()
    save_teacher(model, tmp_path / "teacher")
    with zipfile.ZipFile(tmp_path / "teacher.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(members["data"])
    data["policy_kwargs"]["rules"] = [5, 600]
    members["data"] = json.dumps(data).encode()
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="rules must be the place of a column"):
        load_teacher(tmp_path / "changed.zip", LeaningTasks(action="mixture"))


LOAD = """
import sys
import numpy as np
from leaning_tasks import LeaningTasks, seen
from lessonplan.teacher import load_teacher
model = load_teacher(sys.argv[1] + "/teacher.zip", LeaningTasks(action="mixture"))
shown = seen(0, 8, 4)
on = model.predict(shown, None, np.ones(8, bool), deterministic=True)[0]
model.policy.learned_part = False
off = model.predict(shown, None, np.ones(8, bool), deterministic=True)[0]
np.savez(sys.argv[1] + "/answers.npz", on=on, off=off)
"""


@pytest.mark.slow
def test_it_teaches_the_same_in_a_new_process(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "kits"))
    model, _ = trained()
    save_teacher(model, tmp_path / "teacher")
    run_python(LOAD, tmp_path, cwd=tmp_path)
    found, shown = np.load(tmp_path / "answers.npz"), seen(0, 8, 4)
    np.testing.assert_array_equal(found["on"], answers(model, shown))
    model.policy.learned_part = False
    np.testing.assert_array_equal(found["off"], answers(model, shown))


def test_a_tutor_shows_what_it_leans_on_and_mixes_as_the_rule_does(tmp_path):
    columns = ("progress", "score", *(f"log_{rule}" for rule in LEANS_ON))
    room = fake_room(n=2, observe=columns, budget="9-steps", action="mixture")
    with LearnerStreams(0).running():
        model = make_learner("ppo", CurriculumVecEnv(room), seed=0, width=4, prior="shortfall")
    save_teacher(model, tmp_path / "lean")
    tasks = ["add", "subtract", "times"]
    tutor = Tutor(tasks, tmp_path / "lean.zip")
    assert tutor.env.columns == columns
    before = np.zeros(3)
    for scores in ((0.0, 0.0, 0.0), (0.5, 0.97, 0.2), (0.1, 0.8, 0.6)):
        shares = tutor.mix()
        missing = 0.02 + np.maximum(0.95 - before, 0.0)
        wanted = missing / missing.sum()
        np.testing.assert_allclose([shares[task] for task in tasks], wanted, rtol=1e-5)
        tutor.observe(scores=dict(zip(tasks, scores, strict=True)))
        before = np.array(scores)
