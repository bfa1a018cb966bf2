"""Nothing outside of a directory that strangers hand in is changed through it, and it ends."""

import json
import os
import shutil
import signal
import sys

import pyarrow.parquet as pq
import pytest
import yaml
from own_folder import forgetting
from stranger_kit import Strangers

from lessonplan.experiments import cli, make_config, run_trial
from lessonplan.experiments.common.trust import take_for_strange, trusting
from lessonplan.experiments.config.config import Tracking
from lessonplan.experiments.config.sweeps import read_sweep, write_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.tracking.service import WandbService, see_that_nobody_else_sets_wandb

PLACES = [
    "tensorboard", "tensorboard/uniform-0", "schedule", "figures", "checkpoint", "checkpoint/lock",
    "checkpoint/worker-0.log", "teachers", "training", "wandb", "wandb/key", "wandb/staged",
    "summary.json", ".summary.json.1.tmp", "schedule/part-uniform-0-0001.parquet",
]  # fmt: skip
"""Of a run directory, where something is written, deleted or read."""
PIPES = [
    "schedule/part-uniform-0-0001.parquet", "checkpoint/evaluate-uniform-0.json", "config.yaml",
    "teachers/a.json", "checkpoint/lock", "environment.json", "summary.json",
]  # fmt: skip
SECONDS = 30
"""After which a command is taken to wait for a pipe."""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A run directory and a sweep directory of one's own, of which strangers change copies."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch, forgetting():
        patch.setattr(report, "draw_figures", lambda *_: [])
        values = Strangers(folder / "s").values("rule", "uniform") | {"teachers": ["uniform"]}
        run_trial(make_config(values), folder / "run")
        (folder / "base.yaml").write_text(yaml.safe_dump(values))
        sweep = {"name": "s", "config": "base.yaml", "teachers": ["uniform"]}
        (folder / "s.yaml").write_text(yaml.safe_dump(sweep))
        settings = read_sweep(folder / "s.yaml")
        (folder / "sweep").mkdir()
        write_sweep(settings, folder / "sweep" / "sweep.yaml")
        (pair,) = pairs_of(settings)
        run_trial(pair.config, folder / "sweep" / "pairs" / pair.name)
    return folder


@pytest.fixture
def lessonplan(monkeypatch, capsys, tmp_path):
    """The command: its exit status, and what it said; one that waits for a pipe is ended."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    monkeypatch.chdir(tmp_path)

    def wait(*_):
        raise TimeoutError("the command waits without an end")

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["lessonplan", *map(str, words)])
        before = signal.signal(signal.SIGALRM, wait)
        signal.alarm(SECONDS)
        try:
            with forgetting(), pytest.raises(SystemExit) as end:
                cli.main()
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return end.value.code or 0, said.err

    return command


@pytest.fixture
def outside(tmp_path):
    """A folder that a stranger's links lead to, as one has it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    (folder / "uniform-0").mkdir()
    (folder / "uniform-0" / "notes.txt").write_text("more of it")
    (folder / ".a.1.tmp").touch()
    return folder


def contents(folder):
    return {path: path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}


def put(target, place):
    """A link in the place of whatever is there."""
    place.parent.mkdir(exist_ok=True)
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    target(place)


def commands(folder):
    """What goes on with a run, and what reads it."""
    return [["run", "--resume", folder, "--tensorboard"], ["report", folder]]


