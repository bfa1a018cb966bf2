"""The evidence: named configs are run one after the other, and what came of them is stored.

`python -m lessonplan.experiments.evidence --dry-run` says what all of them would take. Without it
each is run into a folder of its own, as `lessonplan run` does, and when one is whole its results
are put beside this file. It ends after so many minutes, and the same command goes on; cells that
ended are put there too, so that it goes on in any checkout that has them. With `--repeat` cells are
done again and compared with what is stored.
"""

import argparse
import contextlib
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from .assembly.build import build_suite
from .cells import differs, keep, names_of, repeat, seen_from, take_up
from .cli.bars import live_bars
from .cli.console import terminal
from .common.files import write_whole
from .common.sentences import say
from .common.watch import WorkFailedError
from .common.yaml_values import yaml_text
from .config.config import Config, LearnedSection
from .config.loading import config_names, read_config
from .dry_run.costs import duration, estimate
from .report.figures import schedule_picture
from .store.layout import RunDir
from .trial.checking import check
from .trial.trial import prepare, run_trial, see_that_it_fits
from .trial.units import Unit, plan

RESULTS = Path(__file__).parent / "results"
"""Of a checkout: a folder of each config, and what README shows."""
CELLS = "cells"
"""Folder of the cells of a config, among its results."""
PICTURES = {"quickstart": "schedule.png"}
"""Configs whose first learned teacher has its schedule in a picture, and where."""
_MEASURING_SECONDS = 16.0
_FAULTS = (ValueError, ImportError, OSError, WorkFailedError)


class _TimeIsUp(BaseException):
    """The minutes are over; as nothing else is, it is caught nowhere in between."""


def gather(configs: Sequence[str], folder: Path, minutes: float) -> bool:
    """Run what is not whole, and store what is.

    Args:
        configs: names or files.
        folder: where each has its run directory.
        minutes: after which it ends; what was begun is gone on with the next time.

    Returns:
        Whether all are whole.
    """
    whole = []
    try:
        with _at_most(60.0 * minutes):
            for name in configs:
                try:
                    _gather(read_config(name), folder)
                    whole.append(name)
                except _FAULTS as error:
                    say(f"{name}: {error}")
    except _TimeIsUp:
        say(f"{minutes:g} minutes are over; the same command goes on")
    print(f"{len(whole)} of {len(configs)} are whole")
    return len(whole) == len(configs)


def _gather(config: Config, folder: Path) -> None:
    """Run one config to its end, from where it is, and store it."""
    run_dir, cells = folder / config.name, RESULTS / config.name / CELLS
    suite = None
    if not RunDir(run_dir).config.exists():
        suite = check(config)
        prepare(config, suite, run_dir, resume=False)
    left = _left(config, run_dir)
    if left:
        take_up(config, run_dir, cells, RESULTS.parents[1])
        left = _left(config, run_dir)
    if left or not RunDir(run_dir).is_done:
        units = plan(config)
        bars = live_bars(terminal(), config.name, len(units), "units", len(units) - len(left))
        try:
            with bars as watch:
                run_trial(config, run_dir, resume=True, watch=watch, suite=suite)
        finally:
            if RESULTS.is_dir():
                keep(config, run_dir, cells, RESULTS.parents[1])
    if not RESULTS.is_dir():
        say(f"{run_dir} is whole, and stays there: this is no checkout, which has {RESULTS}")
        return
    store(config, run_dir, RESULTS)


def _kept(config: Config) -> set[str]:
    """Names of units of which a cell is stored."""
    return names_of(config, RESULTS / config.name / CELLS, RESULTS.parents[1])


def _left(config: Config, run_dir: Path) -> list[Unit]:
    """Units that are not done.

    Raises:
        ValueError: if the run directory is of another config.
    """
    if not RunDir(run_dir).config.exists():
        return plan(config)
    see_that_it_fits(config, run_dir, resume=True)
    return [unit for unit in plan(config) if not unit.is_done(run_dir)]


