"""What a row of numbers means: students whose weights stand side by side.

Legend: n students, p numbers in a row (parameters, padded), b batch, l answer positions, v outputs.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from ...contract.scoring import mean_loss, token_losses
from ...contract.tasks import IGNORED

ALIGNMENT = 64
"""Rows are padded to whole vector registers, so that no number's rounding depends on its place."""


See = Callable[[Tensor, Tensor, Tensor], None]
"""Is told logits, targets and losses of the examples of batches, as `shown_by` takes them."""


class RowStack(Protocol):
    """What the numbers in a row mean."""

    size: int
    """p: numbers in a row."""
    n_outputs: int
    """Classes of the logits, v."""
    activation_bytes: int
    """What one student keeps between the two passes of a step."""
    alone: bool
    """Whether students are computed one by one, whatever the chunk."""
    fewest: int
    """Students that must at least be trained together, lest the last bit change."""
    piece_tokens: int
    """Places of a batch's piece, at least, where students that are computed one by one get rows of
    unequal length in pieces."""
    evaluated_together: int
    """Examples of a student that are evaluated at once; 0 for all of them."""
    crops: tuple[bool, bool]
    """Whether students read batches without the places that all examples leave empty in front, and
    without those behind."""

    def initial(self, seed: int) -> Tensor:
        """The row that a seed draws, (p,)."""

    def module(self, row: Tensor) -> nn.Module:
        """The student whose row this is, (p,), as a module of its own."""

    def parameters(self, rows: Tensor) -> dict[str, Tensor]:
        """Views of the rows (n, p) as stacked parameters (n, ...) by name."""

    def forward(
        self, parameters: dict[str, Tensor], inputs: Tensor, answers: int | None = None
    ) -> Tensor:
        """Stacked parameters (n, ...) by name and inputs (n, b, ...) to logits (n, b, l, v).

        They are those of the first `answers` positions where that says how many.
        """

    def logits(self, rows: Tensor, inputs: Tensor, answers: int | None = None) -> Tensor:
        """(n, p), (n, b, ...) -> (n, b, l, v), likewise."""

    def generate(self, rows: Tensor, prompts: Tensor, length: int, end: int) -> list[list[int]]:
        """What students (n, p) write after prompts (n, b, l), greedily, n b texts of tokens.

        They have at most `length` tokens each; what is behind an `end` token means nothing.
        """


class Gradient:
    """Loss and gradient of n students whose weights change in place between the calls.

    Args:
        stack: what rows mean.
        weights: of the students, (n, p).
        gradient: where it is written, (n, p).
    """

    def __init__(self, stack: RowStack, weights: Tensor, gradient: Tensor) -> None:
        self._forward = stack.forward
        self._leaves = {
            name: value.detach().requires_grad_()
            for name, value in stack.parameters(weights).items()
        }
        self._into = list(stack.parameters(gradient).values())
        self._ones = torch.ones(len(weights), device=weights.device)

    def __call__(
        self,
        inputs: Tensor,
        targets: Tensor,
        share: Tensor | None = None,
        add: bool = False,
        see: See | None = None,
    ) -> Tensor:
        """Each student's loss, (n,).

        Args:
            inputs: of each student's batch, (n, b, ...).
            targets: likewise.
            share: what it counts where it is a piece of a batch, (n,).
            add: the gradient to that of the pieces before.
            see: is shown the examples.
        """
        logits = self._forward(self._leaves, inputs, targets.shape[-1])
        losses = token_losses(logits, targets)
        loss = mean_loss(losses, targets)
        if see is not None:
            see(logits.detach(), targets, losses.detach())
        weights = self._ones if share is None else share
        gradients = torch.autograd.grad(loss, list(self._leaves.values()), weights)
        (torch._foreach_add_ if add else torch._foreach_copy_)(self._into, gradients)
        return loss.detach() if share is None else loss.detach() * share

    def of_pieces(self, pieces: Sequence[tuple[Tensor, Tensor]], see: See | None = None) -> Tensor:
        """Each student's loss on a batch in pieces, (n,), which are computed one by one."""
        if len(pieces) == 1:
            return self(*pieces[0], see=see)
        losses = [
            self(*piece, share, add=place > 0, see=see)
            for place, (piece, share) in enumerate(zip(pieces, shares(pieces), strict=True))
        ]
        return torch.stack(losses).sum(dim=0)


def shares(pieces: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """What each piece counts in the mean over a batch's answer tokens, (n,) each."""
    answers = [(targets != IGNORED).flatten(1).sum(dim=1) for _, targets in pieces]
    return [count / torch.stack(answers).sum(dim=0) for count in answers]
