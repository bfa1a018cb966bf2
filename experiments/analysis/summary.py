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
from .comparisons import Measured, order_share, payback_students, versus
from .measures import LOWER_IS_BETTER, measure
from .opponents import (
    HARDLY,
    PRIOR_ROW,
    against_best,
    best_opponent,
    choose_baselines,
    hardest_opponents,
    leading_measure,
    places,
    priors,
    ranking,
    room,
)
from .statistics import BOOTSTRAP_SEED, HIGHEST, LOWEST, RESAMPLES, Sample
from .wording import name_of_order, percent, with_interval

_TO_MASTERY = ("compute_to_mastery", "equal_compute_to_mastery", "steps_to_mastery")
_AVERAGED = ("area", "calibration_error", "forgetting", "retention")
_AT_THE_END = ("total_cost", "final_score")
"""What a lifetime has cost in all, and the mean score that it ends with."""
_INTERVAL = "students resampled, percentile; of several teacher seeds with Student's t"
ONE_TEACHER = "one teacher; students only"
"""What intervals of a learned teacher are of that was trained once."""
ENOUGH_FOR_WORST = 64
"""Students whose worst tenth is of more than a handful."""


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
        "costs": costs_of(teachers),
        "students": len(set().union(*students)),
        "complete": not run.problems and bool(teachers),
        "problems": list(run.problems),
        "damaged": list(run.damaged),
        "statistics": {"resamples": RESAMPLES, "seed": BOOTSTRAP_SEED, "interval": _INTERVAL},
        "compared_by": measure,
        "ranking": ranking(teachers),
        "places": places(teachers),
        "best": against_best(teachers),
        "baselines": baselines,
        "best_opponent": best._asdict() if (best := best_opponent(teachers)) else None,
        "hardest_opponents": hardest_opponents(teachers),
        "room": room(teachers, baselines),
        "teachers": {name: _teacher(run, teacher, measure) for name, teacher in teachers.items()},
        "versus": versus(teachers, baselines.values(), priors(teachers).items()),
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


def costs_of(teachers: dict[str, Measured]) -> str:
    """`own`: compute has the probes that each teacher used; `equal`: those of all tasks.

    The second where a teacher was recorded by a version that charged everybody alike.
    """
    return "own" if all(t.measures.own_costs for t in teachers.values()) else "equal"


def write_summary(summary: dict[str, Any], file: Path) -> None:
    """Write `summary.json`, whole or not at all; teachers keep their order."""
    text = _in_lines(summary) + "\n"
    write_whole(file, lambda aside: aside.write_text(text, encoding="utf-8"))


