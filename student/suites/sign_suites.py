"""Six small suites of functions of signs, in which a lifetime costs milliseconds.

Students are perceptrons. In `parity` the order matters; each of the others is for one question
about a teacher.
"""

import numpy as np

from ..contract.tasks import Task, TaskSuite
from .signs import Signs, beside, inside, parity_chain

_RANDOM_LABELS, _FLIPS, _WEIGHTS = 601, 602, 603


def parity(n_tasks: int = 6, n_signs: int = 12, stress_noise: float = 0.4) -> TaskSuite:
    """Parity of the first 1 to `n_tasks` of `n_signs` signs; the task is part of the input.

    Task i is the product of the first i signs. The longer products are nearly unlearnable from
    scratch and easy once the next shorter one is known, so a student that is taught in order
    masters all of them many times sooner than one that starts with the hardest.

    An input is `n_signs` numbers of +1 or -1 and a one-hot task, (n_signs + n_tasks,), divided as
    `Signs` says, for all tasks alike. In `stress`, Gaussian noise of standard deviation
    `stress_noise` lies on the signs.

    Raises:
        ValueError: if `n_signs` is not in [8, 16] or `n_tasks` not in [1, n_signs].
    """
    signs = Signs(n_signs, stress_noise)
    if not 1 <= n_tasks <= n_signs:
        raise ValueError(f"n_tasks must be in [1, n_signs = {n_signs}], got {n_tasks}")
    tasks = parity_chain(signs, n_tasks, n_tasks, "parity")
    return TaskSuite("parity", tuple(tasks), n_outputs=2)


def interference(n_pairs: int = 3, n_signs: int = 10, cue: float = 0.3) -> TaskSuite:
    """Tasks that undo each other: does a teacher notice that what was learned is being lost?

    Each pair of tasks asks for the same product of two signs, once as it is and once negated, on
    the same inputs; only a cue of strength `cue` tells them apart. A student that trains on one
    alone soon answers so everywhere, and its score on the other falls to 0. There is no true
    order: who takes the tasks one after the other must come back to each that seemed done.

    Raises:
        ValueError: unless `n_pairs` is in [1, n_signs // 2] and `cue` above 0.
    """
    signs = Signs(n_signs)
    if not 1 <= n_pairs <= n_signs // 2:
        raise ValueError(f"n_pairs must be in [1, n_signs // 2 = {n_signs // 2}], got {n_pairs}")
    if not cue > 0.0:
        raise ValueError(f"cue must be above 0, got {cue}")
    tasks = []
    for i in range(2 * n_pairs):
        pair, negated = divmod(i, 2)
        product = signs.negative(2 * pair, 2 * pair + 1)
        tasks.append(
            Task(
                name=f"{'not-' if negated else ''}pair-{pair + 1}",
                splits=signs.splits(product ^ bool(negated), beside(i, 2 * n_pairs, cue)),
                difficulty=1.0,
                skills=(f"pair-{pair + 1}",),
                category=f"pair-{pair + 1}",
                chance=0.5,
                endless=True,
            )
        )
    return TaskSuite("interference", tuple(tasks), n_outputs=2)


def distractors(n_chain: int = 4, n_signs: int = 12, flips: float = 0.25) -> TaskSuite:
    """A parity chain among tasks that are not worth the time: is a teacher lured away?

    - `easy` asks for one sign and is known after a few batches. More of it is useless.
    - `noisy` asks for another sign, but a share `flips` of its labels is wrong, in all splits: its
      loss stays high, and no student scores above 1 - 2 flips for long.
    - `random` has labels drawn by hash: on held-out inputs nobody is right more than half of the
      time. It is scored by plain accuracy (`chance=0`), so it shows about 0.5 for ever, which is
      where a teacher that goes by uncertainty, p (1 - p), would stay.

    A lifetime ends when every task is mastered, so these three must be masterable: `noisy` from
    half of what can be reached on, `random` from 0.25, which it never falls below (so it takes no
    time, and only a teacher that mistakes it for a task spends any). Their importance is 0.1, that
    of the chain 1. The true order is the chain, and the distractors after it.

    Raises:
        ValueError: unless `n_chain` is in [1, n_signs - 2] and `flips` in [0, 0.4].
    """
    signs = Signs(n_signs)
    if not 1 <= n_chain <= n_signs - 2:
        raise ValueError(f"n_chain must be in [1, n_signs - 2 = {n_signs - 2}], got {n_chain}")
    if not 0.0 <= flips <= 0.4:
        raise ValueError(f"flips must be in [0, 0.4], got {flips}")
    k = n_chain + 3
    tasks = parity_chain(signs, n_chain, k, "chain")
    wrong = signs.lots(_FLIPS) < flips
    for place, (name, labels, chance, threshold) in enumerate(
        (
            ("easy", signs.negative(n_signs - 1), 0.5, 0.9),
            ("noisy", signs.negative(n_signs - 2) ^ wrong, 0.5, 0.5 * (1.0 - 2.0 * flips)),
            ("random", signs.lots(_RANDOM_LABELS) < 0.5, 0.0, 0.25),
        )
    ):
        tasks.append(
            Task(
                name=name,
                splits=signs.splits(labels, beside(n_chain + place, k)),
                difficulty=float(n_chain + place + 1),
                skills=(name,),
                category="distractor",
                importance=0.1,
                chance=chance,
                endless=True,
                threshold=threshold,
            )
        )
    return TaskSuite("distractors", tuple(tasks), n_outputs=2)


