"""What W&B is told beside the numbers, and in which mode its report run is."""

import json
from types import SimpleNamespace

import pytest
from synthetic_run import rows
from tracking_kit import TASKS, end, plan_config, run_of

from lessonplan.experiments.config.config import Tracking
from lessonplan.experiments.tracking import follow
from lessonplan.experiments.tracking.endings import artifact_files
from lessonplan.experiments.tracking.pair import TrackedPair, ended_offline, run_id
from lessonplan.experiments.tracking.service import WandbService

LIVES = [rows("plan", i, [[0.1, 0.1]] * 6, tasks=TASKS, choices=[0] * 6) for i in range(2)]


@pytest.fixture
def run(tmp_path):
    found = run_of(tmp_path / "run", LIVES, decisions=6)
    end(found)
    return found


def pair(run, config=None):
    return TrackedPair(config or plan_config(), run, "plan", 0, 0.95, 0)


@pytest.fixture
def begun(run, monkeypatch):
    """What `wandb.init` is given for a pair, by section `tracking`."""
    import wandb

    def begin(**section):
        given = {}
        begun = SimpleNamespace(summary={}, starting_step=0, define_metric=lambda *_, **__: None)
        monkeypatch.setattr(wandb, "setup", lambda settings: None)
        monkeypatch.setattr(wandb, "init", lambda **options: given.update(options) or begun)
        WandbService(run, "project", "offline", Tracking(**section), 1.0).open(pair(run))
        return given, begun.summary

    yield begin
    WandbService._users = 0


def test_a_run_has_the_entity_the_group_the_name_the_tags_and_the_notes_of_its_config(begun):
    given, summary = begun(entity="team", group="nights", name="night", tags=["a"], notes="why")
    found = {name: given[name] for name in ("entity", "group", "name", "tags", "notes")}
    assert found == {
        "entity": "team", "group": "nights", "name": "night plan-0", "tags": ["a"], "notes": "why",
    }  # fmt: skip
    assert summary["environment"] == given["config"]["environment"]
    assert set(summary["environment"]) == {"versions", "machine", "git_commit", "git", "host"}


@pytest.mark.parametrize("wanted", [False, True])
def test_what_the_machine_is_busy_with_is_sent_only_where_it_is_wanted(begun, wanted):
    given, _ = begun(statistics=wanted)
    assert given["settings"].x_disable_stats is not wanted
    assert given["settings"].x_disable_machine_info is not wanted


def test_what_wandb_is_told_makes_no_other_run_of_it(run):
    told = plan_config(tracking={"tags": ["a"], "notes": "why"})
    assert run_id(told, run, "plan", 0) == run_id(plan_config(), run, "plan", 0)


def test_ones_own_code_is_sent_only_where_it_is_wanted_and_only_what_the_config_names(
    run, tmp_path, monkeypatch
):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "my_rules.py").write_text("class Mine:\n    pass\n")
    (tmp_path / "secret").write_text("not to be sent")
    described = json.loads((run / "environment.json").read_text())
    described["modules"] = {"secret": {"file": str(tmp_path / "secret"), "sha256": ""}}
    (run / "environment.json").write_text(json.dumps(described))
    own = {"teachers": [{"name": "plan", "rule": "my_rules:Mine"}], "modules": [str(folder)]}
    assert "code" not in artifact_files(pair(run, plan_config(**own)))
    files = artifact_files(pair(run, plan_config(tracking={"code": True}, **own)))
    assert files["code"] == [folder / "my_rules.py"]


@pytest.mark.parametrize(
    ("positions", "offline"),
    [
        ([{"mode": "online"}], False),
        ([{"mode": "online"}, {"mode": "offline"}], True),
        ([{"mode": "online", "partly": True}], True),
        ([{}], False),
    ],
)
def test_the_report_run_is_offline_where_pairs_ended_so_or_not_all_was_sent(
    run, monkeypatch, positions, offline
):
    modes = []

    class Service:
        def __init__(self, folder, project, mode, told, patience):
            modes.append(mode)

        def report(self, comparisons):
            assert comparisons

        def close(self):
            pass

    monkeypatch.setattr(follow, "WandbService", Service)
    monkeypatch.setenv("WANDB_MODE", "online")
    (run / "wandb").mkdir()
    for i, position in enumerate(positions):
        (run / "wandb" / f"position-{i}.json").write_text(json.dumps(position))
    follow.track_report(run, "project", "group", say=lambda _: None)
    assert modes == ["offline" if offline else "online"]


def test_a_pair_of_a_sweep_that_ended_offline_makes_its_report_offline(tmp_path):
    place = tmp_path / "pairs" / "plan-0" / "wandb"
    place.mkdir(parents=True)
    (place / "position-a.json").write_text('{"mode": "online"}')
    assert not ended_offline(tmp_path)
    (place / "position-a.json").write_text('{"mode": "offline"}')
    assert ended_offline(tmp_path)
