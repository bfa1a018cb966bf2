"""A config that is printed whole reads as the same config, with help above every key."""

import pytest

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.config.explanations import explained
from lessonplan.experiments.config.keys import all_keys, keys_of
from lessonplan.experiments.config.loading import (
    config_names,
    make_config,
    read_config,
    sweep_names,
)
from lessonplan.experiments.config.sweeps import Sweep, read_sweep

EVERY_KIND = {
    "student": {"lora": {"r": 2, "target_modules": ["a"]}},
    "teachers": [
        {"name": "ppo", "type": "learned", "courses": [{"suite": {"name": "graph"}}, {}]},
        {"name": "again", "type": "replay", "of": "ppo"},
        {"name": "careful", "type": "guarded", "of": "ppo", "guards": ["review"]},
        {"name": "odd", "rule": "m:Rule", "parameters": {"text": "a: b # 'c'\nd", "none": None}},
    ],
}


@pytest.mark.parametrize("name", config_names())
def test_a_run_is_read_again_as_it_was(name, tmp_path):
    config = read_config(name)
    (tmp_path / "mine.yaml").write_text(explained(config))
    assert read_config(tmp_path / "mine.yaml") == config


@pytest.mark.parametrize("name", sweep_names())
def test_a_sweep_is_read_again_as_it_was(name, tmp_path):
    sweep = read_sweep(name, ["space.student.learning_rate={uniform: [0.1, 0.2]}"])
    (tmp_path / "mine.yaml").write_text(explained(sweep))
    assert read_sweep(tmp_path / "mine.yaml") == sweep


def test_so_are_sections_in_sections_and_texts_that_yaml_would_take_for_something_else(tmp_path):
    config = make_config(EVERY_KIND, ["name='2024'"])
    (tmp_path / "mine.yaml").write_text(explained(config))
    assert read_config(tmp_path / "mine.yaml") == config


def test_every_key_has_its_help_above_it_the_first_time():
    lines = explained(make_config(EVERY_KIND)).splitlines()
    for _, key in all_keys(Config):
        place = next(
            i for i, line in enumerate(lines) if line.strip(" -").startswith(f"{key.name}:")
        )
        assert lines[place - 1].strip().startswith("# ")
        assert any(line.strip().startswith(f"# {key.field.description}") for line in lines)


def test_help_stands_there_once_and_has_the_choices():
    text = explained(read_config("quickstart"))
    assert text.count("# arguments of the rule\n") == 1
    assert " (full or bandit or training)\n  feedback: training\n" in text


def test_the_heading_says_what_to_begin_it_with():
    assert "`lessonplan run FILE.yaml`" in explained(read_config("quickstart"))
    assert "`lessonplan sweep FILE.yaml`" in explained(read_sweep("quickstart-sweep"))
    assert set(keys_of(Sweep)) > {"config", "space"}
