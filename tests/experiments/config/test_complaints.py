"""What is wrong in a config is said with what would be right, for every key that is wrong."""

import pytest

from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.config.sweeps import read_sweep

LEARNED = {"name": "ppo", "type": "learned"}
UNKNOWN = {
    "student.lr=0.1": "there is no student.lr; did you mean student.learning_rate?",
    "student.clip_nrm=1": "there is no student.clip_nrm; did you mean student.clip_norm?",
    "learning_rate=1": "there is no learning_rate; did you mean student.learning_rate?",
    "lr=1": "there is no lr; did you mean student.learning_rate?",
    "epochs=3": "there is no epochs; did you mean lifetime.budget?",
    "lifetime.steps=9": "there is no lifetime.steps; did you mean lifetime.budget?",
    "teachers.ppo.steps=9": "there is no teachers.ppo.steps; did you mean teachers.ppo.decisions?",
    "device=cuda": "there is no device; did you mean student.device?",
    "rank=4": "there is no rank; did you mean student.lora.r?",
    "student.lora.lr=4": "there is no student.lora.lr; did you mean student.learning_rate?",
    "report=4": "there is no report; did you mean seeds.report?",
    "seed=4": "there is no seed; did you mean seeds, which has teacher, report, report_fold, "
    "select?",
    "seeds.x=4": "there is no seeds.x; there are teacher, report, report_fold, select",
    "teachers.ppo.gamma=1":
        "there is no teachers.ppo.gamma; arguments of the learner go under teachers.ppo.settings",
    "teachers.ppo.lr=1":
        "there is no teachers.ppo.lr; arguments of the learner go under teachers.ppo.settings; "
        "there is also student.learning_rate",
    "teachers.early.gate=1":
        "there is no teachers.early.gate; arguments of the rule go under teachers.early.parameters",
    "suite.n_tasks=4": "there is no suite.n_tasks; arguments of the suite go under suite.options",
    "student.hidden=4":
        "there is no student.hidden; arguments of the model go under student.options",
    "teachers.early.observe=[x]":
        "there is no teachers.early.observe; that is for teachers with type: learned",
    "teachers.ppo.courses=[{student: {lr: 4}}]":
        "there is no teachers.ppo.courses.0.student.lr; did you mean "
        "teachers.ppo.courses.0.student.learning_rate?",
}  # fmt: skip
WRONG_FORM = {
    "lifetime.budget=4000":
        "lifetime.budget: write 4000-steps, or 4000-tokens or 4000-compute, got 4000",
    "lifetime.budget=5-hours":
        "lifetime.budget: the unit of a budget must be one of steps, tokens, compute, got 'hours'",
    "lifetime.feedback=none": "lifetime.feedback: write full or bandit or training, got 'none'",
    "lifetime.feedback=null": "lifetime.feedback: write full or bandit or training, got null",
    "lifetime.shuffle_tasks=perhaps": "lifetime.shuffle_tasks: write true or false, got 'perhaps'",
    "lifetime.targets=a": "lifetime.targets: write a list of texts, such as [parity-1], got 'a'",
    "lifetime.targets=[1]": "lifetime.targets.0: write text, got 1",
    "lifetime=4": "lifetime: write keys with values, such as {budget: 4000-steps}, got 4",
    "lifetime.rehearsal=1":
        "lifetime.rehearsal: write a number of at least 0 and below 1, such as 0.5, got 1",
    "seeds.report=many":
        "seeds.report: write a whole number from 2 to 1,000,000, such as 64, got 'many'",
    "student.lora.r=x": "student.lora.r: write a whole number from 1 to 10,000, such as 8, got 'x'",
    "student.lora=4": "student.lora: write keys with values, such as {r: 8}, got 4",
    "student.lora.target_modules=5":
        "student.lora.target_modules: write a list of texts or text, such as [q_proj, v_proj], "
        "got 5",
    "student.learning_rate=.inf":
        "student.learning_rate: write a number above 0 and at most 1,000, such as 0.003, got .inf",
    "student.schedule=linear":
        "student.schedule: write keys with values, such as {name: cosine}, got 'linear'",
    "teachers.ppo.type=lerned":
        "teachers.ppo.type: write rule or learned or replay or guarded, got 'lerned'",
    "teachers.early.grid.gate=4": "teachers.early.grid.gate: write a list of values, got 4",
    "teachers=4":
        "teachers: write a list of keys with values, such as "
        "[uniform, {name: ppo, type: learned}], got 4",
    "teachers=[{rule: uniform}]": "teachers.0.name is missing; write text, such as mine",
    "teachers=[{name: ppo, type: learned, width: x}]":
        "teachers.ppo.width: write a whole number from 1 to 16,384, such as 64, got 'x'",
}  # fmt: skip
SWEEP = {
    "samples=x": "samples: write a whole number from 1 to 100,000, such as 1, got 'x'",
    "teachers=ppo": "teachers: write a list of texts, such as [ppo, proportional], got 'ppo'",
    "space.seeds.teacher=4": "write a list of values or keys with values, got 4",
    "space.seeds.teacher={unifrom: [1, 2]}":
        "there is no space.seeds.teacher.unifrom; did you mean space.seeds.teacher.uniform?",
    "space.seeds.teacher={randint: [1, x]}":
        "randint: write a list of 2 whole numbers, such as [1, 5], got 'x'",
    "space.seeds.teacher={randint: [5, 1]}": "randint needs a lower bound below the upper one",
    "resources.gpus=1": "there is no resources.gpus; did you mean resources.gpu?",
    "student.lr=1": "there is no student.lr; did you mean student.learning_rate?",
    "colour=red": "there is no colour; there are suite, student, lifetime",
}  # fmt: skip


