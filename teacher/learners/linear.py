"""A policy of few weights that leans on rules, for learners that try weights as they are.

With r the rules whose log-weights p_r are shown as columns, x the other columns, c those of them
whose mean over the tasks is the context, and q the products of those that bend, the logit of task i
is

    z_i = log p_prior,i + sum_r (v_r + sum_c V_rc mean(x_c)) log p_r,i + a . x_i + b . q_i
          + o_i + sum_c O_ic mean(x_c)

with all weights v, V, a, b, o, O 0 before training, unless it is to begin elsewhere: then the
policy is the prior to the bit. That factors of rules and offsets of tasks follow the context lets
them change within a lifetime. The offsets are left out unless one asks for them: with them the
policy is of one suite, as a tuned static mixture is.

Legend: b batch, k tasks, f columns, r rules, d weights.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from .leaning import checked_rules, mean_over_tasks, shifted
from .taskwise import TaskColumns, Taskwise, check_place, places_with_a_task


class LinearLeaningPolicy(Taskwise, BasePolicy):
    """Mixtures whose logits are linear in the log-weights of rules and in columns.

    It has the same weights for any number and order of tasks.

    Args:
        observation_space: `Box` (k, f).
        action_space: `Box` (k,), the logits of a mixture.
        lr_schedule: as SB3 passes it; nothing here goes by it.
        width: as other policies have it; there are no layers here.
        rules: places of the columns of log-weights, natural logarithms of shares over the tasks
            that exist.
        prior: place of that which the policy begins at; one of them.
        data: as in `LeaningPolicy`; nothing here goes by it.
        present: index of the `present` column where suites are padded.
        context: places of the columns whose means move the factors of rules and the offsets.
        bend: places of the columns that count with their products too, squares among them.
        offsets: place of the column `task`, by which each task has weights of its own; None for
            none.
        n_offsets: tasks that have them; later ones have none.
        begin_offsets: fixed offsets that the weights begin with, one a task; 0 by default.
        begin_factor: factor of the prior that the weights begin with.
        kwargs: those of SB3's policy.

    Raises:
        ValueError: if these are no places of columns, or the action is a single task.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        action_space: spaces.Box,
        lr_schedule: Any = None,
        width: int = 64,
        *,
        rules: Sequence[int],
        prior: int,
        data: int | None = None,
        present: int | None = None,
        context: Sequence[int] = (),
        bend: Sequence[int] = (),
        offsets: int | None = None,
        n_offsets: int = 0,
        begin_offsets: Sequence[float] = (),
        begin_factor: float = 1.0,
        **kwargs: Any,
    ) -> None:
        if not isinstance(action_space, spaces.Box):
            raise ValueError("this policy mixes tasks; make the environment with action='mixture'")
        kwargs.pop("use_sde", None)
        super().__init__(
            observation_space, action_space, features_extractor_class=TaskColumns, **kwargs
        )
        count = int(observation_space.shape[-1])
        check_place(present, count)
        self.rules, self.prior, self.data = checked_rules(rules, prior, data, count), prior, data
        self.present, self.width = present, width
        self.context, self.bend, self.offsets = list(context), list(bend), offsets
        self.n_offsets = 0 if offsets is None else n_offsets
        self._place_columns(count)
        self.bound = float(action_space.high.min())
        begun = self._begun(begin_offsets, begin_factor)
        self.weights = nn.Parameter(begun, requires_grad=False)
        self.learned: Tensor
        self.register_buffer("learned", torch.ones(()))

    def _place_columns(self, count: int) -> None:
        """Which of so many columns count by themselves, and which pairs of them."""
        for place in (*self.context, *self.bend):
            check_place(place, count, "context and bend")
        check_place(self.offsets, count, "offsets")
        apart = {self.present, self.offsets, *self.rules}
        self._others = [i for i in range(count) if i not in apart]
        self._pairs = list(combinations_with_replacement(self.bend, 2))

    def _begun(self, offsets: Sequence[float], factor: float) -> Tensor:
        """Weights before training, (d,)."""
        if len(offsets) > self.n_offsets:
            raise ValueError(
                f"there are {len(offsets)} begin_offsets for {self.n_offsets} tasks with offsets; "
                "write offsets: task, and one of each task"
            )
        weights = torch.zeros(self.n_weights)
        weights[self.rules.index(self.prior) * self._moved] = factor - 1.0
        first = self.n_weights - self.n_offsets * self._moved
        weights[first :: self._moved][: len(offsets)] = torch.as_tensor(offsets)
        return weights

    @property
    def n_weights(self) -> int:
        """Of all of them, d."""
        of_columns = len(self._others) + len(self._pairs)
        return (len(self.rules) + self.n_offsets) * self._moved + of_columns

    @property
    def learned_part(self) -> bool:
        """Whether what was learned counts; where it is set to False, the policy is its prior.

        It is saved with the weights.
        """
        return bool(self.learned > 0)

    @learned_part.setter
    def learned_part(self, value: bool) -> None:
        self.learned.fill_(float(value))

    def factors(self, observation: Tensor) -> Tensor:
        """Factors of the rules in the order of `rules`, (b, r).

        Args:
            observation: what was seen, (b, k, f).
        """
        factors = self.learned * self._factors(observation, self.weights[None])
        begun = torch.zeros_like(factors)
        begun[:, self.rules.index(self.prior)] = 1.0
        return begun + factors

    def logits(self, columns: Tensor, weights: Tensor) -> Tensor:
        """Logits of the tasks, (b, k), 0 where there is none.

        Args:
            columns: what was seen, (b, k, f).
            weights: of each row, (b, d), or (1, d) of all.
        """
        there = places_with_a_task(columns, self.present)[:, :, 0] > 0
        prior = columns[:, :, self.prior]
        own = self._features(columns) * weights[:, None, len(self.rules) * self._moved :]
        rules = columns[:, :, self.rules] * self._factors(columns, weights)[:, None]
        learned = prior + (rules.sum(dim=2) + own.sum(dim=2))
        # Where nothing is learned it is the prior to the bit, whatever the columns hold.
        counts = (self.learned > 0) & (weights != 0.0).any(dim=1)[:, None]
        logits = shifted(torch.where(counts, learned, prior), there, self.bound)
        return torch.where(there, logits, 0.0)

    @property
    def _moved(self) -> int:
        """Weights that a rule has, and a task."""
        return 1 + len(self.context)

    def _factors(self, columns: Tensor, weights: Tensor) -> Tensor:
        """What is learned of the factors of rules, (b, r)."""
        count = len(self.rules) * self._moved
        own = weights[:, :count].reshape(-1, len(self.rules), self._moved)
        return (own * self._moves(columns)).sum(dim=2)

    def _moves(self, columns: Tensor) -> Tensor:
        """What the weights of a rule or a task count with: 1 and the context, (b, 1, 1 + c)."""
        here = places_with_a_task(columns, self.present)
        means = mean_over_tasks(columns[:, :, self.context], here)
        return torch.cat([columns.new_ones(len(columns), 1, 1), means], dim=2)

    def _features(self, columns: Tensor) -> Tensor:
        """Columns, products and which task it is, (b, k, d - those of rules)."""
        products = [columns[:, :, i] * columns[:, :, j] for i, j in self._pairs]
        parts = [columns[:, :, self._others], *(one[:, :, None] for one in products)]
        if self.offsets is not None:
            each = torch.arange(self.n_offsets, dtype=columns.dtype)
            which = (columns[:, :, self.offsets, None] == each).to(columns.dtype)
            parts.append((which[:, :, :, None] * self._moves(columns)[:, :, None]).flatten(2))
        return torch.cat(parts, dim=2)

    def _predict(self, observation: Any, deterministic: bool = False) -> Tensor:
        return self.logits(observation.float(), self.weights[None])
