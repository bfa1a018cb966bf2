"""Loss, score and calibration of n students at once.

Legend: n students, k tasks, e evaluation examples, b batch, l answer positions, v outputs.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .tasks import IGNORED

CALIBRATION_BINS = 15
LOSS_LIMIT = 100.0
"""What a larger or non-finite loss is reported as."""


@dataclass(frozen=True)
class Evaluation:
    """Performance on held-out data; every array is (n, k) float32.

    `score` is in [0, 1]; `loss` is the mean cross-entropy per answer token in nats;
    `calibration_error` is the expected calibration error in [0, 1].
    """

    score: np.ndarray
    loss: np.ndarray
    calibration_error: np.ndarray


def batch_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy per answer token of each student, (n, b, l, v), (n, b, l) -> (n,)."""
    return mean_loss(token_losses(logits, targets), targets)


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy at each position, 0 if not asked, (n, b, l, v), (n, b, l) -> (n, b l)."""
    n, v = len(logits), logits.shape[-1]
    return F.cross_entropy(
        logits.reshape(-1, v), targets.reshape(-1), ignore_index=IGNORED, reduction="none"
    ).view(n, -1)


def mean_loss(losses: Tensor, targets: Tensor) -> Tensor:
    """Mean per answer token of such losses, (n, b l), (n, b, l) -> (n,)."""
    answers = (targets != IGNORED).view(len(losses), -1).sum(dim=1)
    return losses.sum(dim=1) / answers


@torch.no_grad()
def shown_by(logits: Tensor, targets: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    """Whether each example is right as in `score_examples`, and its loss, (..., n, b) each.

    Args:
        logits: (..., n, b, l, v).
        targets: (..., n, b, l).
        losses: what `token_losses` makes of them, (..., n, b l).
    """
    # Along a dimension that does not lie end to end this takes ten times as long.
    choice = logits.reshape(-1, logits.shape[-1]).argmax(dim=-1).view(targets.shape)
    missed, loss = choice != targets, losses.view(targets.shape)
    if targets.shape[-1] == 1:
        missed, loss = missed[..., 0], loss[..., 0]
    else:
        answers = targets != IGNORED
        missed = (missed & answers).any(dim=-1)
        loss = loss.sum(dim=-1) / answers.sum(dim=-1)
    return ~missed & loss.isfinite(), loss


def score_examples(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Whether each example is right, its loss and the confidence in the answer, (n, m) each.

    An example is right when the most likely token is the wanted one at every answer position,
    which is what greedy decoding would write. A NaN logit is never right.
    """
    counts = targets != IGNORED
    top, choice = logits.max(dim=-1)
    normalizer = torch.logsumexp(logits, dim=-1)
    logit = logits.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    right = ((choice == targets) & torch.isfinite(normalizer)) | ~counts
    loss = torch.where(counts, normalizer - logit, 0.0).sum(dim=-1) / counts.sum(dim=-1)
    log_confidence = torch.where(counts, top - normalizer, 0.0).sum(dim=-1)
    return right.all(dim=-1), loss, log_confidence.exp()


def reported_loss(loss: np.ndarray) -> np.ndarray:
    """The same losses, with `LOSS_LIMIT` for what is larger or not finite."""
    finite = np.nan_to_num(loss, nan=LOSS_LIMIT, posinf=LOSS_LIMIT)
    return np.asarray(np.minimum(finite, LOSS_LIMIT))


def evaluation_of(
    right: np.ndarray,
    loss: np.ndarray,
    confidence: np.ndarray,
    used: np.ndarray,
    chance: np.ndarray,
) -> Evaluation:
    """Score, loss and calibration error from single examples.

    Args:
        right: whether an example was answered right, or the credit it got in [0, 1], (n, k, e).
        loss: (n, k, e); non-finite values count as `LOSS_LIMIT`.
        confidence: probability that the student gave to its answer, (n, k, e).
        used: whether the example counts, (n, k, e) bool (tasks may have fewer than e examples).
        chance: accuracy of guessing, broadcasts to (n, k).
    """
    count = used.sum(axis=-1)
    accuracy = np.where(used, right, 0.0).sum(axis=-1) / count
    return Evaluation(
        score=np.maximum(0.0, (accuracy - chance) / (1.0 - chance)).astype(np.float32),
        loss=(np.where(used, reported_loss(loss), 0.0).sum(axis=-1) / count).astype(np.float32),
        calibration_error=_calibration_error(right, confidence, used).astype(np.float32),
    )


def _calibration_error(right: np.ndarray, confidence: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Expected calibration error with equal-width bins (Guo et al. 2017), (n, k)."""
    shape = right.shape[:-1]
    cells = int(np.prod(shape))
    # A student that has diverged has no confidence at all.
    sure = np.nan_to_num(confidence, nan=0.0)
    bins = np.minimum((sure * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    cell = np.arange(cells).reshape(*shape, 1) * CALIBRATION_BINS + bins
    gap = np.where(used, right - sure, 0.0)
    per_bin = np.bincount(cell.ravel(), weights=gap.ravel(), minlength=cells * CALIBRATION_BINS)
    gaps = np.abs(per_bin.reshape(*shape, CALIBRATION_BINS)).sum(axis=-1)
    return np.asarray(gaps / used.sum(axis=-1))