def complaint_about(*overrides, read=read_config, name=None):
    """The sentence without the source in front."""
    values = {"teachers": [LEARNED, {"name": "early", "rule": "in_order"}]}
    with pytest.raises(ValueError, match=r".") as caught:
        read(name, overrides) if name else make_config(values, overrides)
    return str(caught.value).partition(": ")[2]


@pytest.mark.parametrize("override", UNKNOWN)
def test_an_unknown_key_names_the_nearest_and_where_it_may_stand(override):
    assert complaint_about(override) == UNKNOWN[override]


@pytest.mark.parametrize("override", WRONG_FORM)
def test_a_value_of_the_wrong_form_shows_one_of_the_right_form(override):
    assert complaint_about(override) == WRONG_FORM[override]


@pytest.mark.parametrize("override", SWEEP)
def test_sweeps_are_answered_alike(override):
    assert SWEEP[override] in complaint_about(override, read=read_sweep, name="quickstart-sweep")


def test_a_key_of_a_run_in_the_file_of_a_sweep_goes_under_overrides(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("config: quickstart\nteachers: [ppo]\nlearning_rate: 0.1\n")
    words = "there is no learning_rate; did you mean overrides: {student.learning_rate: ...}?"
    assert complaint_about(read=read_sweep, name=path) == words


def test_all_that_is_wrong_is_said_in_one_go():
    words = complaint_about("student.lr=1", "seeds.report=many", "teachers.ppo.width=x")
    assert words == (
        "3 mistakes: (1) there is no student.lr; did you mean student.learning_rate? "
        "(2) teachers.ppo.width: write a whole number from 1 to 16,384, such as 64, got 'x' "
        "(3) seeds.report: write a whole number from 2 to 1,000,000, such as 64, got 'many'"
    )


def test_of_very_many_mistakes_the_last_are_named_only_and_the_line_stays_short():
    keys = [f"{section}.{name}" for section in ("student", "seeds") for name in ("x1", "x2", "x3")]
    words = complaint_about(*(f"{key}=1" for key in keys))
    assert all(key in words for key in keys)
    assert words.startswith("6 mistakes: (1) there is no student.x1; ")
    assert "; also wrong: " in words
    assert len(words) < 350


def test_the_first_mistake_is_told_however_long_it_is():
    words = complaint_about(f"lifetime.budget={'x' * 400}", "seeds.report=many")
    assert words.startswith("2 mistakes: (1) lifetime.budget: ")
    assert words.endswith("; also wrong: seeds.report")


def test_a_value_that_is_very_long_is_cut():
    words = complaint_about(f"seeds.report={'x' * 999}")
    assert words.endswith("xxx...")
    assert len(words) < 150


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("teachers.pppo.width=4", "did you mean 'ppo'? the items are ppo, early"),
        ("teachers.early={name: again, type: replay, of: pppo}", "did you mean 'ppo'? it is not"),
        ("lifetime.budget=9-step", "got 'step'; did you mean 'steps'?"),
    ],
)  # fmt: skip
def test_names_in_a_config_have_a_nearest_one_too(override, words):
    assert words in complaint_about(override)


@pytest.mark.parametrize(
    ("read", "typo", "name"),
    [(read_config, "quikstart", "quickstart"), (read_sweep, "quick-sweep", "quickstart-sweep")],
)
def test_so_has_the_name_of_a_config(read, typo, name):
    with pytest.raises(ValueError, match=f"did you mean '{name}'"):
        read(typo)
