"""A whole trial, top to bottom: teachers teach students, and what came of it is written down.

Read this file first. A trial is a list of units (tune a rule, train a teacher, report a teacher);
each leaves a file in the run directory when it is done, so a trial that was killed is resumed by
doing what is missing. The numbers at the end are computed from those files alone.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lessonplan.student import TaskSuite

from ..assembly.sharing import lent
from ..assembly.taken_teachers import take_teacher
from ..common.files import locked, read_json, remove_leftovers, write_json, write_whole
from ..common.sentences import say
from ..common.trust import take_for_strange, trusting
from ..common.watch import Watch, nowhere
from ..config.config import Config, LearnedSection
from ..config.loading import read_config, write_config
from ..report.report import write_report
from ..store.layout import RunDir
from .cards import write_teacher_cards
from .checking import check
from .crew import Crew, worker_command
from .environment import environment_of, own_code
from .units import Unit, do, plan, see_that_it_can_go_on


def run_trial(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    watch: Watch = nowhere,
    suite: TaskSuite | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Run an experiment and write its run directory.

    Modules that the config names are imported if they lie in the working directory or in the folder
    of a config that was named to `read_config`; never from the run directory.

    Args:
        config: what to do.
        out: the run directory; must be new or empty unless `resume`.
        resume: go on with a run that was interrupted; its config must be the same.
        watch: told how far each unit is.
        suite: what `check` has made of the config, where that was done already.
        trust: import all modules that the config names, and open files that have to be unpickled.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        ValueError: for input that can't be used, before any work starts; also when another
            process is working on the run directory.
        WorkFailedError: when a unit fails; what is done is kept, and the run can be resumed.
    """
    run_dir = Path(out).resolve()
    take_for_strange(run_dir)
    with trusting(trust):
        suite = suite or check(config)
        see_that_it_fits(config, run_dir, resume)
        with locked(run_dir):
            prepare(config, suite, run_dir, resume)
            write_teacher_cards(config, run_dir)
            work(config, suite, run_dir, watch)
            write_teacher_cards(config, run_dir)
            return write_report([run_dir], run_dir)


def work(config: Config, suite: TaskSuite, run_dir: Path, watch: Watch) -> None:
    """Do all units that are not done."""
    units = plan(config)
    for unit in units:
        if damage := unit.damage(run_dir):
            say(f"{damage}; {unit.name} is done again")
            unit.file(run_dir).unlink()
    remaining = [unit for unit in units if unit.result(run_dir) is None]
    see_that_it_can_go_on(config, remaining)
    done = {unit.name for unit in units} - {unit.name for unit in remaining}
    workers = config.workers or os.cpu_count() or 1
    if workers == 1:
        work_alone(remaining, done, config, suite, run_dir, watch)
        return
    with lent(config, suite, RunDir(run_dir).checkpoints) as file:
        inherited = [] if file is None else [file]
        command = partial(worker_command, suite=file)
        Crew(run_dir, workers, watch, command, inherited).work(remaining, done)


def work_alone(
    units: list[Unit],
    done: set[str],
    config: Config,
    suite: TaskSuite,
    run_dir: Path,
    watch: Watch,
) -> None:
    """Do all units in this process, each after those that it needs."""
    threads = torch.get_num_threads()
    # The last bit of a product depends on the threads; all results are those of one thread.
    torch.set_num_threads(1)
    try:
        while units:
            unit = next(unit for unit in units if done.issuperset(unit.after))
            do(unit, config, suite, run_dir, _about(unit, watch))
            watch(unit.name, 1.0, "done")
            units.remove(unit)
            done.add(unit.name)
    finally:
        torch.set_num_threads(threads)


def prepare(config: Config, suite: TaskSuite, run_dir: Path, resume: bool) -> None:
    """Make the run directory, or see that it fits; config.yaml comes last and makes it a run."""
    see_that_it_fits(config, run_dir, resume)
    files = RunDir(run_dir)
    facts = None if resume and files.has_begun else environment_of(config, suite)
    if facts is None:
        for sentence in changes_of_code(config, files):
            say(sentence)
    files.checkpoints.mkdir(parents=True, exist_ok=True)
    remove_leftovers(run_dir)
    files.earlier_suite.unlink(missing_ok=True)
    if facts is not None:
        write_json(files.environment, facts)
    if not resume:
        for place in (files.first_config, files.config):
            write_whole(place, lambda aside: write_config(config, aside))
    # Last: what was made before a kill must not look like the run of somebody else.
    for teacher in config.teachers:
        if isinstance(teacher, LearnedSection) and teacher.origin:
            take_teacher(teacher, files, config.seeds.teacher)


def changes_of_code(config: Config, files: RunDir) -> list[str]:
    """A sentence for each file of one's own code that changed since a run was begun.

    Results from before and after the change stand side by side in it.
    """
    code, begun = own_code(config), read_json(files.environment).get("modules", {})
    return [
        f"{facts['file']} is not what it was when the run was begun; what is done stays, the rest "
        "is done with what is there now (begin a new run to have all of it so)"
        for module, facts in begun.items()
        if facts["sha256"] != code.get(module, {}).get("sha256")
    ]


def see_that_it_fits(config: Config, run_dir: Path, resume: bool) -> None:
    """Change nothing, but refuse a run directory that can't be used.

    Raises:
        ValueError: if it is not new, or, to `resume`, not one of this config.
    """
    files = RunDir(run_dir)
    files.see_that_nothing_leads_out()
    latest, first = files.config, files.first_config
    if resume:
        if not latest.exists():
            raise ValueError(f"{run_dir} can't be resumed: it holds no {latest.name}")
        if _content(read_config(latest, begun=True)) != _content(config):
            raise ValueError(f"{run_dir} was begun with another config; resume it without changes")
        if first.exists() and _results(read_config(first, begun=True)) != _results(config):
            raise ValueError(
                f"{latest} was changed since the run was begun; copy {first} over it to go on, or "
                "begin a new run with --out"
            )
    elif not files.is_new:
        raise ValueError(
            f"{run_dir} is not empty; name a new folder with --out, or go on with --resume"
        )


def _content(config: Config) -> dict[str, Any]:
    """The config without the folders of one's own code, which may have been moved."""
    values = config.model_dump(mode="json", exclude={"modules"})
    for teacher in values["teachers"]:
        for course in teacher.get("courses", ()):
            del course["modules"]
    return values


def _results(config: Config) -> dict[str, Any]:
    """The config without what changes no number."""
    return _content(config.model_copy(update={"workers": 0, "checkpoint_seconds": 1.0}))


def _about(unit: Unit, watch: Watch) -> Callable[[float, str], None]:
    return lambda fraction, words: watch(unit.name, fraction, words)
