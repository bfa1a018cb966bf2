"""What one trial of a sweep does, in a process of Ray: a pair is run, or gone on with."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from ..common.files import locked, read_json
from ..common.trust import take_over
from ..common.watch import Watch, all_of
from ..config.config import Config
from ..config.loading import make_config
from ..store.layout import RunDir, SweepDir
from ..trial.trial import run_trial
from ..trial.units import plan

SECONDS_BETWEEN_MESSAGES = 2.0
SECONDS_FOR_THE_LAST = 60.0
"""How long a process that is ending may still hold a run directory."""


def run_pair(spec: dict[str, Any]) -> None:
    """Run one pair and tell Ray Tune how far it is.

    Input that can't be used ends the trial with its sentence as `error`: to take it up again would
    not help. Every other failure is raised, and Ray Tune begins the trial again, which goes on
    where the run directory is.

    Args:
        spec: `name` of the pair, the `sweep` directory, the `project` of W&B or nothing, whether
            `tensorboard` is wanted, its
            part of a `gpu`, and what the process has `agreed` to that began the sweep.
    """
    from ray import tune

    began = time.perf_counter()
    notes: list[str] = []
    settle(spec)

    def say(fraction: float, words: str, **more: Any) -> None:
        seconds = time.perf_counter() - began
        tune.report({"fraction": fraction, "words": words, "seconds": seconds, **more})

    try:
        config, files = read_pair(Path(spec["sweep"]), spec["name"])
        run_dir = files.path
        wait_until_free(run_dir)
        with ExitStack() as stack:
            watches: list[Watch] = [_Share(config, run_dir, say)]
            if spec["project"]:
                from ..tracking.follow import tracking

                tracker = tracking(config, run_dir, spec["project"], say=notes.append)
                watches.append(stack.enter_context(tracker))
            if spec["tensorboard"]:
                from ..tracking.event_files import tensorboard

                watches.append(stack.enter_context(tensorboard(config, run_dir, say=notes.append)))
            resume = files.config.exists()
            run_trial(config, run_dir, resume=resume, watch=all_of(watches))
    except (ValueError, ImportError) as error:
        say(0.0, "failed", error=" ".join(str(error).split()), notes=notes)
    else:
        say(1.0, "done", notes=notes)


def read_pair(sweep_dir: Path, name: str) -> tuple[Config, RunDir]:
    """The config of a pair, and where it runs: on storage that this machine must see.

    Raises:
        ValueError: where it does not.
    """
    files = SweepDir(sweep_dir)
    values = read_json(files.pair_config(name))
    if not values:
        raise ValueError(
            f"{sweep_dir} is not there on {platform.node()}; put the sweep, with --out, on "
            "storage that every node of the cluster sees"
        )
    return make_config(values, source=f"pair {name}"), files.run_dir(name)


def wait_until_free(run_dir: Path, seconds: float = SECONDS_FOR_THE_LAST) -> None:
    """Wait until nobody else works on a run directory: a process that was lost ends in a moment.

    Raises:
        ValueError: if it is still held after so many seconds.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            with locked(run_dir):
                return
        except ValueError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


class _Share:
    """Tells, at most every few seconds, how much of a run is done."""

    def __init__(self, config: Config, run_dir: Path, say: Callable[[float, str], None]) -> None:
        units = plan(config)
        total = sum(unit.weight for unit in units)
        self._weights = {unit.name: unit.weight / total for unit in units}
        self._fractions = {unit.name: 1.0 for unit in units if unit.file(run_dir).exists()}
        self._say, self._last = say, 0.0

    def __call__(self, unit: str, fraction: float, words: str) -> None:
        self._fractions[unit] = fraction
        if time.monotonic() - self._last < SECONDS_BETWEEN_MESSAGES:
            return
        self._last = time.monotonic()
        whole = sum(self._weights[name] * part for name, part in self._fractions.items())
        self._say(min(whole, 1.0), f"{unit}: {words}")


def settle(spec: Mapping[str, Any]) -> None:
    """Make this process as that of a run: one thread, the same consent, no GPU but those given."""
    torch.set_num_threads(1)
    take_over(spec["agreed"])
    if not spec["gpu"]:
        # Ray would let a process that asked for none see all of them.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
