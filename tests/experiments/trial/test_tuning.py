"""Who wins a tuning: the cheapest, or where nobody mastered the one with the largest area."""

import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.belonging import teacher_belongs_to
from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.common.files import write_checkpoint
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.teaching import Worth
from lessonplan.experiments.trial.trial import run_trial
from lessonplan.experiments.trial.tuning import choose_best, tune

MIXTURES = {"name": "mine", "rule": "static_mixture", "grid": {"weights": [[0, 0, 1], [1, 0, 0]]}}
HARD = CONFIG | {"teachers": [MIXTURES]}


def test_the_lowest_cost_wins_where_somebody_mastered():
    choice = choose_best([Worth(120.0, 0.9, 0), Worth(100.0, 0.2, 1), Worth(110.0, 0.3, 2)])
    assert (choice.best, choice.sentence) == (1, "")


def test_where_nobody_mastered_the_largest_area_wins_and_that_is_said():
    choice = choose_best([Worth(120.0, 0.2, 0), Worth(120.0, 0.3, 0), Worth(120.0, 0.1, 0)])
    assert choice.best == 1
    assert choice.sentence == "nobody mastered all tasks, so candidates are compared by area"


@pytest.mark.parametrize(("mastered", "by"), [(0, "area"), (1, "cost")])
def test_a_tie_is_called_one(mastered, by):
    choice = choose_best([Worth(120.0, 0.2, mastered), Worth(120.0, 0.2, mastered)])
    assert choice.best == 0
    assert choice.sentence.endswith(f"2 candidates are level in {by}, the first of them is taken")


@pytest.fixture
def hard():
    """A tuning in which nobody masters, with its suite."""
    config = make_config(HARD)
    return config, config.teachers[0], build_suite(config)


def test_a_tuning_in_which_nobody_masters_takes_the_largest_area(hard, tmp_path):
    config, section, suite = hard
    found = tune(config, section, suite, tmp_path / "tuning.pt")
    assert {one["mastered"] for one in found["tried"]} == {0}
    assert len({one["cost"] for one in found["tried"]}) == 1, "that of whole lifetimes"
    best = max(found["tried"], key=lambda one: one["area"])
    assert best is not found["tried"][0], "the first would have won"
    assert found["parameters"] == best["parameters"]
    assert found["chosen"].startswith("nobody mastered all tasks")


def test_a_report_says_that_nobody_mastered_in_a_tuning(tmp_path):
    summary = run_trial(make_config(HARD | {"workers": 1}), tmp_path / "run")
    sentence = "nobody mastered all tasks, so candidates are compared by area"
    assert summary["teachers"]["mine"]["chosen"] == sentence
    assert f"static, tuned, {sentence}" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    "strange",
    [{"tried": 3}, {"tried": {"{}": 3}}, {"tried": {"{}": [[1.0], ["x"], [1.0]]}}, {"steps": "7"},
     {"finals": None}],
    ids=str,
)  # fmt: skip
def test_a_tuning_is_not_gone_on_with_from_strange_values(strange, hard, tmp_path):
    config, section, suite = hard
    state = {"belongs_to": teacher_belongs_to(config, section), "tried": {}, "finals": {}}
    numbers = {"steps": 7, "compute": 1.0, "seconds": 1.0}
    write_checkpoint(tmp_path / "t.pt", state | numbers | strange)
    with pytest.raises(ValueError, match=r"t\.pt is damaged: what it holds can't be taken up"):
        tune(config, section, suite, tmp_path / "t.pt")


def test_a_tuning_that_an_earlier_version_began_is_measured_again(hard, tmp_path):
    config, section, suite = hard
    old = {"parameters": {}, "cost": 120.0}
    state = {"belongs_to": teacher_belongs_to(config, section), "tried": [old], "steps": 7}
    write_checkpoint(tmp_path / "old.pt", state | {"compute": 1.0, "seconds": 1.0})
    again = tune(config, section, suite, tmp_path / "old.pt")
    fresh = tune(config, section, suite, tmp_path / "new.pt")
    assert again | {"wall_seconds": 0} == fresh | {"wall_seconds": 0}
