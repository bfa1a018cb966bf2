"""All steps of the members that are trained together.

Legend: c members, p numbers in a student's row (parameters, padded), s steps, b batch.
"""

import numpy as np
import torch
from torch import Tensor

from ...contract.cohort import Training
from ...contract.scoring import batch_loss, reported_loss
from ...contract.tasks import Pool
from .optimizer import Adam, AdamState
from .row_stack import Gradient, RowStack


def train_members(
    stack: RowStack,
    optimizer: Adam,
    state: AdamState,
    alive: Tensor,
    pool: Pool,
    batches: Tensor,
    fresh: Tensor,
) -> Training:
    """Train c members for s steps.

    Args:
        stack: what the rows of `state` mean.
        optimizer: takes the steps.
        state: of the members; changed in place.
        alive: who learns, (c,) bool; loses the members that diverge, in place.
        pool: examples.
        batches: what is trained on, as places in the pool, (s, c, b).
        fresh: batches that are only looked at, (0 or 1, c, b).
    """
    fresh_before = [_losses(stack, state, pool, batch) for batch in fresh]
    gradient = Gradient(stack, state)
    norms, before = [], fresh_before
    rates = optimizer.rates(state.updates, len(batches))
    for step, batch in enumerate(batches):
        loss = gradient(*examples_at(pool, batch))
        alive &= loss.isfinite()
        norms.append(optimizer.step(state, alive, rates[step]))
        if step == 0:
            before = [loss, *fresh_before]
    after = [_losses(stack, state, pool, batch) for batch in (batches[0], *fresh)]
    reported = reported_loss(torch.stack(before + after).double().cpu().numpy())
    count = len(before)
    return Training(
        loss_before=reported[0],
        loss_after=reported[count],
        gradient_norm=_mean_norm(torch.stack(norms).double().cpu().numpy()),
        fresh_before=reported[count - 1],
        fresh_after=reported[-1],
    )


def examples_at(pool: Pool, index: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs (..., *input shape) and targets (..., l) at these places of the pool."""
    flat = index.reshape(-1)
    inputs, targets = (values.index_select(0, flat) for values in (pool.inputs, pool.targets))
    return inputs.view(*index.shape, *inputs.shape[1:]), targets.view(*index.shape, -1)


@torch.no_grad()
def _losses(stack: RowStack, state: AdamState, pool: Pool, batch: Tensor) -> Tensor:
    inputs, targets = examples_at(pool, batch)
    return batch_loss(stack.logits(state.weights, inputs), targets)


def _mean_norm(norms: np.ndarray) -> np.ndarray:
    """Mean of the norms (s, c) that are finite, (c,); 0 for a member that has none."""
    finite = np.isfinite(norms)
    total = np.where(finite, norms, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(finite.sum(axis=0), 1))
