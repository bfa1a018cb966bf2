"""The tables of the report, from summaries."""

import json
import math
from typing import Any

from ..analysis.comparisons import BASELINE_ROLES
from ..analysis.summary import table_rows
from ..analysis.wording import number, percent, styled, with_interval
from ..store.runs import StoredRun
from .html import heading, paragraph, table

Summary = dict[str, Any]


def main_table(summary: Summary) -> str:
    """What matters most, one row per teacher; learned teachers stand out."""
    strong = [teacher["kind"] == "learned" for teacher in summary["teachers"].values()]
    heads, *rows = table_rows(summary)
    return table(heads, rows, strong)


def more_numbers(summary: Summary) -> str:
    """The other measures, one row per teacher."""
    unit = summary["cost_unit"]
    columns = (
        "teacher",
        "lifetimes (seeds)",
        f"{unit} to mastery",
        "final score",
        "worst task",
        "stress score",
        "forgetting",
        "retention",
        "calibration error",
        "probing",
        "making the teacher",
        "diverged",
    )
    rows = [
        (
            t["label"],
            f"{t['lifetimes']:,} ({t['teacher_seeds']})",
            _estimate(t["cost_to_mastery"], ",.0f"),
            _estimate(t["final_score"], ".3f"),
            f"{t['final_score']['worst_task']['task']}: "
            f"{t['final_score']['worst_task']['score']:.2f}",
            _estimate(t["stress_score"], ".3f"),
            _estimate(t["forgetting"], ".3f"),
            _estimate(t["retention"], ".3f"),
            _estimate(t["calibration_error"], ".3f"),
            percent(t["probe_cost"]["share"]),
            _making(t),
            str(t["diverged"]),
        )
        for t in summary["teachers"].values()
    ]
    return table(columns, rows)


def versus_table(summary: Summary) -> str:
    """Every teacher against every baseline, by cost to mastery and by area."""
    roles: dict[str, list[str]] = {}
    for role, name in summary["baselines"].items():
        title = "uniform sampling" if name == "uniform" else BASELINE_ROLES[role]
        roles.setdefault(name, []).append(title)
    entries = {(e["teacher"], e["baseline"], e["metric"]): e for e in summary["versus"]}
    parts = []
    for metric, value, interval, style in (
        ("cost_to_mastery", "ratio", "ci95", ".2f"),
        ("area", "difference", "difference_ci95", "+.3f"),
    ):
        rows = []
        for teacher in summary["teachers"]:
            cells = [summary["teachers"][teacher]["label"]]
            for baseline in roles:
                entry = entries.get((teacher, baseline, metric))
                chance = f", {percent(entry['probability_of_improvement'])}" if entry else ""
                cells.append(
                    with_interval(entry[value], entry[interval], style) + chance if entry else "-"
                )
            rows.append(cells)
        unit = summary["cost_unit"]
        what = f"Ratio of {unit} to mastery" if metric != "area" else "Difference in area"
        columns = [what] + [
            f"to {' and '.join(titles)}: {summary['teachers'][name]['label']}"
            for name, titles in roles.items()
        ]
        parts.append(table(columns, rows))
    return "".join(parts)


def learning_table(summary: Summary) -> str:
    """Order share, worst seed and payback of the teachers that have them; empty if none has."""
    rows = []
    for name, teacher in summary["teachers"].items():
        share = summary["order_share"].get(name)
        payback = summary["payback_students"].get(name)
        worst = teacher.get("worst_teacher_seed")
        if share is None and payback is None and worst is None:
            continue
        order = area = "-"
        if share is not None:
            order = with_interval(share["share"], share["ci95"], ".0%")
            area = with_interval(share["area_share"], share["area_ci95"], ".0%")
        paying = ", ".join(
            f"{summary['teachers'][other]['label']}: "
            f"{number(math.ceil(students)) if students else 'never'}"
            for other, students in (payback or {}).items()
        )
        if teacher["other_course"]:
            paying = "trained on another course"
        seed = "-"
        if worst is not None and teacher["teacher_seeds"] > 1:
            area_of = with_interval(worst["area"]["iqm"], worst["area"]["ci95"], ".3f")
            seed = f"seed {worst['teacher_seed']}: {percent(worst['mastered'])}, {area_of}"
        rows.append((teacher["label"], order, area, seed, paying or "-"))
    if not rows:
        return ""
    columns = (
        "teacher",
        "order share (steps)",
        "order share (area)",
        "worst teacher seed: mastered, area",
        "students until it is paid back, against",
    )
    return heading("What the order is worth, and what learning it costs", 3) + table(
        columns, rows, text=True
    )


def needs_table(run: StoredRun, summary: Summary) -> str:
    """What each teacher was allowed to see, and how it was set."""
    rows = []
    for name in summary["teachers"]:
        card = run.teachers[name]
        status = [card.kind]
        status += ["tuned"] if card.tuned else []
        status += ["published settings"] if card.published else []
        if card.kind == "learned":
            status.append("deterministic" if card.deterministic else "sampled tasks")
        rows.append(
            (
                card.title,
                ", ".join(status),
                ", ".join(card.needs) or "what every teacher sees",
                "yes" if card.sees_order else "no",
                json.dumps(card.parameters, sort_keys=True) if card.parameters else "-",
            )
        )
    columns = ("teacher", "kind", "columns it sees", "sees the true order", "parameters")
    return table(columns, rows, text=True)


def comparison(summaries: dict[str, Summary]) -> str:
    """Several runs side by side: a table per measure, teachers in rows and runs in columns."""
    labels: dict[str, str] = {}
    for summary in summaries.values():
        for name, teacher in summary["teachers"].items():
            labels.setdefault(name, teacher["label"])
    parts = []
    for title, metric, style in (
        ("Lifetimes that mastered every task", "mastered", ".0%"),
        ("Student steps to mastery", "steps_to_mastery", ",.0f"),
        ("Area", "area", ".3f"),
    ):
        rows = [
            [label] + [_cell(summary, name, metric, style) for summary in summaries.values()]
            for name, label in labels.items()
        ]
        parts.append(table([title, *summaries], rows))
    same = len({json.dumps([s["suite"], s["budget"]]) for s in summaries.values()}) == 1
    if not same:
        note = "These runs differ in suite or budget: only ratios within a run can be compared."
        parts.insert(0, paragraph(note, "note"))
    return "".join(parts)


def _cell(summary: Summary, name: str, metric: str, style: str) -> str:
    teacher = summary["teachers"].get(name)
    if teacher is None:
        return "-"
    value = teacher[metric]
    return _estimate(value, style) if isinstance(value, dict) else styled(value, style)


def _making(teacher: Summary) -> str:
    """What it cost to train and tune it, in compute."""
    compute = teacher["training_cost"]["compute"]
    where = ", on another course" if teacher["other_course"] else ""
    return number(compute) + where if compute else "-"


def _estimate(estimate: Summary | None, style: str) -> str:
    return "-" if estimate is None else with_interval(estimate["iqm"], estimate["ci95"], style)
