"""Files of 8d21d09, in which classes lay elsewhere, are worth the same numbers today."""

import base64
import dataclasses
import inspect
import json
import pickle
import zipfile

import numpy as np
import pytest
from earlier_kit import (
    COLUMNS,
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
from new_process import run_python

from lessonplan import teacher as face
from lessonplan.teacher import (
    ALGORITHMS,
    UCB1,
    LearnerStreams,
    RulePolicy,
    RuleTeacher,
    TaskwisePolicy,
    make_learner,
)

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
    learner = ALGORITHMS[name]
    needs_prior = learner.leaning is learner.policy
    prior, more = ("shortfall", ("log_data", "log_shortfall")) if needs_prior else ("", ())
    env = room((*COLUMNS, *more), action=learner.actions[-1])
    with LearnerStreams(0).running():
        model = make_learner(name, env, seed=0, width=4, prior=prior)
    model.save(tmp_path / "teacher.zip")
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


class OwnPolicy(TaskwisePolicy):
    """A policy that the face does not have."""


@pytest.mark.parametrize("each", [UCB1, RulePolicy, TaskwisePolicy, face.TaskwiseSACPolicy])
def test_a_class_that_files_find_in_the_face_still_shows_its_source(each):
    assert inspect.getsource(each).startswith(("@dataclass", f"class {each.__name__}"))
    assert inspect.getmodule(each) is not face


@pytest.mark.parametrize("each", [RulePolicy, TaskwisePolicy, OwnPolicy])
def test_a_pickled_policy_is_the_class_itself(each):
    assert pickle.loads(pickle.dumps(each)) is each


LOAD = """
import sys
from stable_baselines3 import PPO
print(type(PPO.load(sys.argv[1]).policy).__name__, "lessonplan.teacher" in sys.modules)
"""


@pytest.mark.slow
def test_the_own_load_of_sb3_reads_a_new_file_where_we_were_not_imported(tmp_path):
    make_learner("ppo", room(), seed=0, width=4).save(tmp_path / "teacher.zip")
    assert run_python(LOAD, tmp_path / "teacher.zip", cwd=tmp_path) == "TaskwisePolicy True\n"
