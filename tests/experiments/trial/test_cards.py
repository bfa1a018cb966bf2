"""What a run says about its teachers, and what it is expected to take."""

import copy
import json

import pytest
from own_folder import forgetting, write_modules
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import preview
from lessonplan.experiments.store.cards import Cost, TeacherCard, read_cards, write_card
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.trial.cards import write_teacher_cards
from lessonplan.experiments.trial.tuning import NOTHING_TO_TUNE
from lessonplan.experiments.trial.units import Unit
from lessonplan.teacher import RULES

COSTS = {"lifetimes": 3, "compute": 8.0, "student_steps": 6, "wall_seconds": 1.0}
COURSE = {
    "suite": {"name": "parity", "options": {"n_tasks": 2, "n_signs": 8}},
    "student": {"options": {"hidden": [8]}, "batch_size": 4, "evaluation_size": 9},
    "lifetime": {"budget": "30-steps", "steps_per_decision": 5},
}


def config_of(*teachers):
    return make_config(copy.deepcopy(CONFIG) | {"teachers": list(teachers)}, [])


def cards(folder, *teachers, **results):
    """The cards of these teachers; `results` are those of their units."""
    for unit, result in results.items():
        kind, name, seed = unit.split("_")
        file = Unit(kind, name, int(seed)).file(folder)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(COSTS | result))
    (folder / "teachers").mkdir(exist_ok=True)
    write_teacher_cards(config_of(*teachers), folder)
    files = (folder / "teachers").glob("*.json")
    return {file.stem: json.loads(file.read_text()) for file in files}


def learned(**more):
    return {"name": "ppo", "type": "learned", "observe": ["progress", "score"], **more}


def test_the_selection_cost_is_the_mean_over_teacher_seeds_of_the_candidate_that_was_kept(tmp_path):
    found = cards(
        tmp_path, learned(seeds=2, sampled=True), "uniform",
        train_ppo_0={"selection": [5.0, 3.0]}, train_ppo_1={"selection": [7.0, 9.0]},
    )  # fmt: skip
    assert found["ppo"]["selection_cost"] == 5.0
    assert found["ppo-sampled"]["selection_cost"] is None
    assert found["uniform"]["selection_cost"] is None
    assert not found["ppo"]["other_course"]


NOBODY = {"selection": [30.0, 30.0, 30.0], "selection_mastered": [0, 0, 0]}
SOMEBODY = {"selection": [30.0, 20.0, 25.0], "selection_mastered": [0, 3, 2]}
FIRST = "candidates level in cost, the first of them is taken"
NOBODYS = f"a training in which nobody mastered all tasks has 3 {FIRST}"
SOMEBODYS = f"a training has 2 {FIRST}"
PRIOR = "a training brought nothing measurably better than what it began as, which is kept"
LEVEL = SOMEBODY | {"selection": [20.0, 20.0, 25.0]}


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([NOBODY], NOBODYS),
        ([SOMEBODY], ""),
        ([LEVEL], SOMEBODYS),
        ([{"selection": [30.0, 30.0]}], SOMEBODYS),
        ([{"selection": [30.0]}], ""),
        ([NOBODY, SOMEBODY, NOBODY], NOBODYS),
        ([SOMEBODY, NOBODY, LEVEL], f"{NOBODYS}; {SOMEBODYS}"),
        ([NOBODY | {"best": 1, "chosen": "by area"}, SOMEBODY], "in a training by area"),
        ([LEVEL | {"best": 0, "chosen": ""}], ""),
        (
            [LEVEL | {"best": 0, "chosen": "by area", "prior_kept": True}],
            f"{PRIOR}; in a training by area",
        ),
        ([LEVEL | {"prior_kept": False}], ""),
    ],
)
def test_that_a_learner_is_the_first_of_level_candidates_is_said(tmp_path, results, words):
    units = {f"train_ppo_{seed}": result for seed, result in enumerate(results)}
    found = cards(tmp_path, learned(seeds=len(results)), **units)
    assert found["ppo"]["chosen"] == words


