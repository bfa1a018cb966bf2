"""Who wins a tuning: the cheapest, or where nobody mastered the one with the largest area."""

import itertools
import json

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.belonging import teacher_belongs_to
from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.common.files import write_checkpoint
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.teaching import Worth
from lessonplan.experiments.trial.trial import run_trial
from lessonplan.experiments.trial.tuning import (
    NOTHING_TO_TUNE,
    Lives,
    choose_best,
    choose_over_prior,
    most_lifetimes,
    tune,
)
from lessonplan.experiments.trial.tuning.population import Took

MIXTURES = {"name": "mine", "rule": "static_mixture", "grid": {"weights": [[0, 0, 1], [1, 0, 0]]}}
HARD = CONFIG | {"teachers": [MIXTURES]}


def test_the_lowest_cost_wins_where_somebody_mastered():
    choice = choose_best([Worth(120.0, 0.9, 0), Worth(100.0, 0.2, 1), Worth(110.0, 0.3, 2)])
    assert (choice.best, choice.sentence) == (1, "")


def test_where_nobody_mastered_the_largest_area_wins_and_that_is_said():
    choice = choose_best([Worth(120.0, 0.2, 0), Worth(120.0, 0.3, 0), Worth(120.0, 0.1, 0)])
    assert choice.best == 1
    assert choice.sentence == "nobody mastered all tasks, so candidates are compared by area"


def of_costs(*costs, mastered=True):
    """Lives of students with these costs, and areas that say the same."""
    values = np.array(costs, float)
    return Lives(values, 1.0 - values / 1000.0, np.full(len(values), mastered))


@pytest.mark.parametrize("mastered", [True, False])
def test_a_candidate_that_is_ahead_of_where_it_began_by_chance_is_not_taken(mastered):
    began = of_costs(100.0, 120.0, 90.0, 110.0, mastered=mastered)
    # 5 less on the mean with a standard error of 1, and 1 less with one of 11.
    better = of_costs(97.0, 112.0, 86.0, 105.0, mastered=mastered)
    lucky = of_costs(75.0, 122.0, 104.0, 115.0, mastered=mastered)
    worse = of_costs(110.0, 130.0, 100.0, 120.0, mastered=mastered)
    # The lucky one has the lowest mean, and another one is ahead for sure.
    luckier = of_costs(60.0, 122.0, 104.0, 115.0, mastered=mastered)
    for lives, best, kept in (
        ([began, better, worse], 1, False),
        ([began, lucky, worse], 0, True),
        ([began, luckier, better], 2, False),
        ([began, worse], 0, False),
    ):
        choice = choose_over_prior(lives)
        assert (choice.best, choice.within_error) == (best, kept)
        assert ("within the standard error" in choice.sentence) == kept
        assert choice.by_area == (not mastered)


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


class Made:
    """Lives that are made up: by what its gate and review are a candidate costs so much."""

    def __init__(self, cost=None, dies_after=None):
        self.cost = cost or (lambda gate=0.9, review=0.0: 100 * abs(gate - 0.7) + review)
        self.lived, self.dies_after = [], dies_after

    def __call__(self, config, section, suite, settings, students):
        for first in range(0, len(settings), 2):
            some = settings[first : first + 2]
            if self.dies_after is not None and len(self.lived) >= self.dies_after:
                raise KeyboardInterrupt
            self.lived += [(json.dumps(one), len(students)) for one in some]
            costs = [self.cost(**one) + 0.01 * (students % 7) for one in some]
            lives = [
                Lives(np.array(one), np.full(len(students), 0.5), np.ones(len(students), bool))
                for one in costs
            ]
            where = list(range(first, first + len(some)))
            yield where, lives, Took(10.0 * len(some) * len(students), 2 * len(some))


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """What tuning a rule comes to with made-up lives, and what was lived for it."""

    def tuned(made=None, grid=None, file="t.pt", **tuning):
        made = made or Made()
        monkeypatch.setattr("lessonplan.experiments.trial.tuning.tuning.live", made)
        teacher = {"name": "mine", "rule": "in_order", "tune": True, "grid": grid or {}}
        more = {"lifetimes": 400, "least": 400, "students": 4, "finalists": 3} | tuning
        seeds = {"report": 8, "select": 10}
        config = make_config(CONFIG | {"teachers": [teacher], "tuning": more, "seeds": seeds})
        section, suite = config.teachers[0], build_suite(config)
        found = tune(config, section, suite, tmp_path / file)
        assert found["lifetimes"] <= most_lifetimes(config, section, suite)
        return found, made

    return tuned


