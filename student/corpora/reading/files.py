"""Which files hold rows, of which task and split they are, and the rows themselves."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from os import listdir, walk
from pathlib import Path
from typing import TypeAlias

from .formats import (
    FORMATS,
    RawRow,
    arrow_rows,
    format_of,
    is_saved,
    json_rows,
    open_bytes,
    saved_rows,
    stem_of,
    table_rows,
)
from .naming import folder_name, read_names, without_shard
from .notices import ASIDE, DOUBTED, Notices
from .places import Place, shortened

_Reader: TypeAlias = Callable[[Path, Notices], Iterator[tuple[Place, RawRow]]]

READERS: dict[str, _Reader] = {
    ".jsonl": json_rows,
    ".ndjson": json_rows,
    ".json": json_rows,
    ".parquet": arrow_rows,
    ".arrow": arrow_rows,
    ".csv": table_rows,
    ".tsv": table_rows,
}
"""How each format is read."""

_FORMATS = f"{', '.join(FORMATS)}, each also as .gz"
_NO_ROWS = re.compile(
    r"(dataset_infos?|state|config|package(-lock)?|metadata|\w*_config|tokenizer"
    r"|special_tokens_map|vocab)\.json|cache-[0-9a-f]+\.arrow"
)
"""Files in a format that is read whose names tell that they describe others or are leftovers."""
_PARTS = "dataset_dict.json"
"""The file that lists the parts of a `DatasetDict`, each of which is a saved folder."""
_FOLD = re.compile(r"(cv|fold)[-_. ]?\d+", re.IGNORECASE)
_SHEETS = {".xlsx", ".xls", ".ods"}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


@dataclass(frozen=True)
class Source:
    """A file with rows, or a folder that `save_to_disk` wrote.

    Args:
        file: or folder.
        task: what a row belongs to that names no task.
        split: train, probe, test or stress where the name of file or folder says so.
    """

    file: Path
    task: str
    split: str | None


def sources(path: Path, notices: Notices) -> list[Source]:
    """What is to be read of a file or folder, files by name.

    Folders are read with all that are in them; what is hidden is left out.

    Args:
        path: what the user names.
        notices: get to know what is left aside, and which names are in doubt.

    Raises:
        ValueError: where nothing can be read, with what to do instead.
    """
    if not path.exists():
        raise ValueError(_missing_sentence(path))
    if path.name in ("", ".."):
        path = path.resolve()
    if not path.is_dir():
        _check_format(path)
    if not path.is_dir() or is_saved(path):
        return _named([path], path.parent, path.resolve().parent, notices)
    files, others = _below(path)
    if not files:
        raise ValueError(_empty_sentence(path, others))
    if others:
        kind = f"files left aside, they hold no rows that can be read ({_some(others)})"
        notices.count(kind, None, len(others), ASIDE)
    return _named(_in_one_format(files, notices), path, path.resolve(), notices)


def rows(source: Source, notices: Notices) -> Iterator[tuple[Place, RawRow]]:
    """The rows of a source as they stand there, with where.

    A row that can't be read comes as a `BadRowError`, to be raised or counted by whoever asks,
    and the next ones follow. Nothing is kept; only .json is read whole.

    Args:
        source: one of `sources`.
        notices: get to know of files without rows.

    Raises:
        ValueError: for a file that can't be read, with its name and the way out.
    """
    file = source.file
    read = saved_rows if file.is_dir() else READERS[format_of(file) or ".jsonl"]
    each = read(file, notices)
    first = next(each, None)
    if first is None:
        notices.count("files without a row", Place(file, 1))
        return
    yield first
    yield from each


def _below(path: Path) -> tuple[list[Path], list[Path]]:
    """Files and saved folders below a folder by name, and those that hold no rows."""
    files: list[Path] = []
    others: list[Path] = []
    visited: set[Path] = set()
    for folder_path, folders, inside in walk(path, followlinks=True):
        folder = Path(folder_path)
        if folder.resolve() in visited:
            folders.clear()
            continue
        visited.add(folder.resolve())
        if is_saved(folder):
            folders.clear()
            files.append(folder)
            continue
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        visible = (name for name in inside if not name.startswith(".") and name != _PARTS)
        for file in map(folder.joinpath, visible):
            readable = format_of(file) and file.is_file() and not _NO_ROWS.fullmatch(file.name)
            (files if readable else others).append(file)
    return sorted(files), sorted(others)


def _in_one_format(files: list[Path], notices: Notices) -> list[Path]:
    """The files, those of one name in the first of their formats only."""
    chosen: dict[tuple[Path, str], tuple[int, bool]] = {}
    keys = [(file.parent, without_shard(stem_of(file)).lower()) for file in files]
    ranks = [_rank(file) for file in files]
    for key, rank in zip(keys, ranks, strict=True):
        chosen[key] = min(chosen.get(key, rank), rank)
    left = [file for file, key, rank in zip(files, keys, ranks, strict=True) if rank != chosen[key]]
    if left:
        kind = f"files left aside, the same name is there in another format ({_some(left)})"
        notices.count(kind, None, len(left), DOUBTED)
    return [file for file in files if file not in set(left)]


def _rank(file: Path) -> tuple[int, bool]:
    """Place of a file's format among all; a saved folder's is the first."""
    name = format_of(file)
    return -1 if name is None else FORMATS.index(name), file.name.lower().endswith(".gz")


def _named(files: list[Path], root: Path, place: Path, notices: Notices) -> list[Source]:
    """Files with what their names say.

    Args:
        files: in order.
        root: the folder that they are in.
        place: the same in full, whose name is that of a task without another.
        notices: get to know which names are in doubt.
    """
    names = read_names([(file.relative_to(root).parts[:-1], stem_of(file)) for file in files])
    whole = folder_name(place.parts)
    pairs = list(zip(files, names, strict=True))
    spare = [file for file, name in pairs if name.spare]
    _check_folds([name.task for name in names if name.split], place)
    for kind, doubted in (
        ("left aside, files beside them are called by the split alone or hold its parts", spare),
        ("read as tasks of their own though a split's name is in theirs, as no train file goes "
         "with them", [file for file, name in pairs if name.doubtful]),
        ("joined with the one that is called train alone",
         [file for file, name in pairs if name.joined and not name.spare]),
    ):  # fmt: skip
        notices.count(f"files {kind} ({_some(doubted)})", None, len(doubted), DOUBTED)
    parents = {file.parent for file, name in pairs if name.split}
    # A saved dataset's other parts, such as `unsupervised`, are neither tasks nor splits of ours.
    idle = [
        file for file, name in pairs if not name.split and file.parent in parents and _is_part(file)
    ]
    if idle:
        kind = f"parts of saved datasets left aside, they are called like no split ({_some(idle)})"
        notices.count(kind, None, len(idle), DOUBTED)
    unread = {*idle, *spare}
    return [
        Source(file, name.task or whole, name.split) for file, name in pairs if file not in unread
    ]


def _check_folds(tasks: list[str], place: Path) -> None:
    """Refuse the folds of a cross-validation: each has the others' test rows to train on."""
    folds = sorted({task for task in tasks if _FOLD.fullmatch(task.rpartition("/")[2])})
    if len(folds) > 1 and len(folds) == len(set(tasks)):
        raise ValueError(
            f"{place} holds the folds of a cross-validation ({_listed(folds)}), which share their "
            f"rows; give one of them, such as {place / folds[0]}"
        )


