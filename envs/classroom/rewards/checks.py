"""Checks that a reward keeps what the rewards that ship promise, for people who wrote one.

Each check raises a ``ValueError`` that says in a sentence what is wrong; `check_reward` stops at
the first one.

Legend: n lifetimes, d decisions, k tasks, r rows of a call.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .rewards import Outcome, Pay, paid

_DISCOUNTS = (1.0, 0.99, 0.9, 0.5)
_THRESHOLD, _BELOW = 0.9, 0.8
"""Score from which a task counts as mastered, and what a task that is held back has at most."""
_SCRIPTS = 60
_WAYS = 5
"""Lifetimes of a script: one that is finished, and four other ways on."""


def check_reward(reward: Pay) -> None:
    """Check everything that a reward should keep to.

    Args:
        reward: takes an `Outcome` and returns what is paid.

    Raises:
        ValueError: for the first promise that is broken.
    """
    for check in REWARD_CHECKS.values():
        check(reward)


def check_amounts(reward: Pay) -> None:
    """What is paid is a finite number for each row, and the outcome is left as it was."""
    for outcome in _outcomes():
        kept = {name: np.copy(value) for name, value in vars(outcome).items()}
        pay = paid(reward(outcome), len(outcome.after))
        for name, value in kept.items():
            if not np.array_equal(value, getattr(outcome, name)):
                raise ValueError(f"a reward must change nothing of the outcome, it changes {name}")
        if not np.array_equal(pay, np.asarray(reward(outcome))):
            raise ValueError("a reward must pay the same for the same outcome, it pays two ways")


def check_rows(reward: Pay) -> None:
    """What is paid for a student does not depend on who is beside it."""
    for outcome in _outcomes():
        together = paid(reward(outcome), len(outcome.after))
        for row in range(len(together)):
            alone = paid(reward(_rows(outcome, np.array([row]))), 1)
            if not np.allclose(alone[0], together[row], rtol=1e-9, atol=1e-12):
                raise ValueError(
                    f"a student alone is paid for with {alone[0]:g}, among others with "
                    f"{together[row]:g}: rows must be independent"
                )


def check_finishing(reward: Pay) -> None:
    """No lifetime is worth more than the same one that masters everything earlier."""
    for script in _scripts():
        worth = _worth(reward, script)
        better, discount = np.unravel_index(np.argmax(worth - worth[0]), worth.shape)
        if worth[better, discount] > worth[0, discount] + 1e-9:
            other = "doing so later" if script.mastered[better].any() else "never doing so"
            raise ValueError(
                f"it pays for unfinished students: mastering all after {script.finish} of "
                f"{script.decisions} decisions is worth {worth[0, discount]:.3g}, {other} "
                f"{worth[better, discount]:.3g} (discount {_DISCOUNTS[discount]:g}); take off what "
                "is missing to full marks instead, or pay all of the rest at mastery"
            )


REWARD_CHECKS: dict[str, Callable[[Pay], None]] = {
    "amounts": check_amounts,
    "rows": check_rows,
    "finishing": check_finishing,
}
"""All checks of a reward, by name."""


@dataclass(frozen=True)
class _Script:
    """Lifetimes that are the same until the first of them masters everything, and no other."""

    scores: np.ndarray
    """Before each decision and after the last, (n, d + 1, k)."""
    chosen: np.ndarray
    """Tasks, (n, d)."""
    finish: int
    """Decisions after which the first is finished."""
    weights: np.ndarray
    """Importance, (k,)."""

    @property
    def decisions(self) -> int:
        """In the whole budget."""
        return int(self.chosen.shape[1])

    @property
    def mastered(self) -> np.ndarray:
        """Whether everything is mastered after each decision, (n, d) bool."""
        return np.asarray((self.scores[:, 1:] >= _THRESHOLD).all(axis=2))

    def outcome(self, rows: np.ndarray, decision: int) -> Outcome:
        """Of one decision of these lifetimes, none of which was finished before."""
        return Outcome(
            before=self.scores[rows, decision].copy(),
            after=self.scores[rows, decision + 1].copy(),
            best=self.scores[rows, : decision + 1].max(axis=1),
            shares=np.eye(len(self.weights))[self.chosen[rows, decision]],
            mastered=self.mastered[rows, decision],
            already=np.zeros(len(rows), bool),
            weights=self.weights.copy(),
            targets=self.weights.copy(),
            decisions=float(self.decisions),
        )


def _scripts() -> Iterator[_Script]:
    """Scripts with coarse scores, many ties and falls; the same ones each time."""
    rng = np.random.default_rng(0)
    for _ in range(_SCRIPTS):
        k, finish, more = rng.integers(1, 4), rng.integers(1, 5), int(rng.integers(2, 6))
        scores = rng.integers(0, 11, (_WAYS, finish + more + 1, k)) / 10.0
        # Held back in one task each time, so that nothing is mastered before its time.
        low = rng.integers(k, size=scores.shape[:2])[:, :, None]
        held_back = np.minimum(np.take_along_axis(scores, low, 2), _BELOW)
        np.put_along_axis(scores, low, held_back, 2)
        scores[:, :finish] = scores[0, :finish]
        finishing = _THRESHOLD + 0.1 * rng.integers(0, 2, k)
        scores[0, finish:] = finishing
        # The others: waits and does the same, stands still just below, and two go anywhere.
        scores[1, finish:] = scores[1, finish - 1]
        scores[1, finish + int(rng.integers(1, more)) :] = finishing
        scores[2, finish:] = _BELOW
        scores[3, -1] = 1.0
        chosen = rng.integers(k, size=(_WAYS, finish + more))
        chosen[:, :finish] = chosen[0, :finish]
        weights = 1.0 + rng.integers(0, 3, k)
        yield _Script(scores, chosen, int(finish), weights / weights.sum())


def _worth(reward: Pay, script: _Script) -> np.ndarray:
    """What the lifetimes are worth at each discount, (n, discounts); they end at mastery."""
    discounts, live = np.array(_DISCOUNTS), np.arange(_WAYS)
    worth = np.zeros((_WAYS, len(discounts)))
    for decision in range(script.decisions):
        pay = np.asarray(reward(script.outcome(live, decision)), dtype=np.float64)
        worth[live] += pay[:, None] * discounts**decision
        live = live[~script.mastered[live, decision]]
    return worth


def _outcomes() -> Iterator[Outcome]:
    """A few outcomes of five rows, some of which are mastered."""
    for script, _ in zip(_scripts(), range(6), strict=False):
        yield script.outcome(np.arange(_WAYS), script.finish - 1)


def _rows(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """Some rows of an outcome."""
    names = ("before", "after", "best", "shares", "mastered", "already")
    some: dict[str, Any] = {name: getattr(outcome, name)[rows] for name in names}
    return replace(outcome, **some)
