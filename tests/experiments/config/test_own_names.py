"""A config knows the folders of the modules that it names, wherever it is read."""

import pytest
import yaml
from own_folder import RUN, write_modules

from lessonplan.experiments.config.loading import make_config, read_config, write_config
from lessonplan.experiments.config.own_names import module_folders, own_modules_in
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.pairs import pairs_of

EVERY = {
    "name": "no:name",
    "suite": {
        "name": "a.b:suite",
        "options": {"score": "c:score", "tasks": {"x": {"score": "d:score"}, "y:z": {}}},
    },
    "student": {
        "model": "e:Net", "cohort": "f:Cohort",
        "schedule": {"name": "g:rate", "then": {"name": "h:rate"}},
    },
    "lifetime": {"reward": "i:pay"},
    "teachers": ["k:l", {"name": "m", "rule": "n:Rule", "observe": ["progress:difference"],
                         "courses": [{"suite": {"name": "o:suite"}}]}],
}  # fmt: skip


def write_run(folder, values=RUN, **modules):
    write_modules(folder, **modules)
    (folder / "c.yaml").write_text(yaml.safe_dump(values))
    return folder / "c.yaml"


def test_names_of_ones_own_are_found_where_they_can_stand_and_nowhere_else():
    assert list(own_modules_in(EVERY)) == ["a.b", "c", "d", "e", "f", "g", "h", "i", "n", "o"]
    space = {
        "overrides": {"suite.name": "a:f"},
        "space": {"teachers.x.rule": ["b:R", "uniform"], "student.model": {"choice": ["c:M"]}},
    }
    assert list(own_modules_in(space)) == ["a", "b", "c"]


def test_folders_are_those_that_have_a_module_and_all_where_one_is_missing(tmp_path):
    folders = [tmp_path / "config", tmp_path / "work"]
    for folder, module in zip(folders, "ab", strict=True):
        write_modules(folder, **{module: ""})
    first, second = map(str, folders)
    assert module_folders({"rule": "a:R"}, folders) == [first]
    assert module_folders({"rule": "b:R"}, folders) == [second]
    assert module_folders([{"rule": "a:R"}, {"rule": "b:R"}], folders) == [first, second]
    assert module_folders({"rule": "gone:R"}, folders) == [first, second]
    assert module_folders({"rule": "uniform"}, folders) == []


def test_a_config_has_its_own_folder_then_the_working_directory(tmp_path, monkeypatch):
    path = write_run(tmp_path / "config", lp_parts="")
    write_modules(tmp_path / "work", lp_parts="", lp_more="")
    monkeypatch.chdir(tmp_path / "work")
    assert read_config(path).modules == [str(tmp_path / "config")]
    more = read_config(path, ["lifetime.reward=lp_more:pay"])
    assert more.modules == [str(tmp_path / "config"), str(tmp_path / "work")]
    assert make_config(RUN).modules == [str(tmp_path / "work")]
    shipped = read_config("quickstart", ["teachers.shortfall.rule=lp_more:R"])
    assert shipped.modules == [str(tmp_path / "work")]
    assert read_config("quickstart").modules == []


def test_folders_that_a_config_names_are_relative_to_it_and_hold_for_all_courses(tmp_path):
    course = {"suite": {"name": "parity"}, "student": {"model": "lp_parts:Net"}}
    teacher = {"name": "p", "type": "learned", "courses": [course]}
    values = RUN | {"modules": ["code"], "teachers": [teacher]}
    config = read_config(write_run(tmp_path / "config", values))
    assert config.modules == [str(tmp_path / "config" / "code")]
    assert config.teachers[0].courses[0].modules == config.modules


def test_folders_that_a_course_names_hold_for_all_behind_those_of_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    course = {"suite": {"name": "lp_suite:small"}, "modules": ["../code"]}
    teacher = {"name": "p", "type": "learned", "courses": [course]}
    write_run(tmp_path / "code", lp_suite="")
    values = RUN | {"teachers": [teacher, "uniform"]}
    config = read_config(write_run(tmp_path / "config", values, lp_parts=""))
    own, more = str(tmp_path / "config"), str(tmp_path / "code")
    assert set(config.modules) == {own, more}
    assert config.teachers[0].courses[0].modules == config.modules
    again = make_config(config.model_dump(mode="json"))
    assert again == config
    named = read_config(write_run(tmp_path / "config", values | {"modules": ["."]}))
    assert named.modules == [own, more]


def test_a_stored_config_keeps_its_folders_and_looks_for_none_beside_itself(tmp_path, monkeypatch):
    config = read_config(write_run(tmp_path / "config", lp_parts=""))
    run = tmp_path / "run"
    write_modules(run, lp_parts="")
    (run / "environment.json").write_text("{}")
    write_config(config, run / "config.yaml")
    monkeypatch.chdir(tmp_path)
    assert read_config(run / "config.yaml") == config
    earlier = config.model_dump(mode="json")
    del earlier["modules"]
    (run / "config.yaml").write_text(yaml.safe_dump(earlier))
    assert read_config(run / "config.yaml").modules == [str(tmp_path)], "as it was looked for then"


@pytest.mark.parametrize("inside", [True, False])
def test_a_sweep_looks_beside_its_config_then_beside_itself(inside, tmp_path, monkeypatch):
    own = {"name": "own", "rule": "lp_parts:Mine" if inside else "uniform"}
    path = write_run(tmp_path / "config", RUN | {"teachers": [own], "student": {}}, lp_parts="")
    write_modules(tmp_path / "sweep", lp_parts="", lp_more="")
    sweep = {
        "config": str(path), "teachers": ["own"],
        "space": {"teachers.own.rule": ["uniform", "lp_more:Rule"]},
    }  # fmt: skip
    (tmp_path / "sweep" / "s.yaml").write_text(yaml.safe_dump(sweep))
    monkeypatch.chdir(tmp_path)
    places = [str(tmp_path / "config")] * inside + [str(tmp_path / "sweep")]
    pairs = pairs_of(read_sweep(tmp_path / "sweep" / "s.yaml"))
    assert [pair.config.modules for pair in pairs] == [places, places]
