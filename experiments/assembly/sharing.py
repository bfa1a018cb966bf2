"""An encoded suite in a file that several processes map into their memory, without a copy for each.

The file has no name: processes that a run starts inherit it open, and it is gone with the last of
them. So nobody else's can be taken for it, which matters since it is a pickle, whose arrays stand
behind it, page by page.
"""

import ctypes
import gc
import io
import json
import mmap
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import torch

from lessonplan.student import SPLITS, Examples, TaskSuite
from lessonplan.teacher.files import unpickled

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
def lent(course: Course, suite: TaskSuite, folder: Path) -> Iterator[int | None]:
    """The suite of a course in a file for other processes, as long as the context lasts.

    Yields the file's descriptor, for processes that inherit it. There is none for a suite that is
    made in no time, or that can't be pickled, and on Windows, where no process inherits one so.

    Args:
        course: whose suite it is.
        suite: its tasks.
        folder: where there is room for it.

    Raises:
        ValueError: if it can't be written.
    """
    if sys.platform == "win32" or not is_shared(suite):
        yield None
        return
    try:
        file = tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise _unwritten(folder, error) from error
    with file:
        try:
            is_written = _write(course, suite, file)
        except OSError as error:
            raise _unwritten(folder, error) from error
        _give_back()
        yield file.fileno() if is_written else None


def borrowed(course: Course, descriptor: int | None) -> TaskSuite | None:
    """The suite of a course from such a file; None where there is none.

    Raises:
        ValueError: for a file that has a name, which no run lends.
    """
    if descriptor is None:
        return None
    if os.fstat(descriptor).st_nlink:
        raise ValueError("the file of a lent suite has a name: another process put it there")
    # Pages are this process's own as soon as it writes to them.
    content = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))
    length = int.from_bytes(content[:8], "little")
    head = json.loads(bytes(content[8 : 8 + length]))
    if head["course"] != course.suite.model_dump(mode="json"):
        return None
    (start, size), *buffers = head["parts"]
    suite: TaskSuite = unpickled(
        content[start : start + size],
        [content[first : first + count] for first, count in buffers],
    )
    return suite


def _unwritten(folder: Path, error: OSError) -> ValueError:
    return ValueError(
        f"the encoded suite can't be written to {folder}: {error.strerror or error}; make room "
        "there, or set workers to 1, which needs no file"
    )


def _write(course: Course, suite: TaskSuite, file: IO[bytes]) -> bool:
    """Fill the file; False where the suite can't be pickled."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        pickled = _pickled(_joined(suite), buffers)
    except (pickle.PicklingError, TypeError, AttributeError):
        # Of somebody's own classes or functions; each process then makes its own.
        return False
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    sizes = [part.nbytes for part in parts]
    # The head's own length is known when the places are, which are as long as the largest can be.
    room = 8 + len(_head(course, [[10**15, size] for size in sizes]))
    places, start = [], -(-room // _PAGE) * _PAGE
    for size in sizes:
        places.append([start, size])
        start += -(-size // _PAGE) * _PAGE
    head = _head(course, places)

    file.write(len(head).to_bytes(8, "little") + head)
    for (first, _), part in zip(places, parts, strict=True):
        file.seek(first)
        file.write(part)
    file.flush()
    return True


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
