"""What is tuned of a rule: its parameters, what each can be, and how it is untuned.

Legend: k tasks, d axes.
"""

import inspect
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES, OpenLoop, StaticMixture, WeightedShortfall

from ...common.names import named
from ...config.config import RuleSection
from .parameters import Category, Mixture, Parameter, Schedule, parameter_of, range_of

Setting = dict[str, Any]
"""Parameters of a rule by name."""

_KNOTS = 4
"""Of a schedule whose parameters do not say how many."""
_OWN, _WRITTEN = 2, 3
"""Numbers that make a range: in a rule's own `tuning`, and in a grid that a config writes."""
_SHORTEST = 20.0
"""The shortest horizon that is tried is the longest divided by this."""


@dataclass(frozen=True)
class Space:
    """All settings of a rule's parameters.

    Attributes:
        fixed: parameters that stay as they are.
        parameters: those that are looked for.
        untuned: the setting that a rule has without tuning; None where it has none.
        defaults: of the rule.
    """

    fixed: Setting
    parameters: Mapping[str, Parameter]
    untuned: Setting | None
    defaults: Setting

    @property
    def steps(self) -> np.ndarray:
        """Of each axis the distance of two neighbouring values, 0 where it has all, (d,)."""
        return np.array([step for one in self.parameters.values() for step in one.steps])

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of the first draws along each axis, (d,)."""
        parameters = self.parameters.values()
        return np.array([one.spread for one in parameters for _ in one.steps])

    @property
    def start(self) -> np.ndarray:
        """The point that the first draws lie around, (d,)."""
        return np.array([place for one in self.parameters.values() for place in one.start])

    @property
    def size(self) -> float:
        """How many settings there are, the untuned one aside; infinite where it can't be said."""
        every = (one.values for one in self.parameters.values())
        return math.prod(math.inf if values is None else len(values) for values in every)

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to tune: all settings, the untuned one too, make one rule."""
        if self.size != 1.0:
            return False
        keys = {self.key(setting) for setting in self.settings()}
        return self.untuned is None or self.key(self.untuned) in keys

    def setting(self, point: np.ndarray) -> Setting:
        """The setting at a point (d,) with coordinates in [0, 1]."""
        found, first = dict(self.fixed), 0
        for name, parameter in self.parameters.items():
            last = first + len(parameter.steps)
            found[name] = parameter.value(point[first:last])
            first = last
        return found

    def settings(self) -> Iterator[Setting]:
        """Every setting of a space of a finite size."""
        every = [one.values or () for one in self.parameters.values()]
        for values in itertools.product(*every):
            yield self.fixed | dict(zip(self.parameters, values, strict=True))

    def key(self, setting: Setting) -> str:
        """The same for settings that make the same rule."""
        return json.dumps(self.defaults | setting, sort_keys=True, default=str)


def space_of(
    section: RuleSection, suite: TaskSuite, longest: int, folders: Sequence[str] = ()
) -> Space:
    """The space of a tuned rule: its grid, or the ranges that it has itself.

    In a grid that a config writes, three numbers or more are a range from the least to the largest;
    in a rule's own `tuning` two are. Other values are taken as they are listed. A static mixture
    and a weighted shortfall have log-weights of all tasks without one, an open-loop schedule those
    at each of its knots (four, or as many as its parameters have) and its horizon.

    Args:
        section: of the rule.
        suite: its tasks.
        longest: decisions in the budget of a lifetime.
        folders: where a rule of one's own is looked for.
    """
    rule: Any = named("rule", section.rule, RULES, folders)
    fixed, k = dict(section.parameters), len(suite)
    parameters: dict[str, Parameter]
    if rule in (StaticMixture, WeightedShortfall) and not section.grid:
        ranges = getattr(rule, "tuning", {}).items()
        parameters = {name: parameter_of(values, _OWN) for name, values in ranges}
        parameters["weights"] = Mixture(k)
        first: Setting = {"weights": [1.0 / k] * k}
    elif rule is OpenLoop and not section.grid:
        knots = len(fixed["weights"]) if isinstance(fixed.get("weights"), list) else _KNOTS
        horizon = range_of(max(1.0, longest / _SHORTEST), float(max(longest, 2)))
        parameters = {"weights": Schedule(knots, tuple(suite.order)), "horizon": horizon}
        first = {"weights": [[0.0] * k] * knots, "horizon": float(max(longest, 2))}
    else:
        least = _WRITTEN if section.grid else _OWN
        grid: Mapping[str, Sequence[Any]] = section.grid or getattr(rule, "tuning", {})
        parameters = {name: parameter_of(values, least) for name, values in grid.items()}
        first = {}
    own = inspect.signature(rule).parameters.values()
    defaults = {one.name: one.default for one in own}
    untuned = first | fixed
    with_defaults = defaults | untuned
    lacks = any(with_defaults.get(name) is inspect.Parameter.empty for name in parameters)
    stay = {name: value for name, value in fixed.items() if name not in parameters}
    return Space(stay, parameters, None if lacks else untuned, defaults)


def example_settings(space: Space) -> list[Setting]:
    """Settings that show whether all can be made: untuned, every listed value, ends of ranges."""
    listed = [len(one.values) for one in space.parameters.values() if isinstance(one, Category)]
    axes = len(space.steps)
    places = np.linspace(0.0, 1.0, max([3, *listed])) if axes else [0.0]
    along = [space.setting(np.full(axes, place)) for place in places]
    return along if space.untuned is None else [space.untuned, *along]
