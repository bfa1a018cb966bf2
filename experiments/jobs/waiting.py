"""What a job that the cluster has not started waits for, in words."""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ..cluster.token import Token
from .job import JobState

FIRST_SECONDS, AGAIN_SECONDS = 5.0, 60.0
"""After how long it is said that a job waits, and how often again."""
_CPU, _GPU = "CPU", "GPU"


def node_resources(address: str, token: Token) -> list[Mapping[str, float]]:
    """What Ray counts on each node that is alive; nothing where the dashboard does not tell.

    Args:
        address: of the dashboard.
        token: of the cluster.
    """
    headers = {"Authorization": f"Bearer {token.value}"} if token.value else {}
    request = urllib.request.Request(f"{address}/api/v0/nodes?detail=1", headers=headers)
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        with urllib.request.urlopen(request, timeout=5) as answer:
            rows = json.load(answer)["data"]["result"]["result"]
        nodes = [row["resources_total"] for row in rows if row["state"] == "ALIVE"]
        return [{kind: float(node.get(kind, 0)) for kind in (_CPU, _GPU)} for node in nodes]
    return []


def what_it_waits_for(state: JobState, nodes: Sequence[Mapping[str, float]]) -> str:
    """Why a job has not begun, as far as it is known.

    Args:
        state: of the job.
        nodes: what each node has, as `node_resources` gives it.
    """
    if not state.cpus and not state.gpus:
        return "the cluster gets its files ready, or is busy"
    asked = f"it asks for {_amounts(state.cpus, state.gpus)}"
    if not nodes:
        return f"{asked}, and what the cluster has is not known"
    if any(node[_CPU] >= state.cpus and node[_GPU] >= state.gpus for node in nodes):
        return f"{asked}, which are in use, or the cluster gets its files ready"
    most = [max(node[kind] for node in nodes) for kind in (_CPU, _GPU)]
    count = f"the {len(nodes)} nodes have" if len(nodes) > 1 else "the one node has"
    return f"{asked}, and {count} at most {_counted(most[0], _CPU)} and {_counted(most[1], _GPU)}"


class Patience:
    """Says now and then that a job waits.

    Args:
        say: told a sentence.
        why: what it waits for; asked when it is said.
        way_out: how to end it, added to the first sentence.
    """

    def __init__(
        self, say: Callable[[str], None], why: Callable[[JobState], str], way_out: str
    ) -> None:
        self._say, self._why, self._way_out = say, why, way_out
        self._since = time.monotonic()
        self._next = FIRST_SECONDS

    def look(self, state: JobState) -> None:
        """Say that it waits, if it is time to."""
        waited = time.monotonic() - self._since
        if waited < self._next:
            return
        sentence = f"{state.job_id} has not begun: {self._why(state)}"
        self._say(
            f"{sentence}; {self._way_out}"
            if self._next == FIRST_SECONDS
            else f"{sentence} ({waited / 60:.0f} min)"
        )
        self._next = waited + AGAIN_SECONDS


def _amounts(cpus: float, gpus: float) -> str:
    parts = [_counted(n, kind) for n, kind in ((cpus, _CPU), (gpus, _GPU)) if n]
    return " and ".join(parts)


def _counted(count: float, kind: str) -> str:
    return f"{count:g} {kind}{'' if count == 1 else 's'}"
