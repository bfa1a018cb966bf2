"""What sections of a config have in common: the base of all, and kinds of texts in them."""

import re
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

from ..common.folder_names import MOST_BYTES, folder_name, of_windows
from .budgets import check_budget, with_unit


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values don't change."""

    # Validators are built when the first config is read, not for every command.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    arguments: ClassVar[tuple[str, str] | None] = None
    """The key below which arguments go that are not ours, and of what they are."""


BEGUN = "begun"
"""Says in the context of a validation that the config is of a run that has begun.

Its names have their folders and files already.
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


TeacherName = Annotated[
    str,
    AfterValidator(_file_name),
    Field(description="of the teacher, in tables and files", examples=["mine"]),
]
FolderName = Annotated[str, AfterValidator(_new_folder)]
BudgetText = Annotated[str, BeforeValidator(with_unit), AfterValidator(check_budget)]
