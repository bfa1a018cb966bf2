"""What goes wrong in one's own code, in a sentence with its file and line."""

import errno
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 200
"""Characters of somebody's own error in a sentence of ours."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NO_MISTAKES = (KeyboardInterrupt, GeneratorExit)
"""What ends a process or a generator from outside, wherever it was."""


def words_of(error: BaseException) -> str:
    """What an error says, in one line; somebody's own may fail even at that."""
    try:
        return " ".join(str(error).split())
    except Exception as fault:
        return f"it has no words of its own, to ask for them raises {type(fault).__name__}"


def where_and_why(error: BaseException, folders: Sequence[str]) -> str:
    """The last line of one's own code that an error of it came from, and what it says.

    Args:
        error: that was raised in it, or by our own checks of what it returned.
        folders: of one's own modules.
    """
    words = words_of(error)
    if isinstance(error, SyntaxError) and error.filename:
        where, words = f"{error.filename}, line {error.lineno}", error.msg
    else:
        where = _own_line(error, folders)
        if not where:
            # Our own words, perhaps about what one's own code raised, or those of a library.
            cause = _own_line(error.__cause__, folders) if error.__cause__ else ""
            plain = words if isinstance(error, ValueError) else _typed(error, words)
            return f"{cause}: {plain}" if cause else plain
    return f"{where}: {_typed(error, words)}"


def is_own(error: BaseException, folders: Sequence[str]) -> bool:
    """Whether an error came through a line of one's own code, and is a fault of it."""
    return not is_from_outside(error) and bool(_own_line(error, folders))


def is_from_outside(error: BaseException) -> bool:
    """Whether it is an interruption or a full disk, which are no fault of whoever met them."""
    full = isinstance(error, OSError) and error.errno in _NO_ROOM
    return isinstance(error, _NO_MISTAKES) or full


def _own_line(error: BaseException, folders: Sequence[str]) -> str:
    """The last line of one's own code that an error came through; empty where there is none."""
    return next((f"{file}, line {line}" for file, line, _ in _own_lines(error, folders)), "")


def _own_lines(error: BaseException, folders: Sequence[str]) -> Iterator[tuple[Path, int, str]]:
    """Lines of one's own code that an error came through, the last first: file, line, function.

    A function is called `module:name`. What is installed below a folder, as in a virtual
    environment there, is not one's own.
    """
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file, module = Path(frame.f_code.co_filename), str(frame.f_globals.get("__name__"))
        ours = f"{module}.".startswith("lessonplan.")
        installed = any(part.endswith("-packages") for part in file.parts)
        if any(file.is_relative_to(folder) for folder in folders) and not (ours or installed):
            yield file, line, f"{module}:{frame.f_code.co_qualname.partition('.')[0]}"


def _part_of(error: BaseException, folders: Sequence[str], parts: Mapping[str, str]) -> str:
    """What a config names of which an error is; empty where that is none or not known."""
    lines = [function for _, _, function in _own_lines(error, folders)]
    if named := next((parts[function] for function in lines if function in parts), ""):
        return named
    modules = {function.partition(":")[0] for function in lines}
    several = [words for name, words in parts.items() if name.partition(":")[0] in modules]
    return several[0] if len(several) == 1 else ""


def _typed(error: BaseException, words: str) -> str:
    sentence = f"{type(error).__name__}: {words}"
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}..."


def _without_generator(error: BaseException) -> BaseException:
    """What was raised before a generator of ours that it went through made a RuntimeError of it."""
    cause = error.__cause__
    through = isinstance(error, RuntimeError) and isinstance(cause, StopIteration)
    return cause if cause is not None and through else error


@contextmanager
def own_mistakes(
    what: str,
    folders: Sequence[str],
    parts: Mapping[str, str] | None = None,
    every: bool = False,
) -> Iterator[None]:
    """Say of a failure of one's own code in which line it is; all others go on as they are.

    Whatever it raises is meant, an exit of the process too, but no interruption and no full disk.

    Args:
        what: was done with it, for the sentence.
        folders: of one's own modules.
        parts: what a config names, in words, by its name.
        every: failures are its own, whatever line they are in.

    Raises:
        ValueError: in one sentence, instead of what the code raised.
    """
    try:
        yield
    except BaseException as raised:
        error = _without_generator(raised)
        theirs = every and isinstance(error, Exception) and not is_from_outside(error)
        if not (theirs or is_own(error, folders)):
            raise
        part = _part_of(error, folders, parts or {})
        named = f"{what}: {part}" if part else what
        raise ValueError(f"{named}: {where_and_why(error, folders)}") from error
