"""TensorBoard is fed from the run directory as W&B is: the same rows, each once."""

import importlib.util
import json

import numpy as np
import pytest
from synthetic_run import rows
from tracking_kit import TASKS, end, plan_config, run_of

from lessonplan.experiments.common.files import locked
from lessonplan.experiments.store.learned_schedules import LearnedSchedule, LearnedSchedules
from lessonplan.experiments.tracking import tensorboard
from lessonplan.experiments.tracking.pair import TrackedPair

# What TensorBoard itself warns of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LIVES = [rows("plan", i, [[0.1, 0.1]] * 6, tasks=TASKS, choices=[0] * 6) for i in range(2)]
LINES = [
    {"decisions": 0, "watch/mastered": 0.0, "watch/cost": 40.0, "watch/compute": 9.0},
    {"decisions": 32, "rollout/ep_rew_mean": -0.5, "rollout/ep_len_mean": 4.0},
    {"decisions": 64, "rollout/ep_rew_mean": -0.25, "train/loss": 0.125},
    {"decisions": 32, "selection/cost": 40.0},
    {"decisions": 64, "selection/cost": 36.0},
]


@pytest.fixture
def run(tmp_path):
    """A run directory of one pair that was trained, watched and reported."""
    found = run_of(tmp_path / "run", LIVES, decisions=6)
    (found / "training").mkdir()
    log = "".join(json.dumps(line) + "\n" for line in LINES)
    (found / "training" / "plan-0.jsonl").write_text(log)
    look = LearnedSchedule(0, tuple(TASKS), np.full((4, 2), 0.5), 4, 0.0, 40.0, 4, 9.0, 160)
    LearnedSchedules(found / "training" / "plan-0.schedules.jsonl").add(look)
    end(found)
    return found


def logged(run, **options):
    """What TensorBoard reads after a run directory was logged, and what was said."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = []
    with tensorboard(plan_config(), run, say=said.append, **options) as watch:
        watch("evaluate-plan-0", 1.0, "done")
    folders = list((run / "tensorboard").iterdir())
    assert [folder.name for folder in folders] == ["plan-0"]
    found = EventAccumulator(str(folders[0]), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found, said


def points(found, name):
    return [(event.step, event.value) for event in found.Scalars(name)]


def test_every_row_is_there_once_under_sb3s_own_names(run):
    found, said = logged(run)
    assert said == []
    assert points(found, "rollout/ep_rew_mean") == [(32, -0.5), (64, -0.25)]
    assert points(found, "train/loss") == [(64, 0.125)]
    assert points(found, "selection/cost") == [(32, 40.0), (64, 36.0)]
    decisions = [
        row for _, row in TrackedPair(plan_config(), run, "plan", 0, 0.95, 0).news()
        if "decision" in row
    ]  # fmt: skip
    assert len(decisions) == 6
    for name in decisions[-1].keys() - {"decision"}:
        wanted = [(row["decision"], row[name]) for row in decisions if name in row]
        assert points(found, name) == [(step, pytest.approx(value)) for step, value in wanted]
    assert points(found, "result/area/iqm") == [(6, 0.5)]


def test_pictures_are_of_the_schedule_and_of_the_schedule_as_it_was_being_learned(run):
    found, _ = logged(run)
    assert [event.step for event in found.Images("learned/schedule")] == [0]
    (picture,) = found.Images("pictures/schedule")
    assert picture.step == 6
    assert picture.encoded_image_string.startswith(b"\x89PNG")


def test_a_run_that_is_logged_again_has_each_row_once(run):
    first, _ = logged(run)
    again, _ = logged(run)
    assert len(list((run / "tensorboard" / "plan-0").iterdir())) == 1
    for name in first.Tags()["scalars"]:
        assert points(again, name) == points(first, name)


def test_nothing_of_wandb_is_made_and_a_run_at_work_is_not_disturbed(run):
    with locked(run):
        logged(run)
    assert not (run / "wandb").exists()


def test_whatever_fails_is_one_sentence_and_the_trial_goes_on(run):
    (run / "tensorboard").write_text("a file where the folder should be")
    said = []
    with tensorboard(plan_config(), run, say=said.append) as watch:
        watch("evaluate-plan-0", 1.0, "done")
    assert len(said) == 1
    assert said[0].startswith("TensorBoard: ")
    assert "the trial goes on" in said[0]


def test_without_the_package_there_is_one_clear_sentence(run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(ModuleNotFoundError, match="pip install tensorboard"),
        tensorboard(plan_config(), run),
    ):
        pass
