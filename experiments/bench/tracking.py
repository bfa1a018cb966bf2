"""What tracking costs beside a trial: `python -m lessonplan.experiments.bench.tracking`."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..config.loading import read_config

STUDENTS = 448
"""Report students of the trial that is measured; with so many it takes about two minutes."""


def tracking_share(students: int = STUDENTS, turns: int = 1) -> dict[str, float]:
    """Seconds of tracking as a share of those of a trial, each turn in a new process.

    The trial is one pair: a bandit with students of `quickstart`. Tracking is everything that the
    process and W&B's own process compute outside the thread of the trial, and what the trial waits
    for at its end; importing, pictures and artifacts included. Offline, so that no network counts.
    The trial counts with the processor time of its one thread, which is the wall time that it takes
    on a machine that does nothing else: other work would make the share look smaller.

    Args:
        students: that are reported.
        turns: measurements.

    Returns:
        `median`, `min` and `max` of the share, and the most `trial_seconds`.
    """
    command = [sys.executable, "-P", "-m", "lessonplan.experiments.bench.tracking", str(students)]
    environment = os.environ | {"WANDB_MODE": "offline", "OMP_NUM_THREADS": "1"}
    measurements = []
    for _ in range(turns):
        process = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        measurements.append(json.loads(process.stdout.splitlines()[-1]))
    shares = sorted(one["tracking_seconds"] / one["trial_seconds"] for one in measurements)
    return {
        "median": shares[len(shares) // 2],
        "min": shares[0],
        "max": shares[-1],
        "trial_seconds": max(one["trial_seconds"] for one in measurements),
    }


def measure_tracking(students: int) -> dict[str, float]:
    """One tracked trial in this process: `tracking_seconds` and `trial_seconds`."""
    from ..tracking.follow import tracking
    from ..trial.trial import run_trial

    config = read_config(
        "quickstart", ["teachers=[tscl_window]", "workers=1", f"seeds.report={students}"]
    )
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        everything, trial = time.process_time(), time.thread_time()
        with tracking(config, run_dir, "bench", say=lambda sentence: None) as watch:
            run_trial(config, run_dir, watch=watch)
            trial_seconds = time.thread_time() - trial
            closing, closing_cpu = time.perf_counter(), time.process_time()
        idle = time.perf_counter() - closing - (time.process_time() - closing_cpu)
        beside = time.process_time() - everything - (time.thread_time() - trial)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = beside + max(idle, 0.0) + children.ru_utime + children.ru_stime
    return {"tracking_seconds": seconds, "trial_seconds": trial_seconds}


def main() -> None:
    """Measure one trial of as many students as the argument says; without one, print the share."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "students", type=int, nargs="?", help="measure one trial of so many, in this process"
    )
    students = parser.parse_args().students
    if students is not None:
        print(json.dumps(measure_tracking(students)))
        return
    share = tracking_share()
    print(f"tracking: {share['median']:.2%} of a trial of {share['trial_seconds']:.0f} s")


if __name__ == "__main__":
    main()
