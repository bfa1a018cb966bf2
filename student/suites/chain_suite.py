"""A long chain of products of signs, each one sign away from the one before."""

from ..contract.tasks import Task, TaskSuite
from .signs import Signs, beside


def chain(n_tasks: int = 20, window: int = 5, n_signs: int = 13) -> TaskSuite:
    """Products over a window of signs that grows and then wanders: does a teacher find the front?

    Task 1 asks for the first sign, and each task for the product of the signs that the one before
    it multiplies, and the next; once they are `window` signs, the first is left out and the next
    taken in by turns: 1, 12, ..., 12345, 2345, 23456, 3456, 34567, ... So tasks stay equally hard
    however long the chain is. A product of four or five signs is found late by who does not know
    those beside it, and soon by who does; shuffling gives each task a twentieth of a batch all the
    time, most of it before it can be learned, or after.

    Tasks share what they are learned with, and a student that is taught one of them alone forgets
    the others: who goes strictly in order comes back again and again.

    An input is the signs and a one-hot task, (n_signs + n_tasks,), divided as `Signs` says, for all
    tasks alike.

    Raises:
        ValueError: unless `n_tasks` is at least 1, `window` in [2, n_signs], `n_signs` in [8, 16],
            and there are signs enough to wander over.
    """
    signs = Signs(n_signs)
    if n_tasks < 1:
        raise ValueError(f"n_tasks must be at least 1, got {n_tasks}")
    if not 2 <= window <= n_signs:
        raise ValueError(f"window must be in [2, n_signs = {n_signs}], got {window}")
    windows = _windows(n_tasks, window)
    if windows[-1][-1] >= n_signs:
        raise ValueError(
            f"{n_tasks} tasks with a window of {window} wander over {windows[-1][-1] + 1} signs, "
            f"and n_signs is {n_signs}; take fewer tasks, a wider window or more signs (at most 16)"
        )
    names = [f"signs-{places[0] + 1}-{places[-1] + 1}" for places in windows]
    tasks = tuple(
        Task(
            name=name,
            splits=signs.splits(signs.negative(*places), beside(i, n_tasks)),
            difficulty=float(i + 1),
            skills=tuple(f"sign-{place + 1}" for place in places),
            prerequisites=(names[i - 1],) if i else (),
            category="chain",
            chance=0.5,
            endless=True,
        )
        for i, (name, places) in enumerate(zip(names, windows, strict=True))
    )
    return TaskSuite("chain", tasks, n_outputs=2)


def _windows(n_tasks: int, window: int) -> list[tuple[int, ...]]:
    """Places that each task multiplies: one more while there are too few, else one less."""
    windows: list[tuple[int, ...]] = [(0,)]
    first = last = 0
    while len(windows) < n_tasks:
        first, last = (first, last + 1) if len(windows[-1]) < window else (first + 1, last)
        windows.append(tuple(range(first, last + 1)))
    return windows