def _in_lines(value: Any, indent: str = "") -> str:
    """JSON with a line for each item, but one alone for a list of numbers, texts or nothing."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{json.dumps(key)}: {_in_lines(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + item for item in items) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = [_in_lines(item, inner) for item in value]
        return "[\n" + ",\n".join(inner + item for item in items) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


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
        "intervals": intervals_of(card.kind, len(lifetimes.teacher_seeds)),
        "own_costs": measures.own_costs,
    }
    for metric in (*_TO_MASTERY, *_AVERAGED):
        entry[metric] = _estimate(teacher.sample(metric))
    entry["cvar"] = _worst_tenth(teacher)
    entry["final_score"] = _final(run, teacher)
    entry["stress_score"] = (
        None if measures.stress_score is None else _estimate(teacher.sample("stress_score"))
    )
    entry["training_cost"] = asdict(card.making)
    entry["tuning"] = asdict(card.tuning) if card.tuning else None
    total = float(measures.total_cost.sum())
    entry["probe_cost"] = {
        **_estimate(teacher.sample("probe_cost")),
        "share": float(measures.probe_cost.sum()) / total if total > 0 else 0.0,
    }
    entry["total_cost"] = _estimate(teacher.sample("total_cost"))
    entry["wall_seconds"] = float(wall)
    if card.kind == "learned":
        entry["per_teacher_seed"] = _per_seed(teacher, measure)
        entry["worst_teacher_seed"] = entry["per_teacher_seed"][-1]
    entry["students"] = _students(teacher)
    return entry


def intervals_of(kind: str, teacher_seeds: int) -> str:
    """What intervals of a teacher are of; a learned one that was trained once is one of many."""
    if teacher_seeds > 1:
        return "students and teacher seeds"
    return ONE_TEACHER if kind == "learned" else "students"


def _worst_tenth(teacher: Measured) -> dict[str, Any]:
    """Means of the tenth of the lifetimes that cost most, or has the least area, with intervals."""
    measures = {"compute_to_mastery": HIGHEST, "area": LOWEST}
    found = {name: teacher.sample(name).of_part(part) for name, part in measures.items()}
    students = len(teacher.lifetimes.student_seeds)
    return {
        **{name: {"mean": one.mean, "ci95": one.ci95} for name, one in found.items()},
        "enough_students": students >= ENOUGH_FOR_WORST,
    }


def _students(teacher: Measured) -> dict[str, Any]:
    """What each student came to under each teacher seed: lists of (s, m), nine digits kept."""
    return {
        "student_seeds": teacher.lifetimes.student_seeds.tolist(),
        "teacher_seeds": teacher.lifetimes.teacher_seeds.tolist(),
        **{
            metric: [[_short(value) for value in row] for row in teacher.sample(metric).values]
            for metric in (*LOWER_IS_BETTER, *_AT_THE_END)
        },
    }


def _short(value: float) -> int | float:
    return int(value) if value == int(value) else float(f"{value:.9g}")


def _estimate(sample: Sample) -> dict[str, Any]:
    return {"median": float(np.median(sample.values)), "iqm": sample.mean, "ci95": sample.ci95}


def _final(run: StoredRun, teacher: Measured) -> dict[str, Any]:
    per_task = {
        task: Sample(teacher.measures.final_per_task[:, :, i]).mean
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
            0.0 if measure == "area" else samples[measure][i].mean,
            -samples["area"][i].mean,
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


TABLE_RIVALS = {"best_opponent": "best opponent", "prior": "its prior alone"}
"""Baselines of the table by their role: neither is told the order of the tasks."""
TOLD_APART = ("tied", "not told apart", "-")
"""What `against` says where it gives no number."""


def listed(summary: dict[str, Any]) -> list[str]:
    """Names of all teachers: by their place, then ceilings, which have none."""
    return [*summary["ranking"], *(n for n in summary["teachers"] if n not in summary["places"])]


def table_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """A heading, then one row of text per teacher, from the best to the worst; ceilings are last.

    The third column is the result. Where hardly anybody masters that is the area, and nothing is
    said of mastery. A leading ≥ marks a number in which more than half of the lifetimes stand at
    the budget.
    """
    by_area = summary["compared_by"] == "area"
    columns = _AREA_COLUMNS if by_area else _mastery_columns(summary)
    roles = [role for role in TABLE_RIVALS if role in summary["baselines"]]
    what = "area, difference to " if by_area else "compute, ratio to "
    entries = {
        (entry["teacher"], entry["baseline"]): entry
        for entry in summary["versus"]
        if entry["metric"] == summary["compared_by"]
    }
    rows = [("teacher", "kind", *columns, *(what + TABLE_RIVALS[role] for role in roles))]
    for name in listed(summary):
        teacher = summary["teachers"][name]
        row = [teacher["label"], _kind(teacher), *(write(teacher) for write in columns.values())]
        for role in roles:
            own = _own_rival(summary, role, name)
            row.append("this one" if name == own else against(entries.get((name, own or ""))))
        rows.append(tuple(row))
    return rows


def _own_rival(summary: dict[str, Any], role: str, name: str) -> str | None:
    """The baseline that a teacher is set against in a role; of a prior its own alone."""
    if role != "prior":
        return str(summary["baselines"][role])
    prior = name if name.endswith(PRIOR_ROW) else name + PRIOR_ROW
    return prior if prior in summary["teachers"] else None


def _kind(teacher: dict[str, Any]) -> str:
    alone = teacher["intervals"] == ONE_TEACHER
    return kind_of(teacher) + (f" ({ONE_TEACHER})" if alone else "")


def _to_mastery(metric: str, interval: bool = False) -> Callable[[dict[str, Any]], str]:
    def write(teacher: dict[str, Any]) -> str:
        found = teacher[metric]
        bound = "≥ " if teacher["mastered"] < HARDLY else ""
        return bound + with_interval(found["iqm"], found["ci95"] if interval else None, ",.0f")

    return write


def _score(metric: str) -> Callable[[dict[str, Any]], str]:
    return lambda teacher: with_interval(teacher[metric]["iqm"], teacher[metric]["ci95"], ".3f")


def _mastery_columns(summary: dict[str, Any]) -> dict[str, Callable[[dict[str, Any]], str]]:
    compute = {"compute to mastery (95 %)": _to_mastery("compute_to_mastery", interval=True)}
    if summary["costs"] == "own":
        compute["with equal probes"] = _to_mastery("equal_compute_to_mastery")
    return {
        **compute,
        "steps to mastery": _to_mastery("steps_to_mastery"),
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
