"""What sections of a config have in common: the base of all, and kinds of texts in them."""

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from ...common.folder_names import MOST_BYTES, folder_name, of_windows
from ...common.nearest import did_you_mean, nearest_of

MOST = {"steps": 1e9, "tokens": 1e15, "compute": 1e15}
"""Units of a budget, with the largest amount of each; as in `lessonplan.envs`, whose `Budget` is
what reads it, but nothing heavy is loaded for a slip of the pen. A test holds both to the same."""

_FORM = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)([kmb]?)[\s-]+([a-z]+)\s*")
_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values don't change."""

    # Validators are built when the first config is read, not for every command.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: ClassVar[tuple[str, str] | None] = None
    """The key below which arguments go that are not ours, and of what they are."""

    @model_validator(mode="wrap")
    @classmethod
    def _as_begun(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """What a run began with is not too large for it; earlier versions had no largest values."""
        try:
            return handler(values)
        except ValidationError as error:
            large = {one["loc"]: one for one in error.errors() if one["type"] == "less_than_equal"}
            own = {str(loc[0]): one for loc, one in large.items() if len(loc) == 1}
            if not (is_begun(info) and own and isinstance(values, dict)):
                raise
        section = handler(values | {key: one["ctx"]["le"] for key, one in own.items()})
        for key, one in own.items():
            object.__setattr__(section, key, one["input"])
        return section


BEGUN = "begun"
"""Says in the context of a validation that the config is of a run that has begun.

Its names have their folders and files already, and its numbers are those that it began with.
"""


def is_begun(info: ValidationInfo) -> bool:
    """Whether the config that is validated is of a run that has begun."""
    return bool(info.context and info.context.get(BEGUN))


def _new_folder(name: str, info: ValidationInfo) -> str:
    return name if is_begun(info) else folder_name(name)


def _file_name(name: str, info: ValidationInfo) -> str:
    """Teachers name files, NAME-SEED-PART, so their names must be told apart from the rest."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(
            "a teacher's name begins with a letter or digit and holds letters, digits, '.', '_' "
            "and '-' only"
        )
    if re.search(r"-[0-9]+$", name):
        raise ValueError(
            "a teacher's name must not end in '-' and digits, which tell its seeds apart in the "
            "names of files"
        )
    if not is_begun(info) and (len(name) > MOST_BYTES or of_windows(name)):
        raise ValueError(
            f"a teacher's name has at most {MOST_BYTES} letters, and is none that Windows keeps "
            "for a device"
        )
    return name


def with_unit(budget: Any) -> Any:
    """The budget as it is; refuse a bare number, of which nobody knows what it counts.

    Raises:
        ValueError: with the number as it would be right.
    """
    if isinstance(budget, int | float) and not isinstance(budget, bool):
        raise ValueError(f"write {budget}-steps, or {budget}-tokens or {budget}-compute")
    return budget


def check_budget(text: str) -> str:
    """The text; refuse what is no budget, such as `4000-steps`, `5M-tokens` or `180k compute`.

    Raises:
        ValueError: as `Budget.parse` would.
    """
    match = _FORM.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"a budget reads like '4000-steps' or '5M-tokens', got {text!r}")
    number, suffix, unit = match.groups()
    try:
        amount = float(number) * _SUFFIXES[suffix]
    except ValueError:
        raise ValueError(f"a budget begins with a number, got {number!r}") from None
    if unit not in MOST:
        near = nearest_of(unit, MOST)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(
            f"the unit of a budget must be one of {', '.join(MOST)}, got {unit!r}{hint}"
        )
    if not (math.isfinite(amount) and amount > 0):
        raise ValueError(f"the amount of a budget must be positive, got {amount}")
    if amount > MOST[unit]:
        raise ValueError(
            f"a budget in {unit} must be of at most {MOST[unit]:,.0f}, got {amount:,.15g}"
        )
    return text


TeacherName = Annotated[
    str,
    AfterValidator(_file_name),
    Field(description="of the teacher, in tables and files", examples=["mine"]),
]
FolderName = Annotated[str, AfterValidator(_new_folder)]
BudgetText = Annotated[str, BeforeValidator(with_unit), AfterValidator(check_budget)]

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
BeginAt = Annotated[
    str,
    Field(
        description="a tuned rule of this config with weights of tasks, where a search goes on",
        examples=["weighted-shortfall-tuned"],
    ),
]
BEGINNINGS = {"weighted_shortfall": "shortfall", "static_mixture": "data"}
"""Rules with weights of tasks, and the prior of a search that goes on from each."""
PriorRow = Annotated[
    bool, Field(description="also report one with a prior with its learned part off")
]


def leaned_on(
    prior: str, lean_on: Sequence[str], observe: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The rules that a teacher leans on, and its columns with theirs among them.

    They are those that are named, or all where there is a prior.

    Args:
        prior: rule that it begins at, which may have parameters as its column has them; empty for
            none.
        lean_on: rules that are named, the prior among them; empty for the default.
        observe: columns that it is shown.

    Raises:
        ValueError: for a rule that is none of `LEANS_ON`, and where they do not fit each other.
    """
    if lean_on and not prior:
        raise ValueError(
            f"lean_on names {', '.join(lean_on)}, but there is no prior to begin at; write "
            f"prior: {lean_on[0]}, or leave it out"
        )
    if not prior:
        return [], list(observe)
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
    if twice := sorted({rule for rule in lean_on if lean_on.count(rule) > 1}):
        raise ValueError(f"lean_on names {', '.join(twice)} twice; one factor of a rule is enough")
    leans = list(lean_on) or [prior if rule == _name(prior) else rule for rule in LEANS_ON]
    return leans, list(dict.fromkeys([*observe, *(f"log_{rule}" for rule in leans)]))


def check_beginning(teacher: Any, teachers: Sequence[Any]) -> None:
    """Refuse a beginning that a learned teacher can't have.

    Args:
        teacher: its section.
        teachers: the sections of all.

    Raises:
        ValueError: saying what would be right.
    """
    if not teacher.begin_at:
        return
    what = f"teacher {teacher.name!r} begins at {teacher.begin_at!r}"
    if teacher.algorithm != "cma_es" or teacher.origin or teacher.courses:
        raise ValueError(
            f"{what}, which a search alone can that is trained on this suite: write algorithm: "
            "cma_es and neither from nor courses, or leave out begin_at"
        )
    tuned = {one.name: one.rule for one in teachers if one.type == "rule" and one.tune}
    rule = tuned.get(teacher.begin_at, "")
    if rule not in BEGINNINGS:
        raise ValueError(
            f"{what}, which is no tuned rule with weights of tasks; name one of this config with "
            f"rule: {' or '.join(BEGINNINGS)} and tune: true"
        )
    if teacher.prior != BEGINNINGS[rule]:
        raise ValueError(f"{what}, a {rule}; write prior: {BEGINNINGS[rule]}")


def _name(rule: str) -> str:
    return rule.partition(":")[0]
