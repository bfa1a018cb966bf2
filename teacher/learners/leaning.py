"""A policy that leans on rules: it begins as one of them, and learns when to let go of it.

With r the rules whose log-weights p_r are shown as columns, the logit of task i is

    z_i = log p_prior,i + sum_r v_r (log p_r,i - mean) + beta (f_i / rms(f) - mean)

with means and root mean squares over the tasks that exist: the prior's factor is 1 + v_prior, that
of every other rule v_r. The factors v and beta come of the pooled context, so they may change
within a lifetime, and are all 0 before training: then the policy is the prior to the bit. f is the
output of the taskwise network; divided by its root mean square it has one scale on every suite (as
the updates of Celo2 have, arXiv 2602.19142). That its factor begins at 0 is as in ReZero
(Bachlechner et al. 2021).

Legend: b batch, k tasks, f columns, h width, r rules.
"""

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from .taskwise import FAR_BELOW, TaskOutputs, TaskwiseNetwork, TaskwisePolicy, check_place

LEANS_ON = ("data", "shortfall", "progress", "learnability", "promise")
"""Rules that a policy can lean on; their log-weights are the columns `log_NAME`."""
LOG = "log_"
"""Begins the names of columns of log-weights."""
_TINY = 1e-8
"""Added to mean squares."""
_WIDEST = 2.0
"""Logarithm of how many times wider or narrower a deviation of its own may be."""


