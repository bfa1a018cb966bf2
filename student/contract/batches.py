"""Which examples a student trains on and is tested on, as pure functions of its seed.

Legend: n students, k tasks, e evaluation examples, s examples of one call to `train`.
"""

import numpy as np

from .devices import machine_bytes
from .streams import shuffled, stream_key, uniform
from .tasks import SPLITS, Pool

_MIXTURE, _TRAIN = 101, 102


def draw_tasks(mixture: np.ndarray, seeds: np.ndarray, drawn: np.ndarray, size: int) -> np.ndarray:
    """Task of each of the next `size` training examples, (n, s) int64.

    Args:
        mixture: (n, k), rows sum to 1.
        seeds: student seeds, (n,).
        drawn: training examples of each task that each student has had, (n, k).
        size: s.
    """
    chosen = mixture.argmax(axis=1)
    tasks = np.repeat(chosen[:, None], size, axis=1)
    mixed = np.flatnonzero(mixture.max(axis=1) < 1.0)
    if len(mixed):
        position = drawn[mixed].sum(axis=1, keepdims=True) + np.arange(size)
        lots = uniform(stream_key(seeds[mixed], _MIXTURE)[:, None], position)
        bounds = np.cumsum(mixture[mixed], axis=1)
        bounds[:, -1] = 1.0
        tasks[mixed] = (lots[:, :, None] >= bounds[:, None, :]).sum(axis=2)
    return tasks


def draw_examples(
    pool: Pool, seeds: np.ndarray, drawn: np.ndarray, tasks: np.ndarray
) -> np.ndarray:
    """Pool index of the next training examples, (n, s); `drawn` (n, k) moves on in place.

    Each (student, task) has a stream of its own, without repeats within an epoch.
    """
    rows, k = np.arange(len(tasks))[:, None], len(pool.sizes)
    counts = np.bincount((rows * k + tasks).ravel(), minlength=drawn.size).reshape(drawn.shape)
    # Sorted by task, an example's place among those of its task is its distance to the first.
    order = tasks.astype(np.uint16).argsort(axis=1, kind="stable")
    first = np.cumsum(counts, axis=1) - counts
    place = np.empty_like(tasks)
    np.put_along_axis(place, order, np.arange(tasks.shape[1])[None], axis=1)
    position = place + (drawn - first)[rows, tasks]
    drawn += counts
    key = stream_key(seeds[:, None], _TRAIN, np.arange(k))
    place = shuffled(key[rows, tasks], position, pool.sizes[tasks])
    return np.asarray(pool.offsets[tasks] + place)


def evaluation_examples(
    pool: Pool, split: str, seeds: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pool indices of each student's evaluation sets and whether they count, (n, k, e) each.

    A task with fewer than `size` examples uses each of them once.
    """
    sizes = np.minimum(pool.sizes, size)
    position = np.minimum(np.arange(sizes.max()), sizes[:, None] - 1)  # (k, e)
    key = stream_key(seeds[:, None], 200 + SPLITS.index(split), np.arange(len(sizes)))
    index = pool.offsets[:, None] + shuffled(key[:, :, None], position, pool.sizes[:, None])
    used = np.arange(sizes.max()) < sizes[:, None]
    return index, np.broadcast_to(used, index.shape)


def check_lesson(n: int, steps: int, batch_size: int) -> None:
    """Refuse decisions whose examples, drawn before the first step, would fill the memory."""
    # Which task, and which of its examples: two numbers of eight bytes, and a copy of each.
    size = 32 * n * steps * batch_size
    memory = machine_bytes()
    if size > memory / 2:
        raise ValueError(
            f"a decision of {steps:,} steps draws {steps * batch_size:,} examples for each of "
            f"{n:,} students, which takes {size / 1e9:,.0f} GB, and this machine has "
            f"{memory / 1e9:,.0f}; take fewer steps_per_decision"
        )
