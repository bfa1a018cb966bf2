"""An encoded suite in a file that several processes map into their memory, without a copy for each.

The file belongs to one run, which writes it anew whenever it begins to work and removes it at the
end; nobody reads that of another run. It is a pickle whose arrays stand behind it, page by page.
"""

import ctypes
import gc
import io
import json
import mmap
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lessonplan.student import SPLITS, Examples, TaskSuite

from ..common.files import write_whole
from ..config.config import Course

_LARGE = 10_000_000
"""Bytes of examples from which a suite is worth a file."""
_PAGE = 4096


def is_shared(suite: TaskSuite) -> bool:
    """Whether a suite is too large, or takes too long to make, for each process to make its own."""
    if suite.tokenizer:
        return True
    sizes = (len(task.splits[split]) for task in suite.tasks for split in SPLITS)
    first = suite.tasks[0].splits["train"]
    # Small characters take a byte each, their targets two; all else takes more.
    return sum(sizes) * (sum(first.input_shape) + 2 * first.answer_length) > _LARGE


@contextmanager
def lent(course: Course, suite: TaskSuite, place: Path) -> Iterator[None]:
    """The suite of a course in a file for other processes, as long as the context lasts.

    There is none for a suite that is made in no time, or that can't be pickled.
    """
    place.unlink(missing_ok=True)
    try:
        if is_shared(suite):
            _write(course, suite, place)
            _give_back()
        yield
    finally:
        place.unlink(missing_ok=True)


def borrowed(course: Course, place: Path) -> TaskSuite | None:
    """The suite of a course from such a file; None where there is none."""
    try:
        with place.open("rb") as file:
            # Pages are this process's own as soon as it writes to them.
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    except OSError:
        return None
    length = int.from_bytes(content[:8], "little")
    head = json.loads(bytes(content[8 : 8 + length]))
    if head["course"] != course.suite.model_dump(mode="json"):
        return None
    (start, size), *buffers = head["parts"]
    suite: TaskSuite = pickle.loads(
        content[start : start + size],
        buffers=[content[first : first + count] for first, count in buffers],
    )
    return suite


def _write(course: Course, suite: TaskSuite, place: Path) -> None:
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = _pickled(_joined(suite), buffers)
    except (pickle.PicklingError, TypeError, AttributeError):
        # Of somebody's own classes or functions; each process then makes its own.
        return
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    sizes = [part.nbytes for part in parts]
    # The head's own length is known when the places are, which are as long as the largest can be.
    room = 8 + len(_head(course, [[10**15, size] for size in sizes]))
    places, start = [], -(-room // _PAGE) * _PAGE
    for size in sizes:
        places.append([start, size])
        start += -(-size // _PAGE) * _PAGE
    head = _head(course, places)

    def write(aside: Path) -> None:
        with aside.open("wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            for (first, _), part in zip(places, parts, strict=True):
                file.seek(first)
                file.write(part)

    write_whole(place, write)


def _give_back() -> None:
    """Return to the system what reading and writing have left on the heap, where it takes it."""
    gc.collect()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _head(course: Course, parts: list[list[int]]) -> bytes:
    return json.dumps({"course": course.suite.model_dump(mode="json"), "parts": parts}).encode()


class _Pickler(pickle.Pickler):
    """Tensors are pickled as the arrays that they are."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is torch.Tensor and value.device.type == "cpu":
            return torch.from_numpy, (value.detach().numpy(),)
        return NotImplemented


def _pickled(suite: TaskSuite, buffers: list[pickle.PickleBuffer]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, protocol=5, buffer_callback=buffers.append).dump(suite)
    return file.getvalue()


def _joined(suite: TaskSuite) -> TaskSuite:
    """The same suite with the tasks of each split end to end, so that a pool is no copy."""
    splits = {}
    for split in SPLITS:
        pool = suite.pool(split)
        store = pool.examples.store
        splits[split] = [
            Examples.stored(store, int(first), int(first + size))
            for first, size in zip(pool.offsets, pool.sizes, strict=True)
        ]
    tasks = [
        replace(task, splits={split: splits[split][i] for split in SPLITS})
        for i, task in enumerate(suite.tasks)
    ]
    return replace(suite, tasks=tuple(tasks))
