"""Base weights: the state of one student from which all of a cohort start."""

from collections.abc import Mapping

from torch import Tensor, nn


def load_base(module: nn.Module, base: Mapping[str, Tensor]) -> None:
    """Give a module these weights.

    Raises:
        ValueError: naming the first weight that is missing, unknown, of another shape or not
            finite.
    """
    own = module.state_dict()
    advice = "base weights are for the model, with the options, that they were trained with"
    for kind, names in (
        ("miss", own.keys() - base.keys()),
        ("hold", base.keys() - own.keys()),
    ):
        if names:
            raise ValueError(
                f"the base weights {kind} {min(names)!r}, which the model "
                f"{'has' if kind == 'miss' else 'does not have'}; {advice}"
            )
    for name, value in base.items():
        if value.shape != own[name].shape:
            raise ValueError(
                f"the base weights {name!r} have the shape {tuple(value.shape)}, the model's "
                f"{tuple(own[name].shape)}; {advice}"
            )
        if not bool(value.isfinite().all()):
            raise ValueError(f"the base weights {name!r} are not all finite; train them again")
    module.load_state_dict(dict(base))
