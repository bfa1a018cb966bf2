"""Evaluation of examples of unequal length, in parts of about the same one.

Legend: n students, p numbers in a student's row (parameters, padded), r of them that are evaluated,
k tasks, e evaluation examples of a task, m examples of a part.
"""

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from ...contract.cohort import Rows
from ...contract.scoring import score_examples
from ...contract.stores import Crop
from ...contract.tasks import Pool
from .lengths import Lengths, at_least, in_chunks
from .row_stack import RowStack


class ByLength:
    """Evaluates students on a pool.

    A part holds examples of one student and one task, so that no figure depends on which others
    are evaluated; parts of the same shape are computed together.

    Args:
        stack: what rows mean.
        pool: examples.
        lengths: of its batches.
        chunk: parts that are computed together at most.
    """

    def __init__(self, stack: RowStack, pool: Pool, lengths: Lengths, chunk: int) -> None:
        self._stack, self._pool, self._lengths, self._chunk = stack, pool, lengths, chunk

    def figures(
        self, weights: Tensor, rows: Rows, index: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Right, loss and confidence of each example, (r, k, e) each.

        Args:
            weights: of all students, (n, p).
            rows: those that are evaluated, (r,).
            index: their examples in the pool, (r, k, e).
        """
        flat = index.reshape(-1, index.shape[2])
        right = np.zeros(flat.shape, dtype=bool)
        loss, confidence = np.zeros(flat.shape, np.float32), np.zeros(flat.shape, np.float32)
        alike: dict[tuple[int, Crop], list[tuple[int, np.ndarray]]] = defaultdict(list)
        for cell, examples in enumerate(flat):
            for places, crop in self._lengths.parts(examples, self._stack.n_outputs):
                alike[len(places), crop].append((cell, places))
        for (_, crop), parts in alike.items():
            for some in in_chunks(range(len(parts)), self._chunk):
                cells = np.array([parts[i][0] for i in some])[:, None]
                places = np.stack([parts[i][1] for i in some])
                members = rows[cells[:, 0] // index.shape[1]]
                scored = self._scored(weights, members, flat[cells, places], crop)
                right[cells, places], loss[cells, places], confidence[cells, places] = scored
        shape = index.shape
        return right.reshape(shape), loss.reshape(shape), confidence.reshape(shape)

    @torch.no_grad()
    def _scored(
        self, weights: Tensor, members: Rows, index: np.ndarray, crop: Crop
    ) -> tuple[np.ndarray, ...]:
        """Right, loss and confidence of parts (g, m) of members (g,), (g, m) each."""
        # The bits of one student were not tried on as many examples: two are always safe.
        fewest = 1 if self._stack.alone else 2
        together = at_least(fewest, np.arange(len(members)))
        where = torch.as_tensor(members[together], device=weights.device)
        inputs, targets = self._pool.take(index[together], crop)
        logits = self._stack.logits(weights[where], inputs, targets.shape[-1])
        figures = score_examples(logits, targets)
        return tuple(figure[: len(members)].cpu().numpy() for figure in figures)
