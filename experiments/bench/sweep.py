"""How close a sweep comes to the ideal, two pairs at a time: `python -m ... --out DIR`.

The ideal is the summed wall time of the trials divided by two. Everything else is what a sweep
adds: the start of Ray and of its processes, the time in which one pair is left alone at the end,
and the report over all. At its full size, 8 pairs of at least 120 seconds, it takes nine minutes
or so on two cores that do nothing else.
"""

import argparse
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from ..common.files import read_json
from ..config.loading import make_config
from ..config.sweeps import Resources, Sweep
from ..store.layout import RunDir, SweepDir, unit_name
from ..sweep.pairs import pairs_of
from ..sweep.sweep import run_sweep
from ..trial.trial import run_trial

LIMIT = 1.25
AT_ONCE = 2
_TRIED = 6_400
"""Training decisions of the pair that the others are sized by."""
CONFIG: dict[str, Any] = {
    "name": "bench-sweep",
    "suite": {"name": "parity", "options": {"n_tasks": 6, "n_signs": 12}},
    "student": {"model": "mlp", "options": {"hidden": [64, 64]}},
    "lifetime": {"budget": "2000-steps", "steps_per_decision": 20, "reward": "time_to_mastery"},
    "seeds": {"report": 16, "select": 16},
    "workers": 1,
    "teachers": [
        {
            "name": "ppo",
            "type": "learned",
            "observe": ["progress:ema=0.5,scale=5", "score"],
            "students": 32,
            "width": 32,
            "decisions": _TRIED,
            "candidates": 1,
            "settings": {"n_steps": 20, "batch_size": 128, "n_epochs": 3},
        }
    ],
}


def bench_sweep(out: Path, pairs: int = 8, seconds: float = 120.0) -> dict[str, float]:
    """Run a sweep of pairs that each take at least so long.

    Returns:
        Seconds: `shortest`, `summed` and `ideal` of the trials, `wall` of the sweep; and `ratio`.
    """
    cores = max(1.0, (os.cpu_count() or 1) / AT_ONCE)
    sweep = Sweep(
        name="bench-sweep",
        config=CONFIG,
        overrides={"teachers.ppo.decisions": decisions_for(seconds)},
        teachers=["ppo"],
        space={"seeds.teacher": list(range(pairs))},
        resources=Resources(cpu=int(cores)),
    )
    began = time.perf_counter()
    run_sweep(sweep, out)
    wall = time.perf_counter() - began
    times = [trial_seconds(SweepDir(out).run_dir(pair.name).path) for pair in pairs_of(sweep)]
    ideal = sum(times) / AT_ONCE
    return {
        "shortest": min(times),
        "summed": sum(times),
        "ideal": ideal,
        "wall": wall,
        "ratio": wall / ideal,
    }


def decisions_for(seconds: float) -> int:
    """Training decisions that take a little longer than this, alone on a core."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        run_trial(make_config(CONFIG), run_dir)
        result = read_json(RunDir(run_dir).unit(unit_name("train", "ppo", 0)))
    return math.ceil(1.1 * seconds * _TRIED / float(result["wall_seconds"]))


def trial_seconds(run_dir: Path) -> float:
    """Wall time of a trial, from the first file that it has left to the last."""
    first, last = RunDir(run_dir).environment, RunDir(run_dir).summary
    return last.stat().st_mtime - first.stat().st_mtime


def main() -> None:
    """Run the sweep that the options ask for, and print its ratio to the ideal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="sweep directory to write")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120.0, help="least length of a pair")
    options = parser.parse_args()
    figures = bench_sweep(options.out, options.pairs, options.seconds)
    print(
        f"{options.pairs} pairs of at least {figures['shortest']:.0f} s, {AT_ONCE} at a time: "
        f"{figures['wall']:.1f} s; the ideal, {figures['summed']:.1f} s / {AT_ONCE}, is "
        f"{figures['ideal']:.1f} s; ratio {figures['ratio']:.3f} (at most {LIMIT})"
    )


if __name__ == "__main__":
    main()
