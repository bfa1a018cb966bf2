"""A whole trial, top to bottom: teachers teach students, and what came of it is written down.

Read this file first. A trial is a list of units (tune a rule, train a teacher, report a teacher);
each leaves a file in the run directory when it is done, so a trial that was killed is resumed by
doing what is missing. The numbers at the end are computed from those files alone.
"""

import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lessonplan.envs import Budget
from lessonplan.student import TaskSuite

from .build import build_room
from .check import check
from .config import Config
from .crew import Crew
from .files import locked, remove_leftovers, write_json, write_whole
from .loading import read_config, write_config
from .progress import Watch, nowhere
from .report import write_report
from .teacher_cards import write_teacher_cards
from .units import Unit, do, plan


def run_trial(
    config: Config, out: str | Path, *, resume: bool = False, watch: Watch = nowhere
) -> dict[str, Any]:
    """Run an experiment and write its run directory.

    Args:
        config: what to do.
        out: the run directory; must be new or empty unless `resume`.
        resume: go on with a run that was interrupted; its config must be the same.
        watch: told how far each unit is.

    Returns:
        The summary, as in `summary.json`.

    Raises:
        ValueError: for input that can't be used, before any work starts; also when another
            process is working on the run directory.
        WorkFailedError: when a unit fails; what is done is kept, and the run can be resumed.
    """
    run_dir = Path(out).resolve()
    suite = check(config)
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
    left = [unit for unit in units if unit.result(run_dir) is None]
    done = {unit.name for unit in units} - {unit.name for unit in left}
    workers = config.workers or os.cpu_count() or 1
    if workers == 1:
        work_alone(left, done, config, suite, run_dir, watch)
    else:
        Crew(run_dir, workers, watch).work(left, done)


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
    described = run_dir / "environment.json"
    facts = None if resume and described.exists() else environment(config, suite)
    (run_dir / "checkpoint").mkdir(parents=True, exist_ok=True)
    remove_leftovers(run_dir)
    if facts is not None:
        write_json(described, facts)
    if not resume:
        for place in ("checkpoint/begun.yaml", "config.yaml"):
            write_whole(run_dir / place, lambda aside: write_config(config, aside))


def see_that_it_fits(config: Config, run_dir: Path, resume: bool) -> None:
    """Change nothing, but refuse a run directory that can't be used.

    Raises:
        ValueError: if it is not new, or, to `resume`, not one of this config.
    """
    stored = run_dir / "config.yaml"
    if resume:
        if not stored.exists():
            raise ValueError(f"{run_dir} can't be resumed: it holds no config.yaml")
        if read_config(stored) != config:
            raise ValueError(f"{run_dir} was begun with another config; resume it without changes")
        begun = run_dir / "checkpoint" / "begun.yaml"
        if begun.exists() and _results(read_config(begun)) != _results(config):
            raise ValueError(
                f"{stored} was changed since the run was begun; copy {begun} over it to go on, or "
                "begin a new run with --out"
            )
    elif not _is_new(run_dir):
        raise ValueError(
            f"{run_dir} is not empty; name a new folder with --out, or go on with --resume"
        )


def _results(config: Config) -> Config:
    """The config without what changes no number."""
    return config.model_copy(update={"workers": 0, "checkpoint_seconds": 1.0})


def _is_new(run_dir: Path) -> bool:
    """Whether nothing is there, or only what `prepare` had made when it was killed."""
    if not run_dir.exists():
        return True
    if not run_dir.is_dir():
        return False
    known = ("environment.json", "checkpoint", "checkpoint/lock", "checkpoint/begun.yaml")
    made = {run_dir / name for name in known}
    return all(path in made or path.match(".*.tmp") for path in run_dir.rglob("*"))


def environment(config: Config, suite: TaskSuite) -> dict[str, Any]:
    """Versions, seeds, machine, and the facts of suite and budget that a reader needs."""
    packages = ("torch", "numpy", "gymnasium", "stable-baselines3", "lessonplan")
    budget = Budget.parse(config.lifetime.budget)
    return {
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in packages},
        "machine": {
            "system": platform.system(),
            "cores": os.cpu_count(),
            "device": config.student.device,
        },
        "git_commit": git_commit(),
        "threads": 1,
        "seeds": config.seeds.model_dump(),
        "mastery_streak": config.lifetime.mastery_streak,
        "budget": {
            "amount": budget.amount,
            "unit": budget.unit,
            "decisions": build_room(config, suite, 1).decisions_in_budget,
            "steps_per_decision": config.lifetime.steps_per_decision,
        },
        "suite": {
            "name": suite.name,
            "order": list(suite.order),
            "tasks": [
                {
                    "name": task.name,
                    "importance": task.importance,
                    "threshold": task.threshold,
                    "difficulty": task.difficulty,
                    "prerequisites": list(task.prerequisites),
                    "category": task.category,
                    "cost": task.cost,
                    "training_examples": len(task.splits["train"]),
                    "endless": task.endless,
                }
                for task in suite.tasks
            ],
        },
    }


def git_commit() -> str | None:
    """Commit of the checkout that this file belongs to; None where it was installed as a copy.

    A job that brings a copy along says which commit it is in `LESSONPLAN_COMMIT`.
    """
    # A hook of another repository would point Git to that one.
    clean = {name: value for name, value in os.environ.items() if name != "GIT_DIR"}
    here = Path(__file__).resolve()
    git = ["git", "-C", str(here.parent)]
    # A copy may lie inside a checkout of something else, which doesn't track it.
    for command in (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"]):
        try:
            found = subprocess.run(
                git + command, capture_output=True, text=True, check=True, env=clean
            )
        except (OSError, subprocess.CalledProcessError):
            return os.environ.get("LESSONPLAN_COMMIT") or None
    return found.stdout.strip()


def _about(unit: Unit, watch: Watch) -> Callable[[float, str], None]:
    return lambda fraction, words: watch(unit.name, fraction, words)