class LeaningNetwork(TaskwiseNetwork):
    """Columns to latent vectors with the log-weights and factors beside them.

    Args:
        n_columns: f, log-weights included, which the network itself does not read.
        width: units of every layer.
        present: place of the column `present`, if there is one.
        activation_fn: between the layers.
        rules: places of the columns of log-weights.
    """

    inputs: Tensor
    rules: Tensor

    def __init__(
        self,
        n_columns: int,
        width: int,
        present: int | None,
        activation_fn: type[nn.Module],
        rules: Sequence[int],
    ) -> None:
        inputs = [place for place in range(n_columns) if place not in rules]
        if not inputs:
            raise ValueError("a policy that leans on rules has to be shown other columns too")
        super().__init__(
            len(inputs), width, None if present is None else inputs.index(present), activation_fn
        )
        self.factors = nn.Linear(2 * width, len(rules) + 1)
        self.latent_dim_pi = 2 * len(rules) + width + 2
        self.register_buffer("inputs", torch.tensor(inputs), persistent=False)
        self.register_buffer("rules", torch.tensor(list(rules)), persistent=False)

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """(b, k, f) -> actor (b, k, r + h + r + 1 + 1), critic (b, h).

        The actor's numbers are log-weights, latent vector, factors of rules and of the network,
        and who is there.
        """
        actor, critic = super().forward(columns.index_select(2, self.inputs))
        return self._with_rules(columns, actor), critic

    def forward_actor(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, k, r + h + r + 1 + 1)."""
        return self._with_rules(
            columns, super().forward_actor(columns.index_select(2, self.inputs))
        )

    def forward_critic(self, columns: Tensor) -> Tensor:
        """(b, k, f) -> (b, h)."""
        return super().forward_critic(columns.index_select(2, self.inputs))

    def _with_rules(self, columns: Tensor, actor: Tensor) -> Tensor:
        return torch.cat([columns.index_select(2, self.rules), actor], dim=2)

    def _actor(self, tasks: Tensor, context: Tensor, here: Tensor) -> Tensor:
        latent = super()._actor(tasks, context, here)
        # As long as one unit of it is, however wide it is.
        factors = self.factors(context * context.shape[1] ** -0.5)[:, None]
        factors = factors.expand(-1, tasks.shape[1], -1)
        return torch.cat([latent[:, :, :-1], factors, here], dim=2)


class LeaningOutputs(TaskOutputs):
    """What `LeaningNetwork` gives to a logit of each task, (b, k), a fixed one where there is none.

    Args:
        width: units of the latent vector.
        absent: logit of a place without a task.
        n_rules: r.
        prior: which of them is the prior.
        bound: logits of tasks lie within it, by a shift that changes no share; None for none.
        data: which of the rules has the shares of the data, for the floor.
        floor: least part of these shares that a task keeps.
        own_deviations: whether each task has a deviation of its own.
    """

    learned_part: Tensor

    def __init__(
        self,
        width: int,
        absent: float,
        n_rules: int,
        prior: int,
        bound: float | None = None,
        data: int = 0,
        floor: float = 0.0,
        own_deviations: bool = False,
    ) -> None:
        super().__init__(width, absent)
        self.sizes = [n_rules, width, n_rules + 1, 1]
        self.prior, self.bound, self.data, self.floor = prior, bound, data, floor
        self.deviations = nn.Linear(width, 1) if own_deviations else None
        self.register_buffer("learned_part", torch.ones(()))

    def forward(self, latent: Tensor) -> Tensor:
        """One logit per task."""
        rules, hidden, factors, here = torch.split(latent, self.sizes, dim=2)
        own = self.linear(hidden)
        parts = torch.cat([rules, own / mean_over_tasks(own**2, here).add(_TINY).sqrt()], dim=2)
        added = (factors * (parts - mean_over_tasks(parts, here))).sum(dim=2)
        prior = rules[:, :, self.prior]
        learned = self._above_floor(prior + added, rules[:, :, self.data], here[:, :, 0])
        logits = torch.where(self.learned_part > 0, learned, prior)
        there = here[:, :, 0] > 0
        if self.bound is not None:
            logits = shifted(logits, there, self.bound)
        return torch.where(there, logits, self.absent)

    def log_deviations(self, latent: Tensor, common: Tensor) -> Tensor:
        """Logarithms of the deviations, of one for all (1,) or of each task (b, k)."""
        if self.deviations is None:
            return common
        hidden = torch.split(latent, self.sizes, dim=2)[1]
        own: Tensor = self.deviations(hidden)[:, :, 0]
        return common + own.clamp(-_WIDEST, _WIDEST)

    def _above_floor(self, logits: Tensor, data: Tensor, here: Tensor) -> Tensor:
        """Logarithms of the shares with part of those of the data in them, (b, k)."""
        if not self.floor:
            return logits
        there = here > 0
        shares, floors = (
            torch.log_softmax(torch.where(there, each, FAR_BELOW), dim=1) for each in (logits, data)
        )
        part = torch.tensor(self.floor, device=logits.device)
        return torch.logaddexp(torch.log1p(-part) + shares, torch.log(part) + floors)


def mean_over_tasks(values: Tensor, here: Tensor) -> Tensor:
    """Mean over the tasks that exist, (b, k, x) and (b, k, 1) -> (b, 1, x)."""
    return (values * here).sum(dim=1, keepdim=True) / here.sum(dim=1, keepdim=True).clamp(min=1)


def shifted(logits: Tensor, there: Tensor, bound: float) -> Tensor:
    """Logits that lie within [-bound, bound] as far as one shift a row can do it, (b, k).

    What lies there stays to the bit; what spans more has its highest at the bound.
    """
    lowest = torch.where(there, logits, torch.inf).amin(dim=1, keepdim=True)
    highest = torch.where(there, logits, -torch.inf).amax(dim=1, keepdim=True)
    shift = torch.minimum((-bound - lowest).clamp(min=0), bound - highest)
    return logits + shift


class LeaningPolicy(TaskwisePolicy):
    """A `TaskwisePolicy` whose logits are a learned blend of rules plus a part of its own.

    It has the same weights for any number and order of tasks.

    Args:
        args: those of `TaskwisePolicy`.
        rules: places of the columns of log-weights, natural logarithms of shares over the tasks
            that exist.
        prior: place of that which the policy begins at; one of them.
        data: place of that with the shares of the data; needed for a floor.
        share_floor: part of each mixture that is trained on the data's own shares, in [0, 1).
        own_deviations: whether the deviation of each task's noise is learned of what is seen of
            it, instead of one number for all; for mixtures.
        kwargs: those of `TaskwisePolicy`.

    Raises:
        ValueError: if these are no places of columns, or a floor has no data to go by.
    """

    def __init__(
        self,
        *args: Any,
        rules: Sequence[int],
        prior: int,
        data: int | None = None,
        share_floor: float = 0.0,
        own_deviations: bool = False,
        **kwargs: Any,
    ) -> None:
        space: Any = kwargs.get("observation_space", args[0] if args else None)
        self.rules = checked_rules(rules, prior, data, int(space.shape[-1]))
        if not 0.0 <= share_floor < 1.0:
            raise ValueError(f"share_floor must be a number in [0, 1), got {share_floor!r:.40}")
        if share_floor and data is None:
            raise ValueError("share_floor needs the column log_data: name data in lean_on")
        self.prior, self.data = prior, data
        self.share_floor, self.own_deviations = float(share_floor), bool(own_deviations)
        super().__init__(*args, **kwargs)

    @property
    def learned_part(self) -> bool:
        """Whether what was learned counts; where it is set to False, the policy is its prior.

        It is saved with the weights.
        """
        return bool(self.action_net.learned_part > 0)

    @learned_part.setter
    def learned_part(self, value: bool) -> None:
        self.action_net.learned_part.fill_(float(value))

    def factors(self, observation: Tensor) -> Tensor:
        """Factors of the rules in the order of `rules`, and of the network's own part, (b, r + 1).

        Args:
            observation: what was seen, (b, k, f).
        """
        latent = self.mlp_extractor.forward_actor(self.extract_features(observation))
        _, _, factors, _ = torch.split(latent, self.action_net.sizes, dim=2)
        begun = torch.zeros_like(factors[:, 0])
        begun[:, self.rules.index(self.prior)] = 1.0
        blend: Tensor = begun + self.action_net.learned_part * factors[:, 0]
        return blend

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = LeaningNetwork(
            self._n_columns(), self.width, self.present, self.activation_fn, self.rules
        )

    def _outputs(self, absent: float) -> TaskOutputs:
        space = self.action_space
        if self.own_deviations and not isinstance(space, spaces.Box):
            raise ValueError("own_deviations are of mixtures; leave it out where tasks are chosen")
        return LeaningOutputs(
            self.width,
            absent,
            len(self.rules),
            self.rules.index(self.prior),
            bound=float(space.high.min()) if isinstance(space, spaces.Box) else None,
            data=0 if self.data is None else self.rules.index(self.data),
            floor=self.share_floor,
            own_deviations=self.own_deviations,
        )

    def _log_deviations(self, latent: Tensor) -> Tensor:
        deviations: Tensor = self.action_net.log_deviations(latent, self.log_std)
        return deviations

    def _initialize_outputs(self) -> None:
        # Of one scale whatever it begins with.
        nn.init.orthogonal_(self.action_net.linear.weight, gain=1.0)
        nn.init.zeros_(self.mlp_extractor.factors.weight)
        if self.action_net.deviations is not None:
            nn.init.zeros_(self.action_net.deviations.weight)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        names = ("rules", "prior", "data", "share_floor", "own_deviations")
        return data | {name: getattr(self, name) for name in names}


def checked_rules(rules: Sequence[int], prior: int, data: int | None, n_columns: int) -> list[int]:
    """Places of log-weights, as a file may hold them that anybody wrote."""
    places: list[Any] = list(rules) if isinstance(rules, list | tuple) else [None]
    for place in places:
        check_place(place, n_columns, "rules")
    named = [prior] if data is None else [prior, data]
    if None in places or len(set(places)) < len(places) or not set(named) <= set(places):
        raise ValueError(
            f"rules must be different places of columns, with that of the prior among them, got "
            f"{places!r:.60} and {prior!r:.40}"
        )
    return places


def leaning_places(
    columns: Sequence[str], prior: str, lean_on: Sequence[str] = ()
) -> dict[str, Any]:
    """Where a policy finds the rules that it leans on: `rules`, `prior` and `data`.

    Args:
        columns: that it is shown.
        prior: rule that it begins at, such as `shortfall`, with the parameters of its column if it
            has any.
        lean_on: rules that it leans on, the prior among them; by default all that are shown.

    Raises:
        ValueError: naming what is not shown.
    """
    shown = [one for one in columns if one.startswith(LOG) and _name(one) in LEANS_ON]
    wanted = [f"{LOG}{rule}" for rule in lean_on] or shown
    first = f"{LOG}{prior}"
    missing = [one for one in dict.fromkeys((first, *wanted)) if one not in columns]
    if missing:
        raise ValueError(
            f"a learner that begins at {prior!r} needs the columns {', '.join(missing)}, which the "
            f"environment does not show; add them to observe={list(columns)}"
        )
    if first not in wanted:
        raise ValueError(
            f"the prior must be one of the rules that are leaned on, {', '.join(lean_on)}, got "
            f"{prior!r}; name it in lean_on too"
        )
    data = next((one for one in wanted if _name(one) == "data"), None)
    return {
        "rules": [columns.index(one) for one in dict.fromkeys(wanted)],
        "prior": columns.index(first),
        "data": None if data is None else columns.index(data),
    }


def _name(column: str) -> str:
    """Of the rule whose log-weights a column has."""
    return column.removeprefix(LOG).partition(":")[0]
