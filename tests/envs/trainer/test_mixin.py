"""A tutor in a Hugging Face Trainer: what it trains on, what the tutor hears, and going on."""

import math
import re
import sys
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from trainer_kit import SIZES, Data, Net, Stop, chosen, collate, rows_seen, trainer, tutor
from transformers import Trainer, TrainingArguments

from lessonplan.envs import CurriculumVecEnv, Tutor, make_classroom
from lessonplan.envs.trainer.mixin import TaughtMixin, taught
from lessonplan.student import install_hint
from lessonplan.teacher import Proportional, RuleTeacher, Uniform, load_teacher, make_learner

NAMES = list(SIZES)


def tasks_seen(made):
    """The tasks of every batch, each as a set of names."""
    return [{made.train_dataset.tasks[row] for row in batch} for batch in rows_seen(made)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_accumulation_steps": 2},
        {
            "dataloader_drop_last": True,
            "per_device_train_batch_size": 3,
            "per_device_eval_batch_size": 3,
        },
        {"max_steps": 33},
    ],
    ids=["plain", "accumulation", "drop_last", "cut_short"],
)
def test_every_step_of_a_segment_trains_on_the_task_that_was_chosen_and_on_no_other(
    tmp_path, settings
):
    made = trainer(tmp_path, **settings)
    made.train()
    per_step = made.args.gradient_accumulation_steps
    steps = made.args.max_steps
    wanted = [{NAMES[task]} for task in chosen(made) for _ in range(5 * per_step)]
    assert tasks_seen(made) == wanted[: steps * per_step]
    assert len(set(chosen(made))) > 1
    assert {len(batch) for batch in rows_seen(made)} == {made.args.per_device_train_batch_size}
    taken = Counter(made.train_dataset.tasks[row] for batch in rows_seen(made) for row in batch)
    assert made._lessons.taken.tolist() == [taken[name] for name in NAMES]


def test_a_task_is_gone_through_before_any_of_its_rows_comes_again(tmp_path):
    made = trainer(tmp_path)
    made.train()
    for name, size in SIZES.items():
        rows = [row for batch in rows_seen(made) for row in batch
                if made.train_dataset.tasks[row] == name]  # fmt: skip
        for start in range(0, len(rows), size):
            epoch = rows[start : start + size]
            assert len(set(epoch)) == len(epoch)


@pytest.mark.slow
def test_workers_that_prefetch_do_not_fetch_beyond_a_segment(tmp_path):
    alone, helped = trainer(tmp_path / "a"), trainer(tmp_path / "b", dataloader_num_workers=1,
        dataloader_persistent_workers=True, dataloader_prefetch_factor=4)  # fmt: skip
    for made in (alone, helped):
        made.train()
    assert chosen(helped) == chosen(alone)
    assert rows_seen(helped) == rows_seen(alone)


