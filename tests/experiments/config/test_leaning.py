"""Learned teachers that begin at a rule: what a config says of them, and what is filled in."""

import pytest
from leaning_tasks import leaning

from lessonplan.experiments.config.loading import make_config, read_config, write_config
from lessonplan.experiments.config.sections.section import LEANS_ON
from lessonplan.experiments.trial.units import plan
from lessonplan.teacher import LEANS_ON as OF_TEACHERS
from lessonplan.teacher import save_teacher


def config_of(*more, **section):
    lean = {"name": "lean", "type": "learned", "action": "mixture"} | section
    return make_config({"teachers": [lean, *more]})


def test_the_rules_are_those_of_the_teachers():
    assert LEANS_ON == OF_TEACHERS


def test_a_prior_has_all_rules_shown_to_it_after_its_other_columns():
    teacher = config_of(prior="shortfall", observe=["progress", "score"]).teachers[0]
    assert teacher.lean_on == list(LEANS_ON)
    assert teacher.observe == ["progress", "score", *(f"log_{rule}" for rule in LEANS_ON)]


def test_what_is_named_is_leaned_on_alone_and_a_column_is_shown_once():
    teacher = config_of(
        prior="data", lean_on=["data", "promise"], observe=["log_promise", "progress"]
    ).teachers[0]
    assert teacher.lean_on == ["data", "promise"]
    assert teacher.observe == ["log_promise", "progress", "log_data"]


def test_a_prior_with_parameters_stands_for_the_rule_of_its_name():
    teacher = config_of(prior="shortfall:floor=0.05").teachers[0]
    rest = [rule for rule in LEANS_ON if rule != "shortfall"]
    assert set(teacher.lean_on) == {"shortfall:floor=0.05", *rest}
    assert "log_shortfall:floor=0.05" in teacher.observe
    assert "log_shortfall" not in teacher.observe


def test_without_a_prior_nothing_is_added():
    teacher = config_of(observe=["progress"]).teachers[0]
    assert (teacher.prior, teacher.lean_on, teacher.observe) == ("", [], ["progress"])
    assert teacher.twins == []


def test_a_stored_config_is_read_as_it_was(tmp_path):
    config = config_of(prior="shortfall", prior_row=False)
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"prior": "shortfal"}, "no rule 'shortfal' to lean on; did you mean 'shortfall'"),
        ({"lean_on": ["data"]}, "lean_on names data, but there is no prior to begin at"),
        ({"prior": "data", "lean_on": ["promise"]}, "'data' is not among the rules of lean_on"),
        ({"prior": "data", "lean_on": ["data", "promise", "data"]}, "lean_on names data twice"),
    ],
)
def test_what_does_not_fit_is_said(section, words):
    with pytest.raises(ValueError, match=words):
        config_of(**section)


def evaluated(config):
    return sorted((one.teacher, one.seed) for one in plan(config) if one.kind == "evaluate")


def test_it_is_also_reported_with_its_learned_part_off_once_for_all_seeds():
    config = config_of(prior="shortfall", seeds=3)
    learned = [("lean", seed) for seed in range(3)]
    assert evaluated(config) == sorted([*learned, ("lean-prior", 0)])
    assert config.teacher("lean-prior") is config.teachers[0]
    assert evaluated(config_of(prior="shortfall", prior_row=False)) == [("lean", 0)]
    assert evaluated(config_of()) == [("lean", 0)]


def test_no_other_teacher_may_have_the_name_of_that_row():
    with pytest.raises(ValueError, match="also reported as 'lean-prior', which is the name of"):
        config_of({"name": "lean-prior", "rule": "uniform"}, prior="data")
    config_of({"name": "lean-prior", "rule": "uniform"}, prior="data", prior_row=False)


def test_a_teacher_from_a_file_has_the_prior_that_its_file_says(tmp_path):
    model, _ = leaning()
    save_teacher(model, tmp_path / "lean")
    given = {"name": "mine", "from": str(tmp_path / "lean.zip")}
    config = make_config({"teachers": [given]})
    (teacher,) = config.teachers
    assert teacher.prior == "shortfall"
    assert teacher.lean_on == ["data", "shortfall"]
    assert teacher.observe == list(model.columns)
    assert evaluated(config) == [("mine", 0), ("mine-prior", 0)]
    write_config(config, tmp_path / "config.yaml")
    assert read_config(tmp_path / "config.yaml") == config
    with pytest.raises(ValueError, match=r"has prior data, but the one in .* begins at shortfall"):
        make_config({"teachers": [given | {"prior": "data"}]})
