"""W&B is fed from the run directory: everything is there, once, and the trial does not notice."""

import json
import platform
import re
from pathlib import Path

import pytest
from tracked_trial import TINY
from tracking_kit import (
    each_decision_once,
    numbers,
    offline_runs,
    tracked,
)

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.tracking.dashboard import BARS, LINES, MEDIA, TABLES, TASKS, TRAINING
from lessonplan.experiments.tracking.follow import track_report
from lessonplan.experiments.tracking.tracker import sync_command
from lessonplan.experiments.trial.trial import run_trial

PAIRS = {"ppo", "uniform"}
TASK_NAMES = ["votes-16", "votes-32", "votes-64"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The trial without tracking."""
    out = tmp_path_factory.mktemp("plain") / "run"
    run_trial(Config.model_validate(TINY), out)
    return out


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The tracked trial, its process, and the W&B runs read back."""
    home = tmp_path_factory.mktemp("home")
    process = tracked(TINY, home / "run", home)
    assert process.returncode == 0, process.stderr
    return home / "run", process, offline_runs(home / "run")


@pytest.mark.slow
def test_a_tracked_trial_has_the_numbers_of_one_that_is_not(plain, done):
    assert numbers(done[0]) == numbers(plain)


@pytest.mark.slow
def test_a_tracked_trial_says_one_sentence_and_leaves_the_process_as_it_was(done):
    out, process, _ = done
    assert process.stderr.splitlines() == [
        f"lessonplan: W&B: the runs are on disk; send them with: {sync_command(out)}"
    ]
    assert json.loads(process.stdout) == {"same hooks": True, "left": []}
    home = [path for path in (out.parent).rglob("*") if "wandb" in path.name.lower()]
    assert all(path.is_relative_to(out) for path in home)


@pytest.mark.slow
def test_there_is_a_run_for_each_pair_with_its_group_job_type_and_config(done):
    _, _, runs = done
    assert set(runs) == PAIRS
    for name, run in runs.items():
        assert (run.run["project"], run.run["run_group"]) == ("project", "group")
        config = run.run["config"]["update"]
        assert config["teacher"]["name"] == name
        assert config["teacher_seed"] == 0
        assert config["student"]["batch_size"] == 8
        assert config["seeds"] == {"teacher": 0, "report": 4, "report_fold": 0, "select": 3}
        assert config["lifetime"]["budget"] == "120-steps"


@pytest.mark.slow
def test_a_run_says_where_it_was_made_and_what_its_config_says_of_it(done):
    out, _, runs = done
    stored = json.loads((out / "environment.json").read_text())
    for name, run in runs.items():
        assert run.run["display_name"] == f"night {name}-0"
        assert (run.run["tags"], run.run["notes"]) == (["first", "small"], "of a test")
        for told in (run.run["config"]["update"]["environment"], run.summary["environment"]):
            assert told["versions"] == stored["versions"]
            assert told["git_commit"] == stored["git_commit"]
            # There is none where what is installed lies in no repository.
            code = told["git"]["code"]
            assert code == stored["git"]["code"]
            assert (code and code["commit"]) == stored["git_commit"]
            assert (told["machine"]["device"], told["host"]) == ("cpu", platform.node())
            assert told["machine"]["processor"]


@pytest.mark.slow
def test_the_training_is_followed_by_sb3s_means_costs_of_candidates_and_pictures(done):
    out, _, runs = done
    rows = [row for row in runs["ppo"].history if "training/decisions" in row]
    names = {name for row in rows for name in row}
    assert {f"training/rollout/{name}" for name in ("ep_rew_mean", "ep_len_mean")} <= names
    assert "training/rollout/success_rate" in names
    unit = json.loads((out / "checkpoint" / "train-ppo-0.json").read_text())
    costs = [row["training/selection/cost"] for row in rows if "training/selection/cost" in row]
    assert costs == unit["selection"]
    looks = [row for row in rows if "training/watch/cost" in row]
    assert [row["training/decisions"] for row in looks] == [0, 96, 192]
    assert all(row["training/schedule._type"] == "image-file" for row in looks)


@pytest.mark.slow
def test_every_decision_and_every_line_of_the_training_log_is_there_once(done):
    each_decision_once(done[2], done[0])


@pytest.mark.slow
def test_every_metric_has_an_axis_and_every_task_its_values(done):
    for run in done[2].values():
        for kind, _ in TASKS:
            assert run.axes[f"{kind}/*"] == "decision"
            assert {f"{kind}/{task}" for task in TASK_NAMES} <= run.names
        own = ("decision", "training/decisions", "_step", "_runtime", "_timestamp")
        for name in run.names - set(own):
            glob = f"{name.split('/')[0]}/*"
            axis = run.axes.get(name) or run.axes.get(glob)
            expected = "training/decisions" if name.startswith("training/") else "decision"
            assert axis == expected, name


@pytest.mark.slow
def test_the_values_are_those_of_the_stored_schedule(done):
    out, _, runs = done
    stored = read_run(out)
    for name, run in runs.items():
        lifetimes = stored.lifetimes[name]
        assert (lifetimes.length == lifetimes.length.max()).all(), "all students go on to the end"
        for i, row in enumerate(run.decisions):
            assert row["student_steps"] == pytest.approx(lifetimes.student_steps[0, :, i].mean())
            assert row["cost/compute"] == pytest.approx(lifetimes.compute[0, :, i].mean())
            assert row["students/running"] == 4
            for j, task in enumerate(TASK_NAMES):
                score = lifetimes.test_score[0, :, i, j].mean()
                assert row[f"test_score/{task}"] == pytest.approx(score)
                share = lifetimes.probabilities[0, :, i, j].mean()
                assert row[f"schedule/{task}"] == pytest.approx(share, abs=1e-6)
                chosen = (lifetimes.task[0, :, i] == j).mean()
                assert row[f"chosen/{task}"] == pytest.approx(chosen)


@pytest.mark.slow
def test_the_end_has_the_heat_map_the_chart_the_table_the_summary_and_the_artifacts(done):
    out, _, runs = done
    summary = json.loads((out / "summary.json").read_text())["teachers"]
    for name, run in runs.items():
        for path in run.files:
            assert (run.folder / "files" / path).stat().st_size > 0
        last = [path for path in run.files if "training" not in path]
        kinds = [path.split("/")[1] for path in last]
        assert sorted(kinds) == ["html", "images", "table"]
        picture = next(path for path in last if path.endswith(".png"))
        assert (run.folder / "files" / picture).read_bytes().startswith(b"\x89PNG")
        table = next(path for path in run.files if path.endswith(".json"))
        stored = json.loads((run.folder / "files" / table).read_text())
        assert stored["columns"][:4] == ["decision", "student_steps", "task", "probability"]
        assert len(stored["data"]) == 12 * len(TASK_NAMES)
        row = run.decisions[4]
        task = TASK_NAMES[1]
        found = next(cells for cells in stored["data"] if cells[0] == 5 and cells[2] == task)
        assert found[3] == pytest.approx(row[f"schedule/{task}"])
        assert run.summary["result/area/iqm"] == pytest.approx(summary[name]["area"]["iqm"])
        assert -1.0 <= run.summary["result/order_agreement"] <= 1.0
        assert run.summary["students/mastered"] == summary[name]["mastered"]
        manifests = {
            kind: [Path(entry["local_path"]) for entry in records[0]["manifest"]["contents"]]
            for kind, records in run.artifacts.items()
        }
        assert all(path.is_relative_to(out) for paths in manifests.values() for path in paths)
        assert all(path.exists() for paths in manifests.values() for path in paths)
        assert {path.suffix for path in manifests["schedule"]} == {".parquet"}
        assert {path.name for path in manifests["config"]} == {"config.yaml", "environment.json"}
        teacher = {path.name for path in manifests["teacher"]}
        assert teacher == {f"{name}.json"} | ({"ppo-0.zip"} if name == "ppo" else set())


@pytest.mark.slow
def test_every_panel_of_the_dashboard_names_something_that_is_logged(done, monkeypatch):
    out, _, runs = done
    monkeypatch.setenv("WANDB_MODE", "offline")
    said = []
    track_report(out, "project", "group", say=said.append)
    assert said == [f"W&B: the report is on disk; send it with: {sync_command(out)}"]
    runs = offline_runs(out)
    report = runs.pop("report")
    assert report.run["run_group"] == "group"
    logged = set().union(*(run.names | set(run.summary) for run in (*runs.values(), report)))
    logged = {name.removesuffix("._type") for name in logged}
    named = [name for curves in LINES.values() for curve in curves for name in curve]
    named += [name for names in (*BARS.values(), *MEDIA.values(), TABLES) for name in names]
    assert [name for name in named if name not in logged] == []
    for pattern in (*(f"{kind}/.*" for kind, _ in TASKS), TRAINING):
        assert any(re.fullmatch(pattern, name) for name in logged), pattern


@pytest.mark.slow
def test_a_tracked_trial_that_is_killed_and_resumed_logs_each_decision_once(plain, tmp_path):
    kills = []
    for calls in (12, 12):
        process = tracked(TINY, tmp_path / "run", tmp_path, kill="trial", calls=calls)
        kills.append(process.returncode)
    assert -9 in kills
    process = tracked(TINY, tmp_path / "run", tmp_path)
    assert process.returncode == 0, process.stderr
    each_decision_once(offline_runs(tmp_path / "run"), tmp_path / "run")
    assert numbers(tmp_path / "run") == numbers(plain)
    log = (tmp_path / "run" / "training" / "ppo-0.jsonl").read_bytes()
    assert log == (plain / "training" / "ppo-0.jsonl").read_bytes()


@pytest.mark.slow
def test_a_trial_whose_wandb_service_is_killed_goes_on_and_is_logged_whole(plain, tmp_path):
    process = tracked(TINY, tmp_path / "run", tmp_path, kill="service", calls=6)
    assert process.returncode == 0, process.stderr
    assert "killed the service" in process.stdout
    sentences = process.stderr.splitlines()
    assert len(sentences) == 2, process.stderr
    assert "the trial goes on, and it is tried again offline" in sentences[0]
    each_decision_once(offline_runs(tmp_path / "run"), tmp_path / "run")
    assert numbers(tmp_path / "run") == numbers(plain)


@pytest.mark.slow
def test_a_resumed_trial_that_was_done_is_not_logged_again(done):
    out, _, _ = done
    before = sorted(path.name for path in (out / "wandb").glob("offline-run-*"))
    process = tracked(TINY, out, out.parent)
    assert process.returncode == 0, process.stderr
    assert sorted(path.name for path in (out / "wandb").glob("offline-run-*")) == before
