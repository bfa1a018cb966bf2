"""Configs: where paths are relative to, what teachers may be called, and that nothing is shared."""

import copy
from pathlib import Path

import pytest
import yaml
from tiny_config import CONFIG

from lessonplan import experiments
from lessonplan.experiments.assembly.natures import mixes_tasks
from lessonplan.experiments.config.loading import make_config, read_config, write_config
from lessonplan.experiments.trial.checking import check

DATA = {"name": "jsonl", "options": {"path": "d.jsonl"}}


def learned(name: str, **more) -> dict:
    return {"name": name, "type": "learned", "sampled": True, **more}


def test_paths_in_a_file_are_relative_to_the_file_also_in_the_course_of_a_teacher(
    tmp_path, monkeypatch
):
    monkeypatch.chdir("/")
    teachers = ["uniform", learned("ppo", courses=[{"suite": DATA}])]
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"suite": DATA, "teachers": teachers}))
    config = read_config(tmp_path / "c.yaml")
    assert config.suite.options["path"] == str(tmp_path / "d.jsonl")
    assert config.teachers[1].courses[0].suite.options["path"] == str(tmp_path / "d.jsonl")


@pytest.mark.parametrize(
    "override", ["suite.options.path=my.jsonl", "suite.options={path: my.jsonl}"]
)
def test_paths_in_overrides_are_relative_to_the_working_directory_and_stay_so(
    override, tmp_path, monkeypatch
):
    here = tmp_path / "here"
    (tmp_path / "run").mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    course = "teachers.ppo.courses.0.suite={name: jsonl, options: {path: other.jsonl}}"
    config = read_config("words", [override, course])
    assert config.suite.options["path"] == str(here / "my.jsonl")
    assert config.teachers[0].courses[0].suite.options["path"] == str(here / "other.jsonl")
    write_config(config, tmp_path / "run" / "config.yaml")
    monkeypatch.chdir(tmp_path)
    assert read_config(tmp_path / "run" / "config.yaml") == config


def test_paths_from_python_are_relative_to_the_working_directory_and_values_are_left_alone(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    values = {
        "suite": {"name": "jsonl", "options": {"path": Path("d.jsonl")}},
        "student": {"options": {"hidden": (8, 8)}}, "teachers": ["uniform"],
    }  # fmt: skip
    before = copy.deepcopy(values)
    config = make_config(values, ["teachers.uniform.tune=true"])
    assert config.suite.options["path"] == str(tmp_path / "d.jsonl")
    assert values == before
    write_config(config, tmp_path / "c.yaml")
    assert read_config(tmp_path / "c.yaml") == config


def test_an_override_changes_one_teacher_where_the_file_shares_its_settings():
    config = read_config("single-tasks", ["teachers.ppo.settings.n_steps=7"])
    steps = {t.name: t.settings["n_steps"] for t in config.teachers if t.type == "learned"}
    assert steps == {"ppo": 7, "ppo-progress": 80}


def guarded(name, of, guards=("review",)):
    return {"name": name, "type": "guarded", "of": of, "guards": list(guards)}


BAD = {
    "a slash": (["a/b"], "begins with a letter or digit"),
    "a leading dot": ([{"name": ".a", "rule": "uniform"}], "begins with a letter or digit"),
    "nothing": ([{"name": "", "rule": "uniform"}], "begins with a letter or digit"),
    "a newline": ([{"name": "a\n", "rule": "uniform"}], "begins with a letter or digit"),
    "a seed": ([{"name": "a-0", "rule": "uniform"}], "must not end in '-' and digits"),
    "a seed of a learned one": ([learned("ppo-12")], "must not end in '-' and digits"),
    "the sampled name": (
        [learned("ppo"), {"name": "ppo-sampled", "rule": "uniform"}], "also reported as"
    ),
    "a replay of a replay": (
        ["uniform", {"name": "a", "type": "replay", "of": "uniform"},
         {"name": "b", "type": "replay", "of": "a"}], "which is a replay itself",
    ),
    "a replay of itself": ([{"name": "a", "type": "replay", "of": "a"}], "not one of the teachers"),
    "guards of nobody": (["uniform", guarded("b", "unifrm")], "did you mean 'uniform'"),
    "guards of a replay": (
        ["uniform", {"name": "a", "type": "replay", "of": "uniform"}, guarded("b", "a")],
        "which is a replay itself",
    ),
    "guards around guards": (
        ["uniform", guarded("a", "uniform"), guarded("b", "a")], "write all guards in one list",
    ),
    "no guards": (["uniform", guarded("a", "uniform", [])], r"guards: write a list of keys"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_names_that_would_be_confused_are_refused(kind):
    teachers, words = BAD[kind]
    with pytest.raises(ValueError, match=words):
        make_config({"teachers": teachers})


def test_names_with_digits_dots_and_dashes_inside_are_fine():
    names = ["exp3s", "a-1b", "a.5", "A_2", "2", "x-0-y"]
    config = make_config({"teachers": [{"name": name, "rule": "uniform"} for name in names]})
    assert [teacher.name for teacher in config.teachers] == names
    make_config(
        {"teachers": [learned("ppo", sampled=False), {"name": "ppo-sampled", "rule": "uniform"}]}
    )


@pytest.mark.parametrize(("played", "mixes"), [
    ({"rule": "proportional"}, True),
    ({"rule": "static_mixture", "tune": True}, True),
    ({"rule": "uniform", "action": "mixture"}, True),
    ({"rule": "uniform"}, False),
    (learned("", action="mixture", sampled=False), True),
    (learned(""), False),
])  # fmt: skip
def test_replays_and_guards_mix_within_batches_where_their_original_does(played, mixes):
    replay = {"name": "again", "type": "replay", "of": "mixed"}
    teachers = [played | {"name": "mixed"}, replay, guarded("careful", "mixed")]
    config = make_config(CONFIG | {"teachers": teachers})
    check(config)
    assert [mixes_tasks(teacher, config) for teacher in config.teachers] == [mixes] * 3


def test_settings_that_fit_all_students_are_not_refused_for_the_two_that_are_tried():
    teacher = learned("ppo", students=64, settings={"n_steps": 1, "batch_size": 64})
    check(make_config(CONFIG | {"teachers": [teacher]}))
    check(make_config(CONFIG | {"teachers": [teacher | {"anneal": True}]}))


def test_what_the_page_on_configs_names_is_imported_from_experiments():
    assert experiments.make_config({"teachers": ["uniform"]}).teachers[0].name == "uniform"
    assert all(hasattr(experiments, name) for name in experiments.__all__)
