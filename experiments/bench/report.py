"""What the report of a large run takes: `python -m lessonplan.experiments.bench.report`.

The run is made up: nobody is trained. Legend: m students, k tasks, r rows of one decision.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import write_json, write_whole
from ..store.cards import Cost, TeacherCard, write_card
from ..store.layout import RunDir
from ..store.schedule import PartWriter

LIMIT_BYTES, LIMIT_SECONDS = 2e9, 60.0
"""Peak memory and processor time that the report of 2,000 students under 24 teachers may take."""
STEPS, BATCH = 20, 32
"""Student steps of a decision, and training examples of a step."""
_PARTS = 4
"""Parts that the schedule of a teacher comes in."""
_CATEGORY = 20
"""Tasks of a category; each but the first needs the one before it."""


def write_made_up_run(
    path: Path, students: int, teachers: int, decisions: int, tasks: int, seed: int = 0
) -> Path:
    """A whole run directory of students that follow a formula.

    The first teacher counts as learned and the second mixes all tasks evenly; all but the second
    take the first task that is not mastered, each with more errors than the one before.

    Args:
        path: of the directory, which is made.
        students: m.
        teachers: how many.
        decisions: in the budget.
        tasks: k, in categories of twenty.
        seed: of the errors.

    Returns:
        The path.

    Raises:
        ValueError: if something is there.
    """
    if path.exists():
        raise ValueError(f"{path} is there already; name a folder that is not")
    files = RunDir(path)
    names = [f"level-{i + 1}" for i in range(tasks)]
    files.schedule.mkdir(parents=True)
    write_json(files.environment, _environment(names, decisions))
    write_whole(files.config, lambda aside: aside.write_text("name: made-up\n"))
    for i in range(teachers):
        mixes = i == 1
        spent = Cost(400.0, 4e6, 4e5, 60.0) if i == 0 else None
        kind = "learned" if i == 0 else "static" if mixes else "rule"
        card = TeacherCard(f"teacher-{i + 1}", kind, mixes=mixes, training=spent)
        write_card(path, card)
        writer = PartWriter(files.schedule, card.name, 0, {})
        errors = 1.0 if mixes else 0.05 + 0.9 * i / teachers
        stream = np.random.default_rng([seed, i])
        _teach(writer, names, students, decisions, errors, mixes, stream)
    return path


def _environment(names: list[str], decisions: int) -> dict[str, Any]:
    """The facts of suite and budget."""
    tasks = [
        {
            "name": name,
            "importance": 1.0,
            "threshold": 0.9,
            "difficulty": float(i),
            "prerequisites": names[i - 1 : i] if i % _CATEGORY else [],
            "category": f"category {i // _CATEGORY + 1}",
            "cost": 1.0,
        }
        for i, name in enumerate(names)
    ]
    amount = decisions * STEPS
    return {
        "suite": {"name": "made-up", "tasks": tasks, "order": list(range(len(names)))},
        "budget": {
            "amount": amount,
            "unit": "steps",
            "decisions": decisions,
            "steps_per_decision": STEPS,
        },
        "mastery_streak": 1,
    }


def _teach(
    writer: PartWriter,
    names: list[str],
    m: int,
    decisions: int,
    errors: float,
    mixes: bool,
    stream: np.random.Generator,
) -> None:
    """The lifetimes of m students under one teacher, decision by decision."""
    k = len(names)
    first = np.arange(k) % _CATEGORY == 0
    skill, rows = np.zeros((m, k)), np.arange(m)
    pace = np.random.default_rng(99).uniform(0.15, 0.3, size=(m, 1))
    for decision in range(1, decisions + 1):
        now = skill[rows]
        task = np.argmin(np.where(now < 0.92, np.arange(k), k), axis=1)
        wrong = stream.random(len(rows)) < errors
        task = np.where(wrong, stream.integers(k, size=len(rows)), task)
        share = np.full((len(rows), k), 1.0 / k) if mixes else np.eye(k)[task]
        ready = np.where(first, 1.0, np.roll(now, 1, axis=1) ** 3)
        now = np.clip(now + pace[rows] * share * ready * (1.02 - now) - 0.0005 * now, 0.0, 1.0)
        skill[rows] = now
        score = np.clip(now + stream.normal(0.0, 0.01, size=now.shape), 0.0, 1.0)
        score = np.asarray(np.round(128.0 * score) / 128.0, dtype=np.float32)
        over = np.asarray((score >= 0.9).all(axis=1))
        ends = np.asarray(over | (decision == decisions))
        writer.add(_columns(rows, decision, np.array(names)[task], share, score, over, ends))
        if decision % -(-decisions // _PARTS) == 0:
            writer.flush()
        rows = rows[~over]
        if len(rows) == 0:
            break
    writer.flush()


def _columns(
    rows: np.ndarray,
    decision: int,
    task: np.ndarray,
    share: np.ndarray,
    score: np.ndarray,
    over: np.ndarray,
    ends: np.ndarray,
) -> dict[str, Any]:
    """One decision of r students, as a recorder enters it."""
    r, nothing = len(rows), np.zeros_like(score)
    examples = float(decision * STEPS * BATCH)
    return {
        "student_seed": 1000 + rows,
        "decision": np.full(r, decision),
        "student_steps": np.full(r, decision * STEPS),
        "compute": np.full(r, 1.5 * examples),
        "probe_compute": np.full(r, 0.5 * examples),
        "equal_compute": np.full(r, 1.5 * examples),
        "tokens": np.full(r, 10.0 * examples),
        "task": task,
        "reward": np.full(r, -0.1),
        "training_loss_before": nothing[:, 0],
        "training_loss_after": nothing[:, 0],
        "terminated": over,
        "truncated": ends & ~over,
        "diverged": np.zeros(r, dtype=np.bool_),
        "wall_seconds": np.where(ends, 1.0, np.nan),
        "probabilities": share,
        "observation": nothing,
        "probe_score": score,
        "probe_loss": 1.0 - score,
        "test_score": score,
        "test_loss": 1.0 - score,
        "test_calibration_error": 0.1 * (1.0 - score),
        "stress_score": [one if end else None for one, end in zip(score, ends, strict=True)],
    }


def measure_report(run_dir: Path) -> dict[str, float]:
    """What the report of a run takes in a process of its own: `peak_bytes` and `cpu_seconds`."""
    command = [sys.executable, "-m", "lessonplan.experiments.bench.report", "--of", str(run_dir)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return figures


def _measure_here(run_dir: Path) -> dict[str, float]:
    from ..report.report import write_report

    write_report(run_dir)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"peak_bytes": _peak_bytes(), "cpu_seconds": used.ru_utime + used.ru_stime}


def _peak_bytes() -> float:
    """The most memory that this process had."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most * (1 if sys.platform == "darwin" else 1024)
    # `ru_maxrss` of Linux begins with the memory of the process that started this one.
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Write the run that the options ask for, and say what its report takes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--students", type=int, default=2000)
    parser.add_argument("--teachers", type=int, default=24)
    parser.add_argument("--decisions", type=int, default=120)
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--out", type=Path, help="run directory to write; else it is deleted")
    parser.add_argument("--of", type=Path, help="measure the report of this one, in this process")
    options = parser.parse_args()
    if options.of is not None:
        print(json.dumps(_measure_here(options.of)))
        return
    with tempfile.TemporaryDirectory() as folder:
        run_dir = options.out or Path(folder) / "run"
        sizes = (options.students, options.teachers, options.decisions, options.tasks)
        try:
            write_made_up_run(run_dir, *sizes)
        except ValueError as error:
            parser.error(str(error))
        figures = measure_report(run_dir)
    print(
        f"{options.students:,} students, {options.teachers} teachers, {options.decisions} "
        f"decisions, {options.tasks:,} tasks: {figures['peak_bytes'] / 1e9:.2f} GB at most, "
        f"{figures['cpu_seconds']:.0f} s of processor time"
    )


if __name__ == "__main__":
    main()
