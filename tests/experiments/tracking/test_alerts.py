"""When tracking has something to say: a schedule that collapsed, a mode, input that can't be."""

import importlib.util
import subprocess
import sys

import pytest
from places import KITS
from synthetic_run import rows
from tracked_trial import KEY, TINY
from tracking_kit import (
    end,
    environment,
    offline_runs,
    run_of,
)

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.tracking import follow as module
from lessonplan.experiments.tracking.follow import tracking
from lessonplan.experiments.tracking.mode import chosen_mode
from lessonplan.experiments.trial.trial import run_trial

COLLAPSED = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from tracking_kit import plan_config

from lessonplan.experiments.tracking import tracking

with tracking(plan_config(), Path(sys.argv[1]), "project", alert_decisions=3) as watch:
    watch("evaluate-plan-0", 1.0, "done")
"""


@pytest.mark.slow
def test_a_schedule_that_collapses_is_told_once_and_stands_in_the_summary(tmp_path):
    scores = [[0.1, 0.1]] * 8
    lives = [
        rows("plan", i, scores, tasks=["first", "second"], choices=[1] + [0] * 7) for i in range(2)
    ]
    run = run_of(tmp_path / "run", lives, decisions=8)
    end(run)
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", COLLAPSED, str(run), str(KITS)],
            env=environment(tmp_path), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = offline_runs(run)["plan"]
        assert len(found.alerts) == 1
        assert "first had 100% of the decisions up to decision 4" in found.alerts[0]["text"]
        collapse = {key: value for key, value in found.summary.items() if "collapse" in key}
        assert collapse == {"collapse/decision": 4, "collapse/task": "first", "collapse/share": 1}
        assert found.summary["result/area/ci95/low"] == 0.4
        assert "result/label" not in found.summary


def test_the_mode_is_what_is_asked_for_or_follows_from_a_key(tmp_path, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    keys = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(keys))
    assert chosen_mode() == "offline"
    keys.write_text(f"machine api.wandb.ai login user password {KEY}\n")
    keys.chmod(0o600)
    assert chosen_mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "http://elsewhere:8080")
    assert chosen_mode() == "offline"
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert chosen_mode() == "online"
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert chosen_mode() == "offline"


def test_a_trial_that_is_refused_leaves_no_wandb_run(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    (tmp_path / "something").write_text("")
    config, said = Config.model_validate(TINY), []
    with pytest.raises(ValueError, match="is not empty"):
        with tracking(config, tmp_path, "project", say=said.append) as watch:
            run_trial(config, tmp_path, watch=watch)
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
    assert said == []


def test_wandb_that_is_not_installed_is_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install wandb"):
        with tracking(Config.model_validate(TINY), tmp_path, "project"):
            pass


@pytest.mark.parametrize(("share", "window"), [(1.0, 0), (0.0, 0), (0.9, -1)])
def test_an_alert_that_cannot_be_is_refused_before_the_trial(tmp_path, share, window):
    alert = {"alert_share": share, "alert_decisions": window}
    with pytest.raises(ValueError, match="of a collapse must be"):
        with module.tracking(Config.model_validate(TINY), tmp_path, "project", **alert):
            pass
