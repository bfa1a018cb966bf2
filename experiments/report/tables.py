"""The tables of the report, from summaries."""

import json
import math
from typing import Any

from ..analysis.headlines import FEWEST_STUDENTS, learned_teachers, subject
from ..analysis.opponents import BASELINE_ROLES
from ..analysis.statistics import holm
from ..analysis.summary import TOLD_APART, against, kind_of, listed, table_rows
from ..analysis.wording import number, percent, styled, with_interval
from ..store.runs import StoredRun
from .html import folded, heading, paragraph, table

Summary = dict[str, Any]


def main_table(summary: Summary) -> str:
    """What matters most, the best teacher first; learned teachers stand out."""
    strong = [summary["teachers"][name]["kind"] == "learned" for name in listed(summary)]
    heads, *rows = table_rows(summary)
    minor = {i for i, head in enumerate(heads) if "ratio" in head or "difference" in head}
    roles = {i: "more" for i in range(3, len(heads))} | dict.fromkeys(minor, "minor")
    roles |= {1: "plain more", 2: "result"}
    return table(heads, rows, strong, roles)


def more_numbers(summary: Summary) -> str:
    """The other measures, the best teacher first; those of mastery where anybody masters."""
    by_mastery = summary["compared_by"] != "area"
    columns = (
        "teacher",
        "lifetimes (seeds)",
        *(_MASTERY if by_mastery else ("worst tenth, area",)),
        "worst task",
        "stress score",
        "forgetting",
        "retention",
        "calibration error",
        "probing",
        "making the teacher",
        "diverged",
    )
    rows = [_numbers(summary["teachers"][name], by_mastery) for name in listed(summary)]
    return table(columns, rows)


_MASTERY = (
    "steps to mastery",
    "median steps",
    "with equal probes",
    "worst tenth, compute",
    "final score",
)


def _numbers(teacher: Summary, by_mastery: bool) -> list[str]:
    bound = "≥ " if teacher["mastered"] < 0.5 else ""
    worst_area, worst_compute = (
        with_interval(teacher["cvar"][metric]["mean"], teacher["cvar"][metric]["ci95"], style)
        for metric, style in (("area", ".3f"), ("compute_to_mastery", ",.0f"))
    )
    mastery = (
        bound + _estimate(teacher["steps_to_mastery"], ",.0f"),
        f"{bound}{teacher['steps_to_mastery']['median']:,.0f}",
        bound + _estimate(teacher["equal_compute_to_mastery"], ",.0f"),
        bound + worst_compute,
        _estimate(teacher["final_score"], ".3f"),
    )
    worst = teacher["final_score"]["worst_task"]
    scores = ("stress_score", "forgetting", "retention", "calibration_error")
    return [
        teacher["label"],
        f"{teacher['lifetimes']:,} ({teacher['teacher_seeds']})",
        *(mastery if by_mastery else (worst_area,)),
        f"{worst['task']}: {worst['score']:.2f}",
        *(_estimate(teacher[metric], ".3f") for metric in scores),
        percent(teacher["probe_cost"]["share"]),
        _making(teacher),
        str(teacher["diverged"]),
    ]


def mastery_table(summary: Summary) -> str:
    """What there is to say of mastery where hardly anybody masters."""
    rows = []
    for name in listed(summary):
        t = summary["teachers"][name]
        bound = "≥ " if t["mastered"] < 0.5 else ""
        steps, cost = (
            bound + _estimate(t[metric], ",.0f")
            for metric in ("steps_to_mastery", "compute_to_mastery")
        )
        rows.append((t["label"], percent(t["mastered"]), steps, cost))
    return table(("teacher", "mastered", "steps to mastery", "compute to mastery"), rows)


