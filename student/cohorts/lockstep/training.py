"""All steps of the members that are trained together.

Legend: c members, p numbers in a student's row (parameters, padded), s steps, b batch.
"""

import numpy as np
import torch
from torch import Tensor

from ...contract.cohort import Training
from ...contract.scoring import batch_loss, reported_loss
from ...contract.tasks import Pool
from .lengths import Lengths, at_least
from .optimizer import Adam, AdamState
from .row_stack import Gradient, RowStack, shares

Batch = tuple[np.ndarray, list[tuple[Tensor, Tensor]]]
"""Members, and inputs and targets of their batches, in pieces."""


def train_members(
    stack: RowStack,
    optimizer: Adam,
    state: AdamState,
    alive: Tensor,
    feed: "Feed",
    batches: np.ndarray,
    fresh: np.ndarray,
) -> Training:
    """Train c members for s steps.

    Args:
        stack: what the rows of `state` mean.
        optimizer: takes the steps.
        state: of the members; changed in place.
        alive: who learns, (c,) bool; loses the members that diverge, in place.
        feed: makes batches.
        batches: what is trained on, as places in the pool, (s, c, b).
        fresh: batches that are only looked at, (0 or 1, c, b).
    """
    fresh_before = [_losses(stack, state, feed.batches(index)) for index in fresh]
    gradient = Gradient(stack, state.weights, state.gradient)
    norms, before = [], fresh_before
    rates = optimizer.rates(state.updates, len(batches))
    for step, index in enumerate(batches):
        loss = _gradients(stack, state, gradient, feed.batches(index))
        alive &= loss.isfinite()
        norms.append(optimizer.step(state, alive, rates[step]))
        if step == 0:
            before = [loss, *fresh_before]
    after = [_losses(stack, state, feed.batches(index)) for index in (batches[0], *fresh)]
    reported = reported_loss(torch.stack(before + after).double().cpu().numpy())
    count = len(before)
    return Training(
        loss_before=reported[0],
        loss_after=reported[count],
        gradient_norm=_mean_norm(torch.stack(norms).double().cpu().numpy()),
        fresh_before=reported[count - 1],
        fresh_after=reported[-1],
    )


class Feed:
    """Makes batches for members that are trained together.

    Args:
        pool: examples.
        lengths: of its batches.
        stack: what reads them.
    """

    def __init__(self, pool: Pool, lengths: Lengths, stack: RowStack) -> None:
        self._pool, self._lengths, self._stack = pool, lengths, stack

    def batches(self, index: np.ndarray) -> list[Batch]:
        """Batches (c, b), as places in the pool, of members in groups of one length."""
        if self._stack.alone and self._lengths.differ:
            return [self._in_pieces(index)]
        groups = self._lengths.groups(index)
        if len(groups) == 1:
            ((members, crop),) = groups
            return [(members, [self._pool.take(index, crop)])]
        made = []
        for members, crop in groups:
            together = at_least(self._stack.fewest, members)
            made.append((together, [self._pool.take(index[together], crop)]))
        return made

    def _in_pieces(self, index: np.ndarray) -> Batch:
        """The batch of one member, so that a long row does not lengthen the others."""
        pieces = self._lengths.pieces(index[0], self._stack.piece_tokens)
        return np.zeros(1, np.int64), [self._pool.take(rows[None], crop) for rows, crop in pieces]


def _gradients(stack: RowStack, state: AdamState, whole: Gradient, batches: list[Batch]) -> Tensor:
    """Each member's loss, (c,); its gradient goes to `state.gradient`."""
    if len(batches) == 1:
        return whole.of_pieces(batches[0][1])
    loss = torch.zeros_like(state.updates)
    for members, pieces in batches:
        where = torch.as_tensor(members, device=loss.device)
        weights = state.weights[where]
        gradient = torch.zeros_like(weights)
        loss[where] = Gradient(stack, weights, gradient).of_pieces(pieces)
        state.gradient[where] = gradient
    return loss


@torch.no_grad()
def _losses(stack: RowStack, state: AdamState, batches: list[Batch]) -> Tensor:
    """Each member's loss, (c,)."""
    if len(batches) == 1:
        return _loss(stack, state.weights, batches[0][1])
    loss = torch.zeros_like(state.updates)
    for members, pieces in batches:
        where = torch.as_tensor(members, device=loss.device)
        loss[where] = _loss(stack, state.weights[where], pieces)
    return loss


def _loss(stack: RowStack, weights: Tensor, pieces: list[tuple[Tensor, Tensor]]) -> Tensor:
    losses = [
        batch_loss(stack.logits(weights, inputs, targets.shape[-1]), targets)
        for inputs, targets in pieces
    ]
    if len(losses) == 1:
        return losses[0]
    return (torch.stack(losses) * torch.stack(shares(pieces))).sum(dim=0)


def _mean_norm(norms: np.ndarray) -> np.ndarray:
    """Mean of the norms (s, c) that are finite, (c,); 0 for a member that has none."""
    finite = np.isfinite(norms)
    total = np.where(finite, norms, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(finite.sum(axis=0), 1))
