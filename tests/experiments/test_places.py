"""Names choose no places: a run, a teacher, a pair or a job is where its folder is, or nowhere."""

import json
import os

import pytest
import yaml
from bad_input_kit import TINY, command, contents, refused
from sweep_kit import SWEEP, write_files

from lessonplan.experiments.common.folder_names import folder_name
from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.sweep import run_sweep
from lessonplan.experiments.trial.trial import run_trial

ELSEWHERE = [
    "../x", "/elsewhere/x", "..", ".", "", "a/b", "a\\b", "a\x1b]0;x", "a\nb", "x\u202ey", "nul",
    "Con.txt", "a" * 201, "ä" * 101, " x", "x.", "-x", "a:b",
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a folder around it that is looked at too."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_run_that_would_lie_elsewhere_is_refused_and_nothing_is_written(
    name, here, monkeypatch, capsys
):
    (here / "here" / "c.yaml").write_text(json.dumps(TINY | {"name": name}))
    before = contents(here)
    sentence = refused(monkeypatch, capsys, "run", "c.yaml")
    assert "c.yaml: name: it is the name of a folder, so it must" in sentence
    assert contents(here) == before
    with pytest.raises(ValueError, match="name: it is the name of a folder, so it must"):
        make_config(TINY | {"name": name})


@pytest.mark.parametrize("name", ["../x", "", "a\x1bb", "nul"])
def test_a_sweep_that_would_lie_elsewhere_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="name: it is the name of a folder, so it must"):
        read_sweep(write_files(tmp_path, {"name": name}))


@pytest.mark.parametrize("name", ["a", "my run", "[red]b", "größe", "a.b_c-1", "$x$", "n" * 200])
def test_a_name_that_a_folder_can_have_is_taken(name):
    assert folder_name(name) == name
    assert make_config(TINY | {"name": name}).name == name


@pytest.mark.parametrize(
    "teacher", ["../x", "", "a/b", "a b", "a\x1bb", "nul", "com1.x", "a" * 201]
)
def test_a_teacher_whose_files_would_lie_elsewhere_is_refused(teacher):
    with pytest.raises(ValueError, match="a teacher's name"):
        make_config(TINY | {"teachers": [{"name": teacher, "rule": "uniform"}]})


def test_files_of_a_teacher_with_the_longest_name_can_be_written(tmp_path):
    name = "t" * 200
    run_trial(make_config(TINY | {"teachers": [{"name": name, "rule": "uniform"}]}), tmp_path / "r")
    assert (tmp_path / "r" / "schedule" / f"part-{name}-0-0000.parquet").exists()


def test_teachers_that_are_one_file_on_another_disk_are_refused():
    teachers = ["uniform", {"name": "Uniform", "rule": "uniform"}]
    with pytest.raises(ValueError, match="'uniform' and 'Uniform' would be one file"):
        make_config(TINY | {"teachers": teachers})


def test_pairs_that_are_one_folder_on_another_disk_are_refused(tmp_path):
    space = {"suite.options.path": ["Rows", "rows"]}
    data = TINY | {"suite": {"name": "jsonl", "options": {"path": "x"}}}
    sweep = read_sweep(write_files(tmp_path, {"teachers": ["uniform"], "space": space}, data))
    with pytest.raises(ValueError, match="would be one file on a disk"):
        run_sweep(sweep, tmp_path / "out", checked=True)
    assert not (tmp_path / "out").exists()
    assert SWEEP["name"] == sweep.name


def test_a_run_that_was_begun_under_a_name_of_earlier_goes_on(here, monkeypatch, capsys):
    run_trial(make_config(TINY | {"teachers": ["uniform"]}), here / "run")
    for file in ("config.yaml", "checkpoint/begun.yaml"):
        path = here / "run" / file
        values = yaml.safe_load(path.read_text()) | {"name": "of/earlier"}
        values["teachers"] += [values["teachers"][0] | {"name": "Uniform"}]
        path.write_text(yaml.safe_dump(values))
    assert read_config(here / "run" / "config.yaml", begun=True).name == "of/earlier"
    status, _, err = command(monkeypatch, capsys, "run", "--resume", str(here / "run"))
    assert status == 0, err
    summary = json.loads((here / "run" / "summary.json").read_text())
    assert sorted(summary["teachers"]) == ["Uniform", "uniform"]
    with pytest.raises(ValueError, match="name of a folder"):
        read_config(here / "run" / "config.yaml")


@pytest.mark.parametrize("out", ["", "a\x1bb", f"x/{'a' * 256}"])
@pytest.mark.parametrize(
    "words", [["run", "quickstart"], ["sweep", "quickstart-sweep"], ["report", "."]]
)
def test_a_folder_that_can_not_be_is_refused_before_any_work(words, out, here, monkeypatch, capsys):
    status, _, err = command(monkeypatch, capsys, *words, "--out", out)
    assert status == 2
    assert "Invalid value for '--out'" in err
    assert "\x1b" not in err
    assert not os.listdir(here / "here")


@pytest.mark.parametrize("verb", ["status", "follow", "stop", "fetch", "resume"])
@pytest.mark.parametrize("job_id", ["../../x", "/etc", "a\x1bb"])
def test_the_id_of_a_job_leads_nowhere_else(verb, job_id, monkeypatch, capsys):
    # Nothing answers there: it is refused before anybody is asked.
    sentence = refused(monkeypatch, capsys, "jobs", verb, job_id, "--address", "http://localhost:1")
    assert "a job has no such ID" in sentence
    assert "\x1b" not in sentence
