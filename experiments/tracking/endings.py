"""What is logged of a pair when its students have lived: picture, chart, table, numbers, files.

Legend: s teacher seeds, k tasks.
"""

import base64
import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import read_object
from ..report.schedule_maps import draw_probabilities, picture_rows
from ..report.style import to_png
from ..store.layout import RunDir
from ..store.runs import StoredRun, read_run
from ..store.schedule import parts_of
from ..trial.environment import own_code
from .chart import chart_page
from .pair import TrackedPair

MOST_ROWS = 10_000
"""What a W&B table takes; of longer schedules it has every n-th decision."""
_VALUES = ("schedule", "chosen", "progress", "probe_score", "test_score", "forgetting", "epochs")
COLUMNS = ("decision", "student_steps", "task", "probability", *_VALUES[1:])


@dataclass(frozen=True)
class Ending:
    """What belongs at the end of a pair.

    Attributes:
        picture: heat map of the schedule, PNG.
        caption: of the picture.
        page: the chart of the schedule as HTML.
        columns: of the table.
        rows: of the table, one for each decision and task, means over students.
        numbers: of `summary.json`, by name.
        files: of the artifacts by their type.
    """

    picture: bytes
    caption: str
    page: str
    columns: list[str]
    rows: list[list[Any]]
    numbers: dict[str, float]
    files: dict[str, list[Path]]


def ending(pair: TrackedPair) -> Ending:
    """Everything of a pair that is done."""
    run = only(read_run(pair.run_dir), pair.teacher, pair.seed)
    picture = to_png(draw_probabilities(run, [pair.teacher]))
    rows = schedule_table(pair)
    chart, order = charted(rows, run)
    return Ending(
        picture=picture,
        caption=f"probability of each task, mean over students: {run.teachers[pair.teacher].title}",
        page=chart_page(chart, order, base64.b64encode(picture).decode()),
        columns=list(COLUMNS),
        rows=rows,
        numbers=summary_numbers(pair)
        | {"result/order_agreement": order_agreement(run, pair.teacher)},
        files=artifact_files(pair),
    )


def charted(rows: list[list[Any]], run: StoredRun) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the chart from those of the table, and what stands in it from bottom to top.

    Of many tasks several share a row, as in the picture, under the name of the first of them.
    """
    row_of = picture_rows(run).row
    first = {int(row_of[i]): run.tasks[i] for i in reversed(run.order)}
    shared = len(first) < len(run.tasks)
    names = [f"{first[row]} …" if shared else first[row] for row in range(len(first))]
    name_of = {task: names[row_of[i]] for i, task in enumerate(run.tasks)}
    sums: dict[tuple[int, str], float] = {}
    for decision, _, task, probability, *_ in rows:
        place = (decision, name_of[task])
        sums[place] = sums.get(place, 0.0) + (probability or 0.0)
    chart = [
        {"decision": decision, "task": name, "probability": probability}
        for (decision, name), probability in sums.items()
    ]
    return chart, names


def only(run: StoredRun, teacher: str, seed: int) -> StoredRun:
    """A run with the lifetimes of one teacher of one seed alone.

    Raises:
        ValueError: if there are none.
    """
    lifetimes = run.lifetimes.get(teacher)
    if lifetimes is None or seed not in lifetimes.teacher_seeds:
        raise ValueError(f"{run.path} has no finished lifetimes of {teacher} of seed {seed}")
    return dataclasses.replace(run, lifetimes={teacher: lifetimes.of_seed(seed)})


def schedule_table(pair: TrackedPair) -> list[list[Any]]:
    """Rows of the table; None where there is no number."""
    history, tasks = pair.rows.history, pair.rows.facts.tasks
    every = max(1, math.ceil(len(history) * len(tasks) / MOST_ROWS))
    rows = []
    for i in range(0, len(history), every):
        steps = float(history[i]["student_steps"][0])
        for j, task in enumerate(tasks):
            values = [float(history[i][kind][j]) for kind in _VALUES]
            rows.append([i + 1, steps, task, *(v if math.isfinite(v) else None for v in values)])
    return rows


def summary_numbers(pair: TrackedPair) -> dict[str, float]:
    """Numbers of the teacher in `summary.json`, those of this seed where there are such.

    Empty while there is no summary.
    """
    file = RunDir(pair.run_dir).summary
    if not file.exists():
        return {}
    teachers = read_object(file)["teachers"]
    entry = dict(teachers.get(pair.teacher, {}))
    for own in entry.pop("per_teacher_seed", []):
        if own["teacher_seed"] == pair.seed:
            entry |= own
    entry.pop("worst_teacher_seed", None)
    return _flat(entry, "result")


def _flat(value: Any, name: str) -> dict[str, float]:
    if isinstance(value, dict):
        parts = (_flat(item, f"{name}/{key}") for key, item in value.items())
        return {key: number for part in parts for key, number in part.items()}
    if isinstance(value, list) and len(value) == 2 and name.endswith("ci95"):
        return _flat({"low": value[0], "high": value[1]}, name)
    return {name: float(value)} if isinstance(value, int | float) else {}


def artifact_files(pair: TrackedPair) -> dict[str, list[Path]]:
    """The schedule of a pair, its teacher, its config, and one's own code where it is wanted."""
    files, teacher = RunDir(pair.run_dir), pair.config.teacher(pair.teacher)
    teacher_files = [files.card(pair.teacher), files.teacher_zip(teacher.name, pair.seed)]
    found = {
        "schedule": parts_of(files.schedule, pair.teacher, pair.seed),
        "teacher": [file for file in teacher_files if file.exists()],
        "config": [file for file in (files.config, files.environment) if file.exists()],
    }
    if pair.config.tracking.code:
        # As the config names them: what a run directory says of files may be anybody's word.
        found["code"] = [Path(one["file"]) for one in own_code(pair.config).values()]
    return found


def order_agreement(run: StoredRun, teacher: str) -> float:
    """How far a teacher keeps to the true order: a rank correlation in [-1, 1].

    Kendall's tau between the true order and the mean decision at which each task is taught; 0 where
    fewer than two tasks are taught at all.
    """
    lifetimes = run.lifetimes[teacher]
    shares = np.where(lifetimes.taught[..., None], lifetimes.probabilities, 0.0)
    shares = shares.sum(axis=(0, 1), dtype=np.float64)
    total = shares.sum(axis=0)
    time = np.arange(len(shares)) @ shares / np.where(total > 0, total, 1.0)
    times = time[[i for i in run.order if total[i] > 0]]
    later = np.sign(times[None, :] - times[:, None])[np.triu_indices(len(times), 1)]
    return float(later.mean()) if later.size else 0.0
