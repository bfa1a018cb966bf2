"""One report over all pairs of a sweep: ordinary run directories are made from those of pairs.

Pairs that differ only in teacher and teacher seed have the same students and stand in one
comparison. Nothing is computed here: files are linked together, and `write_report` reads them.
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .files import write_json, write_whole
from .loading import write_config
from .sweep_config import read_stored_sweep
from .sweep_naming import cut
from .sweep_pairs import Pair, by_setting, merged_config, pairs_of
from .teacher_cards import write_teacher_cards

_COSTS = ("lifetimes", "compute", "student_steps", "wall_seconds")


def run_dirs_of(path: Path) -> list[Path]:
    """A run directory itself; of a sweep directory the run directories that pairs are merged to."""
    return merged_runs(path) if (path / "sweep.yaml").exists() else [path]


def merged_runs(sweep_dir: Path) -> list[Path]:
    """Make run directories from those of the pairs, one for each setting of students and suite.

    Raises:
        ValueError: if no pair has begun yet, or it is the sweep of a tuning.
    """
    sweep = read_stored_sweep(sweep_dir)
    if sweep.purpose == "tune":
        raise ValueError(
            f"{sweep_dir} holds the candidates of a tuning, which are not compared; its best "
            f"parameters are in {sweep_dir / 'best.yaml'}"
        )
    runs = []
    for setting, pairs in by_setting(pairs_of(sweep)).items():
        if any(_has_begun(sweep_dir, pair) for pair in pairs):
            target = sweep_dir / "merged" / (cut(setting.replace(" ", "_")) or sweep.name)
            _merge(sweep_dir, pairs, target)
            runs.append(target)
    if not runs:
        raise ValueError(f"no pair of {sweep_dir} has begun yet; go on with --resume {sweep_dir}")
    return runs


def is_done(sweep_dir: Path, pair: Pair) -> bool:
    """Whether the pair is whole, its report included."""
    return read_json(run_dir_of(sweep_dir, pair) / "summary.json").get("complete") is True


def read_json(file: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is not there or is not whole."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def run_dir_of(sweep_dir: Path, pair: Pair) -> Path:
    """Run directory of a pair."""
    return sweep_dir / "pairs" / pair.name


def _has_begun(sweep_dir: Path, pair: Pair) -> bool:
    return (run_dir_of(sweep_dir, pair) / "environment.json").exists()


def _merge(sweep_dir: Path, pairs: Sequence[Pair], target: Path) -> None:
    """Make one run directory from those of pairs of one setting."""
    # What was merged before may hold parts that a resumed pair has written again.
    shutil.rmtree(target, ignore_errors=True)
    config = merged_config(pairs)
    begun = [pair for pair in pairs if _has_begun(sweep_dir, pair)]
    environment = read_json(run_dir_of(sweep_dir, begun[0]) / "environment.json")
    environment["seeds"] = config.seeds.model_dump()
    environment["missing"] = [
        f"the pair {pair.name} has not ended" for pair in pairs if not is_done(sweep_dir, pair)
    ]
    for pair in begun:
        _link(run_dir_of(sweep_dir, pair), target)
    _write_cards(sweep_dir, pairs, target)
    write_whole(target / "config.yaml", lambda aside: write_config(config, aside))
    write_json(target / "environment.json", environment)


def _link(source: Path, target: Path) -> None:
    """Link what was recorded; copies where there are no links."""
    patterns = (
        "schedule/part-*.parquet",
        "teachers/*.zip",
        "training/*.jsonl",
        "checkpoint/*.json",
    )
    for pattern in patterns:
        for file in source.glob(pattern):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file, place)
            except OSError:
                shutil.copyfile(file, place)


def _write_cards(sweep_dir: Path, pairs: Sequence[Pair], target: Path) -> None:
    """Cards of all teachers; over teacher seeds costs are means, and so is what was selected by."""
    cards: dict[str, list[dict[str, Any]]] = {}
    for pair in pairs:
        if not _has_begun(sweep_dir, pair):
            write_teacher_cards(pair.config, target)
            continue
        for file in sorted((run_dir_of(sweep_dir, pair) / "teachers").glob("*.json")):
            card = json.loads(file.read_text(encoding="utf-8")) | {"seed": pair.seed}
            cards.setdefault(card["name"], []).append(card)
    for name, found in cards.items():
        card = dict(found[0])
        if any(one["parameters"] != card["parameters"] for one in found):
            # Each seed was tuned by itself.
            card["parameters"] = {f"seed {one['seed']}": one["parameters"] for one in found}
        del card["seed"]
        for kind in ("training", "tuning"):
            costs = [one[kind] for one in found if one[kind]]
            if costs:
                card[kind] = {key: _mean([cost[key] for cost in costs]) for key in _COSTS}
        selected = [one["selection_cost"] for one in found if one["selection_cost"] is not None]
        card["selection_cost"] = _mean(selected) if selected else None
        write_json(target / "teachers" / f"{name}.json", card)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
