"""Which split and which task files belong to, by their names and those of their folders.

`train.jsonl`, `train-00000-of-00012.parquet`, `test_000.csv` and folders called like a split are
splits; so are `NAME_train`, `NAME.dev` and `train_NAME` where other files bear it out, since
`test_taking` and `web_dev` are good names of tasks.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "probe",
    "valid": "probe",
    "val": "probe",
    "dev": "probe",
    "eval": "probe",
    "probe": "probe",
    "test": "test",
    "testing": "test",
    "stress": "stress",
}
"""What people call splits, in lower case, and what they are here."""

IDLE = {"data", "dataset", "default", "examples", "partial", "set", "split", "full", "task"}
"""Names that say nothing of what is in a file, beside a split or in a folder with a name."""
_TOTAL = {"all", "full", "whole", "complete", "combined", "merged", "total", "everything"}
"""Names of what was divided into the splits that lie beside it."""

_WORD = "|".join(SPLIT_NAMES)
_SHARD = re.compile(r"[-_.]\d+-of-\d+(-[0-9a-f]{8,})?$")
_NUMBER = re.compile(r"(part|shard|chunk)?[-_.]?\d+")
_WHOLE = re.compile(rf"({_WORD})([-_. ]+(data|dataset|set|split|full|v?\d[\d.]*))*", re.IGNORECASE)
_END = re.compile(rf"(.*[^-_. ])([-_. ]+)({_WORD})([-_.]\d+)?", re.IGNORECASE)
_BEGIN = re.compile(rf"({_WORD})([-_. ]+)(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class NamedFile:
    """What the name of one file says.

    Args:
        task: what it belongs to; empty for that which is called like the folder of all files.
        split: train, probe, test or stress, None where names don't say.
        doubtful: whether the name has the word of a split in it which was read as a task's.
        joined: whether a training set goes with another that is called by its split alone.
        spare: whether it is not to be read, since files beside it hold the same: another that is
            called by the split alone, or the splits of which it is the whole.
    """

    task: str
    split: str | None
    doubtful: bool = False
    joined: bool = False
    spare: bool = False


@dataclass(frozen=True)
class _Stem:
    """A name taken apart; `form` is "" where there is no split in it."""

    folders: tuple[str, ...]
    name: str
    split: str | None
    form: str = ""
    word: str = ""
    rest: str = ""
    separator: str = ""


def split_named(name: str) -> str | None:
    """The split that is called so, in any case; None where it is none."""
    return SPLIT_NAMES.get(name.strip().lower())


def without_shard(stem: str) -> str:
    """A stem without the number of its part, as in `train-00000-of-00012`."""
    return _SHARD.sub("", stem)


def read_names(names: Sequence[tuple[tuple[str, ...], str]]) -> list[NamedFile]:
    """What the names of files say that are given together.

    Args:
        names: of each file the folders from the one that was given down, and its stem.

    Returns:
        One `NamedFile` for each.
    """
    stems = [_taken_apart(folders, stem) for folders, stem in names]
    neighbours = defaultdict(list)
    for stem in stems:
        neighbours[stem.folders].append(stem)
    said = [_decided(stem, neighbours[stem.folders]) for stem in stems]
    shared = _shared([stem.folders for stem in stems])
    return [_with_folders(one, stem.folders, shared) for one, stem in zip(said, stems, strict=True)]


def _shared(folders: list[tuple[str, ...]]) -> int:
    """How many folders from the top all files have in common."""
    levels = zip(*folders, strict=False)
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))


def folder_name(folders: Sequence[str]) -> str:
    """The last of some folders that is not called like a split."""
    return next((name for name in reversed(folders) if split_named(name) is None), folders[-1])


def _is_idle(name: str) -> bool:
    return name.lower() in IDLE or split_named(name) is not None


def _taken_apart(folders: tuple[str, ...], stem: str) -> _Stem:
    above = next((split_named(name) for name in reversed(folders) if split_named(name)), None)
    folders = tuple(name for name in folders if split_named(name) is None)
    name = without_shard(stem)
    if whole := _WHOLE.fullmatch(name):
        return _Stem(folders, name, above, "whole", whole[1].lower())
    if (end := _END.fullmatch(name)) and split_named(end[1]) is None:
        return _Stem(folders, name, above, "end", end[3].lower(), end[1], end[2])
    if (begin := _BEGIN.fullmatch(name)) and split_named(begin[3]) is None:
        return _Stem(folders, name, above, "begin", begin[1].lower(), begin[3], begin[2])
    return _Stem(folders, name, above)


def _decided(stem: _Stem, neighbours: list[_Stem]) -> NamedFile:
    """Split and task of a stem by itself, by the names that stand beside it."""
    split = SPLIT_NAMES.get(stem.word)
    if stem.form == "whole":
        return NamedFile("", split)
    if stem.form == "end" and (split == stem.split or _ends_in_split(stem, neighbours)):
        bare = _trains(neighbours, "whole") and not _trains(neighbours, "end", stem.rest)
        if bare:
            return _of_folder(split, neighbours)
        return NamedFile("" if stem.rest.lower() in IDLE else stem.rest, split)
    if stem.form == "begin" and (split == stem.split or _begins_with_split(stem, neighbours)):
        paired = _paired(neighbours, "begin")
        # Beside train and test, those of the same name, such as train_hard and test_hard, differ.
        several = len(paired) > 1 or _trains(neighbours, "whole")
        if stem.split or (several and stem.rest in paired):
            return NamedFile(stem.rest, split)
        return _of_folder(split, neighbours)
    idle = stem.name.lower() in IDLE or _NUMBER.fullmatch(stem.name.lower())
    if stem.split and idle:
        return NamedFile("", stem.split)
    if (
        not stem.form
        and stem.name.lower() in _TOTAL
        and any(one.word == "train" for one in neighbours)
    ):
        return NamedFile(stem.name, None, spare=True)
    # A lone training set is trained on either way.
    doubtful = bool(stem.form) and split != "train" and stem.split is None
    return NamedFile(stem.name, stem.split, doubtful)


def _of_folder(split: str | None, neighbours: list[_Stem]) -> NamedFile:
    """A split of the folder's task whose name says more than that.

    An official test set stays as it is: nothing is added to it.
    """
    plain = any(one.form == "whole" and SPLIT_NAMES[one.word] == split for one in neighbours)
    return NamedFile("", split, joined=plain, spare=plain and split != "train")


def _ends_in_split(stem: _Stem, neighbours: list[_Stem]) -> bool:
    if stem.word == "train" or stem.separator == ".":
        return True
    if len(neighbours) > 1 and all(
        one.form == "end" and one.word == stem.word for one in neighbours
    ):
        return True
    if stem.rest in _paired(neighbours, "end", trained=False):
        return True
    plain = stem.word in ("test", "testing", "validation", "valid")
    return _trains(neighbours, "whole") or (plain and _trains(neighbours, "end"))


def _begins_with_split(stem: _Stem, neighbours: list[_Stem]) -> bool:
    if stem.rest in _paired(neighbours, "begin") or _trains(neighbours, "whole"):
        return True
    splits = {SPLIT_NAMES.get(one.word) for one in neighbours if one.form in ("whole", "begin")}
    alike = all(one.form in ("whole", "begin") for one in neighbours)
    return alike and "train" in splits and len(splits) > 1


def _trains(neighbours: list[_Stem], form: str, rest: str | None = None) -> bool:
    """Whether there is a training set of a form, and of a task where one is named."""
    return any(
        one.form == form and one.word == "train" and rest in (None, one.rest) for one in neighbours
    )


def _paired(neighbours: list[_Stem], form: str, trained: bool = True) -> set[str]:
    """Rests of names that stand with the words of two splits, where `trained` train is one."""
    splits = defaultdict(set)
    for one in neighbours:
        if one.form == form:
            splits[one.rest].add(SPLIT_NAMES[one.word])
    return {
        rest for rest, each in splits.items() if len(each) > 1 and ("train" in each or not trained)
    }


def _with_folders(named: NamedFile, folders: tuple[str, ...], shared: int) -> NamedFile:
    """The task's name with the folders that tell files apart in front."""
    telling = [name for name in folders[shared:] if not _is_idle(name)]
    task = "" if folders and named.task.lower() in IDLE else named.task
    parts = [*telling, *([task] if task else [])]
    if not parts:
        parts = [name for name in folders[:shared] if not _is_idle(name)][-1:]
    return replace(named, task="/".join(parts))
