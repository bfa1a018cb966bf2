"""The numbers of a run: `summary.json` and the first table.

Legend: s teacher seeds, m students, k tasks.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import write_whole
from ..store.runs import StoredRun, read_run
from .comparisons import (
    Measured,
    against_best,
    choose_baselines,
    leading_measure,
    order_share,
    payback_students,
    places,
    ranking,
    versus,
)
from .measures import measure
from .statistics import BOOTSTRAP_SEED, RESAMPLES, Sample
from .wording import name_of_order, percent, with_interval

_TO_MASTERY = ("cost_to_mastery", "steps_to_mastery")
_AVERAGED = ("area", "calibration_error", "forgetting", "retention")


def summarize(
    run_dir: str | Path | StoredRun, teachers: dict[str, Measured] | None = None
) -> dict[str, Any]:
    """Everything that is reported about a run, from its stored schedule alone.

    The same files give the same numbers; wall time is the only one that differs between two runs
    of the same config and seeds.

    Args:
        run_dir: its directory, or what was read of it.
        teachers: of the run, measured already.

    Raises:
        ValueError: if it is not a run directory.
    """
    run = run_dir if isinstance(run_dir, StoredRun) else read_run(run_dir)
    teachers = measure_teachers(run) if teachers is None else teachers
    baselines = choose_baselines(teachers)
    measure = leading_measure(teachers)
    students = [set(t.lifetimes.student_seeds.tolist()) for t in teachers.values()]
    summary = {
        "run": run.name,
        "suite": {
            "name": run.environment["suite"]["name"],
            "tasks": run.tasks,
            "order": name_of_order(run.environment["suite"]["tasks"]),
        },
        "budget": run.budget,
        "test_every": run.test_every,
        "cost_unit": run.cost_unit,
        "students": len(set().union(*students)),
        "complete": not run.problems and bool(teachers),
        "problems": list(run.problems),
        "damaged": list(run.damaged),
        "statistics": {"resamples": RESAMPLES, "seed": BOOTSTRAP_SEED, "interval": "percentile"},
        "compared_by": measure,
        "ranking": ranking(teachers),
        "places": places(teachers),
        "best": against_best(teachers),
        "baselines": baselines,
        "teachers": {name: _teacher(run, teacher, measure) for name, teacher in teachers.items()},
        "versus": versus(teachers, baselines),
        "order_share": order_share(teachers),
        "payback_students": payback_students(teachers, baselines),
    }
    plain: dict[str, Any] = _plain(summary)
    return plain


def measure_teachers(run: StoredRun) -> dict[str, Measured]:
    """Every teacher that has finished lifetimes, with what they are worth."""
    return {
        name: Measured(run.teachers[name], lifetimes.unread(), measure(run, lifetimes))
        for name, lifetimes in run.lifetimes.items()
    }


def write_summary(summary: dict[str, Any], file: Path) -> None:
    """Write `summary.json`, whole or not at all; teachers keep their order."""
    text = json.dumps(summary, indent=2, allow_nan=False) + "\n"
    write_whole(file, lambda aside: aside.write_text(text, encoding="utf-8"))


def _teacher(run: StoredRun, teacher: Measured, measure: str) -> dict[str, Any]:
    card, lifetimes, measures = teacher.card, teacher.lifetimes, teacher.measures
    wall = np.nansum(lifetimes.wall_seconds)
    entry: dict[str, Any] = {
        **card.summarized(),
        "shuffled": card.shuffled,
        "lifetimes": measures.mastered.size,
        "teacher_seeds": len(lifetimes.teacher_seeds),
        "diverged": int(lifetimes.diverged.sum()),
        "mastered": float(measures.mastered.mean()),
    }
    for metric in (*_TO_MASTERY, *_AVERAGED):
        entry[metric] = _estimate(teacher.sample(metric))
    entry["final_score"] = _final(run, teacher)
    entry["stress_score"] = (
        None if measures.stress_score is None else _estimate(teacher.sample("stress_score"))
    )
    entry["training_cost"] = asdict(card.making)
    total = float(measures.total_cost.sum())
    entry["probe_cost"] = {
        **_estimate(teacher.sample("probe_cost")),
        "share": float(measures.probe_cost.sum()) / total if total > 0 else 0.0,
    }
    entry["wall_seconds"] = float(wall)
    if card.kind == "learned":
        entry["per_teacher_seed"] = _per_seed(teacher, measure)
        entry["worst_teacher_seed"] = entry["per_teacher_seed"][-1]
    return entry


def _estimate(sample: Sample) -> dict[str, Any]:
    return {"median": float(np.median(sample.values)), "iqm": sample.iqm, "ci95": sample.ci95}


def _final(run: StoredRun, teacher: Measured) -> dict[str, Any]:
    per_task = {
        task: Sample(teacher.measures.final_per_task[:, :, i]).iqm
        for i, task in enumerate(run.tasks)
    }
    worst = min(per_task, key=lambda task: per_task[task])
    return {
        **_estimate(teacher.sample("final_score")),
        "per_task": per_task,
        "worst_task": {"task": worst, "score": per_task[worst]},
    }


def _per_seed(teacher: Measured, measure: str) -> list[dict[str, Any]]:
    """What each teacher seed came to, from the best to the worst by the leading measure."""
    samples = {
        metric: [Sample(row[None]) for row in getattr(teacher.measures, metric)]
        for metric in (*_TO_MASTERY, "area")
    }
    seeds = sorted(
        range(len(samples["area"])),
        key=lambda i: (
            0.0 if measure == "area" else samples[measure][i].iqm,
            -samples["area"][i].iqm,
        ),
    )
    return [
        {
            "teacher_seed": int(teacher.lifetimes.teacher_seeds[i]),
            "mastered": float(teacher.measures.mastered[i].mean()),
            **{metric: _estimate(per_seed[i]) for metric, per_seed in samples.items()},
        }
        for i in seeds
    ]


def _plain(value: Any) -> Any:
    """The same with lists for tuples and None for what is not finite: valid JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


