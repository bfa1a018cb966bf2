"""Writes run directories without training anybody, for tests of what reads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Chooser = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]

SCHEMA = pa.schema(
    [
        ("teacher", pa.string()),
        ("teacher_seed", pa.int64()),
        ("student_seed", pa.int64()),
        ("decision", pa.int64()),
        ("student_steps", pa.int64()),
        ("compute", pa.float64()),
        ("probe_compute", pa.float64()),
        ("equal_compute", pa.float64()),
        ("tokens", pa.float64()),
        ("task", pa.string()),
        *[(name, pa.list_(pa.float32())) for name in ("probabilities", "observation")],
        ("reward", pa.float32()),
        *[(name, pa.bool_()) for name in ("terminated", "truncated", "diverged")],
        *[
            (name, pa.list_(pa.float32()))
            for name in (
                "probe_score", "probe_loss", "test_score", "test_loss", "test_calibration_error",
                "stress_score",
            )
        ],
        ("wall_seconds", pa.float64()),
    ]
)  # fmt: skip


def teacher(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """What a teacher's JSON file holds."""
    record = {
        "name": name, "kind": kind, "label": name, "tuned": False, "published": False,
        "needs": [], "parameters": {}, "sees_order": False, "training": None, "tuning": None,
        "replay_of": None, "deterministic": False, "mixes": False, "selection_cost": None,
        "other_course": False,
    }  # fmt: skip
    return {**record, **more}


def rows(
    name: str, student: int, scores: list[list[float]], *, seed: int = 0, tasks: list[str],
    choices: list[int] | None = None, steps: int = 10, compute: float = 100.0,
    ended: str = "truncated", wall: float = 1.0, stress: list[float] | None = None,
    equal: float = 1.0,
) -> list[Row]:  # fmt: skip
    """One lifetime from its test scores after each decision, (d, k), half of it probing.

    With equal probes it costs `equal` times as much.
    """
    d, k = len(scores), len(tasks)
    chosen = choices or [i % k for i in range(d)]
    return [
        {
            "teacher": name, "teacher_seed": seed, "student_seed": student, "decision": i + 1,
            "student_steps": (i + 1) * steps, "compute": (i + 1) * compute,
            "probe_compute": (i + 1) * compute / 2, "equal_compute": (i + 1) * compute * equal,
            "tokens": (i + 1) * 1000.0,
            "task": tasks[chosen[i]], "probabilities": np.eye(k)[chosen[i]].tolist(),
            "observation": [0.0] * k, "reward": -0.1,
            "terminated": i == d - 1 and ended == "terminated",
            "truncated": i == d - 1 and ended == "truncated", "diverged": False,
            "probe_score": [0.5] * k, "probe_loss": [1.0] * k, "test_score": list(row),
            "test_loss": [1.0] * k, "test_calibration_error": [0.1] * k,
            "stress_score": (stress or list(row)) if i == d - 1 else None,
            "wall_seconds": wall if i == d - 1 else None,
        }
        for i, row in enumerate(scores)
    ]  # fmt: skip


def write_run(
    path: Path, records: list[dict[str, Any]], schedule: list[list[Row]], tasks: list[str], *,
    decisions: int, amount: float | None = None, unit: str = "steps", steps: int = 10,
    streak: int = 1, importance: list[float] | None = None, order: list[int] | None = None,
    own_costs: bool = True,
) -> Path:  # fmt: skip
    """A run directory; every list of rows in `schedule` becomes a part.

    Without `own_costs` it is one of an earlier version, which charged everybody alike.
    """
    (path / "teachers").mkdir(parents=True)
    (path / "schedule").mkdir()
    suite_tasks = [
        {
            "name": name, "importance": (importance or [1.0] * len(tasks))[i], "threshold": 0.9,
            "difficulty": i, "prerequisites": tasks[max(0, i - 1) : i], "cost": 1.0,
            "category": "synthetic",
        }
        for i, name in enumerate(tasks)
    ]  # fmt: skip
    environment = {
        "versions": {"python": "3.11", "torch": "2.13.0"},
        "suite": {
            "name": "synthetic", "tasks": suite_tasks, "order": order or list(range(len(tasks))),
        },
        "budget": {
            "amount": amount or decisions * steps, "unit": unit, "decisions": decisions,
            "steps_per_decision": steps,
        },
        "mastery_streak": streak,
    }  # fmt: skip
    (path / "environment.json").write_text(json.dumps(environment))
    (path / "config.yaml").write_text(f"name: {path.name}\nsteps_per_decision: {steps}\n")
    for record in records:
        (path / "teachers" / f"{record['name']}.json").write_text(json.dumps(record))
    for i, part in enumerate(schedule):
        table = pa.Table.from_pylist(part, schema=SCHEMA)
        table = table if own_costs else table.drop_columns("equal_compute")
        pq.write_table(table, path / "schedule" / f"part-{i:05d}.parquet")
    return path


