"""All steps of the members that are trained together.

Legend: c members, p numbers in a student's row (parameters, padded), s steps, b batch.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...contract.cohort import Training
from ...contract.scoring import batch_loss, reported_loss, shown_by
from ...contract.tasks import Pool
from .lengths import Lengths, at_least
from .optimizer import Adam, AdamState
from .row_stack import Gradient, RowStack, shares

_KEPT = 2**17
"""Logits that are kept at most until they are looked at."""

Figures = tuple[Tensor, Tensor]
"""Whether each example of batches was right, and its loss, (c, b) each."""
Look = Figures | tuple[Tensor, Tensor, Tensor]
"""These, or what `shown_by` makes them of."""


class SideBySide(NamedTuple):
    """Batches of members that are computed together."""

    members: np.ndarray
    pieces: list[tuple[Tensor, Tensor]]
    """Inputs and targets."""
    order: np.ndarray | None = None
    """Place in the batch of each example of the pieces, (b,); as they are for None."""


def train_members(
    stack: RowStack,
    optimizer: Adam,
    state: AdamState,
    alive: Tensor,
    feed: "Feed",
    batches: np.ndarray,
    fresh: np.ndarray,
    by_task: bool,
) -> tuple[Training, np.ndarray | None]:
    """Train c members for s steps.

    Args:
        stack: what the rows of `state` mean.
        optimizer: takes the steps.
        state: of the members; changed in place.
        alive: who learns, (c,) bool; loses the members that diverge, in place.
        feed: makes batches.
        batches: what is trained on, as places in the pool, (s, c, b).
        fresh: batches that are only looked at, (0 or 1, c, b).
        by_task: whether to tell what each example showed before the student learned from it.

    Returns:
        The figures, and where it was asked for whether each example was right, and its loss,
        (2, c, s, b).
    """
    fresh_before = [_losses(stack, state, feed.batches(index)) for index in fresh]
    gradient = Gradient(stack, state.weights, state.gradient)
    norms, before = [], fresh_before
    shown = Shown() if by_task else None
    rates = optimizer.rates(state.updates, len(batches))
    for step, index in enumerate(batches):
        loss = _gradients(stack, state, gradient, feed.batches(index), shown)
        alive &= loss.isfinite()
        norms.append(optimizer.step(state, alive, rates[step]))
        if step == 0:
            before = [loss, *fresh_before]
    after = [_losses(stack, state, feed.batches(index)) for index in (batches[0], *fresh)]
    reported = reported_loss(torch.stack(before + after).double().cpu().numpy())
    count = len(before)
    training = Training(
        loss_before=reported[0],
        loss_after=reported[count],
        gradient_norm=_mean_norm(torch.stack(norms).double().cpu().numpy()),
        fresh_before=reported[count - 1],
        fresh_after=reported[-1],
    )
    return training, shown.examples() if shown else None


class Feed:
    """Makes batches for members that are trained together.

    Args:
        pool: examples.
        lengths: of its batches.
        stack: what reads them.
    """

    def __init__(self, pool: Pool, lengths: Lengths, stack: RowStack) -> None:
        self._pool, self._lengths, self._stack = pool, lengths, stack

    def batches(self, index: np.ndarray) -> list[SideBySide]:
        """Batches (c, b), as places in the pool, of members in groups of one length."""
        if self._stack.alone and self._lengths.differ:
            return [self._in_pieces(index)]
        groups = self._lengths.groups(index)
        if len(groups) == 1:
            ((members, crop),) = groups
            return [SideBySide(members, [self._pool.take(index, crop)])]
        made = []
        for members, crop in groups:
            together = at_least(self._stack.fewest, members)
            made.append(SideBySide(together, [self._pool.take(index[together], crop)]))
        return made

    def _in_pieces(self, index: np.ndarray) -> SideBySide:
        """The batch of one member, so that a long row does not lengthen the others."""
        parts = self._lengths.pieces(index[0], self._stack.piece_tokens)
        return SideBySide(
            members=np.zeros(1, np.int64),
            pieces=[self._pool.take(index[:, places], crop) for places, crop in parts],
            order=np.concatenate([places for places, _ in parts]),
        )


class Shown:
    """What the examples of a training showed before the student learned from them.

    Looks at small batches are kept for a while, because many of them at once take no more
    operations than one.
    """

    def __init__(self) -> None:
        self._seen: list[Look] = []
        self._kept: list[Look] = []
        self._settled: list[Figures] = []

    def see(self, logits: Tensor, targets: Tensor, losses: Tensor) -> None:
        """One batch, or the next of its pieces, in this step."""
        look = logits, targets, losses
        self._seen.append(look if logits.numel() <= _KEPT else shown_by(*look))

    def end_step(self, batches: list[SideBySide]) -> None:
        """All of these batches were seen, in their order."""
        seen, self._seen = self._seen, []
        if len(seen) > 1 or len(seen[0]) == 2 or batches[0].order is not None:
            self._settle()
            right, loss = _of_members(batches, [_figures(look) for look in seen])
            self._settled.append((right[None], loss[None]))
            return
        logits = seen[0][0]
        full = (1 + len(self._kept)) * logits.numel() > _KEPT
        if self._kept and (full or self._kept[0][0].shape != logits.shape):
            self._settle()
        self._kept += seen

    def examples(self) -> np.ndarray:
        """Whether each was right (1 or 0), and its loss, (2, c, s, b)."""
        self._settle()
        steps = [torch.cat(part).double() for part in zip(*self._settled, strict=True)]
        return torch.stack(steps).transpose(1, 2).cpu().numpy()

    def _settle(self) -> None:
        if self._kept:
            logits, targets, losses = (torch.stack(part) for part in zip(*self._kept, strict=True))
            self._settled.append(shown_by(logits, targets, losses))
        self._kept = []


def _figures(look: Look) -> Figures:
    return look if len(look) == 2 else shown_by(*look)


def _of_members(batches: list[SideBySide], figures: list[Figures]) -> Figures:
    """What the examples of all members showed, (c, b) each, by those of batches in pieces."""
    count, following = 1 + max(int(batch.members.max()) for batch in batches), iter(figures)
    parts = []
    for batch in batches:
        pieces = zip(*(next(following) for _ in batch.pieces), strict=True)
        right, loss = (torch.cat(piece, dim=1) for piece in pieces)
        if batch.order is not None:
            place = torch.as_tensor(np.argsort(batch.order), device=loss.device)
            right, loss = right[:, place], loss[:, place]
        parts.append((torch.as_tensor(batch.members, device=loss.device), right, loss))
    _, right, loss = parts[0]
    whole = tuple(figure.new_zeros((count, figure.shape[1])) for figure in (right, loss))
    for where, right, loss in parts:
        whole[0][where], whole[1][where] = right, loss
    return whole[0], whole[1]


def _gradients(
    stack: RowStack,
    state: AdamState,
    whole: Gradient,
    batches: list[SideBySide],
    shown: Shown | None,
) -> Tensor:
    """Each member's loss, (c,); its gradient goes to `state.gradient`, its examples to `shown`."""
    see = None if shown is None else shown.see
    if len(batches) == 1:
        loss = whole.of_pieces(batches[0].pieces, see)
    else:
        loss = torch.zeros_like(state.updates)
        for batch in batches:
            where = torch.as_tensor(batch.members, device=loss.device)
            weights = state.weights[where]
            gradient = torch.zeros_like(weights)
            loss[where] = Gradient(stack, weights, gradient).of_pieces(batch.pieces, see)
            state.gradient[where] = gradient
    if shown is not None:
        shown.end_step(batches)
    return loss


@torch.no_grad()
def _losses(stack: RowStack, state: AdamState, batches: list[SideBySide]) -> Tensor:
    """Each member's loss, (c,)."""
    if len(batches) == 1:
        return _loss(stack, state.weights, batches[0].pieces)
    loss = torch.zeros_like(state.updates)
    for batch in batches:
        where = torch.as_tensor(batch.members, device=loss.device)
        loss[where] = _loss(stack, state.weights[where], batch.pieces)
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
