"""What the forward pass of a training step shows of each of its examples.

Legend: b examples, l tokens, v words (or classes) to choose from, t label tokens.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

IGNORED = -100
"""A label that is none."""
_AT_ONCE = {"cpu": 2**17}
"""Logits that are taken in single precision at a time: what fits into a processor's cache, on other
devices what takes little memory."""
_AGREES = 0.01
"""How far a loss may be, relatively, from what logits say, if it is made of them."""


class Shown(NamedTuple):
    """Examples as the student answered them before it learned from them, (b,) each."""

    loss: Tensor
    """Mean cross-entropy per label token in nats, without smoothing."""
    right: Tensor
    """Whether every label token was the likeliest, 1 or 0; NaN where that was not asked for."""
    right_tokens: Tensor
    """The share of the label tokens that were."""
    tokens: Tensor
    """Label tokens; of an example without any, all else is 0."""

    @property
    def mean_loss(self) -> float:
        """Over all label tokens, in nats."""
        return float((self.loss * self.tokens).sum() / self.tokens.sum())


def shifts_labels(model: Any) -> bool | None:
    """Whether the logits at a place are of the label at the next one; None where nobody says."""
    kind = getattr(model, "loss_type", None) or ""
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        return False
    if kind.endswith(("ForCausalLM", "ForConditionalGeneration")):
        return True
    return False if kind in ("ForMaskedLM", "ForTokenClassification") else None


@torch.no_grad()
def shown_by(
    outputs: Any, labels: Tensor | None, shifts: bool | None, likeliest: bool = True
) -> Shown | None:
    """What the outputs of a model say of each example; None where they say nothing of single ones.

    Args:
        outputs: with logits (b, l, v) or (b, v), by name or behind the loss; or with the
            `log_probs` that TRL's fused heads give in their place.
        labels: (b, l) or (b,), -100 where there is none; others that are no words, such as the -1
            that some models ignore, are none either.
        shifts: as `shifts_labels`; where it is None, that is taken which agrees with the loss.
        likeliest: whether to look for the likeliest tokens, which takes longer than the losses.
    """
    if isinstance(outputs, Mapping) and outputs.get("log_probs") is not None:
        return _fused(outputs)
    loss, logits = _parts(outputs)
    if logits is None or labels is None or labels.is_floating_point():
        return None
    # Of a single number nothing can be the likeliest: what it means is the model's own affair.
    if logits.ndim not in (2, 3) or logits.shape[:-1] != labels.shape or logits.shape[-1] == 1:
        return None
    labels = labels.to(logits.device)
    if labels.ndim == 1:
        return _by_example(logits[:, None], labels[:, None], likeliest)
    if shifts is None:
        return _that_agrees(loss, logits, labels, likeliest)
    return _by_example(logits, _aligned(labels, shifts), likeliest)


def _parts(outputs: Any) -> tuple[Tensor | None, Tensor | None]:
    """Loss and logits, where they are there."""
    if isinstance(outputs, Mapping):
        return outputs.get("loss"), outputs.get("logits")
    parts = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    tensors = [part for part in parts[:2] if isinstance(part, Tensor)]
    loss = next((part for part in tensors if part.ndim == 0), None)
    return loss, next((part for part in tensors if part.ndim > 1), None)


def _aligned(labels: Tensor, shifts: bool) -> Tensor:
    """The label that the logits of each place are of, (b, l)."""
    if not shifts:
        return labels
    return torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)


def _that_agrees(
    loss: Tensor | None, logits: Tensor, labels: Tensor, likeliest: bool
) -> Shown | None:
    """By example in the way whose mean is the loss, or None."""
    if loss is None:
        return None
    ways = [_by_example(logits, _aligned(labels, shifts), likeliest) for shifts in (True, False)]
    apart = [abs(way.mean_loss - float(loss)) for way in ways]
    nearer = apart.index(min(apart))
    return ways[nearer] if apart[nearer] <= _AGREES * abs(float(loss)) else None


def _by_example(logits: Tensor, labels: Tensor, likeliest: bool) -> Shown:
    """From logits (b, l, v) of labels (b, l); few at a time, so that little memory is needed."""
    mask = (labels >= 0) & (labels < logits.shape[-1])
    flat, targets = logits.flatten(0, 1), labels[mask]
    losses, rights = [flat.new_zeros(0, dtype=torch.float32)], [mask.new_zeros(0)]
    at_once = max(1, _AT_ONCE.get(flat.device.type, 2**24) // flat.shape[-1])
    places = mask.flatten().nonzero()[:, 0]
    for part, answers in zip(
        torch.split(places, at_once), torch.split(targets, at_once), strict=True
    ):
        some = flat.index_select(0, part).float()
        losses.append(torch.nn.functional.cross_entropy(some, answers, reduction="none"))
        if likeliest:
            rights.append(some.argmax(dim=-1) == answers)
    loss = torch.zeros(labels.shape, device=labels.device)
    loss[mask] = torch.cat(losses)
    if not likeliest:
        return _summed(loss, None, mask)
    right = torch.zeros_like(mask)
    right[mask] = torch.cat(rights)
    return _summed(loss, right, mask)


def _fused(outputs: Mapping[str, Any]) -> Shown | None:
    """From what TRL's fused heads give: log-probabilities, and which tokens were the likeliest."""
    mask, right = outputs.get("label_mask"), outputs.get("is_top1")
    if mask is None or right is None:
        return None
    return _summed(-outputs["log_probs"], right.bool(), mask.bool())


def _summed(loss: Tensor, right: Tensor | None, mask: Tensor) -> Shown:
    """From tokens, (b, l) each, 0 where the mask is; what was right may be unknown."""
    # Apple's devices have no double precision.
    exact = torch.float32 if loss.device.type == "mps" else torch.float64
    tokens = mask.sum(dim=1).to(exact)
    some = tokens.clamp(min=1.0)
    mean_loss = loss.to(exact).masked_fill(~mask, 0.0).sum(dim=1) / some
    if right is None:
        unknown = torch.full_like(tokens, torch.nan)
        return Shown(mean_loss, unknown, unknown, tokens)
    right_tokens = (right & mask).sum(dim=1).to(exact)
    all_right = ((right_tokens == tokens) & (tokens > 0)).to(exact)
    return Shown(mean_loss, all_right, right_tokens / some, tokens)
