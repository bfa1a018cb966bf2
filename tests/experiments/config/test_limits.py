"""Numbers that nobody means are refused where they come in, with what could be written."""

import json
from itertools import pairwise

import pytest

from lessonplan.experiments.config.loading import make_config

TRILLION = 10**12
LARGE = [
    "student.batch_size", "student.evaluation_size", "student.lora.r", "student.lora.member_chunk",
    "lifetime.steps_per_decision", "lifetime.mastery_streak", "lifetime.end_after", "seeds.report",
    "seeds.select", "seeds.teacher", "tuning.lifetimes", "tuning.students", "workers",
    "checkpoint_seconds",
    "teachers.ppo.width", "teachers.ppo.students", "teachers.ppo.decisions", "teachers.ppo.seeds",
    "teachers.ppo.candidates", "teachers.ppo.actors", "teachers.ppo.actor_gpus",
    "student.learning_rate", "student.weight_decay", "lifetime.forgetting_penalty",
]  # fmt: skip
TEACHERS = {"teachers": [{"name": "ppo", "type": "learned"}]}


def refusal(*overrides):
    with pytest.raises(ValueError, match="config: ") as error:
        make_config(TEACHERS, overrides)
    return str(error.value)


@pytest.mark.parametrize("key", LARGE)
def test_a_trillion_of_anything_is_refused_with_what_could_be_written(key):
    words = refusal(f"{key}={TRILLION}")
    assert f"{key}: write a" in words
    assert "from " in words or "at most" in words
    assert f"got {TRILLION}" in words


@pytest.mark.parametrize("key", LARGE)
@pytest.mark.parametrize("value", [".nan", "-1", "9" * 200, "1e300", "[3]", "some"])
def test_so_is_what_is_no_such_number(key, value):
    assert f"{key}: write a" in refusal(f"{key}={value}")


@pytest.mark.parametrize("unit", ["steps", "tokens", "compute"])
def test_so_is_a_budget_that_nobody_has(unit):
    assert f"a budget in {unit} must be of at most 1,000" in refusal(f"lifetime.budget=1e16-{unit}")


def test_students_for_selecting_and_for_reporting_are_never_the_same():
    from lessonplan.experiments.assembly.build import REPORT_SEEDS, SELECT_SEEDS

    assert "seeds.select: write a whole number from 1 to 1,000,000" in refusal(
        f"seeds.select={REPORT_SEEDS - SELECT_SEEDS + 1}"
    )
    most = make_config(TEACHERS, ["seeds.select=1000000", "seeds.report=1000000"]).seeds
    assert SELECT_SEEDS + most.select <= REPORT_SEEDS


def test_folds_of_report_students_have_no_student_in_common_with_any_other_range():
    from lessonplan.experiments.assembly.build import WATCHED_SEEDS, report_students

    ranges = []
    for fold in (0, 1, 2, 1000):
        most = make_config(TEACHERS, ["seeds.report=1000000", f"seeds.report_fold={fold}"]).seeds
        students = report_students(most)
        assert len(students) == 1_000_000
        ranges.append((int(students[0]), int(students[-1]) + 1))
    ranges += [(0, 1_000_000), (1_000_000, 2_000_000), (WATCHED_SEEDS, WATCHED_SEEDS + 1_000_000)]
    ordered = sorted(ranges)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(ordered))
    assert "seeds.report_fold: write a whole number from 0 to 1,000" in refusal(
        "seeds.report_fold=1001"
    )


SWEEPS = {
    "a value": ({"space": {"student.batch_size": [4, TRILLION]}}, "student.batch_size: .* from 1 "),
    "pairs without end": (
        {"space": {f"seeds.{key}": list(range(2, 2002)) for key in ("select", "report")}},
        "the space has 4,000,000 pairs, and a sweep at most 100,000",
    ),
    "samples without end": ({"samples": TRILLION}, "samples: write a whole number from 1 to"),
    "a bound that is none": ({"space": {"a.b": {"uniform": [0, ".inf"]}}}, "uniform"),
    "a bound too far": ({"space": {"a.b": {"randint": [0, 10**30]}}}, r"randint needs bounds"),
    "bounds in the wrong order": ({"space": {"a.b": {"uniform": [1, 0]}}}, "lower bound below"),
    "failures without end": ({"max_failures": TRILLION}, "max_failures: write a whole number"),
}


@pytest.mark.parametrize("kind", SWEEPS)
def test_a_sweep_refuses_them_before_it_begins(kind, tmp_path):
    from lessonplan.experiments.config.sweeps import read_sweep
    from lessonplan.experiments.sweep.pairs import pairs_of

    values, words = SWEEPS[kind]
    whole = {"config": TEACHERS, "teachers": ["ppo"], **values}
    (tmp_path / "s.yaml").write_text(json.dumps(whole).replace('".inf"', ".inf"))
    with pytest.raises(ValueError, match=words):
        pairs_of(read_sweep(tmp_path / "s.yaml"))
