"""What a job ships beside the rooms: its config, the data that it names, one's own modules."""

import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..cluster.staging import LEFT_OUT
from .shipped import CONFIG, DATA, SHIPPED, each_text


def ship(values: dict[str, Any], folder: Path, shared: Sequence[Path] = ()) -> None:
    """Put a config and everything on this machine that it names into a folder.

    What it names are absolute paths of files and folders that are there, and the modules in the
    working directory of rules and suites written `module:name`.

    Args:
        values: of a run or a sweep, with absolute paths.
        folder: the job's, with the staged rooms.
        shared: folders that the cluster sees under the same path; what is in them stays there.
    """
    places: dict[Path, str] = {}

    def place(text: str) -> str:
        if match := re.fullmatch(r"([A-Za-z_]\w*)[\w.]*:[A-Za-z_]\w*", text):
            _ship_module(match[1], folder)
        path = Path(text)
        if not path.is_absolute() or not path.exists() or path.parent == path:
            return text
        if any(path.is_relative_to(root.resolve()) for root in shared):
            return text
        if path not in places:
            places[path] = f"{len(places)}-{path.name}"
            _copy(path, folder / DATA / places[path])
        return f"{SHIPPED}{places[path]}"

    portable = each_text(values, place)
    (folder / CONFIG).write_text(yaml.safe_dump(portable, sort_keys=False), encoding="utf-8")


def add(path: Path, folder: Path) -> None:
    """Put one more file or folder beside the rooms, where it can be imported.

    Raises:
        ValueError: if it is not there, or something of its name is there already.
    """
    if not path.exists():
        raise ValueError(f"{path} can't be shipped: it is not there")
    if (folder / path.name).exists():
        raise ValueError(
            f"{path} can't be shipped: the job has something named {path.name} already"
        )
    _copy(path, folder / path.name)


def zipped(folder: Path, archive: Path, limit: int) -> int:
    """Zip a job's folder; the same content gives the same bytes, so Ray takes it only once.

    Args:
        folder: what to pack.
        archive: the .zip to write.
        limit: bytes that Ray takes.

    Returns:
        Bytes of the archive.

    Raises:
        ValueError: if it would be larger than `limit`.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(folder)))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, out.open(entry, "w", force_zip64=True) as sink:
                    _pour(source.read, sink.write, lambda: _see(archive, limit, folder))
    size = archive.stat().st_size
    _refuse(size > limit, limit, folder)
    return size


def _ship_module(top: str, folder: Path) -> None:
    """One's own module, if it lies in the working directory."""
    for path in (Path.cwd() / f"{top}.py", Path.cwd() / top):
        if path.exists() and not (folder / path.name).exists():
            _copy(path, folder / path.name)


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, to, ignore=LEFT_OUT)
    else:
        shutil.copyfile(path, to)


def _pour(
    read: Callable[[int], bytes], write: Callable[[bytes], Any], see: Callable[[], None]
) -> None:
    while block := read(1 << 22):
        write(block)
        see()


def _see(archive: Path, limit: int, folder: Path) -> None:
    _refuse(archive.stat().st_size > limit, limit, folder)


def _refuse(too_large: bool, limit: int, folder: Path) -> None:
    if not too_large:
        return
    sizes = {
        path.name: sum(one.stat().st_size for one in (path, *path.rglob("*")) if one.is_file())
        for path in [*folder.glob(f"{DATA}/*"), *folder.iterdir()]
        if path.name not in (DATA, "lessonplan")
    }
    largest = max(sizes, key=lambda name: sizes[name])
    raise ValueError(
        f"what the job needs is larger than the {limit >> 20} MiB that Ray takes as an upload "
        f"({largest.partition('-')[2] or largest} is {sizes[largest] / 2**20:,.0f} MiB); put it on "
        "storage that this machine and the cluster see under the same path, and name that folder "
        "with --shared"
    )
