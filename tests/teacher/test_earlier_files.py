"""Files of 8d21d09, in which classes lay elsewhere, are worth the same numbers today."""

import base64
import dataclasses
import json
import zipfile

import numpy as np
import pytest
from earlier_kit import (
    EARLIER,
    LEARNERS,
    columns_for,
    of_adapter,
    of_base,
    of_learner,
    of_rule,
    room,
    rules,
)

from lessonplan.teacher import ALGORITHMS, LearnerStreams, RuleTeacher, make_learner

NUMBERS = json.loads((EARLIER / "numbers.json").read_text())
BELOW_THE_FACE = [b"lessonplan.teacher.", b"lessonplan.student", b"lessonplan.envs"]


def check(numbers, wanted):
    assert numbers["chosen"] == wanted["chosen"]
    np.testing.assert_allclose(numbers["probabilities"], wanted["probabilities"], rtol=1e-5)


@pytest.mark.parametrize("name", [*LEARNERS, "own_ppo"])
def test_a_learner_chooses_what_it_chose(name):
    if name in LEARNERS and name not in ALGORITHMS:
        pytest.skip("needs sb3-contrib")
    check(of_learner(EARLIER, name), NUMBERS[name])


@pytest.mark.parametrize("name", rules())
def test_a_rule_chooses_what_it_chose(name):
    check(of_rule(EARLIER, name), NUMBERS[name])


@pytest.mark.parametrize(("read", "name"), [(of_base, "base"), (of_adapter, "adapter")])
def test_students_begin_where_they_began_and_learn_the_same(read, name):
    for numbers, wanted in zip(read(EARLIER), NUMBERS[name], strict=True):
        for figure, values in wanted.items():
            np.testing.assert_allclose(numbers[figure], values, rtol=1e-5, atol=1e-6)


def names_in(path):
    """Everything that the pickles in a zip say, as one text."""
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("data"))
    values = [value for value in data.values() if isinstance(value, dict)]
    return b"\n".join(base64.b64decode(value.get(":serialized:", "")) for value in values)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_learner_that_is_saved_today_names_nothing_below_the_face(name, tmp_path):
    env = room(action=ALGORITHMS[name].actions[-1])
    with LearnerStreams(0).running():
        make_learner(name, env, seed=0, width=4).save(tmp_path / "teacher.zip")
    names = names_in(tmp_path / "teacher.zip")
    assert b"lessonplan.teacher" in names
    assert not any(module in names for module in BELOW_THE_FACE)


@pytest.mark.parametrize("name", rules())
def test_a_rule_that_is_saved_today_is_a_name_and_parameters(name, tmp_path):
    rule = rules()[name]
    teacher = RuleTeacher(rule, room(columns_for(rule)))
    teacher.save(tmp_path / "teacher.zip")
    assert teacher.rule is rule
    names = names_in(tmp_path / "teacher.zip")
    assert not any(module in names for module in BELOW_THE_FACE)
    loaded = RuleTeacher.load(tmp_path / "teacher.zip").rule
    for field in (each for each in dataclasses.fields(rule) if each.init):
        np.testing.assert_equal(getattr(loaded, field.name), getattr(rule, field.name))
