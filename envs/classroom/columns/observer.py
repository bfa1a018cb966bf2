"""What one classroom shows its teacher: columns, with what they remember.

Legend: n students, k tasks, f columns, r rows named in a call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..facts import Facts
from .memories import Memory, Progress, make_memory
from .requests import Request, parse_column
from .table import COLUMNS

_PASSES = {"gain": 1, "fresh_gain": 2}


def passes_of(columns: Sequence[str]) -> int:
    """Batches that are run forward a decision, besides the training, to know these columns."""
    facts = {parse_column(text).fact for text in columns}
    return sum(_PASSES.get(fact, 0) for fact in facts)


class Observer:
    """The columns that one classroom shows.

    Args:
        facts: what they are read from.
        observe: columns, the first of which is progress.
    """

    def __init__(self, facts: Facts, observe: Sequence[str]) -> None:
        if not observe or not observe[0].startswith("progress"):
            raise ValueError(f"the first column of observe must be progress, got {list(observe)}")
        twice = sorted({text for text in observe if list(observe).count(text) > 1})
        if twice:
            raise ValueError(f"observe names the column {twice[0]!r} twice; leave one of them out")
        self.facts, self.observe = facts, tuple(observe)
        self._requests = [parse_column(text) for text in observe]
        self._memories: dict[str, Memory] = {}
        """What columns remember, by the name that it has in a state."""
        self._sources: list[Any] = [
            self._source(i, request) for i, request in enumerate(self._requests)
        ]
        self.facts_shown = frozenset(one.fact for one in self._requests)
        """Names of facts that the columns are read from."""
        self.forward_passes = passes_of(self.observe)
        """Batches that are run forward a decision, besides the training, to know what is shown."""
        scale = np.array([request.scale for request in self._requests])
        cap = np.array([request.cap for request in self._requests])
        self._capped = None if (scale == 1).all() and np.isinf(cap).all() else (cap, scale)
        low, high = np.array([self._bounds(i) for i in range(len(observe))]).T
        self.low, self.high = low * scale, np.minimum(high, cap) * scale
        """Bounds of the columns, (f,)."""
        self._blank = np.ones((len(facts.suite), len(observe)))
        """What never changes, (k, f)."""
        nobody = np.zeros(0, dtype=np.int64)
        for i, request in enumerate(self._requests):
            if request.name in COLUMNS and COLUMNS[request.name].fixed:
                self._blank[:, i] = self._read(i, nobody)

    def _source(self, i: int, request: Request) -> Any:
        """What a column is read from: facts, or its memory, which columns of one kind share."""
        memory = "progress" if request.name == "progress" else ""
        if request.name in COLUMNS:
            memory = COLUMNS[request.name].memory
        if not memory:
            return self.facts
        name = memory if memory == "influence" else str(i)
        if name not in self._memories:
            self._memories[name] = make_memory(memory, self.facts, request)
        return self._memories[name]

    def _bounds(self, i: int) -> tuple[float, float]:
        source, name = self._sources[i], self._requests[i].name
        if isinstance(source, Progress) and name == "progress":
            return -source.limit, source.limit
        if name == "present":
            return 0.0, 1.0
        return COLUMNS[name].low(self.facts), COLUMNS[name].high(self.facts)

    def _read(self, i: int, rows: np.ndarray) -> np.ndarray:
        """The values of one column but `present`, (r, k) or what broadcasts to it."""
        source, request = self._sources[i], self._requests[i]
        if request.name == "progress":
            return np.asarray(source.value(rows))
        column = COLUMNS[request.name]
        # A memory was made for its parameters.
        given = {} if column.memory else request.parameters
        return column.read(source, rows, **given)

    def start(self, rows: np.ndarray) -> None:
        """A new lifetime for these rows."""
        for memory in self._memories.values():
            memory.start(rows)

    def update(self, rows: np.ndarray) -> None:
        """One decision has passed for these rows."""
        for memory in self._memories.values():
            memory.update(rows)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """What is shown, in canonical task order, (r, k, f)."""
        values = np.empty((len(rows), *self._blank.shape))
        values[:] = self._blank
        for i, request in enumerate(self._requests):
            if request.name == "present":
                continue
            if request.name == "progress" or not COLUMNS[request.name].fixed:
                values[:, :, i] = self._read(i, rows)
        if self._capped is None:
            return values
        cap, scale = self._capped
        return np.asarray(np.minimum(values, cap) * scale)

    def state_dict(self) -> dict[str, np.ndarray]:
        """What the columns remember."""
        return {
            f"{place}.{name}": value.copy()
            for place, memory in self._memories.items()
            for name, value in memory.arrays().items()
        }

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Take up the state of the same columns."""
        for place, memory in self._memories.items():
            for name, value in memory.arrays().items():
                # Earlier versions measured every task before a lifetime: nothing began later.
                value[:] = (
                    state.get(f"{place}.origin", 0.0)
                    if name == "origin"
                    else state[f"{place}.{name}"]
                )
