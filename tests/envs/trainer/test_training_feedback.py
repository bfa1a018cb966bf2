"""Training as the feedback: what the tutor hears is what the batches of its own trainer showed.

Legend: k tasks.
"""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from trainer_kit import SIZES, Data, Net, Stop, chosen, collate, rows_seen, trainer, tutor
from transformers import Trainer, TrainingArguments

from lessonplan.envs import Tutor
from lessonplan.envs.trainer.mixin import taught
from lessonplan.teacher import RuleTeacher, Uniform

pytestmark = pytest.mark.filterwarnings("ignore:the rows of task '.' have come again")
NAMES = list(SIZES)
TRAINING = {"feedback": "training"}


class Watched(Net):
    """Keeps what every row that it trained on showed: loss, and whether it was right."""

    def __init__(self):
        super().__init__()
        self.showed = []

    def forward(self, inputs, row, labels=None):
        outputs = super().forward(inputs, row, labels)
        if self.training:
            each = torch.nn.functional.cross_entropy(outputs["logits"], labels, reduction="none")
            right = outputs["logits"].argmax(dim=1) == labels
            self.showed += zip(each.tolist(), right.tolist(), strict=True)
        return outputs


def watched(folder, made=None, callbacks=None, options=TRAINING, **settings):
    """A trainer that no evaluation can be had from."""
    student = trainer(folder, made, callbacks, options=options, **settings)
    student.model = student.model_wrapped = Watched()
    student.evaluate = None
    return student


def mixing(**options):
    columns = ("progress:difference", "score", "measured", "key")
    options = {"observe": columns, "action": "mixture", "steps_per_decision": 5} | options
    return Tutor(NAMES, partial(RuleTeacher, Uniform()), **options)


def told(made):
    """The scores that the tutor came to after each segment, (segments, k)."""
    lines = [line for line in made.state.log_history if "tutor/score/a" in line]
    return np.array([[line[f"tutor/score/{name}"] for name in NAMES] for line in lines])


def believed(made, credit, per_segment, half_life):
    """What should be believed after each segment, from what the rows showed, one by one."""
    rows = [row for batch in rows_seen(made) for row in batch]
    tasks = np.array([NAMES.index(made.train_dataset.tasks[row]) for row in rows])
    showed = np.array(made.model.showed)
    sums, found = np.zeros((2, len(NAMES))), []
    for start in range(0, len(rows), per_segment):
        sums *= 0.5 ** (1 / half_life)
        for task in range(len(NAMES)):
            own = showed[start : start + per_segment][tasks[start : start + per_segment] == task]
            if len(own):
                sums[:, task] += len(own), len(own) * credit(own)
        found.append(sums[1] / (sums[0] + 4))
    return np.array(found)


CREDITS = {
    "loss": lambda own: math.exp(-own[:, 0].mean()),
    "accuracy": lambda own: own[:, 1].mean(),
    "token_accuracy": lambda own: own[:, 1].mean(),
}


@pytest.mark.parametrize("metric", CREDITS)
@pytest.mark.parametrize(
    "settings", [{}, {"gradient_accumulation_steps": 3}, {"max_steps": 18}],
    ids=["plain", "accumulation", "cut_short"],
)  # fmt: skip
def test_the_scores_are_what_the_rows_of_each_task_showed(tmp_path, metric, settings):
    made = watched(tmp_path, mixing(half_life=2.0), options=TRAINING | {"metric": metric},
                   **{"max_steps": 20} | settings)  # fmt: skip
    made.train()
    per_segment = 5 * 4 * settings.get("gradient_accumulation_steps", 1)
    wanted = believed(made, CREDITS[metric], per_segment, half_life=2.0)
    assert len(wanted) == 4
    np.testing.assert_allclose(told(made), wanted, atol=1e-6)
    facts = made._lessons.tutor._state()["board"]["facts"]
    assert facts["probing"].tolist() == facts["equal_probing"].tolist() == [0.0]


def test_a_function_makes_a_score_of_what_was_shown(tmp_path):
    seen = []

    def metric(task, figures):
        seen.append((task, figures))
        return figures["accuracy"] / 2

    made = watched(tmp_path, mixing(), options=TRAINING | {"metric": metric}, max_steps=10)
    made.train()
    wanted = believed(made, lambda own: own[:, 1].mean() / 2, 20, half_life=1.0)
    np.testing.assert_allclose(told(made), wanted, atol=1e-6)
    assert set(seen[0][1]) == {"count", "loss", "accuracy", "token_accuracy"}
    assert sum(figures["count"] for _, figures in seen) == 40


class Bare(Net):
    """A model that says its loss and no more."""

    def forward(self, inputs, row, labels=None):
        return {"loss": super().forward(inputs, row, labels)["loss"]}


