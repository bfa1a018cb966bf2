"""Which nodes of a cluster get pairs: each is tried before pairs start."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..cluster.session import living_nodes
from ..common.files import write_whole
from .probe import PATIENCE_SECONDS, lack_here

_ANSWER_SECONDS = 120.0
"""How long a node may take to start a process: it unpacks the rooms and imports torch."""
_LONGEST = 300
"""Characters of a reason that are told."""
_GONE = {
    "ActorUnschedulableError",
    "LocalRayletDiedError",
    "NodeDiedError",
    "OwnerDiedError",
    "TaskUnschedulableError",
    "WorkerCrashedError",
}
"""Errors of Ray's about a node or a process that is not there any more."""
_NAMED = 4
"""Nodes that are named in a sentence."""


def needs_of(sweep_dir: Path, mark: Path, files: Sequence[str]) -> dict[str, Any]:
    """What a node must have for pairs; the mark is written, by which it knows the directory.

    Args:
        sweep_dir: of the sweep.
        mark: the file to write, in the sweep directory.
        files: that pairs read.
    """
    text = secrets.token_hex(16)
    write_whole(mark, lambda aside: aside.write_text(text, encoding="utf-8"))
    return {
        "sweep": str(sweep_dir),
        "mark": str(mark),
        "text": text,
        "files": list(files),
        "version": version("lessonplan"),
    }


class Nodes:
    """The nodes of the cluster that Ray is connected to, and which of them get no pairs.

    Args:
        needs: of a pair, as `needs_of` gives it; nothing where there is no node but this machine.
        say: told which nodes get no pairs.
    """

    def __init__(self, needs: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self.needs, self._say = needs, say
        self.unfit: dict[str, str] = {}
        """By ID: address of a node, and what it lacks."""
        self._tried: set[str] = set()

    def look(self) -> None:
        """Try every node that was not tried yet; say so, and which of them get no pairs."""
        if not self.needs:
            return
        living = {name: node for name, node in living_nodes().items() if name not in self._tried}
        if living:
            self._say(f"trying {_nodes(len(living))}: each is to see what pairs need")
        lacks = _answers(list(living), self.needs)
        self._tried.update(living)
        self.leave_out({
            name: f"{living[name]['NodeManagerAddress']} ({lack})"
            for name, lack in lacks.items() if lack
        })  # fmt: skip

    def leave_out(self, unfit: Mapping[str, str]) -> None:
        """Give these nodes no pairs any more, and say so; by ID, with address and reason."""
        new = {name: words for name, words in unfit.items() if name not in self.unfit}
        self.unfit |= new
        if new:
            nodes = living_nodes()
            fit = sum(name not in self.unfit for name in nodes)
            gets = "gets" if len(new) == 1 else "get"
            self._say(
                f"{_some(list(new.values()))} {gets} no pairs; {fit} of {len(nodes)} nodes lack "
                "nothing"
            )

    def say_that_pairs_begin(self, count: int) -> None:
        """Say on how many nodes pairs begin, where there are others than this machine."""
        if self.needs:
            fit = sum(name not in self.unfit for name in living_nodes())
            pairs = "1 pair begins" if count == 1 else f"{count} pairs begin"
            self._say(f"{pairs} on {_nodes(fit)}, as there is room")

    def why_none(self) -> str:
        """What is wrong with all of them, where no node is left that could have pairs."""
        return (
            f"no node can run it: {_some(list(self.unfit.values()))}; put the sweep, with --out, "
            "and all that its config names on storage that every node of the cluster sees under "
            "the same path"
        )

    @property
    def selector(self) -> dict[str, str]:
        """Ray's labels of a node that may have pairs; empty where every one may."""
        return {"ray.io/node-id": f"!in({','.join(sorted(self.unfit))})"} if self.unfit else {}


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _some(nodes: Sequence[str]) -> str:
    more = f" and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else ""
    return ", ".join(nodes[:_NAMED]) + more


def _answers(nodes: Sequence[str], needs: Mapping[str, Any]) -> dict[str, str]:
    """What each node lacks, by its ID, as a process there says; without those that are gone."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    of_ray: Any = ray
    task = of_ray.remote(num_cpus=0, max_retries=0)(lack_here)
    answers = {
        name: task.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(name, soft=False)
        ).remote(dict(needs), PATIENCE_SECONDS)
        for name in nodes
    }
    ready, _ = (
        of_ray.wait(list(answers.values()), num_returns=len(answers), timeout=_ANSWER_SECONDS)
        if answers
        else ([], [])
    )
    lacks = {}
    for name, answer in answers.items():
        if answer not in ready:
            of_ray.cancel(answer, force=True)
            lacks[name] = f"it started no process in {_ANSWER_SECONDS:.0f} seconds"
            continue
        try:
            lacks[name] = of_ray.get(answer)
        except RayError as error:
            lacks[name] = _no_process(error)
    still = living_nodes()
    return {name: lack for name, lack in lacks.items() if name in still}


def _no_process(error: Exception) -> str:
    """Why a node gave no answer; a node that died in this moment may still be listed."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _GONE:
        return "it is gone, or the process that was to look there died"
    return f"it can't start a process: {' '.join(str(error).split())[:_LONGEST]}"
