"""A file's bytes and text, unpacked and decoded by what stands in it; its format by its name."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path

FORMATS = (".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".csv", ".tsv")
"""What can be read, each also as .gz; of one file in two formats the first of these is read."""

_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
}
_GZIP = b"\x1f\x8b"
_POINTER = b"version https://git-lfs"
_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte order marks, longest first; that of UTF-8 is left out of the text."""
_MARK = b"\xef\xbb\xbf"


def format_of(file: Path) -> str | None:
    """The format that a file's name tells, without .gz; None for everything else."""
    suffix = Path(file.name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in FORMATS else None


def stem_of(file: Path) -> str:
    """A file's name without its format and .gz; the whole name of a folder."""
    if file.is_dir():
        return file.name
    name = file.name[:-3] if file.name.lower().endswith(".gz") else file.name
    return Path(name).stem


@contextmanager
def open_bytes(file: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    """What a file holds, unpacked if its first bytes say gzip.

    Raises:
        ValueError: for what can't be opened or unpacked, also while it is read.
    """
    if file.exists() and not file.is_file():
        # To open a pipe may never end, and what was read of one does not come again.
        raise ValueError(f"{file} is no file but a pipe or a device; write its rows to a file")
    try:
        with file.open("rb") as packed:
            head = packed.peek(24)
            _check_packing(file, head)
            if head.startswith(_GZIP):
                with gzip.open(packed) as unpacked:
                    yield unpacked
            else:
                yield packed
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(
            f"{file} can't be unpacked: {error}; it may be cut off, so copy or pack it again"
        ) from None
    except OSError as error:
        raise ValueError(f"{file} can't be read: {error.strerror or error}") from None


def _check_packing(file: Path, head: bytes) -> None:
    for begin, packing in _PACKED.items():
        if head.startswith(begin):
            raise ValueError(f"{file} is {packing}; unpack it and give what was in it")
    if head.startswith(_POINTER):
        raise ValueError(f"{file} is a pointer of Git LFS; run git lfs pull where it lies")


@contextmanager
def open_text(file: Path, newline: str = "\n") -> Iterator[TextIOWrapper]:
    """The text of a file: UTF-8, or what its byte order mark says.

    Args:
        file: packed or not.
        newline: as for `open`.

    Raises:
        ValueError: see `open_bytes`; for text in another encoding, with its line.
    """
    with open_bytes(file) as unpacked:
        head = unpacked.peek(4)
        encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
        if head.startswith(_MARK):
            unpacked.read(len(_MARK))
        text = TextIOWrapper(unpacked, encoding, newline=newline)
        try:
            yield text
        except UnicodeDecodeError as error:
            raise ValueError(_encoding_sentence(file, encoding, error)) from None


def _encoding_sentence(file: Path, encoding: str, error: UnicodeDecodeError) -> str:
    where = str(file)
    if encoding == "utf-8":
        with open_bytes(file) as lines:
            where += next(
                (f", line {i}" for i, line in enumerate(lines, 1) if not _is_utf8(line)), ""
            )
    return (
        f"{where}: the text is not {encoding.upper()} ({error.reason}); save it as UTF-8, for "
        "instance with iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
