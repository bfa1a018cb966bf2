"""Cells of evidence: what was costly of a run, kept beside its results, and taken up by another.

Tuning a rule, training a teacher and selecting leave a few kilobytes each. With them in a checkout
a run is gone on with on any machine, and each of them can be done again and compared. Of a tuning
that is not at its end what was tried so far is kept. What report students did is not kept: it is
large, and soon done again.
"""

import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lessonplan.student import TaskSuite

from .common.files import locked, read_checkpoint, write_checkpoint, write_json, write_whole
from .common.sentences import say
from .config.config import Config
from .store.layout import RunDir
from .trial.candidates import best_candidate
from .trial.trial import prepare, work_alone
from .trial.units import Unit, plan

_KINDS = ("tune", "train", "select")
_UNFINISHED = "unfinished"
"""Folder among the cells, of what tunings have tried that are not at their end."""
_REPORTED = ("report", "report_fold")
"""Of seeds: how many students are reported, and from which range."""
_CLOSE = 0.1
"""Largest relative difference of a cost that was got on another kind of processor."""


def kept_units(config: Config) -> list[Unit]:
    """Units of a config that leave a cell."""
    return [unit for unit in plan(config) if unit.kind in _KINDS]


def keep(config: Config, run_dir: Path, folder: Path, checkout: Path) -> int:
    """Keep the cells of all units that are done; those of units that there are no more go.

    Args:
        config: of the run.
        run_dir: of it.
        folder: gets the cells, each under its name in a run directory.
        checkout: whose path is left out of them.

    Returns:
        How many were kept.
    """
    units = kept_units(config)
    done = [unit for unit in units if unit.is_done(run_dir)]
    for unit in done:
        _copy_beside(unit, run_dir, folder)
        _write(unit.file(folder), seen_from(checkout, checkout, _read(unit.file(run_dir))))
    known = {file for unit in units for file in (unit.file(folder), *_beside(unit, folder))}
    for unit in units:
        if unit.kind == "tune" and unit not in done:
            _keep_unfinished(unit, run_dir, folder, checkout)
            known.add(_unfinished(unit, folder))
    for file in folder.rglob("*"):
        if file.is_file() and file not in known:
            file.unlink()
    return len(done)


def names_of(config: Config, folder: Path, checkout: Path) -> set[str]:
    """Names of the units of a config whose cells belong to it.

    Args:
        config: of the run.
        folder: where cells were kept.
        checkout: whose path was left out of them.
    """
    units = [unit for unit in kept_units(config) if unit.file(folder).exists()]
    return {unit.name for unit in units if _fits(unit, unit.file(folder), checkout)}


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
        if unit.file(run_dir).exists():
            continue
        cell, unfinished = unit.file(folder), _unfinished(unit, folder)
        if cell.exists() and _fits(unit, cell, checkout):
            _take(unit, run_dir, folder)
        elif unfinished.exists() and _fits(unit, unfinished, checkout):
            checkpoint, kept = RunDir(run_dir).checkpoint(unit.name), _read(unfinished)
            if _tried(kept) > _tried(read_checkpoint(checkpoint)):
                write_checkpoint(checkpoint, kept | {"belongs_to": unit.belongs_to})
        elif cell.exists() or unfinished.exists():
            others += 1
    if others:
        which = "1 cell belongs" if others == 1 else f"{others} cells belong"
        say(f"{config.name}: {which} to other settings; that is done again")


def repeat(
    config: Config,
    names: Sequence[str],
    run_dir: Path,
    folder: Path,
    checkout: Path,
    suite: TaskSuite,
) -> list[str]:
    """Do units again, and compare them with their cells; what they go on from is taken as it is.

    Args:
        config: of the run.
        names: of its units.
        run_dir: new, or of an earlier repetition.
        folder: where cells were kept.
        checkout: whose path was left out of them.
        suite: of the config.

    Returns:
        A sentence for each: that its numbers are the same, or how far its cost is from that which
        is stored.

    Raises:
        ValueError: if there is no such cell, or it belongs to other settings.
    """
    there = names_of(config, folder, checkout)
    units = {unit.name: unit for unit in kept_units(config) if unit.name in there}
    if missing := [name for name in names if name not in units]:
        has = ", ".join(units) or "none yet"
        raise ValueError(f"{config.name} has no cell {missing[0]}; it has {has}")
    if not RunDir(run_dir).config.exists():
        prepare(config, suite, run_dir, resume=False)
    before = {name for one in names for name in units[one].after} - set(names)
    with locked(run_dir):
        for name in before & units.keys():
            _take(units[name], run_dir, folder)
        again = [units[name] for name in names if not units[name].is_done(run_dir)]
        again.sort(key=lambda unit: -unit.weight)
        done = before | {name for name in names if units[name] not in again}
        work_alone(again, done, config, suite, run_dir, lambda *_: None)
    said = []
    for name in names:
        was, now = (_numbers(units[name], place, checkout) for place in (folder, run_dir))
        said.append(f"{config.name}, {name}: {_compared(was, now)}")
    return said


