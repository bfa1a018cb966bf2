"""Opponents are tuned with as many lifetimes as learned teachers had, or the result is refused."""

import json

import pytest
import yaml
from equal_lifetimes import check_equal_lifetimes, too_little_tuned
from places import ROOT
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import summarize

RESULTS = ROOT / "experiments" / "results"
NOT_YET = {
    name: "of a version that charged everybody alike and tuned with a few candidates"
    for name in (
        "minilm", "reasoning", "smollm2",
    )
}  # fmt: skip
"""Stored results that the check refuses, and why; they will be made again."""
DONE = [[1.0]]


def cost(lifetimes, **more):
    return {"lifetimes": lifetimes, "compute": 1.0, "student_steps": 1, "wall_seconds": 1.0, **more}


def a_summary(path, *records):
    parts = [rows(record["name"], 0, DONE, tasks=["a"]) for record in records]
    return summarize(write_run(path, list(records), parts, ["a"], decisions=1))


def tuned(lifetimes, stopped="", kind="rule", name="shortfall"):
    return teacher(name, kind, tuned=True, tuning=cost(lifetimes, stopped=stopped))


def learned(lifetimes, **more):
    return teacher("ppo", "learned", tuned=True, training=cost(lifetimes), **more)


@pytest.mark.parametrize(
    ("opponent", "refused"),
    [
        (tuned(6_000), False),
        (tuned(5_999), True),
        (tuned(1_000, "the last fifth brought no gain"), False),
        (tuned(999, "the last fifth brought no gain"), True),
        (tuned(1_000), True),
        (tuned(10, kind="static"), True),
        (tuned(10, kind="ceiling"), False),
        (teacher("shortfall", "rule"), False),
    ],
)
def test_an_opponent_has_the_lifetimes_of_the_learner_or_says_why_more_were_no_use(
    tmp_path, opponent, refused
):
    summary = a_summary(tmp_path / "r", learned(6_000), opponent)
    assert bool(list(too_little_tuned(summary, "mlp"))) == refused


def test_who_tried_all_settings_that_there_are_had_enough_unless_a_config_wrote_less_of_them(
    tmp_path,
):
    """Two gates of all between 0 and 1 are soon tried; two ways to choose are all there are."""
    whole = tuned(48, "every setting was tried")
    summary = a_summary(tmp_path / "r", learned(6_000), whole)
    (tmp_path / "r" / "summary.json").write_text(json.dumps(summary))

    def check_grid(grid):
        opponent = {"name": "shortfall", "rule": "shortfall", "grid": grid}
        config = {"student": {"model": "mlp"}, "teachers": ["uniform", opponent]}
        (tmp_path / "r" / "config.yaml").write_text(yaml.safe_dump(config))
        check_equal_lifetimes(tmp_path / "r")

    for every in ({}, {"choice": ["greedy", "proportional"]}, {"absolute": [True, False]}):
        check_grid(every)
    few = r"48 lifetimes \(every setting was tried\), and not with 6,000"
    mixtures = {"weights": [[1, 0], [0, 1]]}
    for some in ({"gate": [0.5, 0.9]}, {"choice": ["greedy"], "stages": [2, 3]}, mixtures):
        with pytest.raises(ValueError, match=few):
            check_grid(some)
    many = a_summary(tmp_path / "s", learned(6_000), tuned(2_000, "every setting was tried"))
    assert list(too_little_tuned(many, "mlp")) == []
    assert len(list(too_little_tuned(many, "mlp", narrow={"shortfall"}))) == 1


@pytest.mark.parametrize(
    ("model", "wanted"), [("mlp", 5_000), ("decoder", 128), ("encoder", 48), ("causal", 16)]
)
def test_where_nobody_learned_on_these_students_the_model_says_how_many(tmp_path, model, wanted):
    """A teacher from another course had none here, however many it had there."""
    there = learned(90_000, other_course=True)
    enough = a_summary(tmp_path / "a", there, tuned(wanted))
    less = a_summary(tmp_path / "b", there, tuned(wanted - 1))
    assert list(too_little_tuned(enough, model)) == []
    (said,) = too_little_tuned(less, model)
    assert said == f"shortfall was tuned with {wanted - 1:,} lifetimes, and not with {wanted:,}"
    with pytest.raises(ValueError, match="not for students of 'lstm'"):
        list(too_little_tuned(less, "lstm"))


def test_every_opponent_that_had_too_little_is_named(tmp_path):
    least = (tuned(5, name="a"), tuned(6, name="b"), tuned(7_000, name="c"))
    summary = a_summary(tmp_path / "r", learned(6_000), *least)
    (tmp_path / "r" / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "r" / "config.yaml").write_text("student: {model: mlp}\n")
    with pytest.raises(ValueError, match=r"r compares with .*; b was tuned with 6 lifetimes, and"):
        check_equal_lifetimes(tmp_path / "r")


def test_a_result_without_own_costs_is_refused(tmp_path):
    parts = [rows("shortfall", 0, DONE, tasks=["a"])]
    path = write_run(tmp_path / "r", [tuned(6_000)], parts, ["a"], decisions=1, own_costs=False)
    (path / "summary.json").write_text(json.dumps(summarize(path)))
    with pytest.raises(ValueError, match="r charges every teacher for the probes of all tasks"):
        check_equal_lifetimes(path)


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in RESULTS.glob("*/summary.json"))
)
def test_stored_results_favour_nobody(name):
    if name in NOT_YET:
        # Once it passes, its name goes from the list.
        with pytest.raises(ValueError, match="run it again"):
            check_equal_lifetimes(RESULTS / name)
    else:
        check_equal_lifetimes(RESULTS / name)