class Follows:
    """Chooses the task whose score is the highest, and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        self.shown.append(observation[0, :, 1].tolist())
        return observation[:, :, 1].argmax(axis=1), state


def evaluations(made, metric="loss"):
    """What the evaluations logged, by step: task -> value."""
    found = {}
    for line in made.state.log_history:
        for name in NAMES:
            if f"eval_{name}_{metric}" in line:
                found.setdefault(line["step"], {})[name] = line[f"eval_{name}_{metric}"]
    return found


def test_the_choice_goes_by_the_evaluation_at_the_end_of_the_segment_before(tmp_path):
    follows = Follows()
    made = trainer(tmp_path, Tutor(NAMES, follows, observe=("progress", "score"),
                                   steps_per_decision=5))  # fmt: skip
    made.train()
    scores = {step: {name: math.exp(-loss) for name, loss in losses.items()}
              for step, losses in evaluations(made).items()}  # fmt: skip
    assert list(scores) == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    seen = [list(scores[step].values()) for step in range(0, 40, 5)]
    np.testing.assert_allclose(follows.shown, seen, atol=1e-6)
    assert [NAMES[i] for i in chosen(made)] == [
        max(s, key=s.get) for s in list(scores.values())[:8]
    ]


def test_with_bandit_feedback_only_what_was_trained_on_is_evaluated(tmp_path):
    made = trainer(tmp_path, options={"feedback": "bandit"})
    made.train()
    found = evaluations(made)
    assert set(found.pop(0)) == set(NAMES)
    assert [set(tasks) for tasks in found.values()] == [{NAMES[i]} for i in chosen(made)]
    assert [line["step"] for line in made.state.log_history if "tutor/score/a" in line] == list(
        found
    )


@pytest.mark.parametrize("metric", ["accuracy", lambda task, metrics: metrics["accuracy"] / 2])
def test_a_metric_of_ones_own_is_the_score(tmp_path, metric):
    made = trainer(tmp_path, options={"metric": metric, "compute_metrics": accuracy})
    made.train()
    factor = 1.0 if metric == "accuracy" else 0.5
    last = evaluations(made, "accuracy")[40]
    assert made._lessons.tutor.scores == {name: factor * last[name] for name in NAMES}


def accuracy(found):
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


def test_a_metric_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    made = trainer(tmp_path, options={"metric": "accuracy"})
    with pytest.raises(ValueError, match="evaluation of task 'a' has no 'accuracy'; it has loss"):
        made.train()


def test_a_teacher_that_goes_by_sizes_is_told_them_or_a_warning_says_that_it_was_not(tmp_path):
    def proportional(tasks):
        made = Tutor(tasks, partial(RuleTeacher, Proportional()), action="mixture",
                     steps_per_decision=5)  # fmt: skip
        return trainer(tmp_path, made, max_steps=5)

    with pytest.warns(
        UserWarning, match=r"was told none: .* Tutor\(\{'a': \{'size': 7\}, \.\.\.\}"
    ):
        proportional(NAMES)
    made = proportional({name: {"size": size} for name, size in SIZES.items()})
    made.train()
    assert made._lessons.tutor.suite.sizes("train").tolist() == list(SIZES.values())
    (line,) = [line for line in made.state.log_history if "tutor/task" in line]
    shares = [line[f"tutor/probability/{name}"] for name in NAMES]
    np.testing.assert_allclose(shares, np.array(list(SIZES.values())) / 40, atol=1e-6)


def test_a_mixture_is_drawn_by_its_shares(tmp_path):
    mixed = Tutor(NAMES, partial(RuleTeacher, Uniform()), observe=("progress", "key"),
                  action="mixture", steps_per_decision=20)  # fmt: skip
    made = trainer(tmp_path, mixed, per_device_train_batch_size=8)
    made.train()
    taken = Counter(made.train_dataset.tasks[row] for batch in rows_seen(made) for row in batch)
    # 320 draws of a third each: four standard deviations are 34.
    assert all(abs(count - 320 / 3) < 34 for count in taken.values())
    assert any(len(tasks) > 1 for tasks in tasks_seen(made))
    line = next(line for line in made.state.log_history if "tutor/task" in line)
    assert [line[f"tutor/probability/{name}"] for name in NAMES] == pytest.approx([1 / 3] * 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "action", "ignore_data_skip", "feedback"),
    [
        (15, "task", False, "full"),
        (18, "task", False, "full"),
        (18, "task", True, "bandit"),
        (18, "mixture", False, "bandit"),
        (18, "mixture", True, "full"),
    ],
)
def test_stopped_and_resumed_it_is_as_if_it_had_not_been(
    tmp_path, stop, action, ignore_data_skip, feedback
):
    options = {"action": action}
    settings = {"ignore_data_skip": ignore_data_skip, "options": {"feedback": feedback}}
    whole = trainer(tmp_path / "whole", tutor(**options), **settings)
    whole.train()
    first = trainer(tmp_path / "parts", tutor(**options), [Stop(stop)], save_steps=stop, **settings)
    first.train()
    second = trainer(tmp_path / "parts", tutor(**options), save_steps=stop, **settings)
    second.train(resume_from_checkpoint=True)
    assert rows_seen(first) + rows_seen(second) == rows_seen(whole)
    drop = ("step", "epoch", "tutor/")
    lines = [[{a: b for a, b in line.items() if a.startswith(drop)} for line in
              made.state.log_history if "tutor/task" in line or "tutor/score/a" in line]
             for made in (whole, second)]  # fmt: skip
    assert lines[0] == lines[1]
    assert torch.equal(whole.model.linear.weight, second.model.linear.weight)
    assert whole._lessons.tutor.scores == second._lessons.tutor.scores


def test_a_run_that_was_made_longer_goes_on_with_a_new_choice(tmp_path):
    short = trainer(tmp_path, max_steps=13, save_steps=13)
    short.train()
    longer = trainer(tmp_path, max_steps=25)
    longer.train(resume_from_checkpoint=True)
    assert len(rows_seen(longer)) == 12
    steps = [line["step"] for line in longer.state.log_history if "tutor/task" in line]
    assert steps == [0, 5, 10, 13, 15, 20]
    tasks = chosen(longer)[3:]
    wanted = [{NAMES[task]} for task, n in zip(tasks, (2, 5, 5), strict=True) for _ in range(n)]
    assert tasks_seen(longer) == wanted


def test_a_second_training_begins_afresh(tmp_path):
    made = trainer(tmp_path)
    made.train()
    first = rows_seen(made)[:5]
    made.model.seen = []
    made.train()
    assert rows_seen(made)[:5] == first


@pytest.mark.slow
def test_epochs_are_still_passes_over_the_data(tmp_path):
    made = trainer(tmp_path, max_steps=-1, num_train_epochs=3, save_strategy="epoch",
                   eval_strategy="epoch", logging_strategy="epoch")  # fmt: skip
    made.train()
    # 40 rows, 4 a step.
    assert (made.state.global_step, made.args.max_steps, made.state.epoch) == (30, -1, 3.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-10", "checkpoint-20", "checkpoint-30"
    ]  # fmt: skip
    assert list(evaluations(made)) == [0, 5, 10, 15, 20, 25, 30]
    ends = [(line["epoch"], line["step"]) for line in made.state.log_history if "loss" in line]
    assert ends == [(1.0, 10), (2.0, 20), (3.0, 30)]
    counted = Counter(line["step"] for line in made.state.log_history if "eval_a_loss" in line)
    assert set(counted.values()) == {1}


@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_a_finished_tutor_ends_and_saves_the_training_where_that_is_wanted(tmp_path, feedback):
    for stop, steps in ((True, 10), (False, 40)):
        options = {"stop_when_finished": stop, "feedback": feedback}
        folder = tmp_path / str(stop)
        made = trainer(folder, tutor(budget="10-steps"), options=options)
        made.train()
        assert made.state.global_step == steps
        assert [path.name for path in folder.iterdir()] == [f"checkpoint-{steps}"]


@pytest.mark.slow
def test_a_learned_teacher_from_disk_teaches(tmp_path):
    observe = ("progress", "score")
    room = make_classroom("parity", suite_options={"n_tasks": 4, "n_signs": 8}, observe=observe,
                          budget="60-steps", model_options={"hidden": (8,)})  # fmt: skip
    made = make_learner("ppo", CurriculumVecEnv(room), seed=1, width=8, n_steps=8, batch_size=8)
    made.save(tmp_path / "ppo.zip")
    learned = Tutor(NAMES, lambda env: load_teacher(tmp_path / "ppo.zip", env), observe=observe,
                    steps_per_decision=5)  # fmt: skip
    student = trainer(tmp_path / "run", learned, max_steps=10)
    student.train()
    assert len(chosen(student)) == 2


def test_what_a_trainer_can_not_do_with_a_tutor_is_refused_before_it_trains(tmp_path):
    refused = [
        ({"train_sampling_strategy": "group_by_length"}, {}, "'group_by_length' orders the exampl"),
        ({"auto_find_batch_size": True}, {}, "auto_find_batch_size changes what a step is"),
        ({"dataloader_drop_last": True}, {}, "drop_last leaves nothing of the 7 held-out examples"),
        (
            {},
            {"feedback": "all"},
            "feedback must be one of full, bandit, training, reward, got",
        ),
        ({}, {"feedback": "reward"}, "TaughtTrainer rewards no generations"),
        ({}, {"reward_range": (1, 0)}, r"reward_range must be \(least, largest\), got \(1, 0\)"),
    ]
    for settings, options, wrong in refused:
        with pytest.raises(ValueError, match=wrong):
            trainer(tmp_path, options=options, **settings)
    with pytest.raises(ValueError, match="column gain needs the loss before and after"):
        trainer(tmp_path, tutor(observe=("progress:difference", "measured", "key", "gain")))
    with pytest.raises(ValueError, match="budget is in tokens, which the trainer does not count"):
        trainer(tmp_path, tutor(budget="100-tokens"))
    with pytest.raises(ValueError, match="Alone is no trainer"):
        type("Alone", (TaughtMixin,), {})(tutor=tutor(), train_dataset=Data())
    settings = TrainingArguments(str(tmp_path), report_to="none", use_cpu=True)
    with pytest.raises(ValueError, match="stream"):
        taught(Trainer)(tutor=tutor(), model=Net(), args=settings, train_dataset=Stream(),
                        eval_dataset=Data(), data_collator=collate)  # fmt: skip


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield from ()


def test_a_trainer_that_is_made_already_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"not a TaughtTrainer that is made: write taught\(Tra"):
        taught(trainer(tmp_path))


def test_a_checkpoint_of_another_tutor_or_of_none_is_refused(tmp_path):
    made = trainer(tmp_path, max_steps=5, save_steps=5)
    made.train()
    with pytest.raises(ValueError, match="made with steps_per_decision=5, this tutor has steps_"):
        trainer(tmp_path, tutor(steps_per_decision=10)).train(resume_from_checkpoint=True)
    (tmp_path / "checkpoint-5" / "tutor.json").unlink()
    with pytest.raises(ValueError, match=r"checkpoint-5 has no tutor\.json"):
        trainer(tmp_path).train(resume_from_checkpoint=True)


def test_without_transformers_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_hint("hf"))):
        taught(Trainer)(tutor=tutor(), train_dataset=Data())