def differs(sentence: str) -> bool:
    """Whether a sentence of `repeat` tells of more than another kind of processor would explain."""
    return sentence.endswith("too far")


def seen_from(folder: Path, checkout: Path, value: Any) -> Any:
    """A value with the paths in it that lie in a checkout as they are from a folder."""
    if isinstance(value, dict):
        return {key: seen_from(folder, checkout, one) for key, one in value.items()}
    if isinstance(value, list):
        return [seen_from(folder, checkout, one) for one in value]
    if isinstance(value, str) and value.startswith(f"{checkout}{os.sep}"):
        return Path(os.path.relpath(value, folder)).as_posix()
    return value


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
        return float(result["selection"][best_candidate(result)])
    return float(result["selection_cost"])


def _numbers(unit: Unit, place: Path, checkout: Path) -> dict[str, Any]:
    """What a unit returned, without times and without what it belongs to."""
    values = seen_from(checkout, checkout, _read(unit.file(place)))
    return {key: x for key, x in values.items() if key not in ("wall_seconds", "belongs_to")}


def _fits(unit: Unit, cell: Path, checkout: Path) -> bool:
    """Whether a cell belongs to the unit as it is now, whoever is reported."""
    own = json.loads(json.dumps(seen_from(checkout, checkout, unit.belongs_to)))
    return _unreported(_read(cell).get("belongs_to", {})) == _unreported(own)


def _unreported(belongs_to: dict[str, Any]) -> dict[str, Any]:
    """The same without the report students, whom no cell has met."""
    seeds = belongs_to.get("seeds", {})
    kept = {key: value for key, value in seeds.items() if key not in _REPORTED}
    return belongs_to | {"seeds": kept}


def _unfinished(unit: Unit, folder: Path) -> Path:
    """Where it is kept among the cells what a tuning has tried."""
    return folder / _UNFINISHED / f"{unit.name}.json"


def _keep_unfinished(unit: Unit, run_dir: Path, folder: Path, checkout: Path) -> None:
    """Keep what a tuning has tried, unless as much is kept already."""
    target = _unfinished(unit, folder)
    try:
        state = read_checkpoint(RunDir(run_dir).checkpoint(unit.name))
    except ValueError as error:
        say(f"nothing is kept of {unit.name}: {error}")
        return
    before = _read(target) if target.exists() and _fits(unit, target, checkout) else None
    if state is not None and _tried(state) > _tried(before):
        _write(target, seen_from(checkout, checkout, state))


def _tried(state: dict[str, Any] | None) -> int:
    """How many settings a tuning has tried, those of its end once more; -1 without a state."""
    return -1 if state is None else len(state["tried"]) + len(state["finals"])


def _take(unit: Unit, run_dir: Path, folder: Path) -> None:
    """Put a cell into a run directory; the file that says it is done comes last."""
    _copy_beside(unit, folder, run_dir)
    # With paths as they are here.
    write_json(unit.file(run_dir), _read(unit.file(folder)) | {"belongs_to": unit.belongs_to})


def _copy_beside(unit: Unit, source: Path, place: Path) -> None:
    for file in _beside(unit, source):
        target = place / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, partial(_copy, file))


def _beside(unit: Unit, place: Path) -> Iterator[Path]:
    """Files that a unit left beside its own."""
    if unit.kind == "train":
        files, of = RunDir(place), (unit.teacher, unit.seed)
        for file in (
            files.teacher_zip(*of), files.training_log(*of), files.learned_schedules(*of)
        ):  # fmt: skip
            if file.exists():
                yield file


def _read(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, value)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
