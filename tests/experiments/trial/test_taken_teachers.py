"""Teachers that a run takes from files: reported as they were where they were trained."""

import copy
import csv
import hashlib
import json
import shutil

import numpy as np
import pytest
from fake_cohort import fake_room
from synthetic_run import rows, teacher, write_run
from tiny_config import CONFIG

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.experiments import read_run
from lessonplan.experiments.analysis.summary import summarize
from lessonplan.experiments.analysis.summary_csv import write_summary_csv
from lessonplan.experiments.assembly.taken_teachers import course_digest, was_trained_on
from lessonplan.experiments.config.config import Course, Lifetime
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import preview
from lessonplan.experiments.report.tables import more_numbers, needs_table
from lessonplan.experiments.store.cards import Cost, read_cards
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.trial import run_trial
from lessonplan.experiments.trial.units import plan
from lessonplan.teacher import LearnerStreams, keep_card, make_learner, stored_teacher

COLUMNS = ("progress:ema=0.5", "score")
COST = {"lifetimes": 7.0, "compute": 90.0, "student_steps": 30.0, "wall_seconds": 2.0}
LIFETIME = {"budget": "40-steps", "steps_per_decision": 10}


def config_of(*teachers, **sections):
    values = copy.deepcopy(CONFIG) | {"workers": 1, "lifetime": LIFETIME} | sections
    return make_config(values | {"teachers": list(teachers)})


def save(path, columns=COLUMNS, card=None, **options):
    """A learner in a file that was trained on nothing."""
    env = CurriculumVecEnv(fake_room(n=2, observe=columns, budget="9-steps", **options))
    path.parent.mkdir(parents=True, exist_ok=True)
    with LearnerStreams(0).running():
        make_learner("ppo", env, seed=0, width=4).save(path)
    if card is not None:
        keep_card(path, card)
    return path


def mine(file, **more):
    return {"name": "mine", "from": str(file), **more}


def test_it_is_reported_and_not_trained(tmp_path):
    config = config_of(mine(save(tmp_path / "a.zip"), sampled=True), "uniform",
                       {"name": "again", "type": "replay", "of": "mine"})  # fmt: skip
    names = {unit.name: unit.after for unit in plan(config)}
    assert names == {
        "evaluate-mine-0": (), "evaluate-mine-sampled-0": (), "evaluate-uniform-0": (),
        "evaluate-again-0": ("evaluate-mine-0",), "select-uniform-0": (),
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_is_complete_by_itself_and_says_what_it_was_given(tmp_path):
    card = {"name": "ppo", "seed": 3, "training": COST, "parameters": {"algorithm": "ppo"}}
    file = save(tmp_path / "first/teachers/ppo-3.zip", card=card)
    config = config_of(mine(tmp_path / "first"), "uniform", seeds={"report": 2, "select": 2})
    summary = run_trial(config, tmp_path / "second")
    own = tmp_path / "second/teachers/mine-0.zip"
    assert own.read_bytes() == file.read_bytes()
    taken = read_cards(tmp_path / "second")["mine"]
    assert (taken.kind, taken.origin, taken.needs) == ("learned", str(file), COLUMNS)
    assert taken.training == Cost(**COST)
    assert taken.fingerprint == hashlib.sha256(file.read_bytes()).hexdigest()
    # Nothing says that it was trained on these tasks.
    assert taken.other_course
    said = summary["teachers"]["mine"]
    assert (said["origin"], said["training_known"]) == (str(file), True)
    assert said["training_cost"] == COST
    shutil.rmtree(tmp_path / "first")
    (tmp_path / "second/checkpoint/evaluate-mine-0.json").unlink()
    before = read_run(tmp_path / "second").lifetimes["mine"].probabilities
    assert run_trial(config, tmp_path / "second", resume=True)["complete"]
    after = read_run(tmp_path / "second").lifetimes["mine"].probabilities
    np.testing.assert_array_equal(before, after)
    tutor = Tutor(["a", "b"], tmp_path / "second/teachers/mine-0.zip")
    assert tutor.env.columns == COLUMNS


def test_a_cost_that_the_file_does_not_say_is_not_known(tmp_path):
    config = config_of(mine(save(tmp_path / "a.zip")), seeds={"report": 2, "select": 2})
    summary = run_trial(config, tmp_path / "run")
    assert not summary["teachers"]["mine"]["training_known"]
    assert read_cards(tmp_path / "run")["mine"].training is None


def test_a_dry_run_says_where_it_comes_from(tmp_path):
    file = save(tmp_path / "a.zip")
    text = preview(config_of(mine(file), "uniform"), seconds=0.1)
    assert f"mine is taken from {file} and not trained." in text
    assert "3 units of work, 2 teachers" in text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"observe": ["progress", "score"]},
            "it lacks progress:ema=0.5 and it has progress more; leave it out, or set it to null",
        ),
        ({"observe": ["score", "progress:ema=0.5"]}, r"a\.zip: the order is another; leave it out"),
        ({"action": "mixture"}, "action mixture, but .* trained to choose a task; leave out act"),
    ],
)
def test_a_section_that_says_otherwise_than_the_file_is_refused(said, words, tmp_path):
    file = save(tmp_path / "a.zip")
    with pytest.raises(ValueError, match=words):
        check(config_of(mine(file, **said)))


