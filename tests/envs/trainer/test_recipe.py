"""What the published recipe for other weights in mid-training does, measured beside ours.

The recipe: override `_get_train_sampler` to return a `WeightedRandomSampler`, and mutate its
`weights` in a callback (https://github.com/huggingface/trl/issues/2801).

Legend: k tasks.
"""

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

import torch
from trainer_kit import SIZES, Data, Net, Stop, collate, rows_seen, trainer
from transformers import Trainer, TrainerCallback, TrainingArguments

from lessonplan.envs import Tutor

NAMES = list(SIZES)
CHANGE, STEPS = 12, 40
"""The step after which only another task is wanted, and of a run."""


def weights(data, task):
    return torch.tensor([float(name == task) for name in data.tasks], dtype=torch.double)


class Lazy(torch.utils.data.Sampler):
    """The recipe's sampler with its worst fault mended: it looks at its weights at every draw."""

    def __init__(self, start, length):
        self.weights, self.length = start, length
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self):
        return self.length

    def __iter__(self):
        for _ in range(self.length):
            yield int(torch.multinomial(self.weights, 1, generator=self.generator))


class Recipe(Trainer):
    """Weights of the first task, until a callback changes them to those of the second."""

    lazy = False

    def _get_train_sampler(self, train_dataset=None):
        data = self.train_dataset
        start = weights(data, "a")
        length = STEPS * self.args.per_device_train_batch_size
        self.sampler = (
            Lazy(start, length) if self.lazy
            else torch.utils.data.WeightedRandomSampler(start, length, replacement=True)
        )  # fmt: skip
        return self.sampler


class Mutate(TrainerCallback):
    def __init__(self):
        self.trainer = None

    def on_step_end(self, args, state, control, **_):
        if state.global_step == CHANGE:
            self.trainer.sampler.weights = weights(self.trainer.train_dataset, "b")


def recipe(folder, lazy=False, callbacks=(), **settings):
    mutate = Mutate()
    settings = {
        "max_steps": STEPS, "per_device_train_batch_size": 4, "save_steps": 15, "seed": 3,
        "report_to": "none", "use_cpu": True, "disable_tqdm": True,
        "remove_unused_columns": False, "dataloader_pin_memory": False,
    } | settings  # fmt: skip
    made = Recipe(
        model=Net(), args=TrainingArguments(str(folder), **settings), train_dataset=Data(),
        data_collator=collate, callbacks=[mutate, *callbacks],
    )  # fmt: skip
    made.lazy, mutate.trainer = lazy, made
    return made


class Switch:
    """The first task for four decisions, then the second."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        decision = 0 if state is None else state["decision"]
        return [int(decision >= CHANGE // 3)], {"decision": decision + 1}


def ours(folder, callbacks=None, **settings):
    tutor = Tutor(NAMES, Switch(), steps_per_decision=3)
    return trainer(folder, tutor, callbacks, max_steps=STEPS, **{"save_steps": 15} | settings)


def lag(made):
    """Steps after the change that still trained on what was wanted before it."""
    seen = ["".join(made.train_dataset.tasks[row] for row in batch) for batch in rows_seen(made)]
    assert all("b" not in batch for batch in seen[:CHANGE])
    return next((i for i, batch in enumerate(seen[CHANGE:]) if batch == "bbbb"), len(seen) - CHANGE)


WORKERS = {"dataloader_num_workers": 2, "dataloader_prefetch_factor": 2}


@pytest.mark.slow
def test_the_recipe_lags_to_the_end_of_the_epoch_by_what_is_prefetched_if_mended_and_ours_not(
    tmp_path,
):
    lags = {
        "recipe": lag(made_and_trained(recipe(tmp_path))),
        "mended": lag(made_and_trained(recipe(tmp_path, lazy=True))),
        "mended, two workers": lag(made_and_trained(recipe(tmp_path, lazy=True, **WORKERS))),
        "ours": lag(made_and_trained(ours(tmp_path))),
        "ours, two workers": lag(
            made_and_trained(ours(tmp_path, dataloader_persistent_workers=True, **WORKERS))
        ),
    }
    assert lags == {
        # Its sampler draws a whole epoch at once: the run ends before the change is noticed.
        "recipe": STEPS - CHANGE,
        "mended": 1,
        # Two workers fetch two batches ahead each, and the loader holds one.
        "mended, two workers": 5,
        "ours": 0,
        "ours, two workers": 0,
    }


def made_and_trained(made):
    made.train()
    return made


@pytest.mark.slow
def test_the_recipe_forgets_its_weights_when_it_goes_on_and_ours_does_not(tmp_path):
    def second_half(make, folder):
        make(folder, callbacks=[Stop(15)]).train()
        made = make(folder)
        made.train(resume_from_checkpoint=True)
        return {made.train_dataset.tasks[row] for batch in rows_seen(made) for row in batch}

    def mended(folder, **options):
        return recipe(folder, lazy=True, **options)

    # The change was made at step 12, and the checkpoint taken at 15.
    assert second_half(mended, tmp_path / "mended") == {"a"}
    assert second_half(ours, tmp_path / "ours") == {"b"}
