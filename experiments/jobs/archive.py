"""The run directory that a log holds, unpacked; what it says of itself is not believed.

A cluster sends what it likes: nothing is written before all of it was looked at, and then only
plain files inside the folder, no more bytes than a run directory of its size can have.
"""

import base64
import gzip
import hashlib
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ..common.folder_names import MOST_BYTES
from ..common.printable import plain_line
from .pack import BEGIN, END, LIMIT, MOST_FILES, most_unpacked

_PIECE = 1 << 20


def archive_in(log: str) -> tuple[bytes, str]:
    """The packed directory that a log holds.

    Args:
        log: what a job of `pack.py` printed, with whatever stands around it.

    Returns:
        The archive, and the name of the job's folder that the directory was in.

    Raises:
        ValueError: if the log holds none, or it is not what was packed.
    """
    lines = iter(log.splitlines())
    header = next((line.split(maxsplit=3) for line in lines if line.startswith(BEGIN)), [])
    if len(header) != 4 or not header[1].isdecimal() or len(header[1]) > 18:
        raise ValueError("the log of the job that packs the run directory holds none")
    size, digest, job = int(header[1]), header[2], header[3]
    if size > LIMIT:
        raise ValueError(
            f"the packed run directory is to have {size >> 20:,} MiB, and at most {LIMIT >> 20} "
            "MiB come back through the Jobs API; copy it from the head node"
        )
    body = []
    for line in lines:
        if line == END:
            break
        body.append(line)
    try:
        archive = b"".join(base64.b64decode(line, validate=True) for line in body)
    except ValueError:
        archive = b""
    if len(archive) != size or hashlib.sha256(archive).hexdigest() != digest:
        raise ValueError("the run directory came back damaged (its checksum differs); fetch again")
    return archive, job


def unpack(archive: bytes, folder: Path) -> None:
    """Write the directory that was packed, once all of it was looked at.

    Args:
        archive: a gzipped tar of plain files.
        folder: where to; must not exist.

    Raises:
        ValueError: for what no run directory holds, before anything is written.
    """
    with _sentences():
        names: set[PurePosixPath] = set()
        for name, content in _files(archive):
            _see_that_it_is_alone(name, names)
            while content.read(_PIECE):
                pass
    for name, content in _files(archive):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as copy:
            shutil.copyfileobj(content, copy, _PIECE)


class _Unpacked(io.RawIOBase):
    """Bytes as they are unpacked, up to a limit."""

    def __init__(self, archive: bytes) -> None:
        self._source = gzip.GzipFile(fileobj=io.BytesIO(archive))
        self.left = self.most = most_unpacked(len(archive))

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as are wanted and left."""
        data = self._source.read(min(size, _PIECE) if size >= 0 else _PIECE)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(
                f"it takes more than {self.most >> 20:,} MiB unpacked, which no run directory of "
                "its size does"
            )
        return data


def _files(archive: bytes) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Names and contents of all files, one after the other."""
    with tarfile.open(fileobj=_Unpacked(archive), mode="r|", errorlevel=2) as tar:
        for count, entry in enumerate(tar, start=1):
            if count > MOST_FILES:
                raise ValueError(f"it holds more than {MOST_FILES:,} files")
            if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
                raise ValueError(f"{_shown(entry.name)} is no plain file (a link or a device)")
            content = tar.extractfile(entry)
            assert content is not None
            yield _inside(entry.name), content


def _inside(name: str) -> PurePosixPath:
    """The path of a file in a run directory."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or "\\" in name or ":" in name or ".." in path.parts:
        raise ValueError(f"{_shown(name)} would lie outside of the run directory")
    if plain_line(name) != name or "\t" in name or not path.parts:
        raise ValueError(f"{_shown(name)} is no name of a file of a run")
    if any(len(part.encode(errors="surrogateescape")) > MOST_BYTES + 50 for part in path.parts):
        raise ValueError(f"{_shown(name)} is too long for the name of a file")
    return path


def _see_that_it_is_alone(name: PurePosixPath, names: set[PurePosixPath]) -> None:
    """Refuse a file that comes twice, or in which others lie."""
    if name in names or any(parent in names for parent in name.parents):
        raise ValueError(f"{_shown(str(name))} comes twice")
    names.add(name)


@contextmanager
def _sentences() -> Iterator[None]:
    """All that a damaged or hostile archive raises, in one sentence."""
    try:
        yield
    except (ValueError, tarfile.TarError, zlib.error, EOFError, OSError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ValueError(f"nothing was fetched: in what the cluster sent, {why}") from error


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
