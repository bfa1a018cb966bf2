"""Suites from Hugging Face datasets on disk, as `save_to_disk` writes them.

A folder is a `Dataset`, a `DatasetDict`, or holds folders that are one of these. A row has the
columns `prompt` or `text`, and `answer`, `label` (text or a `ClassLabel`) or `messages`, and
`choices`, `task`, `split`, `difficulty` and so on where there are any; `records` says what each
means. A row that names no task belongs to the one that is called like the folder of its dataset.
Other columns, and cells without a value, are left out.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..contract.tasks import TaskSuite
from ..text.wording import PROMPT
from .reading.places import Place
from .records import KEYS, Written, take
from .suite import Writing, corpus_suite

_SPLITS = {
    "train": None,
    "validation": "probe",
    "valid": "probe",
    "val": "probe",
    "dev": "probe",
    "probe": "probe",
    "test": "test",
    "stress": "stress",
}
"""What a split is here. Rows of `train` are open, so that a split that is not there can be cut from
them, and a prompt that is held out is never trained on."""

_MARKS = {"dataset_dict.json": True, "state.json": False}
"""The file by which a folder is known, and whether it has splits."""


def dataset(
    path: str | Path,
    held_out: float = 0.1,
    tokenizer: str = "",
    chat: bool = False,
    template: str = PROMPT,
    max_tokens: int | None = None,
    stress: str = "noise",
    classify: bool = False,
    per_token: bool = False,
    score: Callable[[str, Any], float] | None = None,
) -> TaskSuite:
    """The suite that Hugging Face datasets on disk describe.

    Splits `validation`, `valid`, `val` and `dev` are `probe`, and `test` and `stress` what they are
    called. `probe` and `test` are cut from `train` where they are missing, and a row of `train`
    whose prompt is in another split goes there. All else is as in `jsonl`.

    Args:
        path: a folder that `save_to_disk` wrote, or one that holds such folders.
        held_out: see `jsonl`, as for all that follow.
        tokenizer: see there.
        chat: see there.
        template: see there.
        max_tokens: see there.
        stress: see there.
        classify: see there.
        per_token: see there.
        score: see there; it gets the row.

    Raises:
        ModuleNotFoundError: if datasets is not installed.
        ValueError: for what is not as described, with folder and row.
    """
    writing = Writing(
        held_out, tokenizer, chat, template, max_tokens, stress, classify, per_token, score
    )
    library = _library()
    tasks: dict[str, Written] = {}
    path = Path(path)
    for folder in _folders(path):
        for place, record in _records(library, folder):
            take(tasks, record, place, folder.resolve().name, bool(tokenizer), chat)
    if not tasks:
        raise ValueError(f"the datasets in {path} have no rows")
    return corpus_suite(path.resolve().name, tasks, writing)


def _library() -> Any:
    try:
        return import_module("datasets")
    except ImportError:
        raise ModuleNotFoundError(
            'suites from Hugging Face datasets need datasets, run pip install "lessonplan[hf]"'
        ) from None


def _folders(path: Path) -> list[Path]:
    """Every dataset in a folder, by name; the folder itself if it is one."""
    if not path.is_dir():
        raise ValueError(f"{path} is no folder; give one that Dataset.save_to_disk wrote")
    if _is_dataset(path):
        return [path]
    folders = sorted(folder for folder in path.iterdir() if _is_dataset(folder))
    if not folders:
        raise ValueError(
            f"the folder {path} is no dataset and has none in it; give one that "
            "Dataset.save_to_disk wrote, or one that holds such folders"
        )
    return folders


def _is_dataset(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in _MARKS)


def _records(library: Any, folder: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every row as a record, with where it stands."""
    try:
        loaded = library.load_from_disk(str(folder))
    except Exception as error:
        # Of many kinds: a missing file, broken JSON, a table that arrow can't read.
        raise ValueError(f"the dataset in {folder} can't be read: {error}") from error
    parts = dict(loaded) if isinstance(loaded, library.DatasetDict) else {"": loaded}
    for name, table in parts.items():
        split = _split(name, f"the dataset in {folder}") if name else None
        names = _class_names(library, table, folder)
        for number, row in enumerate(table):
            place = Place(folder / name, number, "row")
            yield place, _record(row, split, names, place)


def _split(name: str, where: str) -> str | None:
    if name not in _SPLITS:
        raise ValueError(
            f"{where} has the split {name!r}; they may be {', '.join(_SPLITS)}; rename or drop it"
        )
    return _SPLITS[name]


def _class_names(library: Any, table: Any, folder: Path) -> dict[str, list[str]]:
    """Names of the classes in each column that stores their numbers."""
    columns = set(table.column_names)
    asks, answers = {"prompt", "text"} & columns, {"answer", "label"} & columns
    if "messages" not in columns and not (asks and answers):
        raise ValueError(
            f"the dataset in {folder} has the columns {', '.join(table.column_names)}; it needs "
            "messages, or prompt (or text) with answer or label: rename them with "
            "Dataset.rename_column"
        )
    return {
        column: feature.names
        for column, feature in table.features.items()
        if isinstance(feature, library.ClassLabel)
    }


def _record(
    row: dict[str, Any], split: str | None, names: dict[str, list[str]], place: Place
) -> dict[str, Any]:
    record = {key: value for key, value in row.items() if key in KEYS and value is not None}
    if "prompt" not in record and row.get("text") is not None:
        record["prompt"] = row["text"]
    for key in record.keys() & names.keys():
        if not 0 <= record[key] < len(names[key]):
            raise ValueError(
                f"{place}: {key!r} is {record[key]}, which is none of the {len(names[key])} "
                "classes; leave out rows without a class"
            )
        record[key] = names[key][record[key]]
    if "split" in record:
        split = _split(str(record.pop("split")), str(place))
    return record if split is None else record | {"split": split}
