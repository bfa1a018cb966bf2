"""One report over all pairs of a sweep: ordinary run directories are made from those of pairs.

Pairs that differ only in teacher and teacher seed have the same students and stand in one
comparison. Nothing is computed here: files are linked together, and `write_report` reads them.
"""

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..common.files import read_json, write_json, write_whole
from ..config.config import RuleSection
from ..config.loading import write_config
from ..config.sweeps import read_stored_sweep
from ..store.cards import TeacherCard, mean_card, read_cards, write_card
from ..store.layout import RunDir, SweepDir, resume_job
from ..store.schedule import all_parts
from ..trial.cards import write_teacher_cards
from .naming import cut, folder, resume_command
from .pairs import Pair, by_setting, merged_config, pairs_of


def run_dirs_of(path: Path) -> list[Path]:
    """A run directory itself; of a sweep directory the run directories that pairs are merged to."""
    return merged_runs(path) if SweepDir(path).sweep.exists() else [path]


def merged_runs(sweep_dir: Path) -> list[Path]:
    """Make run directories from those of the pairs, one for each setting of students and suite.

    Raises:
        ValueError: if no pair has begun yet, or it is the sweep of a tuning.
    """
    sweep, files = read_stored_sweep(sweep_dir), SweepDir(sweep_dir)
    if sweep.purpose == "tune":
        raise ValueError(
            f"{sweep_dir} holds the candidates of a tuning, which are not compared; its best "
            f"parameters are in {files.best}"
        )
    runs = []
    for setting, pairs in by_setting(pairs_of(sweep)).items():
        if any(files.run_dir(pair.name).has_begun for pair in pairs):
            target = files.merged_run(cut(setting.replace(" ", "_")) or folder(sweep.name))
            _merge(files, pairs, target)
            runs.append(target.path)
    if not runs:
        way = resume_job(files.job) if files.job else resume_command(sweep_dir)
        raise ValueError(f"no pair of {sweep_dir} has begun yet; go on with {way}")
    return runs


def _merge(files: SweepDir, pairs: Sequence[Pair], target: RunDir) -> None:
    """Make one run directory from those of pairs of one setting."""
    # What was merged before may hold parts that a resumed pair has written again.
    shutil.rmtree(target.path, ignore_errors=True)
    config = merged_config(pairs)
    sources = {pair.name: files.run_dir(pair.name) for pair in pairs}
    ready = [source for source in sources.values() if source.has_begun]
    environment = read_json(ready[0].environment)
    environment["seeds"] = config.seeds.model_dump()
    environment["missing"] = [
        f"the pair {name} has not ended" for name, source in sources.items() if not source.is_done
    ]
    for source in ready:
        _link(source, target)
    _write_cards(files, pairs, target)
    write_whole(target.config, lambda aside: write_config(config, aside))
    write_json(target.environment, environment)


def _link(source: RunDir, target: RunDir) -> None:
    """Link what was recorded; copies where there are no links."""
    for file in [*all_parts(source.schedule), *source.results()]:
        place = target.path / file.relative_to(source.path)
        write_whole(place, partial(_linked, file))


def _is_of_own_rule(pair: Pair) -> bool:
    """Whether a card would say what a rule of one's own is, of which nothing is run for a report.

    Nothing was recorded that would need its card.
    """
    teacher = pair.config.teachers[0]
    return isinstance(teacher, RuleSection) and ":" in teacher.rule


def _linked(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def _write_cards(files: SweepDir, pairs: Sequence[Pair], target: RunDir) -> None:
    """Cards of all teachers; over teacher seeds costs are means, and so is what was selected by."""
    cards: dict[str, dict[int, TeacherCard]] = {}
    for pair in pairs:
        source = files.run_dir(pair.name)
        if not source.has_begun:
            if not _is_of_own_rule(pair):
                write_teacher_cards(pair.config, target.path)
            continue
        for name, card in read_cards(source.path).items():
            cards.setdefault(name, {})[pair.seed] = card
    for of_seeds in cards.values():
        write_card(target.path, mean_card(of_seeds))
