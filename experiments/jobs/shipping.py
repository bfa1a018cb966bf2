"""What a job ships beside the rooms: its config, the data that it names, one's own modules."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..cluster.staging import LEFT_OUT
from ..common.own_code.imports import own_files
from ..common.yaml_values import yaml_text
from ..config.own_names import folders_of, own_modules_in
from .shipped import BROUGHT, CONFIG, DATA, SHIPPED, each_text


def ship(values: dict[str, Any], folder: Path, shared: Sequence[Path] = ()) -> None:
    """Put a config and everything on this machine that it names into a folder.

    What it names are absolute paths of files and folders that are there, and the modules of parts
    written `module:name`, from the folders of `modules` in the config, with what these import from
    there.

    Args:
        values: of a run or a sweep, with absolute paths.
        folder: the job's, with the staged rooms.
        shared: folders that the cluster sees under the same path; what is in them stays there.
    """
    places: dict[Path, str] = {}
    values = _ship_modules(values, folder, shared)

    def place(text: str) -> str:
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
    (folder / CONFIG).write_text(yaml_text(portable), encoding="utf-8")


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


def _ship_modules(values: dict[str, Any], folder: Path, shared: Sequence[Path]) -> dict[str, Any]:
    """Put one's own modules beside the rooms; the values then name the folder that they will be in.

    Of folders that the cluster sees nothing is sent.
    """
    places = folders_of(values)
    there = [one for one in places if any(Path(one).is_relative_to(r.resolve()) for r in shared)]
    for module, file in own_files(own_modules_in(values), places).items():
        top = module.partition(".")[0]
        if any(file.is_relative_to(one) for one in there):
            continue
        root = file.parents[module.count(".") + (file.name == "__init__.py")]
        source = root / top if (root / top).is_dir() else root / f"{top}.py"
        if not (folder / source.name).exists():
            _copy(source, folder / source.name)
    return values if len(there) == len(places) else _with_folders(values, [*there, BROUGHT])


def _with_folders(values: Any, folders: list[str]) -> Any:
    """The same values with these folders wherever there are some."""
    if isinstance(values, dict):
        return {
            key: folders
            if (key, bool(inner)) == ("modules", True) and "student" in values
            else _with_folders(inner, folders)
            for key, inner in values.items()
        }
    return [_with_folders(one, folders) for one in values] if isinstance(values, list) else values


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
