"""What there is to choose from, with one line each: `lessonplan list`."""

from importlib.util import find_spec

from rich.console import Console

from lessonplan.envs import COLUMNS, PROGRESS_SIGNALS, REWARDS
from lessonplan.envs.classroom import ESTIMATORS
from lessonplan.student import (
    COHORTS,
    LEARNING_RATES,
    MODELS,
    PRETRAINED,
    SUITES,
    StackedCohort,
    install_hint,
)
from lessonplan.teacher import ALGORITHMS, GUARDS, RULES
from lessonplan.teacher.learners import CONTRIB

from ..config.loading import config_names, sweep_names

_EXTRAS = {
    ("suites", "reasoning"): ("reasoning_gym", "reasoning"),
    **{("students", name): ("transformers", "hf") for name in PRETRAINED},
    **{("learners", name): ("sb3_contrib", "contrib") for name in CONTRIB},
}
"""What needs a library that not everybody has: the module, and the extra that brings it."""


def catalog() -> dict[str, dict[str, str]]:
    """Every kind of thing with its names, and one line on each; what is missing is named."""
    things = _things()
    for (kind, name), (module, extra) in _EXTRAS.items():
        if find_spec(module) is None:
            line = things[kind].get(name, "")
            things[kind][name] = f"{line} (needs {install_hint(extra)})".lstrip()
    return things


def _things() -> dict[str, dict[str, str]]:
    return {
        "configs": config_names(),
        "sweeps": sweep_names(),
        "suites": {name: first_line(suite) for name, suite in SUITES.items()},
        "students": {
            name: first_line(student)
            for name, student in (MODELS | PRETRAINED | COHORTS).items()
            if student is not StackedCohort
        },
        "schedules of the learning rate": {
            name: first_line(schedule) for name, schedule in LEARNING_RATES.items()
        },
        "rules, bandits and orders": {name: first_line(rule) for name, rule in RULES.items()},
        "guards": {name: first_line(guard) for name, guard in GUARDS.items()},
        "learners": {
            name: f"{learner.summary} ({' or '.join(learner.actions)})"
            for name, learner in ALGORITHMS.items()
        },
        "rewards": {name: first_line(reward) for name, reward in REWARDS.items()},
        "columns": {
            "progress": "how fast a signal of the task changes, by an estimator: progress:ema=0.9",
            "present": "whether there is a task at this place, where suites are padded",
            **{name: column.summary for name, column in COLUMNS.items()},
        },
        "estimators of progress": {
            f"progress:{','.join(sorted(asked))}".rstrip(":"): first_line(estimator)
            for asked, estimator in ESTIMATORS.items()
        },
        "signals of progress": {
            f"progress:signal={name}": signal.summary for name, signal in PROGRESS_SIGNALS.items()
        },
    }


def first_line(thing: object) -> str:
    """The first line of a docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]


def print_catalog(console: Console) -> None:
    """All of it, on a console that prints text as it is."""
    for title, lines in catalog().items():
        console.print(f"\n{title}", style="bold")
        width = max(map(len, lines))
        for name, line in lines.items():
            text = f"  {name:<{width}}  {line}".rstrip()
            console.print(text, soft_wrap=True)