def _is_part(file: Path) -> bool:
    return file.is_dir() and (file.parent / _PARTS).is_file()


def _some(files: list[Path]) -> str:
    return _listed(sorted({file.name for file in files}))


def _listed(names: list[str]) -> str:
    return shortened(", ".join(names[:3])) + (", ..." if len(names) > 3 else "")


def _check_format(file: Path) -> None:
    """A file of another name is read if its first line is a JSON object."""
    if format_of(file) is not None:
        return
    if not file.is_file():
        raise ValueError(f"{file} is a pipe or device; write what comes out of it to a file")
    suffix = file.suffix.lower()
    if suffix in _SHEETS:
        raise ValueError(f"{file} is a spreadsheet; save it as .csv, names of columns first")
    with open_bytes(file) as lines:
        first = next((line for line in lines if line.strip()), b"")
    try:
        is_object = isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise ValueError(
            f"{file} is {suffix or 'a file without a format'}, which has no columns; make it "
            ".jsonl, .csv or .tsv with a column for the prompt and one for the answer"
        )


def _missing_sentence(path: Path) -> str:
    name = str(path)
    if near := _nearest(path):
        return f"{path} does not exist; did you mean {near}?"
    is_file = format_of(path) is not None or re.fullmatch(r"\.[a-z]\w{1,5}", path.suffix)
    if is_file or not _HUB_ID.fullmatch(name):
        return f"{path} does not exist; give a file or folder of {', '.join(FORMATS)}"
    return (
        f"{name} is no file or folder here, and nothing is downloaded; type in Python "
        f'"from datasets import load_dataset" and "load_dataset({name!r}).save_to_disk('
        f'{path.name!r})", and then lessonplan run --data {path.name}'
    )


def _nearest(path: Path) -> Path | None:
    """What lies beside a path that is not there, and has nearly its name."""
    names = listdir(path.parent) if path.parent.is_dir() else []
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return path.with_name(close[0]) if close else None


def _empty_sentence(path: Path, others: list[Path]) -> str:
    there = f"only {_some(others)}" if others else "no files"
    return f"the folder {path} has {there}; what can be read is {_FORMATS}"