def versus_table(summary: Summary, metric: str) -> str:
    """Every teacher against every baseline by a measure."""
    roles: dict[str, list[str]] = {}
    for role, name in summary["baselines"].items():
        title = "uniform sampling" if name == "uniform" else BASELINE_ROLES[role]
        if role == "true_order":
            title = f"the {summary['suite']['order']}"
        roles.setdefault(name, []).append(title)
    entries = {(e["teacher"], e["baseline"]): e for e in summary["versus"] if e["metric"] == metric}
    rows = []
    for teacher in listed(summary):
        cells = [summary["teachers"][teacher]["label"]]
        for baseline in roles:
            entry = entries.get((teacher, baseline))
            text = "this one" if teacher == baseline else against(entry)
            if entry is not None and text not in TOLD_APART:
                text += f", {percent(entry['probability_of_improvement'])}"
            cells.append(text)
        rows.append(cells)
    what = _COMPARED[metric]
    columns = [what] + [
        f"to {' and '.join(titles)}: {summary['teachers'][name]['label']}"
        for name, titles in roles.items()
    ]
    return table(columns, rows)


_COMPARED = {
    "area": "Difference in area",
    "compute_to_mastery": "Ratio of compute to mastery",
    "equal_compute_to_mastery": "Ratio of compute to mastery with equal probes",
}


def learning_table(summary: Summary) -> str:
    """Order share, worst seed and payback of the teachers that have them; empty if none has."""
    by_mastery = summary["compared_by"] != "area"
    heads = (
        "teacher",
        "order share (steps)",
        "order share (area)",
        "worst teacher seed",
        "students until it is paid back, against",
    )
    rows = [
        (
            summary["teachers"][name]["label"],
            _order_share(summary, name, "") if by_mastery else "-",
            _order_share(summary, name, "area_"),
            _worst_seed(summary, name),
            _payback(summary, name),
        )
        for name in summary["ranking"]
    ]
    rows = [row for row in rows if set(row[1:]) != {"-"}]
    if not rows:
        return ""
    filled = [i for i in range(len(heads)) if any(row[i] != "-" for row in rows)]
    return heading("What the order is worth, and what learning it costs", 3) + table(
        [heads[i] for i in filled], [[row[i] for i in filled] for row in rows]
    )


def _order_share(summary: Summary, name: str, prefix: str) -> str:
    share = summary["order_share"].get(name)
    if share is None:
        return "-"
    return with_interval(share[f"{prefix}share"], share[f"{prefix}ci95"], ".0%")


def _worst_seed(summary: Summary, name: str) -> str:
    teacher = summary["teachers"][name]
    worst = teacher.get("worst_teacher_seed")
    if worst is None or teacher["teacher_seeds"] < 2:
        return "-"
    area = with_interval(worst["area"]["iqm"], worst["area"]["ci95"], ".3f")
    mastered = f"mastered {percent(worst['mastered'])}, " if worst["mastered"] else ""
    return f"seed {worst['teacher_seed']}: {mastered}area {area}"


def _payback(summary: Summary, name: str) -> str:
    if name not in summary["payback_students"]:
        return "-"
    if summary["teachers"][name]["other_course"]:
        return "trained on another course"
    if summary["compared_by"] == "area":
        return "-"
    payback = summary["payback_students"][name]
    return (
        ", ".join(
            f"{summary['teachers'][other]['label']}: "
            f"{number(math.ceil(students)) if students else 'never'}"
            for other, students in payback.items()
        )
        or "-"
    )


def needs_table(run: StoredRun, summary: Summary) -> str:
    """What each teacher was allowed to see, and how it was set."""
    rows = []
    for name in listed(summary):
        card = run.teachers[name]
        status = [kind_of(summary["teachers"][name])]
        status += ["tuned"] if card.tuned and card.kind == "learned" else []
        status += [card.chosen] if card.chosen else []
        status += ["published settings"] if card.published else []
        if card.kind == "learned":
            status.append("deterministic" if card.deterministic else "sampled tasks")
        status += [f"taken from {card.short_origin}"] if card.origin else []
        rows.append(
            (
                card.title,
                ", ".join(status),
                ", ".join(card.needs) or "what every teacher sees",
                card.looking or "not known",
                "yes" if card.sees_order else "no",
                json.dumps(card.parameters, sort_keys=True) if card.parameters else "-",
            )
        )
    order = f"sees the {summary['suite']['order']}"
    heads = ("teacher", "kind", "columns it sees", "how it looks", order, "parameters")
    return table(heads, rows)