_GRAPH: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "a": ((0, 1), ()),
    "a-left": ((0, 1, 2), ("a",)),
    "a-right": ((0, 1, 3), ("a",)),
    "b": ((4, 5), ()),
    "b-left": ((4, 5, 6), ("b",)),
    "join-left": ((0, 1, 2, 4, 5, 6), ("a-left", "b-left")),
    "join-right": ((0, 1, 3, 4, 5), ("a-right", "b")),
}
"""Which signs each task multiplies, and what it needs."""


def graph(n_signs: int = 10) -> TaskSuite:
    """Prerequisites that branch and join: is a teacher able to follow more than a chain?

    Each task is a product of signs. `a` branches into `a-left` and `a-right`, `b` leads to
    `b-left`, and each join is the product of two tasks that were learned on different branches:
    five or six signs, out of reach until both are known. The true order is any that respects the
    arrows; the stored one goes by the number of signs.

    Raises:
        ValueError: if `n_signs` is not in [8, 16].
    """
    signs = Signs(n_signs)
    tasks = tuple(
        Task(
            name=name,
            splits=signs.splits(signs.negative(*places), beside(i, len(_GRAPH))),
            difficulty=float(len(places)),
            skills=tuple(f"sign-{place + 1}" for place in places),
            prerequisites=prerequisites,
            category="join" if name.startswith("join") else "branch",
            chance=0.5,
            endless=True,
        )
        for i, (name, (places, prerequisites)) in enumerate(_GRAPH.items())
    )
    return TaskSuite("graph", tasks, n_outputs=2)


def flat(n_tasks: int = 6, n_signs: int = 12) -> TaskSuite:
    """Equal and independent tasks: is a teacher honest where the order cannot matter?

    Each task asks for the product of its first two signs, and has inputs of its own: its signs
    stand at its own place among zeros, so tasks share no weights of the first layer. There is no
    true order. A student that gets the same lessons, enough to learn from, ends with the same
    scores whichever comes first: with two lessons of 20 steps of each task, 0.998 in order, 0.999
    in reverse and 1.000 shuffled (32 perceptrons, standard error 0.001). So a lead of a teacher
    over its own choices shuffled in time is an error of measurement; what it can gain is to stop
    when a task is learned. (The mean over a lifetime does favour an even spread: every task's
    first lesson brings most.)

    Raises:
        ValueError: unless `n_tasks` is at least 1 and `n_signs` in [8, 16].
    """
    signs = Signs(n_signs)
    if n_tasks < 1:
        raise ValueError(f"n_tasks must be at least 1, got {n_tasks}")
    product = signs.negative(0, 1)
    tasks = tuple(
        Task(
            name=f"pair-{i + 1}",
            splits=signs.splits(product, inside(i, n_tasks)),
            difficulty=1.0,
            skills=(f"pair-{i + 1}",),
            category="pair",
            chance=0.5,
            endless=True,
        )
        for i in range(n_tasks)
    )
    return TaskSuite("flat", tasks, n_outputs=2)


def finite(
    sizes: tuple[int, ...] = (32, 64, 128, 256, 1024),
    n_signs: int = 14,
    flips: float = 0.2,
    own: float = 0.3,
) -> TaskSuite:
    """Small data sets of unequal size: does a teacher notice when a task is used up?

    Every task is a weighted vote over the signs. The weights are common to all tasks but for a
    part of relative size `own`, so large data sets help with small ones. A share `flips` of the
    labels in `train` is wrong, and held-out labels are right: a student that goes through 32
    examples again and again learns the wrong ones by heart, and its held-out score falls while its
    training loss does. There is no true order; by difficulty, large data sets come first. A task
    counts as mastered at 0.6, which all of them pass early when they are trained together, and
    none keeps for long.

    Raises:
        ValueError: for a size below 8 or above half of the inputs, or a share outside its range.
    """
    signs = Signs(n_signs)
    most = len(signs.values) // 2
    if not sizes or not all(8 <= size <= most for size in sizes):
        raise ValueError(f"sizes must be in [8, {most}], got {list(sizes)}")
    if not 0.0 <= flips <= 0.4:
        raise ValueError(f"flips must be in [0, 0.4], got {flips}")
    if not 0.0 <= own <= 1.0:
        raise ValueError(f"own must be in [0, 1], got {own}")
    generator = np.random.default_rng(_WEIGHTS)
    common = generator.normal(size=n_signs)
    tasks = []
    for i, size in enumerate(sizes):
        weights = common + own * generator.normal(size=n_signs)
        votes = signs.values @ weights < 0
        wrong = signs.lots(_FLIPS + 100 * (i + 1)) < flips
        tasks.append(
            Task(
                name=f"votes-{size}",
                splits=signs.splits(votes, beside(i, len(sizes)), votes ^ wrong, size),
                difficulty=1.0 / size,
                skills=("votes",),
                category="votes",
                chance=0.5,
                threshold=0.6,
            )
        )
    return TaskSuite("finite", tuple(tasks), n_outputs=2)
