"""The one optimiser that all tuning goes through.

Legend: d axes of a space, whose points have coordinates in [0, 1].
"""

from collections.abc import Sequence

import numpy as np
from cmaes import CMAwM

from ..teaching import Worth
from .space import Setting, Space


class Search:
    """CMA-ES with margin over a space: generations of settings, each told what the last was worth.

    Hamano, Saito, Nomura, Shirakawa (2022, "CMA-ES with margin", arXiv 2205.13482), which keeps
    whole numbers and choices apart by at least a margin of probability; begun where the space says.
    Where it has converged it begins anew, elsewhere and with twice as many settings a generation
    (IPOP, Auger and Hansen 2005). What it asks follows from the seed and from what it was told, so
    one that is told the same again goes on as the first would have.

    Args:
        space: with an axis at least.
        seed: of its draws.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed, self._begun = space, seed, 0
        # The library has no search along one axis; a second that means nothing stands beside it.
        self._spare = max(0, 2 - len(space.steps))
        self._begin(np.concatenate([space.start, np.full(self._spare, 0.5)]), None)

    def ask(self) -> list[Setting]:
        """The next generation; some of its settings may be the same, or may have been there."""
        pairs = [self._cma.ask() for _ in range(self._cma.population_size)]
        self._points = [point for _, point in pairs]
        axes = len(self._space.steps)
        return [self._space.setting(shown[:axes]) for shown, _ in pairs]

    def tell(self, worths: Sequence[Worth]) -> None:
        """What the settings of the last generation are worth, in their order."""
        keys = [_order(worth, any(one.mastered for one in worths)) for worth in worths]
        ranks = [float(sum(other < key for other in keys)) for key in keys]
        self._cma.tell(list(zip(self._points, ranks, strict=True)))
        if self._cma.should_stop():
            generator = np.random.default_rng([self._seed, self._begun])
            self._begin(generator.random(len(self._points[0])), 2 * self._cma.population_size)

    @property
    def middle(self) -> Setting:
        """The setting that it looks around now, in which the noise of single ones is averaged."""
        return self._space.setting(np.clip(self._cma.mean, 0.0, 1.0)[: len(self._space.steps)])

    def _begin(self, mean: np.ndarray, population: int | None) -> None:
        axes = len(mean)
        steps = np.concatenate([self._space.steps, np.zeros(self._spare)])
        spread = np.concatenate([self._space.spread, np.full(self._spare, 0.3)])
        self._cma = CMAwM(
            mean=mean,
            sigma=1.0,
            bounds=np.tile([0.0, 1.0], (axes, 1)),
            steps=steps,
            seed=self._seed + self._begun,
            population_size=population,
            cov=np.diag(spread**2),
        )
        self._begun += 1


def _order(worth: Worth, somebody_mastered: bool) -> tuple[float, float]:
    """The better the less: by cost, or where nobody of a generation mastered by area alone."""
    return (worth.cost if somebody_mastered else 0.0, -worth.area)
