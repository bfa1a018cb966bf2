"""Trials that are tracked in processes of their own, and W&B's offline files read back."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from synthetic_run import SCHEMA, teacher, write_run

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.store.training_log import read_training_log

TASKS = ["first", "second"]
TRIAL = """
import json, os, signal, sys, time
from pathlib import Path

from lessonplan.experiments import read_config
from lessonplan.experiments.tracking import tracking
from lessonplan.experiments.trial import run_trial

config, out = read_config(sys.argv[1]), Path(sys.argv[2])
kill, calls = sys.argv[3], int(sys.argv[4])
resume = (out / "config.yaml").exists()


def wandb_core():
    mine = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = status.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if rest.split()[1] == str(os.getpid()) and rest.split()[0] != "Z" and "wandb" in name:
            mine.append(int(status.parent.name))
    return mine


def hooks():
    return [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.exit,
            sys.excepthook, os.environ.get("WANDB_SERVICE"), os.environ.get("WANDB_DATA_DIR")]


before = hooks()
with tracking(config, out, "project", group="group", every=0.1, patience=12.0) as watch:
    def told(unit, fraction, words):
        global calls
        watch(unit, fraction, words)
        calls -= 1
        if calls == 0 and "WAIT_FOR" in os.environ:
            deadline = time.monotonic() + 60
            while not Path(os.environ["WAIT_FOR"]).exists() and time.monotonic() < deadline:
                time.sleep(0.1)
        if calls == 0 and kill == "trial":
            time.sleep(2)
            os.kill(os.getpid(), signal.SIGKILL)
        if calls == 0 and kill == "stop":
            raise KeyboardInterrupt
        if calls == 0 and kill == "service":
            deadline = time.monotonic() + 60
            while not wandb_core() and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            for pid in wandb_core():
                os.kill(pid, signal.SIGKILL)
                print("killed the service")
    run_trial(config, out, resume=resume, watch=told)
print(json.dumps({"same hooks": hooks() == before, "left": wandb_core()}))
"""
LEAST = {
    "WANDB_API_KEY": None, "WANDB_MODE": None, "WANDB_BASE_URL": None, "NETRC": None,
    "WANDB_SERVICE": None, "OMP_NUM_THREADS": "1",
}  # fmt: skip


def environment(home, **more):
    """That of a user who has no key, with a home of its own."""
    values = os.environ | LEAST | {"HOME": str(home)} | more
    return {name: value for name, value in values.items() if value is not None}


def tracked(config, out, home, *, kill="nothing", calls=0, **more):
    """A process that runs a trial, or goes on with it, and is killed where that is asked for."""
    file = Path(home) / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    return subprocess.run(
        [sys.executable, "-c", TRIAL, str(file), str(out), kill, str(calls)],
        env=environment(home, **more), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


class Offline:
    """One offline run as W&B itself reads it.

    Attributes:
        folder: of the run.
        run: its record: config, group, job type, ...
        axes: step metric of each metric, globs included.
        history: logged rows.
        summary: its last state.
        artifacts: records by type.
        alerts: their records.
        files: paths of media, in the folder `files`.
    """

    def __init__(self, folder):
        self.folder = folder
        self.axes, self.history, self.summary = {}, [], {}
        self.artifacts, self.alerts, self.files = {}, [], []
        for record in _records(folder):
            self._take(record["type"], record.get(record["type"], {}))

    def _take(self, kind, record):
        if kind == "run":
            self.run = record
        elif kind == "metric" and "step_metric" in record:
            self.axes[record.get("glob_name") or record["name"]] = record["step_metric"]
        elif kind == "history":
            self.history.append(record["item"])
        elif kind == "summary":
            self.summary |= record.get("update", {})
        elif kind == "artifact":
            self.artifacts.setdefault(record["type"], []).append(record)
        elif kind == "alert":
            self.alerts.append(record)
        elif kind == "files":
            self.files += [file["path"] for file in record["files"]]

    @property
    def decisions(self):
        """Rows of decisions."""
        return [row for row in self.history if "reward" in row]

    @property
    def names(self):
        """Everything that was logged, by name."""
        return {name for row in self.history for name in row}


def _records(folder):
    """What W&B's file holds; on a busy machine it may still be written for a moment."""
    command = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json"]
    for _ in range(10):
        told = subprocess.run(
            [*command, *map(str, folder.glob("*.wandb"))],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout  # fmt: skip
        records = [json.loads(line) for line in told.splitlines()]
        if any(record["type"] == "run" for record in records):
            break
        time.sleep(2.0)
    return records


def offline_runs(run_dir):
    """Every offline run of a run directory, by job type."""
    found = [Offline(folder) for folder in sorted(run_dir.glob("wandb/offline-run-*"))]
    by_type = {run.run["job_type"]: run for run in found}
    assert len(by_type) == len(found), "two files of one run"
    return by_type


def each_decision_once(runs, out):
    """Check that runs, by teacher, have what a run directory holds, each row once."""
    lengths = {name: int(found.length.max()) for name, found in read_run(out).lifetimes.items()}
    assert set(runs) == set(lengths)
    for name, run in runs.items():
        assert [row["decision"] for row in run.decisions] == [*range(1, lengths[name] + 1)]
    lines = read_training_log(out / "training" / "ppo-0.jsonl")
    logged = [row for row in runs["ppo"].history if "training/decisions" in row]
    assert [row["training/decisions"] for row in logged] == [line["decisions"] for line in lines]


def numbers(run_dir):
    """The summary without wall time."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if "wall" not in k}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return json.dumps(strip(json.loads((run_dir / "summary.json").read_text())))


def plan_config(**changes):
    """A config whose one teacher is `plan`."""
    values = {
        "teachers": [{"name": "plan", "rule": "uniform"}],
        "student": {"batch_size": 8},
        "lifetime": {"budget": "40-steps", "steps_per_decision": 10},
    }
    return Config.model_validate(values | changes)


def run_of(path, lives, *, decisions=4, **options):
    """A run directory of the teacher `plan` whose parts are named as a recorder names them."""
    run = write_run(path, [teacher("plan", "rule")], [], TASKS, decisions=decisions, **options)
    described = json.loads((run / "environment.json").read_text())
    for task, size in zip(described["suite"]["tasks"], (80, 160), strict=True):
        task["training_examples"] = size
    (run / "environment.json").write_text(json.dumps(described))
    add_part(run, 0, lives)
    return run


def add_part(run, number, lives):
    """Write a part with some rows of lifetimes."""
    table = pa.Table.from_pylist([row for life in lives for row in life], schema=SCHEMA)
    pq.write_table(table, run / "schedule" / f"part-plan-0-{number:04d}.parquet")


def end(run):
    """Mark the students of `plan` as done, and write a summary."""
    (run / "checkpoint").mkdir()
    (run / "checkpoint" / "evaluate-plan-0.json").write_text("{}")
    summary = {"teachers": {"plan": {"area": {"iqm": 0.5, "ci95": [0.4, 0.6]}, "label": "a plan"}}}
    (run / "summary.json").write_text(json.dumps(summary))
