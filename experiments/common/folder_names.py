"""Names that become names of folders and files, on any disk."""

import re
from collections.abc import Sequence

MOST_BYTES = 200
"""Of a name; what is added to it must fit into the 255 that a file's name may have."""
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')
_OF_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def folder_name(name: str) -> str:
    """The name as it is, if a folder can have it on any disk, and nowhere but where it is put.

    Raises:
        ValueError: if not, with the reason.
    """
    if fault := _fault(name):
        raise ValueError(
            f"it is the name of a folder, so it {fault}; take letters, digits, '.', '_' and '-'"
        )
    return name


def _fault(name: str) -> str:
    """What is wrong with a name; empty if nothing is."""
    size = len(name.encode(errors="surrogatepass"))
    if not name:
        return "must not be empty"
    if size > MOST_BYTES:
        return f"must have at most {MOST_BYTES} bytes, and has {size}"
    if unseen := next((letter for letter in name if not letter.isprintable()), ""):
        return f"must hold no {unseen!r}, which can't be seen"
    if found := _NOT_IN_NAMES.search(name):
        return f"must hold no {found[0]!r}"
    if name[0] in ".- " or name[-1] in ". ":
        return "must not begin with '.', '-' or a space, nor end with '.' or a space"
    return "must not be one that Windows keeps for a device" if of_windows(name) else ""


def of_windows(name: str) -> bool:
    """Whether Windows keeps a name, with any ending, for a device."""
    return _OF_WINDOWS.fullmatch(name) is not None


def see_that_files_differ(names: Sequence[str]) -> None:
    """Refuse names that are one on a disk that does not tell large from small letters.

    Raises:
        ValueError: naming the first two.
    """
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise ValueError(
                f"{other!r} and {name!r} would be one file on a disk that does not tell large from "
                "small letters; rename one of them"
            )