TABLE_RIVALS = {
    "untuned_rule": "best untuned rule or bandit",
    "tuned_rule": "best tuned rule or bandit",
}
"""Baselines of the table by their role: neither is told the order of the tasks."""


def table_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """A heading, then one row of text per teacher, from the best to the worst.

    The third column is the result. Where hardly anybody masters that is the area, and nothing is
    said of mastery. A leading ≥ marks a number in which more than half of the lifetimes stand at
    the budget.
    """
    columns = _AREA_COLUMNS if summary["compared_by"] == "area" else _MASTERY_COLUMNS
    roles = [role for role in TABLE_RIVALS if role in summary["baselines"]]
    metric, prefix = (
        ("area", "area, difference to ")
        if columns is _AREA_COLUMNS
        else ("steps_to_mastery", "steps, ratio to ")
    )
    entries = {
        (entry["teacher"], entry["baseline"]): entry
        for entry in summary["versus"]
        if entry["metric"] == metric
    }
    rows = [("teacher", "kind", *columns, *(prefix + TABLE_RIVALS[role] for role in roles))]
    for name in summary["ranking"]:
        teacher = summary["teachers"][name]
        row = [teacher["label"], kind_of(teacher), *(write(teacher) for write in columns.values())]
        for rival in (summary["baselines"][role] for role in roles):
            entry = entries.get((name, rival))
            row.append("this one" if name == rival else against(entry))
        rows.append(tuple(row))
    return rows


def _steps(teacher: dict[str, Any]) -> str:
    steps = teacher["steps_to_mastery"]
    bound = "≥ " if teacher["mastered"] < 0.5 else ""
    return bound + with_interval(steps["iqm"], steps["ci95"], ",.0f")


def _score(metric: str) -> Callable[[dict[str, Any]], str]:
    return lambda teacher: with_interval(teacher[metric]["iqm"], teacher[metric]["ci95"], ".3f")


_MASTERY_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "steps to mastery (95 %)": _steps,
    "mastered": lambda teacher: percent(teacher["mastered"]),
    "area (95 %)": _score("area"),
}
_AREA_COLUMNS = {"area (95 %)": _score("area"), "final score (95 %)": _score("final_score")}


def against(entry: dict[str, Any] | None) -> str:
    """An entry of `versus` as a cell of a table: a ratio, or of areas a difference."""
    if entry is None:
        return "-"
    if entry["tied"]:
        return "tied"
    if entry["difference"] == 0 and not any(entry["difference_ci95"]):
        return "not told apart"
    if entry["metric"] == "area":
        return with_interval(entry["difference"], entry["difference_ci95"], "+.3f")
    return with_interval(entry["ratio"], entry["ci95"])


def kind_of(teacher: dict[str, Any]) -> str:
    """Its kind, and whether it is tuned (what was learned always is); a replay is called that."""
    if teacher["replay_of"] is not None:
        return "replay, shuffled" if teacher["shuffled"] else "replay"
    tuned = teacher["tuned"] and teacher["kind"] != "learned"
    return str(teacher["kind"]) + (", tuned" if tuned else "")
