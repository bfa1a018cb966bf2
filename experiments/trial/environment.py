"""Where a run was made: versions, machine and commit, with the facts of its suite and budget."""

import os
import platform
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lessonplan.envs import Budget
from lessonplan.student import SPLITS, TaskSuite

from ..assembly.belonging import run_belongs_to
from ..assembly.build import decisions_in_budget
from ..assembly.suite_facts import row_unit, score_kind
from ..common.machine import git_answer, git_state, processor_name
from ..common.own_code.imports import own_files
from ..common.trust import is_agreed
from ..config.config import Config
from ..config.own_names import own_modules_in


def environment_of(config: Config, suite: TaskSuite) -> dict[str, Any]:
    """Versions, seeds, machine, and the facts of suite and budget that a reader needs.

    `git` has the state of this code, and of the folder of one's own modules or, where there are
    none, the working directory, if it was agreed to that code in it may be run. The suite has
    `notes` on how it was read, and for each task its examples by split; `modules` are one's own,
    see `own_code`.
    """
    packages = ("torch", "numpy", "gymnasium", "stable-baselines3", "lessonplan")
    budget, commit = Budget.parse(config.lifetime.budget), git_commit()
    return {
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in packages},
        "machine": {
            "system": platform.system(),
            "cores": os.cpu_count(),
            "device": config.student.device,
            "processor": processor_name(),
        },
        "git_commit": commit,
        "git": {
            "code": git_state(Path(__file__).resolve().parent) if commit else None,
            "config": _state_of_own_code(config),
        },
        "threads": 1,
        "seeds": config.seeds.model_dump(),
        "mastery_streak": config.lifetime.mastery_streak,
        "test_every": config.lifetime.test_every,
        "budget": {
            "amount": budget.amount,
            "unit": budget.unit,
            "decisions": decisions_in_budget(config, suite),
            "steps_per_decision": config.lifetime.steps_per_decision,
        },
        "suite": _suite_facts(suite),
        "belongs_to": run_belongs_to(config),
        "modules": own_code(config),
    }


def _state_of_own_code(config: Config) -> dict[str, str | bool] | None:
    """The state of its folder; None where it was not agreed to that code in it may be run."""
    folder = next(iter(config.modules), Path.cwd())
    return git_state(folder) if is_agreed(folder, folder) else None


def own_code(config: Config) -> dict[str, dict[str, str]]:
    """The `file` of each of one's own modules that a config names, with its `sha256`.

    So of each that these import and that lies beside them.
    """
    named = own_modules_in(config.model_dump(mode="json"))
    return {
        module: {"file": str(file), "sha256": sha256(file.read_bytes()).hexdigest()}
        for module, file in own_files(named, config.modules).items()
    }


def _suite_facts(suite: TaskSuite) -> dict[str, Any]:
    return {
        "name": suite.name,
        "order": list(suite.order),
        "notes": list(suite.notes),
        "unit": row_unit(suite),
        "tasks": [
            {
                "name": task.name,
                "importance": task.importance,
                "threshold": task.threshold,
                "difficulty": task.difficulty,
                "prerequisites": list(task.prerequisites),
                "category": task.category,
                "cost": task.cost,
                "chance": task.chance,
                "score": score_kind(suite, task),
                "training_examples": len(task.splits["train"]),
                "examples": {split: len(task.splits[split]) for split in SPLITS},
                "endless": task.endless,
            }
            for task in suite.tasks
        ],
    }


def git_commit() -> str | None:
    """Commit of the checkout that this file belongs to; None where it was installed as a copy.

    A job that brings a copy along says which commit it is in `LESSONPLAN_COMMIT`.
    """
    here = Path(__file__).resolve()
    # A copy may lie inside a checkout of something else, which doesn't track it.
    if git_answer(here.parent, "ls-files", "--error-unmatch", here.name):
        commit = git_answer(here.parent, "rev-parse", "HEAD")
        if commit is not None:
            return commit
    return os.environ.get("LESSONPLAN_COMMIT") or None
