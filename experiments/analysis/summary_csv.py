"""The numbers of a report as a table: `summary.csv`, a row for each teacher of each run."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..common.files import write_whole
from ..common.printable import csv_text, plain_text
from .summary import kind_of, listed

_ESTIMATES = (
    "compute_to_mastery", "equal_compute_to_mastery", "steps_to_mastery", "area", "final_score",
    "stress_score", "forgetting", "retention", "calibration_error",
)  # fmt: skip
_FACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "label": lambda teacher: teacher["label"],
    "kind": kind_of,
    "lifetimes": lambda teacher: teacher["lifetimes"],
    "teacher_seeds": lambda teacher: teacher["teacher_seeds"],
    "diverged": lambda teacher: teacher["diverged"],
    "mastered": lambda teacher: teacher["mastered"],
}
CSV_COLUMNS = (
    "run", "rank", "teacher", *_FACTS,
    *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")),
    "worst_tenth_compute", "worst_tenth_area", "costs", "probe_share", "making_compute",
)  # fmt: skip
"""Of `summary.csv`. An estimate is an interquartile mean over lifetimes, `_low` and `_high` are the
ends of its 95 % interval; what was not measured is empty."""


def write_summary_csv(summaries: Mapping[str, dict[str, Any]], file: Path) -> None:
    """Write `summary.csv`, whole or not at all: runs in their order, the best teacher first."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    for run, summary in summaries.items():
        for name in listed(summary):
            rank = summary["places"].get(name)
            row = {"run": run, "rank": rank, "teacher": name} | _row(summary, name)
            table.writerow({column: _cell(value) for column, value in row.items()})
    write_whole(file, lambda aside: aside.write_text(plain_text(text.getvalue()), encoding="utf-8"))


def _cell(value: Any) -> Any:
    return csv_text(value) if isinstance(value, str) else value


def _row(summary: dict[str, Any], name: str) -> dict[str, Any]:
    teacher = summary["teachers"][name]
    row: dict[str, Any] = {column: value(teacher) for column, value in _FACTS.items()}
    for metric in _ESTIMATES:
        if estimate := teacher[metric]:
            low, high = estimate["ci95"]
            row |= {metric: estimate["iqm"], f"{metric}_low": low, f"{metric}_high": high}
    worst = teacher["cvar"]
    return row | {
        "worst_tenth_compute": worst["compute_to_mastery"]["mean"],
        "worst_tenth_area": worst["area"]["mean"],
        "costs": summary["costs"],
        "probe_share": teacher["probe_cost"]["share"],
        "making_compute": (
            teacher["training_cost"]["compute"] if teacher["training_known"] else None
        ),
    }