def test_the_selection_cost_of_a_learner_is_that_of_the_candidate_that_was_kept(tmp_path):
    """By area it may be a dearer one; what earlier versions kept is the cheapest."""
    by_area = {"selection": [30.0, 40.0], "best": 1, "chosen": "by area"}
    found = cards(tmp_path, learned(seeds=2), train_ppo_0=by_area, train_ppo_1=SOMEBODY)
    assert found["ppo"]["selection_cost"] == 30.0


def test_a_rule_that_a_function_makes_says_what_it_is_as_the_rule_that_is_made(
    tmp_path, monkeypatch
):
    source = "def made(gate):\n    return RULES['in_order'](gate)\n"
    write_modules(tmp_path / "own", lp_rule=f"from lessonplan.teacher import RULES\n\n{source}")
    monkeypatch.chdir(tmp_path / "own")
    with forgetting():
        mine = {"name": "mine", "rule": "lp_rule:made", "grid": {"gate": [0.5, 0.9]}}
        found = cards(tmp_path, mine, "in_order")
    assert found["mine"]["needs"] == found["in_order"]["needs"]
    assert found["mine"]["sees_order"]
    assert found["mine"]["kind"] == found["in_order"]["kind"]
    assert found["mine"]["parameters"] == {}


def test_a_teacher_of_another_course_says_so(tmp_path):
    found = cards(tmp_path, learned(courses=[COURSE], sampled=True))
    assert found["ppo"]["other_course"]
    assert found["ppo-sampled"]["other_course"]
    assert found["ppo"]["selection_cost"] is None


def test_a_card_says_whether_its_teacher_is_deterministic_and_whose_twin_it_is(tmp_path):
    written = cards(
        tmp_path, learned(sampled=True), learned(name="drawn", deterministic=False), "uniform"
    )
    facts = {name: (c["deterministic"], c["sampled_twin_of"]) for name, c in written.items()}
    assert facts == {
        "ppo": (True, None), "ppo-sampled": (False, "ppo"), "drawn": (False, None),
        "uniform": (False, None),
    }  # fmt: skip


def test_the_twin_is_known_in_cards_of_older_versions(tmp_path):
    """They say `deterministic` of every learned teacher but the sampled twin."""
    cards(tmp_path, learned(sampled=True), "uniform")
    for file in RunDir(tmp_path).cards():
        card = json.loads(file.read_text())
        del card["sampled_twin_of"]
        file.write_text(json.dumps(card))
    twins = {name: card.sampled_twin_of for name, card in read_cards(tmp_path).items()}
    assert twins == {"ppo": None, "ppo-sampled": "ppo", "uniform": None}


def test_cards_of_older_versions_are_deterministic_as_the_config_beside_them_says(tmp_path):
    teachers = [learned(), learned(name="drawn", deterministic=False), "uniform"]
    cards(tmp_path, *teachers)
    for file in RunDir(tmp_path).cards():
        card = json.loads(file.read_text())
        del card["sampled_twin_of"]
        card["deterministic"] = card["kind"] == "learned"
        file.write_text(json.dumps(card))
    assert read_cards(tmp_path)["drawn"].deterministic
    RunDir(tmp_path).config.write_text(
        "teachers:\n- {name: ppo, deterministic: true}\n- {name: drawn, deterministic: false}\n"
    )
    sampled = {name: not card.deterministic for name, card in read_cards(tmp_path).items()}
    assert sampled == {"ppo": False, "drawn": True, "uniform": True}


def test_a_card_is_read_as_it_was_written(tmp_path):
    card = TeacherCard(
        name="ppo", kind="learned", label="PPO", tuned=True, needs=("score",),
        parameters={"width": 8}, training=Cost(3.0, 8.0, 6.0, 1.0), sees_order=True,
        deterministic=True, selection_cost=5.0, other_course=True,
    )  # fmt: skip
    write_card(tmp_path, card)
    assert read_cards(tmp_path) == {"ppo": card}


@pytest.mark.parametrize(
    ("observe", "told"),
    [
        (["progress:ema=0.5", "score"], False),
        (["progress", "order"], True),
        (["progress", "prerequisites_mastered"], True),
        (["progress", "difficulty"], True),
    ],
)
def test_a_learned_teacher_sees_the_order_if_one_of_its_columns_tells_it(tmp_path, observe, told):
    assert cards(tmp_path, learned(observe=observe))["ppo"]["sees_order"] is told


