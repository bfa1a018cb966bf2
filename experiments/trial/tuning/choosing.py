"""Which of some candidates is taken, and when looking for better ones has no point any more.

Legend: c candidates, s students.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..teaching import Worth
from .population import Lives


@dataclass(frozen=True)
class Choice:
    """The best of some candidates.

    Attributes:
        best: index of the first of those that are level at the top.
        by_area: whether nobody mastered, so that the area decided.
        level: how many are level at the top; 1 where there is no tie.
        within_error: whether another one was ahead of the first, with which a training began, but
            by no more than the standard error of this gain.
    """

    best: int
    by_area: bool
    level: int
    within_error: bool = False

    @property
    def sentence(self) -> str:
        """What a user should know of it; empty where costs told all candidates apart."""
        parts = []
        if self.by_area:
            parts.append("nobody mastered all tasks, so candidates are compared by area")
        if self.within_error:
            parts.append("what is ahead of where it began is so within the standard error")
        elif self.level > 1:
            what = "area" if self.by_area else "cost"
            parts.append(f"{self.level} candidates are level in {what}, the first of them is taken")
        return "; ".join(parts)


def choose_best(worths: Sequence[Worth]) -> Choice:
    """The candidate with the lowest cost, or where nobody mastered with the largest area."""
    by_area = not any(worth.mastered for worth in worths)
    values = [-worth.area if by_area else worth.cost for worth in worths]
    lowest = min(values)
    return Choice(values.index(lowest), by_area, values.count(lowest))


def choose_over_prior(lives: Sequence[Lives]) -> Choice:
    """The best candidate whose gain over the first is beyond its standard error, else the first.

    Of several candidates that are worth the same one is best by chance; the first is what a
    training began with. With several courses the error is that over all their students.
    """
    worths, first = [one.worth for one in lives], lives[0]
    choice = choose_best(worths)

    def gains(one: Lives) -> np.ndarray:
        more = one.areas - first.areas if choice.by_area else first.costs - one.costs
        return np.asarray(more)

    taken = next(i for i in best_first(worths) if i == 0 or _is_gain(gains(lives[i])))
    if taken == choice.best:
        return choice
    return Choice(taken, choice.by_area, 1, within_error=taken == 0)


def best_first(worths: Sequence[Worth]) -> list[int]:
    """Indices of the candidates as `choose_best` would take them, one after the other."""
    by_area = choose_best(worths).by_area
    return sorted(range(len(worths)), key=lambda i: -worths[i].area if by_area else worths[i].cost)


def has_gained(losses: np.ndarray, part: float = 0.2) -> bool:
    """Whether the last part of the candidates brought a gain beyond its standard error.

    It did where the best of all is ahead of the best of those before, or where the last part on the
    whole is ahead of the part before it, so that the search still moves. A gain is a mean
    difference of losses with the same students, and must be larger than the standard error of this
    mean; with one student any gain is one.

    Args:
        losses: what each candidate lost with each student, in the order in which they were tried,
            (c, s).
        part: of the candidates.
    """
    means, last = losses.mean(axis=1), max(1, round(len(losses) * part))
    best_before = int(np.argmin(means[: max(1, len(losses) - last)]))
    whole, before = losses[-last:].mean(axis=0), losses[-2 * last : -last]
    return _is_gain(losses[best_before] - losses[int(np.argmin(means))]) or (
        len(before) > 0 and _is_gain(before.mean(axis=0) - whole)
    )


def _is_gain(gains: np.ndarray) -> bool:
    """Whether the mean of what each student gained, (s,), is beyond its standard error."""
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return bool(gains.mean() > error)
