"""What a lifetime may spend, and what each decision costs.

Legend: n students, k tasks, r rows named in a call.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lessonplan.student import TaskSuite

from .checking import check_choice

MOST = {"steps": 1e9, "tokens": 1e15, "compute": 1e15}
"""Units of a budget, with the largest amount of each."""
FEEDBACKS = ("full", "bandit", "training")
"""What a teacher is told after a decision: the scores of all tasks, those of what was trained on,
or what the training examples themselves have shown."""
FORWARD_SHARE = 1.0 / 3.0
"""A forward pass costs a third of a training pass (forward, and backward at twice the price)."""

_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


@dataclass(frozen=True)
class Budget:
    """An amount of student steps, training tokens or compute.

    Compute is counted in training-example equivalents, with what the teacher looks at.
    """

    amount: float
    unit: str = "compute"

    def __post_init__(self) -> None:
        check_choice("the unit of a budget", self.unit, MOST)
        number = isinstance(self.amount, int | float | np.integer | np.floating)
        if not number or isinstance(self.amount, bool):
            raise ValueError(f"the amount of a budget must be a number, got {self.amount!r:.60}")
        if not 0 < self.amount < math.inf:
            raise ValueError(f"the amount of a budget must be positive, got {self.amount}")
        if self.amount > MOST[self.unit]:
            raise ValueError(
                f"a budget in {self.unit} must be of at most {MOST[self.unit]:,.0f}, "
                f"got {self.amount:,.15g}"
            )

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read `4000-steps`, `5M-tokens` or `180k compute`."""
        number = r"([0-9.]+(?:e[+-]?[0-9]+)?)"
        match = re.fullmatch(rf"\s*{number}([kmb]?)[\s-]+([a-z]+)\s*", text.lower())
        if match is None:
            raise ValueError(f"a budget reads like '4000-steps' or '5M-tokens', got {text!r}")
        try:
            amount = float(match[1])
        except ValueError:
            raise ValueError(f"a budget begins with a number, got {match[1]!r}") from None
        return cls(amount * _SUFFIXES[match[2]], match[3])

    def __str__(self) -> str:
        return f"{self.amount:.15g}-{self.unit}"

    def check_decision(self, suite: TaskSuite, *, steps_per_decision: int, batch_size: int) -> None:
        """Refuse a decision whose training alone is more than all that may be spent.

        Raises:
            ValueError: with what would fit.
        """
        a_step = {
            "steps": 1.0,
            "tokens": batch_size * float(suite.values("cost").min()),
            "compute": float(batch_size),
        }[self.unit]
        self._check_price(steps_per_decision, a_step)

    def check_steps(self, steps_per_decision: int) -> None:
        """Refuse a decision of more steps than a budget in steps has.

        Raises:
            ValueError: with what would fit.
        """
        if self.unit == "steps":
            self._check_price(steps_per_decision, 1.0)

    def _check_price(self, steps_per_decision: int, a_step: float) -> None:
        if steps_per_decision * a_step > self.amount * (1.0 + 1e-9):
            most = int(self.amount / a_step)
            fewer = f"take steps_per_decision of at most {most:,}, or " if most else "take "
            raise ValueError(
                f"a decision of {steps_per_decision:,} steps is longer than the whole budget of "
                f"{self}; {fewer}a larger budget"
            )

    def decisions(
        self,
        suite: TaskSuite,
        *,
        steps_per_decision: int,
        batch_size: int,
        evaluation_size: int,
        feedback: str = "full",
        forward_passes: int = 0,
        probe_every: int = 0,
        probe_size: int = 0,
        check_every: int = 10,
        used: bool = True,
    ) -> int:
        """Decisions that it buys on a task of mean cost; at least 1.

        Probes that an uncertain score asks for are not foreseen.

        Args:
            suite: the tasks, with their costs and the sizes of their probe sets.
            steps_per_decision: student steps that a decision buys.
            batch_size: training examples per student step.
            evaluation_size: held-out examples per task and split that a student is evaluated on.
            feedback: `full` evaluates every task after each decision, `bandit` only the chosen one,
                `training` none.
            forward_passes: batches that a decision runs forward besides the training, because a
                column shows what came of it.
            probe_every: as in `Classroom`, like the following.
            probe_size: examples a task of a probe.
            check_every: decisions from one check to the next.
            used: whether the teacher reads anything that a probe tells.
        """
        examples = steps_per_decision * batch_size
        if self.unit != "compute":
            tokens = examples * suite.values("cost").mean()
            price = steps_per_decision if self.unit == "steps" else tokens
            return max(1, int(np.ceil(self.enough / price)))
        whole = np.minimum(suite.sizes("probe"), evaluation_size)
        probe = np.minimum(whole, probe_size or whole)
        looked_at = float(probe.mean() if feedback == "bandit" else probe.sum())
        every = probe_every or (0 if feedback == "training" else 1)
        looks = _Looks(looked_at, every if used else 0, float(whole.sum()), check_every)
        first_look = FORWARD_SHARE * probe.sum() * float(used and feedback != "training")
        price = examples + float(forward_passes * batch_size) * FORWARD_SHARE
        if looks.alike:
            price = examples + (looked_at + float(forward_passes * batch_size)) * FORWARD_SHARE
            return max(1, int(np.ceil((self.enough - first_look) / price)))
        return _fewest(
            lambda count: first_look + count * price + looks.examples(count) * FORWARD_SHARE,
            self.enough,
        )

    @property
    def enough(self) -> float:
        """The amount at which it counts as spent: less the rounding of a sum of many prices."""
        return self.amount * (1.0 - 1e-9)