@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_leads_out_of_a_run_directory_is_refused(
    place, own, outside, lessonplan, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(own / "run", folder)
    (folder / "checkpoint" / "evaluate-uniform-0.json").unlink()
    target = outside / "thesis.txt" if "." in place or place.endswith(("k", "y")) else outside
    put(lambda path: path.symlink_to(target), folder / place)
    before = contents(outside)
    for words in commands(folder):
        status, err = lessonplan(*words)
        assert status == 2
        assert f"{folder / place} is a link that leads out of {folder}, to {target}" in err
        assert err.count("\n") == 1
    assert contents(outside) == before


@pytest.mark.parametrize("place", ["merged", "merged/s", "pairs", "pairs/uniform-0", "figures"])
def test_a_link_that_leads_out_of_a_sweep_directory_is_refused(
    place, own, outside, lessonplan, tmp_path
):
    folder = tmp_path / "sweep"
    shutil.copytree(own / "sweep", folder)
    put(lambda path: path.symlink_to(outside), folder / place)
    before = contents(outside)
    resume = ["sweep", "--resume", folder]
    for words in (["report", folder, "--out", tmp_path / "r"], resume, [*resume, "--dry-run"]):
        status, err = lessonplan(*words)
        assert (status, f"{folder / place} is a link that leads out" in err) == (2, True), err
    assert contents(outside) == before


def test_a_new_run_goes_through_no_link_either(own, outside, lessonplan, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "checkpoint").symlink_to(outside)
    before = contents(outside)
    status, err = lessonplan("run", own / "base.yaml", "--out", tmp_path / "new")
    assert (status, "is a link that leads out" in err) == (2, True), err
    assert contents(outside) == before


@pytest.mark.parametrize("place", PIPES)
def test_a_pipe_in_a_run_directory_is_not_waited_for(place, own, lessonplan, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(own / "run", folder)
    put(os.mkfifo, folder / place)
    for words in (*commands(folder), ["report", folder, "--follow"]):
        status, err = lessonplan(*words)
        assert status == 2
        assert f"{folder / place} is neither a file nor a folder but a pipe" in err


def test_a_link_that_stays_inside_is_followed_to_what_lies_there(
    own, outside, lessonplan, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(own / "run", folder)
    (folder / "schedule").rename(folder / "parts")
    (folder / "schedule").symlink_to("parts")
    # The directory may be reached through one, and what is not ours may lead anywhere.
    (tmp_path / "link").symlink_to(folder)
    (folder / "data").symlink_to(outside)
    (folder / "wandb").mkdir()
    (folder / "wandb" / "debug-core.log").symlink_to(outside / "thesis.txt")
    for words in commands(tmp_path / "link"):
        assert lessonplan(*words)[0] == 0
    (folder / "parts" / "part-a-0-0000.parquet").symlink_to(outside / "thesis.txt")
    status, err = lessonplan("report", folder)
    assert (status, "is a link that leads out" in err) == (2, True), err


def test_links_of_ones_own_are_followed_with_trust(own, outside, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(own / "run", folder)
    put(lambda path: path.symlink_to(outside), folder / "figures")
    files = RunDir(folder)
    with pytest.raises(ValueError, match="add --trust if you made it"):
        files.see_that_nothing_leads_out()
    with trusting():
        files.see_that_nothing_leads_out()
        put(os.mkfifo, folder / "summary.csv")
        with pytest.raises(ValueError, match="but a pipe"):
            files.see_that_nothing_leads_out()


@pytest.mark.parametrize("name", ["{outside}", "../../outside", "..", "."])
def test_what_a_stored_sweep_is_called_leads_nowhere(name, own, outside, lessonplan, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(own / "sweep", folder)
    stored = yaml.safe_load((folder / "sweep.yaml").read_text())
    stored["name"] = name.format(outside=outside)
    (folder / "sweep.yaml").write_text(yaml.safe_dump(stored))
    kept = contents(folder / "pairs")
    before = contents(outside)
    assert lessonplan("report", folder)[0] == 0
    assert contents(outside) == before
    assert contents(folder / "pairs") == kept
    assert len(list((folder / "merged").iterdir())) == 1


def test_the_name_in_a_card_leads_nowhere(own, outside, lessonplan, tmp_path):
    folder = tmp_path / "sweep"
    shutil.copytree(own / "sweep", folder)
    (card,) = folder.glob("pairs/*/teachers/*.json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"name": str(outside / "thesis")}))
    before = contents(outside)
    status, err = lessonplan("report", folder)
    assert (status, f"{card}: name must be that of the file" in err) == (2, True), err
    assert contents(outside) == before


def test_what_nobody_has_thought_of_is_a_sentence_with_the_directory(own, lessonplan, monkeypatch):
    def break_down(*_):
        raise TypeError("unhashable type: 'list'")

    monkeypatch.setattr(report, "summarize", break_down)
    status, err = lessonplan("report", own / "run")
    assert (status, err.count("\n")) == (2, 1)
    assert f"no report can be made of {own / 'run'} (TypeError: unhashable type: 'list'): " in err
    assert "it holds something that no run writes, or lessonplan has a fault" in err


@pytest.mark.parametrize("words", [b"5", b"{", b"[" * 100_000])
def test_a_part_that_does_not_say_whose_it_is_is_named(words, own, lessonplan, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(own / "run", folder)
    (part,) = folder.glob("schedule/*.parquet")
    table = pq.read_table(part).replace_schema_metadata({b"belongs_to": words})
    pq.write_table(table, part, write_page_checksum=True)
    status, err = lessonplan("report", folder)
    assert (status, f"{part.name} must say by name what it belongs to" in err) == (2, True), err


def test_a_strange_directory_does_not_say_where_wandb_sends_to(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    (folder / "wandb").mkdir(parents=True)
    (folder / "wandb" / "settings").write_text("[default]\nbase_url = https://elsewhere\n")
    monkeypatch.chdir(folder)
    with forgetting():
        see_that_nobody_else_sets_wandb()
        take_for_strange(folder)
        service = WandbService(folder, "p", "offline", Tracking(), 5.0)
        with pytest.raises(ValueError, match="wandb/settings would tell W&B where to send"):
            service._init("id", "a", "a-0", {})
        service.close()
        with trusting():
            see_that_nobody_else_sets_wandb()
        monkeypatch.chdir(tmp_path)
        see_that_nobody_else_sets_wandb()
