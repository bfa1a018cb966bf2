"""Parity: a suite in which the order matters and a lifetime costs milliseconds.

Task i is the product of the first i of d signs. The longer products are nearly unlearnable from
scratch and easy once the next shorter one is known, so a student that is taught in order masters
all of them many times sooner than one that starts with the hardest.
"""

from .signs import Signs, parity_chain
from .tasks import TaskSuite


def parity(n_tasks: int = 6, n_signs: int = 12, stress_noise: float = 0.4) -> TaskSuite:
    """Parity of the first 1 to `n_tasks` of `n_signs` signs; the task is part of the input.

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
