"""Reporting a teacher: the report students live one recorded lifetime each under it.

Legend: m students, k tasks, d decisions.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from stable_baselines3.common.base_class import BaseAlgorithm

from lessonplan.envs import Classroom
from lessonplan.envs.columns import student_key
from lessonplan.student import TaskSuite
from lessonplan.teacher import Replay

from .build import REPORT_SEEDS, build_rule, learned_teacher, rule_teacher
from .config import Config, LearnedTeacher, ReplayTeacher, RuleTeacher
from .files import read_checkpoint, write_checkpoint
from .lifetimes import Lifetimes
from .progress import Report, nowhere
from .recorder import Recorder, parts_of


def evaluate(
    config: Config,
    suite: TaskSuite,
    run_dir: Path,
    name: str,
    teacher_seed: int,
    parameters: dict[str, Any],
    report: Report = nowhere,
) -> dict[str, Any]:
    """Record one lifetime of every report student.

    Args:
        config: the experiment.
        suite: its tasks.
        run_dir: where the parts go and where trained teachers and schedules are.
        name: of the teacher as reported.
        teacher_seed: its seed.
        parameters: tuned ones of a rule.
        report: told how far it is.

    Returns:
        The number of `lifetimes` and `decisions` that were recorded.
    """
    students = REPORT_SEEDS + np.arange(config.seeds.report)
    algorithm, room = make_teacher(
        config, suite, run_dir, name, teacher_seed, parameters, len(students)
    )
    lifetimes = Lifetimes(algorithm, room, students)
    recorder = Recorder(run_dir / "schedule", name, teacher_seed, room.n)
    checkpoint = run_dir / "checkpoint" / f"evaluate-{name}-{teacher_seed}.pt"
    state = read_checkpoint(checkpoint)
    if state is not None:
        lifetimes.load_state_dict(state["lifetimes"])
    recorder.resume(state["recorder"] if state else None)
    saved = time.perf_counter()
    while len(lifetimes.running):
        recorder.record(room, lifetimes.step())
        if time.perf_counter() - saved > config.checkpoint_seconds:
            recorder.flush()
            write_checkpoint(
                checkpoint,
                {"lifetimes": lifetimes.state_dict(), "recorder": recorder.state_dict()},
            )
            saved = time.perf_counter()
        ended = 1.0 - len(lifetimes.running) / room.n
        spent = 1.0 - float(room.facts.spending.remaining.min())
        report(max(ended, spent), f"{room.facts.score.mean():.2f} mean score")
    recorder.flush()
    return {"lifetimes": room.n, "decisions": int(room.facts.decisions.sum())}


def make_teacher(
    config: Config,
    suite: TaskSuite,
    run_dir: Path,
    name: str,
    teacher_seed: int,
    parameters: dict[str, Any],
    n: int,
) -> tuple[BaseAlgorithm, Classroom]:
    """A teacher that is ready to be reported, and a classroom of n that shows it what it needs."""
    teacher = teacher_named(config, name)
    if isinstance(teacher, RuleTeacher):
        rule = build_rule(teacher.rule, teacher.parameters | parameters, config, suite)
        return rule_teacher(rule, config, suite, n, teacher_seed, teacher.action)
    if isinstance(teacher, ReplayTeacher):
        schedules, keys = recorded_schedules(run_dir, suite, teacher.of, teacher_seed)
        replay = Replay(schedules, keys, shuffled=teacher.shuffled)
        return rule_teacher(replay, config, suite, n, teacher_seed)
    return learned_teacher(
        teacher, trained_path(run_dir, teacher, teacher_seed), config, suite, n, teacher_seed,
        deterministic=teacher.deterministic and name == teacher.name,
    )  # fmt: skip


def teacher_named(config: Config, name: str) -> RuleTeacher | LearnedTeacher | ReplayTeacher:
    """The config's teacher that is reported under this name."""
    for teacher in config.teachers:
        if name == teacher.name or (
            isinstance(teacher, LearnedTeacher) and name == sampled_name(teacher)
        ):
            return teacher
    raise ValueError(f"there is no teacher {name!r} in this config")


def sampled_name(teacher: LearnedTeacher) -> str:
    """What a learned teacher is reported as when its tasks are sampled."""
    return f"{teacher.name}-sampled"


def trained_path(run_dir: Path, teacher: LearnedTeacher, seed: int) -> Path:
    """SB3 file of a trained teacher."""
    return run_dir / "teachers" / f"{teacher.name}-{seed}.zip"


def recorded_schedules(
    run_dir: Path, suite: TaskSuite, name: str, teacher_seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Schedules of a recorded teacher, (m, d) canonical tasks with -1 at the end, and keys (m,)."""
    parts = parts_of(run_dir / "schedule", name, teacher_seed)
    columns = ["student_seed", "decision", "task"]
    tables = [_read_part(part, columns, name) for part in parts]
    if not tables:
        raise ValueError(
            f"{run_dir}/schedule has no parts of {name!r} to replay; delete "
            f"checkpoint/evaluate-{name}-{teacher_seed}.json, and --resume records it again"
        )
    seeds = np.concatenate([np.array(table["student_seed"]) for table in tables])
    decisions = np.concatenate([np.array(table["decision"]) for table in tables])
    index = {task: i for i, task in enumerate(suite.names)}
    tasks = np.array([index[task] for table in tables for task in table["task"]])
    students, rows = np.unique(seeds, return_inverse=True)
    schedules = np.full((len(students), decisions.max()), -1, dtype=np.int64)
    schedules[rows, decisions - 1] = tasks
    return schedules, student_key(students)


def _read_part(part: Path, columns: list[str], name: str) -> dict[str, list[Any]]:
    """Columns of one part of a teacher that is replayed."""
    try:
        table: dict[str, list[Any]] = pq.read_table(part, columns=columns).to_pydict()
    except (ValueError, OSError) as error:
        seed = part.stem.rpartition("-")[0].rpartition("-")[2]
        raise ValueError(
            f"{part} of {name!r}, which is replayed, can't be read; delete "
            f"checkpoint/evaluate-{name}-{seed}.json, and --resume records it again"
        ) from error
    return table
