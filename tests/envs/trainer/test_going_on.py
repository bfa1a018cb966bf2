"""A trainer goes on with the tutor that it was stopped with, whatever else has changed.

Legend: k tasks.
"""

import json
import re
import shutil
from collections import Counter
from functools import partial

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from stranger_kit import Strangers
from trainer_kit import SIZES, Stop, rows_seen, trainer, tutor

from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, TSCLSampling, TSCLWindow, Uniform

NAMES = list(SIZES)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A checkpoint after 7 steps, in the middle of the second segment of 5."""
    folder = tmp_path_factory.mktemp("stopped")
    trainer(folder, callbacks=[Stop(7)], save_steps=7).train()
    return folder / "checkpoint-7"


def with_rule(rule, **options):
    columns = tuple(dict.fromkeys(("progress:difference", "measured", *rule.needs, "key")))
    options = {"observe": columns, "steps_per_decision": 5} | options
    return Tutor(NAMES, partial(RuleTeacher, rule), **options)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"made": with_rule(TSCLSampling(window=3))}, "made with window=10, this tutor has window"),
        ({"made": with_rule(Uniform())}, "teacher='TSCLSampling', this tutor has teacher='Unif"),
        ({"made": with_rule(TSCLWindow())}, "teacher='TSCLWindow'"),
        ({"made": tutor(steps_per_decision=4)}, "steps_per_decision=5, this tutor has steps_per"),
        ({"made": tutor(action="mixture")}, "action='task', this tutor has action='mixture'"),
        ({"options": {"feedback": "bandit"}}, "feedback='full', this tutor has feedback='bandit'"),
        ({"options": {"metric": "accuracy"}}, "metric='loss', this tutor has metric='accuracy'"),
        (
            {"options": {"metric": lambda task, metrics: 0.5}},
            "metric='loss', this tutor has metric='a function'",
        ),
    ],
)
def test_a_checkpoint_of_another_tutor_or_feedback_is_refused_by_name(
    stopped, tmp_path, other, words
):
    with pytest.raises(ValueError, match=f"^the checkpoint was .*{re.escape(words)}") as caught:
        trainer(tmp_path, **other).train(resume_from_checkpoint=str(stopped))
    assert "train without resume_from_checkpoint" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("settings", "examples"),
    [
        ({"per_device_train_batch_size": 8}, 7 * 4 + 13 * 8),
        ({"gradient_accumulation_steps": 3}, 7 * 4 + 13 * 12),
        ({"per_device_train_batch_size": 8, "ignore_data_skip": True}, 7 * 4 + 13 * 8),
        ({"seed": 4}, 20 * 4),
        ({"learning_rate": 0.5, "save_steps": 3}, 20 * 4),
    ],
    ids=["batch", "accumulation", "not skipped", "seed", "rate"],
)
@pytest.mark.parametrize("action", ["task", "mixture"])
def test_what_was_taken_is_counted_also_where_batches_change_within_a_segment(
    tmp_path, settings, examples, action
):
    folder = tmp_path / "stopped"
    options = {"action": action}
    first = trainer(folder, tutor(**options), [Stop(7)], save_steps=7)
    first.train()
    made = trainer(tmp_path / "on", tutor(**options), **{"save_steps": 100, "max_steps": 20}
                   | settings)  # fmt: skip
    made.train(resume_from_checkpoint=str(folder / "checkpoint-7"))
    rows = [row for one in (first, made) for batch in rows_seen(one) for row in batch]
    taken = Counter(made.train_dataset.tasks[row] for row in rows)
    assert sum(taken.values()) == examples
    assert made._lessons.taken.tolist() == [taken[name] for name in NAMES]
    facts = made._lessons.tutor._state()["board"]["facts"]
    assert (facts["steps"][0], facts["training"][0]) == (20, examples)


def test_after_other_batches_no_row_comes_twice_before_all_of_its_task_came(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "checkpoint-7")
    first = trainer(tmp_path / "first", callbacks=[Stop(7)])
    first.train()
    made = trainer(tmp_path, max_steps=20, per_device_train_batch_size=8)
    made.train(resume_from_checkpoint=True)
    for name, size in SIZES.items():
        rows = [row for one in (first, made) for batch in rows_seen(one) for row in batch
                if made.train_dataset.tasks[row] == name]  # fmt: skip
        for start in range(0, len(rows), size):
            assert len(set(rows[start : start + size])) == len(rows[start : start + size])


def test_a_checkpoint_of_an_earlier_version_goes_on_with_a_warning_and_its_few_words_are_checked(
    stopped, tmp_path
):
    shutil.copytree(stopped, tmp_path / "checkpoint-7")
    file = tmp_path / "checkpoint-7" / "tutor.json"
    whole = json.loads(file.read_text())
    state = whole["dict"]
    for name in ("belongs_to", "drawing", "earlier"):
        del state[name]
    del state["tutor"]["dict"]["belongs_to"], state["tutor"]["dict"]["memory"]["dict"]["rule"]
    state |= {"names": NAMES, "steps": 5}
    file.write_text(json.dumps(whole))
    with pytest.raises(ValueError, match="made with steps_per_decision=5, this tutor has steps_"):
        trainer(tmp_path, tutor(steps_per_decision=4)).train(resume_from_checkpoint=True)
    made, whole_run = trainer(tmp_path, max_steps=20), trainer(tmp_path / "whole", max_steps=20)
    with pytest.warns(UserWarning, match="the checkpoint is of an earlier version"):
        made.train(resume_from_checkpoint=True)
    whole_run.train()
    assert rows_seen(made) == rows_seen(whole_run)[7:]


def test_a_damaged_checkpoint_of_a_tutor_is_named(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "checkpoint-7")
    file = tmp_path / "checkpoint-7" / "tutor.json"
    file.write_text(file.read_text()[:-40])
    with pytest.raises(ValueError, match=r"tutor\.json is damaged .*; resume from another checkp"):
        trainer(tmp_path).train(resume_from_checkpoint=True)


def test_a_checkpoint_of_strangers_runs_nothing(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "checkpoint-7")
    strangers = Strangers(tmp_path / "strangers")
    (tmp_path / "checkpoint-7" / "tutor.json").write_bytes(strangers.pickle("a tutor"))
    with pytest.raises(ValueError, match=r"tutor\.json is damaged .*; resume from another checkp"):
        trainer(tmp_path).train(resume_from_checkpoint=True)
    assert strangers.left == []