_MEASURES = {
    "area": ("Area", ".3f"),
    "final_score": ("Score at the end", ".3f"),
    "mastered": ("Lifetimes that mastered every task", ".0%"),
    "compute_to_mastery": ("Compute to mastery", ",.0f"),
    "steps_to_mastery": ("Student steps to mastery", ",.0f"),
}
"""What several runs are compared in: the title of its table, and how its numbers are written."""
_TO_MASTERY = ("compute_to_mastery", "steps_to_mastery")


def comparison(summaries: dict[str, Summary]) -> str:
    """Several runs side by side: a table per measure, teachers in rows and runs in columns.

    What is about mastery comes first, or where hardly anybody masters is folded away.
    """
    labels: dict[str, str] = {}
    for summary in summaries.values():
        for name in listed(summary):
            labels.setdefault(name, summary["teachers"][name]["label"])
    tables = {}
    for metric, (title, style) in _MEASURES.items():
        rows = [
            [label] + [_cell(summary, name, metric, style) for summary in summaries.values()]
            for name, label in labels.items()
        ]
        tables[metric] = table([title, *summaries], rows)
    mastery = "".join(tables.pop(metric) for metric in ("mastered", *_TO_MASTERY))
    scores = "".join(tables.values())
    parts = []
    if len({json.dumps([s["suite"], s["budget"]]) for s in summaries.values()}) > 1:
        note = "These runs differ in suite or budget: only ratios within a run can be compared."
        parts.append(paragraph(note, "note"))
    if all(summary["compared_by"] == "area" for summary in summaries.values()):
        parts += [scores, folded("Mastery, which hardly anybody reached", mastery)]
    else:
        parts += [mastery, scores]
    return "".join(parts)


def opponents_table(summaries: dict[str, Summary]) -> str:
    """The learned teacher of each run against the best opponent, all runs read at one level.

    Empty where fewer than two runs have both.
    """
    entries: dict[str, Summary] = {}
    for run, summary in summaries.items():
        name, rival = (subject(summary) if summary["teachers"] else ""), _best_opponent(summary)
        for entry in summary["versus"] if learned_teachers(summary) else ():
            own = (entry["teacher"], entry["baseline"]) == (name, rival)
            if own and entry["metric"] == summary["compared_by"]:
                entries[run] = entry
    if len(entries) < 2:
        return ""
    enough = {run: one for run, one in entries.items() if one["students"] >= FEWEST_STUDENTS}
    adjusted = holm({run: entry["p"] for run, entry in enough.items()})
    rows = [
        (
            run,
            summaries[run]["teachers"][entry["teacher"]]["label"],
            summaries[run]["teachers"][entry["baseline"]]["label"],
            f"{'area, ' if entry['metric'] == 'area' else ''}{against(entry)}",
            f"{adjusted[run]:.3f}" if run in adjusted else "-",
        )
        for run, entry in entries.items()
    ]
    heads = ("run", "learned teacher", "best opponent", "ratio of compute", "p (Holm)")
    note = (
        "P-values are two-sided, of no difference, and adjusted by Holm, so that all may be read "
        f"at 5 % together; runs of fewer than {FEWEST_STUDENTS} students have none. The best "
        "opponent is one that was not told the order."
    )
    title = heading("Learned teachers against the best opponents", 3)
    return title + table(heads, rows) + paragraph(note, "note")


def _best_opponent(summary: Summary) -> str:
    return str((summary["best_opponent"] or {}).get("name"))


def _cell(summary: Summary, name: str, metric: str, style: str) -> str:
    teacher = summary["teachers"].get(name)
    if teacher is None:
        return "-"
    if metric in _TO_MASTERY and summary["compared_by"] == "area":
        return "-"
    bound = "≥ " if metric in _TO_MASTERY and teacher["mastered"] < 0.5 else ""
    value = teacher[metric]
    return bound + _estimate(value, style) if isinstance(value, dict) else styled(value, style)


def _making(teacher: Summary) -> str:
    """What it cost to train and tune it, in compute."""
    compute = teacher["training_cost"]["compute"]
    where = ", on another course" if teacher["other_course"] else ""
    if not teacher["training_known"]:
        return "unknown"
    return number(compute) + where if compute else "-"


def _estimate(estimate: Summary | None, style: str) -> str:
    return "-" if estimate is None else with_interval(estimate["iqm"], estimate["ci95"], style)