def test_a_tuning_ends_with_its_lifetimes_and_takes_the_best_of_its_final(tuned):
    found, made = tuned()
    # A hundred candidates with four students, the untuned one first; then three with the rest,
    # and the middle of the search with all.
    assert len(found["tried"]) == 100
    assert found["tried"][0]["parameters"] == {}
    assert found["lifetimes"] == 100 * 4 + 3 * 6 + 10 == sum(count for _, count in made.lived)
    assert found["stopped"] == ""
    assert found["compute"] == 10.0 * found["lifetimes"]
    assert found["student_steps"] == 2 * len(made.lived)
    costs = [one["cost"] for one in found["tried"]]
    assert found["parameters"]["gate"] == pytest.approx(0.7, abs=0.01)
    assert [made.cost(**one["parameters"]) for one in found["finalists"][:3]] == pytest.approx(
        sorted(made.cost(**one["parameters"]) for one in found["tried"])[:3]
    )
    # The students of the final are all: seeds 1,000,000 to 1,000,009, which lose more or less.
    extra = 0.01 * np.mean(np.arange(1_000_000, 1_000_010) % 7)
    assert found["selection_cost"] == pytest.approx(made.cost(**found["parameters"]) + extra)
    assert found["selection_area"] == 0.5
    lowest = np.minimum.accumulate(costs)
    assert [step["cost"] for step in found["path"]] == list(dict.fromkeys(lowest))
    assert found["path"][0]["lifetimes"] == 4


def test_no_setting_is_lived_twice(tuned):
    found, made = tuned()
    first = [one for one, count in made.lived if count == 4]
    # The last is the middle of the search, which is in the final.
    assert len(set(first)) == len(first) == len(found["tried"]) + 1


def test_a_space_that_is_small_is_tried_whole_and_no_setting_twice(tuned):
    found, _ = tuned(grid={"gate": [0.9, 0.5], "review": [0.0, 0.3]})
    # The untuned setting is the first of the grid.
    tried = [one["parameters"] for one in found["tried"]]
    assert tried == [{}, {"gate": 0.9, "review": 0.3}, {"gate": 0.5, "review": 0.0},
                     {"gate": 0.5, "review": 0.3}]  # fmt: skip
    assert found["stopped"] == "every setting was tried"
    assert found["lifetimes"] == 4 * 4 + 3 * 6


def test_a_single_setting_is_no_tuning(tuned):
    found, _ = tuned(grid={"gate": [0.9]})
    assert (len(found["tried"]), found["stopped"]) == (1, NOTHING_TO_TUNE)
    # That there are no more lifetimes does not make it one.
    assert tuned(grid={"gate": [0.9]}, file="few.pt", lifetimes=1)[0]["stopped"] == NOTHING_TO_TUNE
    # The setting of the grid is another than the untuned one.
    assert tuned(grid={"gate": [0.5]}, file="two.pt")[0]["stopped"] == "every setting was tried"


def test_it_ends_early_where_the_last_fifth_brought_no_gain(tuned):
    flat = Made(lambda gate=0.9, review=0.0: 50.0)
    found, _ = tuned(flat, least=100)
    assert found["stopped"].startswith("the last fifth brought no gain")
    assert 100 <= len(found["tried"]) * 4 < 130
    # Not before the least that was asked for, and never where a gain goes on.
    found, _ = tuned(flat, least=300, file="longer.pt")
    assert 300 <= len(found["tried"]) * 4 < 330
    count = itertools.count()
    better = Made(lambda gate=0.9, review=0.0: 1e4 - next(count))
    assert tuned(better, least=100, file="better.pt")[0]["stopped"] == ""


@pytest.mark.parametrize("after", [0, 1, 2, 40, 41, 102])
def test_one_that_was_killed_goes_on_to_the_same_end(after, tuned):
    whole, every = tuned(file="whole.pt")
    with pytest.raises(KeyboardInterrupt):
        tuned(Made(dies_after=after))
    found, rest = tuned(Made())
    assert found | {"wall_seconds": 0} == whole | {"wall_seconds": 0}
    assert len(rest.lived) < len(every.lived) or after == 0