@dataclass(frozen=True)
class _Looks:
    """Probes of `probe` examples every so many decisions (0: never), and checks likewise."""

    probe: float
    probe_every: int
    check: float
    check_every: int

    @property
    def alike(self) -> bool:
        """Whether every decision costs the same."""
        return self.probe_every == 1 and self.probe >= self.check

    def examples(self, count: int) -> float:
        """What is looked at in so many decisions; where both fall together, the larger."""
        checks = count // self.check_every * self.check
        if not self.probe_every:
            return checks
        both = count // math.lcm(self.probe_every, self.check_every)
        return checks + count // self.probe_every * self.probe - both * min(self.probe, self.check)


def _fewest(price: Callable[[int], float], amount: float) -> int:
    """The least count from 1 whose price, which rises with it, is no less than the amount."""
    high = 1
    while price(high) < amount:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if price(middle) >= amount else (middle, high)
    return high


class Spending:
    """What n students have spent in this lifetime, float64 arrays of (n,)."""

    def __init__(self, n: int, budget: Budget) -> None:
        self.budget = budget
        self.steps, self.tokens = np.zeros(n), np.zeros(n)
        self.training, self.probing = np.zeros(n), np.zeros(n)
        """Training examples, and what the teacher itself looked at, with the checks that all pay
        for, in training-example equivalents."""
        self.equal_probing = np.zeros(n)
        """The same as if all teachers looked at every task after each decision (with bandit
        feedback, at those that were trained on)."""
        self.ended = np.zeros(2)
        """Steps and compute of all lifetimes that have ended."""
        self.lifetimes = np.zeros(1)
        """Lifetimes that have begun."""

    @property
    def compute(self) -> np.ndarray:
        """Training plus what the teacher looked at, in training-example equivalents."""
        return self.training + self.probing

    @property
    def equal_compute(self) -> np.ndarray:
        """Training plus probing, as if all teachers looked at the same."""
        return self.training + self.equal_probing

    @property
    def spent(self) -> np.ndarray:
        """What was spent, in the unit of the budget."""
        return np.asarray(getattr(self, self.budget.unit))

    @property
    def remaining(self) -> np.ndarray:
        """Fraction of the budget that is left, in [0, 1]."""
        return np.clip(1.0 - self.spent / self.budget.amount, 0.0, 1.0)

    @property
    def exhausted(self) -> np.ndarray:
        """Whether nothing is left, (n,) bool; the last decision may overdraw."""
        return self.spent >= self.budget.enough

    @property
    def ever_steps(self) -> int:
        """Student steps of all lifetimes, ended or not."""
        return int(self.ended[0] + self.steps.sum())

    @property
    def ever_compute(self) -> float:
        """Compute of all lifetimes, ended or not."""
        return float(self.ended[1] + self.compute.sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """All accounts by name."""
        return {
            "steps": self.steps, "tokens": self.tokens, "training": self.training,
            "probing": self.probing, "equal_probing": self.equal_probing, "ended": self.ended,
            "lifetimes": self.lifetimes,
        }  # fmt: skip

    def reset(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        self.ended += self.steps[rows].sum(), self.compute[rows].sum()
        self.lifetimes += len(rows)
        for account in (
            self.steps, self.tokens, self.training, self.probing, self.equal_probing,
        ):  # fmt: skip
            account[rows] = 0.0

    def train(self, rows: np.ndarray, steps: float, examples: float, tokens: np.ndarray) -> None:
        """Charge `steps` updates on `examples` examples of `tokens` (r,) tokens in all."""
        self.steps[rows] += steps
        self.training[rows] += examples
        self.tokens[rows] += tokens

    def probe(
        self,
        rows: np.ndarray,
        examples: float | np.ndarray,
        equally: float | np.ndarray | None = None,
    ) -> None:
        """Charge the evaluation of examples, (r,) or the same for all.

        Args:
            rows: who pays.
            examples: that the teacher itself looked at, or was checked on.
            equally: what all pay for in the account of equal probes; the same by default.
        """
        self.probing[rows] += np.asarray(examples) * FORWARD_SHARE
        equally = examples if equally is None else equally
        self.equal_probing[rows] += np.asarray(equally) * FORWARD_SHARE
