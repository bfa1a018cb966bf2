"""What goes wrong in one's own code, in a sentence with its file and line."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 200
"""Characters of somebody's own error in a sentence of ours."""
_MISTAKES = (
    ValueError,
    TypeError,
    NameError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
)
"""What a mistake in code raises, and neither a full disk nor a full memory."""


def where_and_why(error: BaseException, folders: Sequence[str]) -> str:
    """The last line of one's own code that an error of it came from, and what it says.

    Args:
        error: that was raised in it, or by our own checks of what it returned.
        folders: of one's own modules.
    """
    words = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        where, words = f"{error.filename}, line {error.lineno}", error.msg
    else:
        where = _own_line(error, folders)
        if not where:
            # Our own words, or those of a library.
            return words if isinstance(error, ValueError) else _typed(error, words)
    return f"{where}: {_typed(error, words)}"


def _own_line(error: BaseException, folders: Sequence[str]) -> str:
    """The last line of one's own code that an error came through; empty where it came through none.

    What is installed below a folder, as in a virtual environment there, is not one's own.
    """
    last = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename)
        ours = f"{frame.f_globals.get('__name__')}.".startswith("lessonplan.")
        installed = any(part.endswith("-packages") for part in file.parts)
        if any(file.is_relative_to(folder) for folder in folders) and not (ours or installed):
            last = f"{file}, line {line}"
    return last


def _typed(error: BaseException, words: str) -> str:
    sentence = f"{type(error).__name__}: {words}"
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}..."


@contextmanager
def own_mistakes(what: str, folders: Sequence[str]) -> Iterator[None]:
    """Say of a mistake in one's own code in which line it is; all other errors go on as they are.

    Args:
        what: was done with it, for the sentence.
        folders: of one's own modules.

    Raises:
        ValueError: in one sentence, instead of what the code raised.
    """
    try:
        yield
    except _MISTAKES as error:
        if not _own_line(error, folders):
            raise
        raise ValueError(f"{what}: {where_and_why(error, folders)}") from error
