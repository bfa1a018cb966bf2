"""Cells of evidence: what was costly of a run, kept beside its results, and taken up by another.

Tuning a rule, training a teacher and selecting leave a few kilobytes each. With them in a checkout
a run is gone on with on any machine, and each of them can be done again and compared. What report
students did is not kept: it is large, and soon done again.
"""

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lessonplan.student import TaskSuite

from .common.files import write_whole
from .common.sentences import say
from .config.config import Config
from .store.layout import RunDir
from .trial.trial import prepare
from .trial.units import Unit, do, plan

_KINDS = ("tune", "train", "select")
_CLOSE = 0.1
"""Largest relative difference of a cost that was got on another kind of processor."""


def kept_units(config: Config) -> list[Unit]:
    """Units of a config that leave a cell."""
    return [unit for unit in plan(config) if unit.kind in _KINDS]


def keep(config: Config, run_dir: Path, folder: Path, checkout: Path) -> int:
    """Keep the cells of all units that are done, and no others.

    Args:
        config: of the run.
        run_dir: of it.
        folder: gets the cells, each under its name in a run directory.
        checkout: whose path is left out of them.

    Returns:
        How many there are now.
    """
    found: set[Path] = set()
    done = [unit for unit in kept_units(config) if unit.is_done(run_dir)]
    for unit in done:
        for file in _files(unit, run_dir):
            target = folder / file.relative_to(run_dir)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, partial(_copy_without, file, f"{checkout}/"))
            found.add(target)
    for file in folder.rglob("*"):
        if file.is_file() and file not in found:
            file.unlink()
    return len(done)


def take_up(config: Config, run_dir: Path, folder: Path, checkout: Path) -> None:
    """Let a run that was prepared go on from cells that belong to it; says how many do not.

    Args:
        config: of the run.
        run_dir: of it; what is done there already stays.
        folder: where cells were kept.
        checkout: whose path was left out of them.
    """
    others = 0
    for unit in kept_units(config):
        kept = unit.file(folder)
        if not kept.exists() or unit.file(run_dir).exists():
            continue
        if not _fits(unit, kept, checkout):
            others += 1
            continue
        # The file that says it is done comes last.
        for file in reversed(_files(unit, folder)):
            target = run_dir / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, partial(_copy, file))
    if others:
        which = "1 cell belongs" if others == 1 else f"{others} cells belong"
        say(f"{config.name}: {which} to other settings; that is done again")


def repeat(
    config: Config, names: Sequence[str], run_dir: Path, folder: Path, suite: TaskSuite
) -> list[str]:
    """Do units again, in a new run directory, and compare them with their cells.

    Args:
        config: of the run.
        names: of its units.
        run_dir: new, or of an earlier repetition.
        folder: where cells were kept.
        suite: of the config.

    Returns:
        A sentence for each: that its numbers are the same, or how far its cost is from that which
        is stored.

    Raises:
        ValueError: if there is no such cell.
    """
    units = {unit.name: unit for unit in kept_units(config) if unit.file(folder).exists()}
    if missing := [name for name in names if name not in units]:
        there = ", ".join(units) or "none yet"
        raise ValueError(f"{config.name} has no cell {missing[0]}; it has {there}")
    if not RunDir(run_dir).config.exists():
        prepare(config, suite, run_dir, resume=False)
    said = []
    for name in names:
        unit = units[name]
        if not unit.is_done(run_dir):
            do(unit, config, suite, run_dir)
        before, now = (_numbers(unit.file(place)) for place in (folder, run_dir))
        said.append(f"{config.name}, {name}: {_compared(before, now)}")
    return said


def differs(sentence: str) -> bool:
    """Whether a sentence of `repeat` tells of more than another kind of processor would explain."""
    return sentence.endswith("too far")


def _compared(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What became of the numbers of a unit, in words."""
    if before == now:
        return "the same numbers"
    was, found = _cost(before), _cost(now)
    words = f"other numbers, a cost of {found:,.0f} instead of {was:,.0f}"
    return words if math.isclose(was, found, rel_tol=_CLOSE) else f"{words}, which is too far"


def _cost(result: dict[str, Any]) -> float:
    """What the selection students took, with the candidate that was chosen."""
    if "selection" in result:
        return float(min(result["selection"]))
    return float(result["selection_cost"])


def _numbers(file: Path) -> dict[str, Any]:
    """What a unit returned, without times and without what it belongs to."""
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {key: x for key, x in values.items() if key not in ("wall_seconds", "belongs_to")}


def _fits(unit: Unit, kept: Path, checkout: Path) -> bool:
    """Whether a cell belongs to the unit as it is now."""
    own = json.dumps(unit.belongs_to).replace(f"{checkout}/", "")
    stored: Any = json.loads(kept.read_text(encoding="utf-8")).get("belongs_to")
    return bool(stored == json.loads(own))


def _files(unit: Unit, place: Path) -> list[Path]:
    """All that a unit has left in a run directory or among cells, its own file first."""
    return [unit.file(place), *(file for file in _beside(unit, RunDir(place)) if file.exists())]


def _beside(unit: Unit, files: RunDir) -> Iterator[Path]:
    if unit.kind == "train":
        yield files.teacher_zip(unit.teacher, unit.seed)
        yield files.training_log(unit.teacher, unit.seed)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _copy_without(source: Path, words: str, target: Path) -> None:
    """Copy a file; where it is text, without these words."""
    if source.suffix == ".zip":
        _copy(source, target)
    else:
        text = source.read_text(encoding="utf-8").replace(words, "")
        target.write_text(text, encoding="utf-8")
