"""Which rules a learned teacher leans on: names in a config, and their defaults."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..common.nearest import did_you_mean

LEANS_ON = ("data", "shortfall", "progress", "learnability", "promise")
"""As in `lessonplan.teacher`, but nothing heavy is loaded for a slip of the pen. A test holds both
to the same."""

Prior = Annotated[
    str,
    Field(
        description="rule that it is before training: data, shortfall, progress, learnability or "
        "promise; none by default",
        examples=["shortfall"],
    ),
]
LeanedOn = Annotated[
    list[str],
    Field(
        description="rules whose log-weights it blends; all five where there is a prior",
        examples=[["data", "shortfall"]],
    ),
]
PriorRow = Annotated[
    bool, Field(description="also report one with a prior with its learned part off")
]


def leaned_on(prior: str, lean_on: Sequence[str]) -> list[str]:
    """The rules that a teacher leans on: those that are named, or all where there is a prior.

    Args:
        prior: rule that it begins at, which may have parameters as its column has them; empty for
            none.
        lean_on: rules that are named, the prior among them; empty for the default.

    Raises:
        ValueError: for a rule that is none of `LEANS_ON`, and where they do not fit each other.
    """
    if lean_on and not prior:
        raise ValueError(
            f"lean_on names {', '.join(lean_on)}, but there is no prior to begin at; write "
            f"prior: {lean_on[0]}, or leave it out"
        )
    if not prior:
        return []
    for rule in (prior, *lean_on):
        if _name(rule) not in LEANS_ON:
            raise ValueError(
                f"there is no rule {rule!r} to lean on; {did_you_mean(_name(rule), LEANS_ON)}there "
                f"are {', '.join(LEANS_ON)}"
            )
    if lean_on and prior not in lean_on:
        raise ValueError(
            f"the prior {prior!r} is not among the rules of lean_on, {', '.join(lean_on)}; name it "
            "there too"
        )
    return list(lean_on) or [prior if rule == _name(prior) else rule for rule in LEANS_ON]


def _name(rule: str) -> str:
    return rule.partition(":")[0]
