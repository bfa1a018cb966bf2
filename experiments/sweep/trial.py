"""What one trial of a sweep does, in a process of Ray: a pair is run, or gone on with."""

import os
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
from .probe import lack_here

SECONDS_BETWEEN_MESSAGES = 2.0
SECONDS_FOR_THE_LAST = 60.0
"""How long a process that is ending may still hold a run directory."""
SECONDS_FOR_STORAGE = 30.0
"""How long a node may be without the sweep directory: it fails few pairs until it is left out."""


def run_pair(spec: dict[str, Any]) -> None:
    """Run one pair and tell Ray Tune how far it is.

    Input that can't be used ends the trial with its sentence as `error`: to take it up again would
    not help. What this node lacks ends it too, with the node beside it: another may have it. Every
    other failure is raised, and Ray Tune begins the trial again, which goes on where the run
    directory is.

    Args:
        spec: `name` of the pair, the `sweep` directory, the `project` of W&B or nothing, whether
            `tensorboard` is wanted, its part of a `gpu`, what the process has `agreed` to that
            began the sweep, and what its node `needs` to have.
    """
    from ray import tune

    began = time.perf_counter()
    notes: list[str] = []
    settle(spec)

    def say(fraction: float, words: str, **more: Any) -> None:
        seconds = time.perf_counter() - began
        tune.report({"fraction": fraction, "words": words, "seconds": seconds, **more})

    def run() -> None:
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
        say(1.0, "done", notes=notes)

    attempt(spec, run, lambda failure: say(0.0, "failed", notes=notes, **failure))


def attempt(
    spec: Mapping[str, Any], work: Callable[[], None], tell: Callable[[dict[str, str]], None]
) -> None:
    """Do the work of a trial, and tell a failure that it would meet again; others are raised.

    Args:
        spec: as for `run_pair`.
        work: to do, if this node has what it needs.
        tell: gets the sentence as `error`; where this node lacks something also the ID of the
            `node`, and what it `lacks` behind its address.
    """
    if lack := lack_here(spec["needs"], SECONDS_FOR_STORAGE):
        tell(_of_this_node(lack))
        return
    try:
        work()
    except Exception as error:
        # Storage can be lost in the middle.
        if lack := lack_here(spec["needs"]):
            tell(_of_this_node(lack))
        elif isinstance(error, ValueError | ImportError):
            tell({"error": " ".join(str(error).split())})
        else:
            raise


def _of_this_node(lack: str) -> dict[str, str]:
    import ray

    of_ray: Any = ray
    words = f"{of_ray.util.get_node_ip_address()} ({lack})"
    node = of_ray.get_runtime_context().get_node_id()
    return {"error": f"its node can't run it: {words}", "node": node, "lacks": words}


def read_pair(sweep_dir: Path, name: str) -> tuple[Config, RunDir]:
    """The config of a pair, and where it runs."""
    files = SweepDir(sweep_dir)
    values = read_json(files.pair_config(name))
    return make_config(values, source=f"pair {name}", begun=True), files.run_dir(name)


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