def test_where_a_teacher_looks_otherwise_than_it_was_trained_one_line_says_so(tmp_path, capsys):
    looking = {"feedback": "training", "probe_every": 5, "half_life": 3.0}
    file = save(tmp_path / "a.zip", card={"name": "ppo", "seed": 0, "looking": looking})
    check(config_of(mine(file)))
    assert "was trained with" not in capsys.readouterr().err
    check(config_of(mine(file, probe_every=4)))
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "trained with" in one]
    assert line.endswith("a.zip, was trained with probe_every 5 and is used with probe_every 4")
    check(config_of(mine(file, feedback="full", half_life=1.0)))
    # A half-life is of nothing where training is not heard.
    assert (
        "trained with feedback training and is used with feedback full" in capsys.readouterr().err
    )


def test_a_file_that_went_away_before_the_run_began_is_named(tmp_path):
    file = save(tmp_path / "a.zip")
    config = config_of(mine(file))
    file.unlink()
    with pytest.raises(ValueError, match=r"'mine': .*a\.zip, from which it comes, is gone"):
        run_trial(config, tmp_path / "run")


def test_a_teacher_was_trained_on_a_course_that_its_card_or_the_config_of_its_run_says(tmp_path):
    config, other = config_of("uniform"), config_of("uniform", lifetime={"budget": "50-steps"})
    digests = course_digest(config), course_digest(other)
    assert digests[0] != digests[1]
    assert course_digest(config_of("exp3s", seeds={"report": 9})) == digests[0]
    device = config.model_copy(update={"student": config.student.model_copy(
        update={"device": "cuda"})})  # fmt: skip
    assert course_digest(device) == digests[0]
    for card, wanted in (
        ({"courses": [digests[0]]}, (True, False)),
        ({"courses": list(digests)}, (False, False)),
        ({}, (False, False)),
    ):
        file = save(tmp_path / "run/teachers/a.zip", card=card)
        stored = stored_teacher(file)
        assert tuple(was_trained_on(stored, one, file) for one in (config, other)) == wanted
    # Earlier versions left the config of the run alone.
    (tmp_path / "run/config.yaml").write_text(json.dumps(config.model_dump(mode="json")))
    assert was_trained_on(stored, config, file)
    assert not was_trained_on(stored, other, file)


@pytest.mark.slow
def test_a_teacher_of_a_run_teaches_in_another_as_it_did(tmp_path):
    first = {"workers": 1, "teachers": [CONFIG["teachers"][0], "uniform"]}
    config = make_config(copy.deepcopy(CONFIG) | first)
    run_trial(config, tmp_path / "first")
    second = first | {"teachers": [mine(tmp_path / "first", sampled=True), "uniform"]}
    taken = make_config(copy.deepcopy(CONFIG) | second)
    run_trial(taken, tmp_path / "second")
    before, after = (read_run(tmp_path / name) for name in ("first", "second"))
    for name, again in (("ppo", "mine"), ("ppo-sampled", "mine-sampled")):
        np.testing.assert_array_equal(
            before.lifetimes[name].probabilities, after.lifetimes[again].probabilities
        )
    cards = read_cards(tmp_path / "second")
    assert cards["mine"].training == read_cards(tmp_path / "first")["ppo"].training
    assert not cards["mine"].other_course
    assert stored_teacher(tmp_path / "first").card["tasks"] == [3, 3]


def test_a_report_says_where_it_comes_from_and_that_its_cost_is_unknown(tmp_path):
    teachers = [
        teacher(name, "learned", deterministic=True, training=cost, sampled_twin_of=None,
                origin=f"/somewhere/first/teachers/{name}-0.zip")
        for name, cost in (("known", COST), ("mystery", None))
    ]  # fmt: skip
    parts = [
        rows(name, student, [[0.2, 0.1], [1.0, 1.0]], tasks=["a", "b"])
        for name in ("known", "mystery")
        for student in range(4)
    ]
    run = read_run(write_run(tmp_path / "run", teachers, parts, ["a", "b"], decisions=3))
    summary = summarize(run)
    assert "taken from first/teachers/known-0.zip" in needs_table(run, summary)
    assert more_numbers(summary).count("unknown") == 1
    write_summary_csv({"run": summary}, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open() as file:
        making = {row["teacher"]: row["making_compute"] for row in csv.DictReader(file)}
    assert making == {"known": str(float(COST["compute"])), "mystery": ""}
    assert f"{COST['compute']:.0f}" in more_numbers(summary)


def test_a_course_of_an_earlier_version_is_the_same_course():
    """What version 38655bc wrote of the default course, which had no keys of probes yet."""
    assert course_digest(Course()) == "e1c67ec6d56ba925"
    rare = Course(lifetime=Lifetime(probe_every=2))
    assert course_digest(rare) != course_digest(Course())