def store(config: Config, run_dir: Path, results: Path) -> None:
    """Put what is known of a whole run where results lie, with no path of this machine in it.

    Args:
        config: of the run.
        run_dir: of it.
        results: gets its folder, and its picture.
    """
    target, checkout = results / config.name, results.parents[1]
    target.mkdir(exist_ok=True)
    files = RunDir(run_dir)
    values = seen_from(target, checkout, config.model_dump(mode="json"))
    texts = {files.config.name: yaml_text(values)}
    for file in (files.environment, files.summary):
        texts[file.name] = file.read_text(encoding="utf-8").replace(f"{checkout}{os.sep}", "")
    for name, text in texts.items():
        write_whole(target / name, partial(_write, text))
    learned = [one.name for one in config.teachers if isinstance(one, LearnedSection)]
    if config.name in PICTURES and learned:
        schedule_picture(run_dir, learned[0], results / PICTURES[config.name])


def _write(text: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End what takes longer, wherever it is: all that it does can be gone on with."""
    if not hasattr(signal, "SIGALRM"):
        say("this system can't end it after some minutes; interrupt it, the same command goes on")
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def foretell(configs: Sequence[str], folder: Path) -> None:
    """Print what is left of each config, and what all that would take."""
    total = 0.0
    for name in configs:
        try:
            config = read_config(name)
            units, kept = plan(config), _kept(config)
            left = [one for one in _left(config, folder / config.name) if one.name not in kept]
            workers = config.workers or os.cpu_count() or 1
            seconds = 0.0
            if left:
                found = estimate(config, build_suite(config), _MEASURING_SECONDS, left)
                seconds = found.wall_seconds(workers)
        except _FAULTS as error:
            say(f"{name}: {error}")
            continue
        takes = "not measured" if math.isnan(seconds) else f"about {duration(seconds)}"
        said = f"{len(left)} of {len(units)} units are left, {takes}" if left else "is whole"
        print(f"{config.name}: {said}", flush=True)
        total += 0.0 if math.isnan(seconds) else seconds
    print(f"All that is left: about {duration(total)}")


def do_again(config: Config, names: Sequence[str], folder: Path) -> bool:
    """Do cells again, print what became of their numbers, and whether they are near enough."""
    run_dir, cells = folder / f"{config.name}-again", RESULTS / config.name / CELLS
    said = repeat(config, names, run_dir, cells, RESULTS.parents[1], check(config))
    print("\n".join(said))
    return not any(map(differs, said))


def main() -> None:
    """Read the options; the process exits with 1 where something is left to do, or differs."""
    parser = argparse.ArgumentParser(
        prog="python -m lessonplan.experiments.evidence", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all that ship")
    parser.add_argument("--minutes", type=float, default=30.0, help="after which it ends")
    parser.add_argument("--out", type=Path, default=Path("evidence"), help="of the run directories")
    parser.add_argument("--dry-run", action="store_true", help="only say what is left to do")
    parser.add_argument(
        "--repeat", nargs="+", metavar="CELL", help="do these of one NAME again, and compare"
    )
    options = parser.parse_args()
    if options.repeat and len(options.names) != 1:
        parser.error("--repeat takes cells of one config; write NAME --repeat CELL ...")
    if not 0.0 < options.minutes < math.inf:
        parser.error(f"--minutes must be a positive number, got {options.minutes}")
    names = options.names or list(config_names())
    folder = options.out.resolve()
    if options.repeat:
        same = False
        try:
            with _at_most(60.0 * options.minutes):
                same = do_again(read_config(names[0]), options.repeat, folder)
        except _TimeIsUp:
            say(f"{options.minutes:g} minutes are over; the same command goes on")
        except _FAULTS as error:
            parser.error(str(error))
        sys.exit(0 if same else 1)
    if options.dry_run:
        foretell(names, folder)
    elif not gather(names, folder, options.minutes):
        sys.exit(1)


if __name__ == "__main__":
    main()
