"""What sections of a config have in common: the base of all, and kinds of texts in them."""

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .budgets import check_budget, with_unit


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values don't change."""

    # Validators are built when the first config is read, not for every command.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: ClassVar[tuple[str, str] | None] = None
    """The key below which arguments go that are not ours, and of what they are."""


def _file_name(name: str) -> str:
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
    return name


TeacherName = Annotated[
    str,
    AfterValidator(_file_name),
    Field(description="of the teacher, in tables and files", examples=["mine"]),
]
BudgetText = Annotated[str, BeforeValidator(with_unit), AfterValidator(check_budget)]
