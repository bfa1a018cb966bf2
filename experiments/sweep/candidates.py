"""Candidates of a tuning by a sweep: what the optimiser of all tuning asks for first."""

from collections.abc import Iterator
from typing import Any

from ..config.sweeps import Distribution, Sweep
from ..trial.tuning import Category, Parameter, Range, Search, Space


def first_draws(sweep: Sweep) -> Iterator[dict[str, list[Any]]]:
    """The values of every drawn key in each sample, as the search over a run's space draws them.

    A list is crossed as it stands; a distribution is a parameter of the space. A uniform one is a
    range, a loguniform one is searched by ratio, randint has whole numbers.
    """
    drawn = {
        key: _parameter(values)
        for key, values in sorted(sweep.space.items())
        if isinstance(values, Distribution)
    }
    search, asked = Search(Space({}, drawn, None, {}), sweep.seed), list[dict[str, Any]]()
    while len(asked) < sweep.samples:
        asked += search.ask()
    for setting in asked[: sweep.samples]:
        yield {key: [value] for key, value in setting.items()}


def _parameter(distribution: Distribution) -> Parameter:
    """What a distribution is to the optimiser."""
    if distribution.choice is not None:
        return Category(tuple(distribution.choice))
    if distribution.randint is not None:
        first, end = distribution.randint
        whole = tuple(range(first, end)) if end - first == 1 else ()
        return Category(whole) if whole else Range(first, end - 1, whole=True)
    if distribution.loguniform is not None:
        return Range(*distribution.loguniform, log=True)
    assert distribution.uniform is not None
    return Range(*distribution.uniform)
