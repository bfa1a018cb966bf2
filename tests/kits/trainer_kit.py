"""A trainer that is quick to make, and what its batches were made of.

Legend: k tasks.
"""

from functools import partial

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from lessonplan.envs import Tutor
from lessonplan.envs.trainer.mixin import taught
from lessonplan.teacher import RuleTeacher, TSCLSampling

SIZES = {"a": 7, "b": 20, "c": 13}


class Net(torch.nn.Module):
    """Learns which of three classes an input is of, and remembers the rows that it trained on."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(3, 3)
        self.seen = []

    def forward(self, inputs, row, labels=None):
        if self.training:
            self.seen.append(row.tolist())
        logits = self.linear(inputs)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


class Data:
    """Rows of several tasks, which stand mixed; row r of all is of task `tasks[r]`."""

    def __init__(self, sizes=SIZES, seed=0):
        generator = torch.Generator().manual_seed(seed)
        tasks = [name for name, size in sizes.items() for _ in range(size)]
        order = torch.randperm(len(tasks), generator=generator).tolist()
        self.tasks = [tasks[i] for i in order]
        self.inputs = torch.randn(len(tasks), 3, generator=generator)

    def __len__(self):
        return len(self.tasks)

    def __getitem__(self, row):
        label = "abc".index(self.tasks[row])
        return {"inputs": self.inputs[row], "labels": label, "row": row, "task": self.tasks[row]}


def collate(rows):
    """A batch without what is no number."""
    return {
        "inputs": torch.stack([row["inputs"] for row in rows]),
        "labels": torch.tensor([row["labels"] for row in rows]),
        "row": torch.tensor([row["row"] for row in rows]),
    }


def tutor(**options):
    """A tutor of three tasks, with a bandit."""
    options = {
        "observe": ("progress:difference", "measured", "key"),
        "steps_per_decision": 5,
    } | options
    return Tutor(list(SIZES), partial(RuleTeacher, TSCLSampling()), **options)


class Stop(TrainerCallback):
    """Ends the training, as a crash would, after this step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop = state.global_step >= self.step


def trainer(folder, made=None, callbacks=None, data=None, held_out=None, options=None, **settings):
    """A taught trainer of `Net` on `Data`."""
    settings = {
        "max_steps": 40, "per_device_train_batch_size": 4, "save_steps": 100, "report_to": "none",
        "use_cpu": True, "seed": 3, "learning_rate": 0.05, "disable_tqdm": True,
        "remove_unused_columns": False, "dataloader_pin_memory": False,
    } | settings  # fmt: skip
    return taught(Trainer)(
        tutor=made or tutor(),
        model=Net(),
        args=TrainingArguments(str(folder), **settings),
        train_dataset=data or Data(),
        eval_dataset=held_out or Data(seed=1),
        data_collator=collate,
        callbacks=callbacks,
        **(options or {}),
    )


def chosen(made):
    """Numbers of the tasks that were chosen."""
    return [line["tutor/task"] for line in made.state.log_history if "tutor/task" in line]


def rows_seen(made):
    """The rows of every batch that was trained on, in order."""
    return made.model.seen