def test_where_only_losses_of_batches_are_there_they_are_taken_for_one_task_and_said(tmp_path):
    whole, bare = (trainer(tmp_path, tutor(), options=TRAINING, max_steps=15,
                           gradient_accumulation_steps=2) for _ in range(2))  # fmt: skip
    bare.model = bare.model_wrapped = Bare()
    whole.train()
    with pytest.warns(UserWarning, match="Bare give no logits .* the loss that is trained on"):
        bare.train()
    assert chosen(bare) == chosen(whole)
    np.testing.assert_allclose(told(bare), told(whole), atol=1e-6)
    mixed = trainer(tmp_path, mixing(), options=TRAINING)
    mixed.model = mixed.model_wrapped = Bare()
    with pytest.raises(ValueError, match="can't tell how each example of a mixture was answered; "):
        mixed.train()
    named = trainer(tmp_path, tutor(), options=TRAINING | {"metric": "accuracy"})
    named.model = named.model_wrapped = Bare()
    with pytest.warns(UserWarning, match="as a whole"), pytest.raises(
        ValueError, match=r"training on task '.' has no 'accuracy'; it has count, loss; name one"
    ):  # fmt: skip
        named.train()


@pytest.mark.parametrize(
    ("action", "ignore_data_skip", "stop"),
    [("mixture", False, 7), ("mixture", True, 7), ("task", False, 7), ("task", True, 10)],
)
def test_stopped_in_the_middle_of_a_segment_it_goes_on_with_what_it_had_heard(
    tmp_path, action, ignore_data_skip, stop
):
    def made(folder, *callbacks, **more):
        student = mixing() if action == "mixture" else tutor()
        return watched(tmp_path / folder, student, list(callbacks), max_steps=20,
                       ignore_data_skip=ignore_data_skip, **more)  # fmt: skip

    whole = made("whole")
    whole.train()
    made("parts", Stop(stop), save_steps=stop).train()
    second = made("parts", save_steps=stop)
    second.train(resume_from_checkpoint=str(tmp_path / "parts" / f"checkpoint-{stop}"))
    assert rows_seen(second) == rows_seen(whole)[stop:]
    # To the bit: sums go on where they were.
    assert second._lessons.tutor.scores == whole._lessons.tutor.scores
    assert told(second).tolist() == told(whole).tolist()


def test_other_batches_after_a_stop_are_added_to_what_was_heard_before(tmp_path):
    first = watched(tmp_path, mixing(), [Stop(7)], save_steps=7)
    first.train()
    made = watched(tmp_path, mixing(), max_steps=10, per_device_train_batch_size=8)
    made.train(resume_from_checkpoint=str(tmp_path / "checkpoint-7"))
    both = watched(tmp_path, mixing())
    both.model.seen = rows_seen(first) + rows_seen(made)
    both.model.showed = first.model.showed + made.model.showed
    wanted = believed(both, CREDITS["loss"], 20, 1.0)[:1]
    np.testing.assert_allclose(told(made)[:1], wanted, atol=1e-6)
    # The second segment had 2 steps of 4 and 3 of 8.
    both.model.seen, both.model.showed = rows_seen(both)[5:], both.model.showed[20:]
    last = believed(both, CREDITS["loss"], 32, 1.0)
    assert len(last) == 1
    counts = made._lessons.tutor._board.facts.heard.count
    assert counts.sum() == pytest.approx(20 / 2 + 32)


def test_no_held_out_data_need_be_there(tmp_path):
    settings = TrainingArguments(
        str(tmp_path), max_steps=10, report_to="none", use_cpu=True, disable_tqdm=True,
        remove_unused_columns=False, dataloader_pin_memory=False,
    )  # fmt: skip
    made = taught(Trainer)(tutor=tutor(), model=Net(), args=settings, train_dataset=Data(),
                           data_collator=collate, feedback="training")  # fmt: skip
    made.train()
    assert made._lessons.tutor.half_life == 1.0
    assert not any("eval_loss" in key for line in made.state.log_history for key in line)


def test_rows_that_come_again_are_said_to_be_better_known_once(tmp_path):
    made = watched(tmp_path, mixing(), max_steps=40)
    with pytest.warns(UserWarning, match="'a' have come again") as caught:
        made.train()
    assert sum("have come again" in str(one.message) for one in caught) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "f1"}, "metric must be one of loss, accuracy, token_accuracy, or a function"),
        ({"feedback": "training", "tutor": "columns"}, "column gain needs the loss before"),
    ],
)
def test_what_training_does_not_show_is_refused(tmp_path, options, words):
    made = None
    if options.pop("tutor", None):
        made = tutor(observe=("progress:difference", "measured", "key", "gain"))
    with pytest.raises(ValueError, match=re.escape(words)):
        trainer(tmp_path, made, options=TRAINING | options)


def test_a_half_life_without_training_as_the_feedback_is_refused(tmp_path):
    with pytest.raises(ValueError, match="half_life=2 is of what training examples show, which a"):
        trainer(tmp_path, mixing(half_life=2.0))


def test_a_checkpoint_of_another_feedback_or_half_life_is_refused(tmp_path):
    watched(tmp_path, mixing(), max_steps=5, save_steps=5).train()
    checkpoint = str(tmp_path / "checkpoint-5")
    with pytest.raises(ValueError, match=r"feedback='training', this tutor has .*'full'"):
        trainer(tmp_path, mixing()).train(resume_from_checkpoint=checkpoint)
    with pytest.raises(ValueError, match=r"made with half_life=1\.0, this tutor has half_life=2"):
        watched(tmp_path, mixing(half_life=2.0)).train(resume_from_checkpoint=checkpoint)
