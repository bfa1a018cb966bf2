"""Of ours, a config may name what was made to be named, and nothing else."""

import importlib
import inspect

import pytest
from places import ROOT

from lessonplan.experiments.common.names import named, see_that_it_is_one
from lessonplan.experiments.common.own_code.looks import LOOKS
from lessonplan.experiments.common.own_code.places import FACES
from lessonplan.student import COHORTS, LEARNING_RATES, MODELS, SUITES
from lessonplan.teacher import RULES

FILES = sorted(
    file
    for room in ("student", "envs", "teacher", "experiments")
    for file in (ROOT / room).rglob("*.py")
    if "examples" not in file.parts and file.name != "__main__.py"
)
MODULES = sorted(
    ".".join(("lessonplan", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for file in FILES
)
OPEN = {
    "rule": """
        A5C ALPProportional Aioli BaselineRatio BidirectionalProgress DUMP Deficit
        DiscountedUCB DoReMi DynamixSFT EXP3 EXP3S Frontier HandCombined HandMixed HandNaive
        HighestUnmastered InOrder Learnability MasteringRate ODM ODMExp3 ODMMixed OpenLoop
        Proportional RandomPacing Replay ReplayMixtures Reverse SEC Sampled Shortfall SpacedReview
        StaticMixture TAC TSCLNaive TSCLOnline TSCLSampling TSCLWindow TemperatureScaled
        Thompson UCB1 Uniform WeightedShortfall
    """,
    "model": "CausalLM Decoder EncoderClassifier LSTM MLP",
    "cohort": "LoRACohort LoopCohort RLCohort SimulatedCohort StackedCohort",
    "suite": """
        addition chain class_suite distractors docstrings environments finite flat graph
        interference jsonl parity reasoning simulated text_suite token_suite
    """,
    "schedule": "Constant Cosine Cyclical WarmUp",
}
"""What configs may name through a face: none of it opens or writes a file that may be run."""
REGISTERED = {
    "rule": RULES, "model": MODELS, "cohort": COHORTS, "suite": SUITES, "schedule": LEARNING_RATES
}  # fmt: skip


@pytest.fixture(scope="module")
def parts():
    """All functions and classes of ours, by where they were defined."""
    found = {}
    for module in MODULES:
        for name, one in vars(importlib.import_module(module)).items():
            if (inspect.isclass(one) or inspect.isfunction(one)) and one.__module__ == module:
                found[f"{module}:{name}"] = one
    return found


def is_taken(kind, part):
    try:
        see_that_it_is_one(kind, part, "mine", [])
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", [*LOOKS, "part", "student"])
def test_no_other_part_of_ours_is_taken_for_a_kind(kind, parts):
    assert len(parts) > 1000
    taken = {name.rpartition(":")[2] for name, part in parts.items() if is_taken(kind, part)}
    every = " ".join(OPEN.values())
    assert taken == set(OPEN.get(kind, "" if kind in LOOKS else every).split())


@pytest.mark.parametrize("kind", REGISTERED)
def test_what_has_a_name_in_configs_is_taken_through_its_face_too(kind):
    names = {part.__name__ for part in REGISTERED[kind].values()}
    assert names <= set(OPEN[kind].split())
    for name in names:
        face = "teacher" if kind == "rule" else "student"
        assert named(kind, f"lessonplan.{face}:{name}", {}).__name__ == name


@pytest.mark.parametrize("kind", LOOKS)
def test_no_module_of_ours_but_the_faces_is_imported_for_a_config(kind, monkeypatch):
    def refuse(name):
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr(importlib, "import_module", refuse)
    for module in set(MODULES).difference(FACES):
        with pytest.raises(ValueError, match="is a module of ours that no config may name"):
            named(kind, f"{module}:anything", {})


def test_what_opens_a_pickle_or_writes_a_file_is_no_schedule_by_having_its_arguments():
    for name in ("teacher:load_teacher", "teacher:save_teacher", "student:save_adapter"):
        with pytest.raises(ValueError, match="no schedule that a config may name; it was not"):
            named("schedule", f"lessonplan.{name}", {})