def demo_run(
    path: Path, *, students: int = 16, decisions: int = 120, k: int = 6, teacher_seeds: int = 3,
    rules: int = 0, seed: int = 0,
) -> Path:  # fmt: skip
    """A run in which every task needs the one before it and a learned teacher knows that."""
    tasks = [f"level-{i + 1}" for i in range(k)]
    spent = {"lifetimes": 400, "compute": 4e6, "student_steps": 4e5, "wall_seconds": 60.0}
    records = [
        teacher("ppo", "learned", label="PPO", training=spent, deterministic=True),
        teacher("proportional", "static", label="Proportional"),
        teacher("uniform", "static", label="Uniform"),
        teacher("ucb", "bandit", label="UCB1", needs=["score"]),
        teacher("lowest", "rule", label="Highest unmastered", tuned=True, tuning=spent),
        teacher("in_order", "order", label="In order", tuned=True, sees_order=True),
        teacher("replay", "order", label="Replay of PPO", replay_of="ppo"),
        teacher("shuffled", "order", label="Replay of PPO, shuffled", replay_of="ppo",
                parameters={"shuffled": True}),
        *[teacher(f"rule-{i}", "rule", label=f"Rule {i}") for i in range(rules)],
    ]  # fmt: skip
    choosers: dict[str, Chooser] = {
        "ppo": _ladder(0.05), "replay": _ladder(0.06), "in_order": _ladder(0.15),
        "lowest": _ladder(0.3), "ucb": _ladder(0.5), "shuffled": _ladder(0.9),
    }  # fmt: skip
    parts = []
    for record in records:
        choose = choosers.get(record["name"], _ladder(1.0))
        of_ppo = record["name"] == "ppo" or record["replay_of"] == "ppo"
        for teacher_seed in range(teacher_seeds if of_ppo else 1):
            stream = np.random.default_rng([seed, len(parts)])
            parts.append(
                _simulate(record["name"], teacher_seed, choose, stream, students, decisions, tasks)
            )
    budget = decisions * 10 * 32 * 1.5
    return write_run(path, records, parts, tasks, decisions=decisions, amount=budget,
                     unit="compute")  # fmt: skip


def _ladder(noise: float) -> Chooser:
    """The lowest unmastered task, or with probability `noise` any task."""

    def choose(score: np.ndarray, decision: int, stream: np.random.Generator) -> np.ndarray:
        n, k = score.shape
        lowest = np.argmin(np.where(score < 0.92, np.arange(k), k + np.arange(k)), axis=1)
        return np.where(stream.random(n) < noise, stream.integers(k, size=n), lowest)

    return choose


def _simulate(
    name: str, teacher_seed: int, choose: Chooser, stream: np.random.Generator, n: int, d: int,
    tasks: list[str],
) -> list[Row]:  # fmt: skip
    k = len(tasks)
    skill, score = np.zeros((n, k)), np.zeros((n, k))
    pace = np.random.default_rng(99).uniform(0.15, 0.3, size=n)
    lives: list[tuple[list[list[float]], list[int]]] = [([], []) for _ in range(n)]
    for decision in range(d):
        task = choose(score, decision, stream)
        ready = np.concatenate([np.ones((n, 1)), skill[:, :-1] ** 3], axis=1)
        gain = pace[:, None] * ready * (1.02 - skill)
        skill = np.clip(np.where(np.arange(k) == task[:, None], skill + gain, skill * 0.998), 0, 1)
        score = np.clip(np.round(skill + stream.normal(0, 0.01, size=(n, k)), 2), 0, 1)
        for i, (scores, chosen) in enumerate(lives):
            if not scores or min(scores[-1]) < 0.9:
                scores.append(score[i].tolist())
                chosen.append(int(task[i]))
    return [
        row
        for i, (scores, chosen) in enumerate(lives)
        for row in rows(
            name, 1000 + i, scores, seed=teacher_seed, tasks=tasks, choices=chosen,
            compute=10 * 32 * 1.5, ended="terminated" if len(scores) < d else "truncated",
            stress=[0.8 * value for value in scores[-1]],
        )
    ]  # fmt: skip
