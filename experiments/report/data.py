"""What a run was made with: how its data was read, and what is in each split."""

from typing import Any

from lessonplan.student import SPLITS

from ..store.runs import StoredRun
from .html import heading, paragraph, table


def data_section(run: StoredRun) -> list[str]:
    """A heading, sentences and a table; nothing for runs that did not store it."""
    suite = run.environment["suite"]
    tasks = [suite["tasks"][i] for i in run.order]
    notes = [paragraph(note) for note in suite.get("notes", ())]
    if not all("examples" in task for task in tasks):
        return [heading("Data", 3), *notes] if notes else []
    splits = [split for split in SPLITS if split in tasks[0]["examples"]]
    unit = suite.get("unit", "")
    columns = ["task", *splits, "score", "chance", "threshold", *([f"mean {unit}"] if unit else [])]
    return [
        heading("Data", 3),
        *notes,
        table(columns, [_row(task, splits, unit) for task in tasks]),
    ]


def _row(task: dict[str, Any], splits: list[str], unit: str) -> list[str]:
    return [
        task["name"],
        *(f"{task['examples'][split]:,}" for split in splits),
        task["score"],
        f"{task['chance']:.2f}",
        f"{task['threshold']:g}",
        *([f"{task['cost']:.0f}"] if unit else []),
    ]
