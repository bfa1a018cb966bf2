"""Every key of a config says what it is, and shows a value that it takes."""

import re
from typing import Annotated

import pytest
import yaml
from places import ROOT
from pydantic import TypeAdapter

from lessonplan.experiments.config.config import Config, RuleSection, Seeds
from lessonplan.experiments.config.keys import all_keys, form_of, keys_of
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.config.sweeps import Sweep

KEYS = {f"{root.__name__}: {path}": key for root in (Config, Sweep) for path, key in all_keys(root)}


@pytest.mark.parametrize("path", KEYS)
def test_a_key_has_a_line_of_help(path):
    description = KEYS[path].field.description
    assert description
    assert "\n" not in description
    assert not description.endswith(".")


@pytest.mark.parametrize("path", KEYS)
def test_a_key_shows_a_value_and_takes_it(path):
    field, example = KEYS[path].field, KEYS[path].example
    assert example not in ("''", "[]", "{}", "null")
    value = yaml.safe_load(example) if example else None
    if path.endswith(": teachers") and isinstance(value[0], str):
        # A bare text is a rule of that name, which the whole config sees to.
        value = value[1:]
    if path.endswith(".guards"):
        # So it is with guards.
        value = [one for one in value if not isinstance(one, str)]
    if value is not None:
        TypeAdapter(Annotated[field.annotation, "of the key", *field.metadata]).validate_python(
            value
        )


def test_keys_are_found_where_they_stand():
    paths = {path for path, _ in all_keys(Config)}
    assert {"student.lora.r", "teachers.NAME.settings", "seeds.report"} <= paths
    assert "space.KEY.uniform" in {path for path, _ in all_keys(Sweep)}
    assert not any("courses." in path for path in paths)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int | None, "a whole number"),
        (list[str] | str | None, "a list of texts or text"),
        (dict[str, list[float]], "keys with lists of numbers"),
        (tuple[float, float], "a list of 2 numbers"),
        (dict[str, list[int] | Seeds], "keys with lists of whole numbers or keys with values"),
        (list[Annotated[bool, "help"]], "a list of values that are true or false"),
    ],
)  # fmt: skip
def test_types_are_told_in_words(annotation, words):
    assert form_of(annotation) == words


def test_bounds_and_choices_are_told_too():
    keys = keys_of(RuleSection)
    assert keys["action"].form == "task or mixture"
    assert keys["action"].choices == ("task", "mixture")
    lifetime = keys_of(Config)["lifetime"].sections[0]
    assert keys_of(lifetime)["rehearsal"].form == "a number of at least 0 and below 1"


def test_the_config_of_the_page_on_configs_is_one():
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configs.md").read_text(), re.DOTALL)
    config = make_config(yaml.safe_load(block))
    assert [(teacher.name, teacher.type) for teacher in config.teachers] == [
        ("proportional", "rule"), ("early", "rule"), ("tuned", "rule"), ("ppo", "learned")
    ]  # fmt: skip
    assert config.teachers[2].tune
