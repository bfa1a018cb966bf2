"""Cohorts of every kind, lessons for them, and all that a member is, as bytes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lessonplan.student import (
    IGNORED,
    LSTM,
    MLP,
    SPLITS,
    Adam,
    Decoder,
    Examples,
    StackedCohort,
    Task,
    TaskSuite,
    parity,
)
from lessonplan.student.cohorts.lockstep import module_stack as stack
from lessonplan.student.contract.batches import evaluation_examples

PARITY = parity(n_tasks=3, n_signs=8)


class Anyones(nn.Module):
    """A user's module, with a buffer, that knows nothing of stacking."""

    def __init__(self):
        super().__init__()
        self.inner, self.norm = nn.Linear(11, 13), nn.LayerNorm(13)
        self.outer = nn.Linear(13, 2, bias=False)
        self.register_buffer("scale", torch.full((11,), 0.5))

    def forward(self, inputs):
        return self.outer(F.gelu(self.norm(self.inner(inputs * self.scale))))[:, None]


def text_suite():
    generator, tasks = np.random.default_rng(0), []
    for shift in (1, 2, 3):
        splits = {}
        for split in SPLITS:
            text = generator.integers(0, 9, (40, 7))
            targets = (text + shift) % 9
            targets[:, :2] = IGNORED
            splits[split] = Examples(torch.from_numpy(text), torch.from_numpy(targets))
        tasks.append(Task(f"shift-{shift}", splits))
    return TaskSuite("text", tuple(tasks), n_outputs=9)


TEXT = text_suite()
BUILDS = {
    "mlp": (PARITY, lambda: MLP(PARITY.input_shape, 2, (20, 12))),
    "odd mlp": (PARITY, lambda: MLP(PARITY.input_shape, 2, (17, 9))),
    "decoder": (TEXT, lambda: Decoder(TEXT.input_shape, 9, width=12, n_layers=2, n_heads=2)),
    "lstm": (TEXT, lambda: LSTM(TEXT.input_shape, 9, width=12, n_layers=2)),
    "lstm with a decoder": (TEXT, lambda: LSTM(TEXT.input_shape, 9, width=16, prompt_length=2)),
    "any module": (PARITY, Anyones),
    "large module": (PARITY, Anyones),
}


def make(kind="mlp", n=4, **options):
    suite, build = BUILDS[kind]
    settings = {"batch_size": 8, "optimizer": Adam(1e-2), "evaluation_size": 10}
    with pytest.MonkeyPatch.context() as patch:
        if kind == "large module":
            patch.setattr(stack, "ALONE_BYTES", 0)
        return StackedCohort(suite, build, n, **(settings | options))


LESSONS = (np.eye(3)[1], np.array([0.2, 0.5, 0.3]), np.eye(3)[0])


def teach(cohort, lessons=LESSONS, rows=None):
    """The same lessons for every member, or (r, 3) mixtures."""
    count = cohort.n if rows is None else len(rows)
    return [cohort.train(np.broadcast_to(row, (count, 3)), 4, rows) for row in lessons]


def evaluation_set(cohort, split):
    """Places in the pool that each member is evaluated on, and which of them count, (n, k, e)."""
    seeds = cohort.state_dict()["seeds"].numpy()
    return evaluation_examples(cohort.suite.pool(split), split, seeds, cohort.evaluation_size)


def member(cohort, row):
    """All that a member is, as bytes."""
    state = cohort.state_dict()
    parts = [state["weights"], *state["moments"], state["taken"], state["seeds"], state["drawn"]]
    return b"".join(part[row].numpy().tobytes() for part in parts)


def figures(cohort, row, **options):
    found = cohort.evaluate("test", **options)
    return [x[row].tolist() for x in (found.score, found.loss, found.calibration_error)]
