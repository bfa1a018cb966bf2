"""Which tasks a teacher looks at on `probe`, when, and what that costs it.

Legend: k tasks, r rows named in a call.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .budget import FEEDBACKS
from .checking import check_choice, check_counts


class Probing:
    """What a teacher looks at, and what it pays for it.

    A teacher pays for the probes that it uses, and like every other for checks of all tasks, every
    `check_every` decisions, for the end of a lifetime; where both fall together, for the larger.

    Args:
        sizes: examples of each task's whole probe set, (k,).
        feedback: as in `Classroom`.
        every: decisions from one probe to the next; 0 is after every one with `full` and `bandit`,
            and never with `training`.
        size: examples a task of such a probe; 0 is all.
        uncertainty: tasks whose score is uncertain by more are probed too, if it is above 0.
        check_every: decisions from one check to the next.
        used: whether the teacher reads anything that a probe tells.
        forward_passes: batches that are run forward a decision, besides the training, because the
            teacher reads what came of them.
    """

    def __init__(
        self,
        sizes: np.ndarray,
        *,
        feedback: str = "full",
        every: int = 0,
        size: int = 0,
        uncertainty: float = 0.0,
        check_every: int = 10,
        used: bool = True,
        forward_passes: int = 0,
    ) -> None:
        check_choice("feedback", feedback, FEEDBACKS)
        check_counts(least=0, probe_every=every, probe_size=size)
        check_counts(check_every=check_every)
        if not 0.0 <= uncertainty < math.inf:
            raise ValueError(
                f"probe_uncertainty must be finite and at least 0, got {uncertainty!r:.60}"
            )
        self.feedback, self.size, self.uncertainty = feedback, size, uncertainty
        self.every = every or (0 if feedback == "training" else 1)
        self.check_every, self.used = check_every, used
        self.forward_passes = forward_passes
        self.whole_sizes = sizes
        self.sizes = np.minimum(sizes, size) if size else sizes
        """Examples of each task that the teacher's probes have, (k,)."""
        self.all_whole = bool((self.sizes == sizes).all())
        self.probes = bool(self.every or uncertainty)
        """Whether there is ever a probe, after a lifetime has begun."""

    @property
    def belongs_to(self) -> dict[str, Any]:
        """What a state of who looks so belongs to."""
        return {
            "probe_every": self.every,
            "probe_size": self.size,
            "probe_uncertainty": self.uncertainty,
            "check_every": self.check_every,
        }

    def tasks(
        self,
        decisions: np.ndarray,
        measured: np.ndarray,
        uncertainty: Callable[[np.ndarray, int], np.ndarray],
        rows: np.ndarray,
    ) -> np.ndarray:
        """Tasks that the teacher probes after so many decisions, (r, k) bool.

        Args:
            decisions: of each row, (r,).
            measured: tasks that a probe is of, (r, k) bool.
            uncertainty: of the scores of rows (r, k), so many decisions from now.
            rows: whose they are.
        """
        if self.every == 1 and not self.uncertainty:
            return measured
        probed = measured & self.due(decisions)[:, None]
        if self.uncertainty:
            # What training told has faded already; what probes told is about to.
            age = int(self.feedback != "training")
            probed = probed | (uncertainty(rows, age) > self.uncertainty)
        return np.asarray(probed)

    def due(self, decisions: np.ndarray) -> np.ndarray:
        """Whether it is time for a probe after so many decisions, (r,) bool."""
        if self.every == 1:
            return np.ones(len(decisions), dtype=bool)
        if not self.every:
            return np.zeros(len(decisions), dtype=bool)
        return np.asarray(decisions % self.every == 0)

    def own(self, decisions: np.ndarray, probed: np.ndarray) -> np.ndarray:
        """Examples that a teacher pays for which has probed these tasks, (r, k) bool -> (r,)."""
        looked_at = probed @ self.sizes * float(self.used)
        checked = np.where(decisions % self.check_every == 0, self.whole_sizes.sum(), 0)
        return np.asarray(np.maximum(looked_at, checked))
