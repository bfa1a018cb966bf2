"""Teachers that begin at a rule, in a trial: resumed, and reported with their learned part off.

Legend: m students, k tasks, d decisions.
"""

import copy

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.cards import read_cards
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.trial import run_trial
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.training import TeacherTraining
from lessonplan.experiments.trial.tuning import begun_at
from lessonplan.experiments.trial.units import Unit, plan
from lessonplan.teacher import load_teacher

LEAN = {
    "name": "lean", "type": "learned", "action": "mixture", "prior": "shortfall", "width": 8,
    "observe": ["progress", "relative_loss"], "students": 4, "decisions": 192, "candidates": 2,
    "settings": {"n_steps": 8, "batch_size": 16, "n_epochs": 2, "learning_rate": 0.01},
}  # fmt: skip
RULE = {"name": "shortfall", "rule": "shortfall", "action": "mixture"}


def config_of(*teachers):
    return make_config(copy.deepcopy(CONFIG) | {"teachers": list(teachers)}, [])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a leaning teacher of two seeds, and the rule that it begins at."""
    folder = tmp_path_factory.mktemp("leaning") / "run"
    run_trial(config_of(LEAN | {"seeds": 2}, RULE), folder)
    return folder


@pytest.mark.slow
def test_with_its_learned_part_off_it_teaches_as_the_rule_does_and_pays_as_much(run):
    lifetimes = read_run(run).lifetimes
    prior, rule = lifetimes["lean-prior"], lifetimes["shortfall"]
    np.testing.assert_allclose(prior.probabilities, rule.probabilities, atol=1e-6)
    np.testing.assert_array_equal(prior.test_score, rule.test_score)
    np.testing.assert_array_equal(prior.compute, rule.compute)
    learned = lifetimes["lean"].of_seed(0)
    kept = Unit("train", "lean", 0).result(run)["prior_kept"]
    assert (np.abs(learned.probabilities - prior.probabilities).max() < 1e-4) == kept


@pytest.mark.slow
def test_its_row_is_a_rules_that_nothing_was_tuned_of(run):
    cards = read_cards(run)
    prior, rule = cards["lean-prior"], cards["shortfall"]
    assert (prior.kind, prior.tuned, prior.training, prior.tuning) == ("rule", False, None, None)
    assert prior.needs == ("log_shortfall",)
    assert prior.selection_cost == rule.selection_cost
    # Over the whole budget, not only over the decisions until the last student was done.
    assert prior.selection_area == rule.selection_area
    assert cards["lean"].kind == "learned"
    # Pictures are of the shares that they gave, not of the largest alone.
    assert all(cards[name].mixes for name in ("lean", "lean-prior", "shortfall"))
    # One seed stands for all: it is the same rule whatever was learned.
    assert read_run(run).lifetimes["lean-prior"].test_score.shape[:2] == (1, 4)


@pytest.mark.slow
def test_of_one_that_was_trained_elsewhere_the_prior_lives_with_the_selection_students_too(
    run, tmp_path
):
    """Or the best opponent would be chosen among those that are reported."""
    taken = {"name": "taken", "from": str(run / "teachers" / "lean-0.zip")}
    summary = run_trial(config_of(taken, RULE), tmp_path / "run")
    cards = read_cards(tmp_path / "run")
    assert cards["taken-prior"].selection_cost == cards["shortfall"].selection_cost
    assert cards["taken-prior"].selection_area == cards["shortfall"].selection_area
    assert summary["best_opponent"]["by"] != "report"


class Stopped(Exception):
    """As a kill would, in the midst of a training."""


def training(folder, stop=None, **settings):
    config = config_of(LEAN | {"settings": LEAN["settings"] | settings})
    work = TeacherTraining(config, config.teachers[0], 0, build_suite(config), folder)
    calls = []

    def tell(fraction, words):
        calls.append(words)
        if len(calls) == stop:
            raise Stopped

    work.tell = tell
    return work


def finished(work):
    result = {key: value for key, value in work.run().items() if key != "wall_seconds"}
    files = sorted(work.files.checkpoints.glob("*.zip"))
    states = [load_teacher(file, work.env).policy.state_dict() for file in files]
    return result, [{name: one.numpy() for name, one in state.items()} for state in states]


@pytest.mark.slow
def test_a_training_that_was_stopped_ends_with_the_same_teacher(tmp_path):
    wanted = finished(training(tmp_path / "whole"))
    # The prior is a candidate, and costs what it costs as a row of its own.
    assert len(wanted[0]["selection"]) == 3
    assert wanted[0]["prior_selection_cost"] == wanted[0]["selection"][0]
    with pytest.raises(Stopped):
        training(tmp_path / "stopped", stop=3).run()
    np.testing.assert_equal(finished(training(tmp_path / "stopped")), wanted)


@pytest.mark.slow
def test_where_nothing_better_was_learned_the_prior_is_kept(tmp_path):
    work = training(tmp_path, learning_rate=0.0)
    result = work.run()
    assert result["prior_kept"]
    assert result["candidate"].endswith("-after-0.zip")
    assert len(set(result["selection"])) == 1


SEARCH = {
    "name": "search", "type": "learned", "algorithm": "cma_es", "action": "mixture",
    "prior": "shortfall", "begin_at": "weighted", "observe": ["progress", "score", "task"],
    "students": 4, "decisions": 300, "candidates": 1,
    "settings": {
        "n_eval_episodes": 2, "population_size": 4, "sigma": 1e-9,
        "policy_kwargs": {"offsets": "task"},
    },
}  # fmt: skip
WEIGHTED = {
    "name": "weighted", "rule": "weighted_shortfall", "action": "mixture", "tune": True,
}  # fmt: skip
TUNING = {"lifetimes": 30, "least": 30, "students": 3, "finalists": 1}


def searching(search=SEARCH, weighted=WEIGHTED):
    values = copy.deepcopy(CONFIG) | {"workers": 1, "tuning": TUNING}
    return make_config(values | {"teachers": [search, weighted]}, [])


@pytest.mark.slow
def test_a_search_goes_on_from_the_weights_of_a_tuned_rule_and_pays_for_them(tmp_path):
    config = searching()
    summary = run_trial(config, tmp_path / "run")
    tuned = Unit("tune", "weighted", 0).result(tmp_path / "run")
    trained = Unit("train", "search", 0).result(tmp_path / "run")
    cards = read_cards(tmp_path / "run")
    file = RunDir(tmp_path / "run").teacher_zip("search", 0)
    work = TeacherTraining(config, config.teacher("search"), 0, build_suite(config), tmp_path)
    policy = load_teacher(file, work.env).policy
    logs = np.log(tuned["parameters"]["weights"])
    wanted = np.zeros(policy.n_weights)
    begun = begun_at(config.teacher("search"), tuned["parameters"])
    factor = begun.settings["policy_kwargs"]["begin_factor"]
    wanted[policy.rules.index(policy.prior)] = factor - 1.0
    wanted[-len(logs) :] = logs - (logs.max() + logs.min()) / 2.0
    np.testing.assert_allclose(policy.weights.numpy(), wanted, atol=1e-4)
    assert trained["lifetimes"] > tuned["lifetimes"]
    assert cards["search"].training.lifetimes == trained["lifetimes"]
    assert summary["teachers"]["search"]["training_cost"]["lifetimes"] == trained["lifetimes"]


def test_it_begins_with_the_log_weights_of_the_rule_whose_spread_they_keep():
    search = searching().teacher("search")
    for logs in ([-4.0, 4.0, 4.0], [0.0, 0.5, 1.0], [1.0, 1.0, 1.0]):
        shares = np.exp(logs) / np.exp(logs).sum()
        policy = begun_at(search, {"weights": shares.tolist()}).settings["policy_kwargs"]
        np.testing.assert_allclose(np.diff(policy["begin_offsets"]), np.diff(logs), atol=1e-4)
        assert policy["begin_factor"] == 1.0
    offsets = begun_at(search, {"weights": [1.0, 2.0, 0.0]}).settings["policy_kwargs"]
    np.testing.assert_allclose(np.diff(offsets["begin_offsets"]), [np.log(2.0), -8.0], atol=1e-4)
    with pytest.raises(ValueError, match="'search' begins at 'weighted', whose tuning has no wei"):
        begun_at(search, {"power": 2.0})


def test_its_factor_makes_the_prior_nearest_to_the_shortfall_that_was_tuned():
    search, gaps = searching().teacher("search"), np.linspace(-0.2, 0.5, 71)
    rule = {"floor": 0.005, "margin": 0.05, "power": 1.2, "weights": [1.0, 1.0, 1.0]}
    factor = begun_at(search, rule).settings["policy_kwargs"]["begin_factor"]
    prior = np.log(0.02 + np.maximum(gaps + 0.05, 0.0))
    tuned = np.log(0.005 + np.maximum(gaps + 0.05, 0.0) ** 1.2)

    def distance(factor):
        return np.var(tuned - factor * prior)

    assert distance(factor) < min(distance(0.99 * factor), distance(1.01 * factor), distance(1.0))


def test_at_a_static_mixture_the_shares_are_its_weights_whatever_the_data():
    own = {"prior": "data", "begin_at": "mixture"}
    mixture = {"name": "mixture", "rule": "static_mixture", "tune": True}
    search = searching(SEARCH | own, mixture).teacher("search")
    policy = begun_at(search, {"weights": [0.2, 0.3, 0.5]}).settings["policy_kwargs"]
    assert policy["begin_factor"] == 0.0
    shares = np.exp(policy["begin_offsets"]) / np.exp(policy["begin_offsets"]).sum()
    np.testing.assert_allclose(shares, [0.2, 0.3, 0.5], atol=1e-5)


def test_a_rule_whose_grid_leaves_out_the_weights_is_refused_before_any_work():
    with pytest.raises(ValueError, match="whose tuning has no weights of tasks; leave out its gr"):
        check(searching(weighted=WEIGHTED | {"grid": {"power": [1.0, 2.0]}}))


def test_what_it_trains_belongs_to_the_rule_that_it_begins_at():
    plain = {key: value for key, value in SEARCH.items() if key != "begin_at"}
    others = [
        searching(),
        searching(weighted=WEIGHTED | {"grid": {"power": [1.0]}}),
        searching(plain),
    ]
    units = [next(unit for unit in plan(one) if unit.kind == "train") for one in others]
    assert [unit.after for unit in units] == [("tune-weighted-0",)] * 2 + [()]
    assert units[0].belongs_to["teacher"] != units[1].belongs_to["teacher"]
    assert "begin_at" not in units[2].belongs_to["teacher"]


@pytest.mark.parametrize(
    ("search", "weighted", "words"),
    [
        ({"begin_at": "nobody"}, {}, "begins at 'nobody', which is no tuned rule with weights"),
        ({}, {"tune": False}, "begins at 'weighted', which is no tuned rule with weights"),
        ({}, {"rule": "open_loop"}, "which is no tuned rule with weights of tasks; name one of"),
        (
            {},
            {"rule": "static_mixture"},
            "begins at .weighted., a static_mixture; write prior: data",
        ),
        ({"courses": [{}]}, {}, "which a search alone can that is trained on this suite"),
        ({"algorithm": "ppo", "settings": {}}, {}, "which a search alone can that is trained on"),
    ],
)
def test_a_beginning_that_it_can_not_have_is_refused(search, weighted, words):
    with pytest.raises(ValueError, match=words):
        searching(SEARCH | search, WEIGHTED | weighted)


def test_a_search_without_offsets_has_no_place_for_the_weights_of_a_rule():
    settings = SEARCH["settings"] | {"policy_kwargs": {}}
    with pytest.raises(ValueError, match="begin_offsets for 0 tasks with offsets; write offsets:"):
        check(searching(SEARCH | {"settings": settings}))