def test_published_is_a_rule_of_a_paper_with_the_settings_of_the_paper(tmp_path):
    found = cards(
        tmp_path, "exp3s", "uniform", "learnability",
        {"name": "same", "rule": "exp3s", "parameters": {"epsilon": 0.05}},
        {"name": "other", "rule": "exp3s", "parameters": {"epsilon": 0.2}},
        {"name": "tuned", "rule": "exp3s", "tune": True},
    )  # fmt: skip
    assert {name for name, card in found.items() if card["published"]} == {"exp3s", "same"}


def test_our_own_rules_and_plain_baselines_are_not_passed_off_as_published():
    ours = {name for name, rule in RULES.items() if not getattr(rule, "published", False)}
    assert ours >= {
        "proportional", "uniform", "static_mixture", "in_order", "reverse", "spaced_review",
        "highest_unmastered", "learnability",
    }  # fmt: skip


def test_an_estimate_counts_a_course_of_its_own_by_its_own_batch_probes_and_budget():
    """Training and selecting: 40 + 2 * 3 * 6 decisions, each of 20 examples and 2 * 9 probes.

    Reporting: 4 * 12 decisions of 80 examples and 3 * 16 probes.
    """
    config = config_of(learned(courses=[COURSE], decisions=40, candidates=2))
    text = preview(config, seconds=0.1)
    trained, reported = 40 + 2 * 3 * 6, 4 * 12
    probing = trained * 18 / 3 + reported * 48 / 3
    compute = probing + trained * 20 + reported * 80
    assert f"About {trained + reported} decisions and {compute:,.3g} training" in text
    assert f"probing is {probing / compute:.0%}" in text
    assert "At most" not in text


def test_a_card_says_what_its_teacher_looks_at_by_its_own_keys_else_those_of_the_lifetime(tmp_path):
    found = cards(
        tmp_path, "uniform", "in-order",
        {"name": "thin", "rule": "in_order", "feedback": "training", "probe_every": 5},
        learned(probe_size=4), {"name": "again", "type": "replay", "of": "in-order"},
    )  # fmt: skip
    looked = {name: TeacherCard(**card).looking for name, card in found.items()}
    assert looked == {
        "uniform": "nothing",
        "in-order": "probes of each task after each decision",
        "thin": "its training examples, and probes of each task every 5 decisions",
        "ppo": "probes of 4 examples of each task after each decision",
        "again": "nothing",
    }


def test_a_tuning_of_a_single_setting_makes_no_tuned_teacher(tmp_path):
    one = {"parameters": {}, "stopped": NOTHING_TO_TUNE, "selection_cost": 7.0}
    several = one | {"stopped": "every setting was tried"}
    teachers = [{"name": name, "rule": "exp3s", "tune": True} for name in "ab"]
    found = cards(tmp_path, *teachers, "exp3s", tune_a_0=one, tune_b_0=several)
    facts = {name: (card["tuned"], card["published"]) for name, card in found.items()}
    assert facts == {"a": (False, True), "b": (True, False), "exp3s": (False, True)}
    assert found["a"]["selection_cost"] == 7.0


def test_opponents_are_worth_what_their_tuning_or_their_selection_students_say(tmp_path):
    worth = {"selection_cost": 7.5, "selection_area": 0.25}
    tuned = {"name": "tuned", "rule": "in_order", "tune": True}
    found = cards(
        tmp_path, tuned, "uniform",
        tune_tuned_0=worth | {"parameters": {"gate": 0.5}, "stopped": "no gain"},
        select_uniform_0={"selection_cost": 9.0, "selection_area": 0.5},
    )  # fmt: skip
    assert (found["tuned"]["selection_cost"], found["tuned"]["selection_area"]) == (7.5, 0.25)
    assert (found["uniform"]["selection_cost"], found["uniform"]["selection_area"]) == (9.0, 0.5)
    assert found["tuned"]["tuning"] == COSTS | {"stopped": "no gain"}
    read = read_cards(tmp_path)["tuned"]
    assert (read.tuning.stopped, read.tuning.lifetimes) == ("no gain", 3)
    assert read.making == Cost(**COSTS), "why it stopped is no cost"
