"""Parity: a suite in which the order matters and a lifetime costs milliseconds.

Task i is the product of the first i of d signs. The longer products are nearly unlearnable from
scratch and easy once the next shorter one is known, so a student that is taught in order masters
all of them many times sooner than one that starts with the hardest.
"""

import numpy as np
import torch

from .streams import stream_key, uniform
from .tasks import Examples, Task, TaskSuite

_RESERVED = {"probe": (0.0, 0.0625), "test": (0.0625, 0.125), "stress": (0.125, 0.1875)}


def parity(n_tasks: int = 6, n_signs: int = 12, stress_noise: float = 0.4) -> TaskSuite:
    """Parity of the first 1 to `n_tasks` of `n_signs` signs; the task is part of the input.

    An input is `n_signs` numbers of +1 or -1 and a one-hot task, (n_signs + n_tasks,). A hash of
    the signs reserves a sixteenth of all inputs for each of probe, test and stress, for all
    tasks alike, so no held-out input is trained on under any task. In `stress`, Gaussian noise of
    standard deviation `stress_noise` lies on the signs.

    Raises:
        ValueError: if `n_signs` is not in [8, 16] or `n_tasks` not in [1, n_signs].
    """
    if not 8 <= n_signs <= 16:
        raise ValueError(f"n_signs must be in [8, 16], got {n_signs}")
    if not 1 <= n_tasks <= n_signs:
        raise ValueError(f"n_tasks must be in [1, n_signs = {n_signs}], got {n_tasks}")
    numbers = np.arange(2**n_signs)
    signs = 1.0 - 2.0 * ((numbers[:, None] >> np.arange(n_signs)) & 1)  # (2**d, d)
    products = np.cumprod(signs[:, :n_tasks], axis=1)
    bucket = uniform(stream_key(n_signs), numbers)
    members = {split: (bucket >= low) & (bucket < high) for split, (low, high) in _RESERVED.items()}
    members["train"] = bucket >= 0.1875
    noise = np.random.default_rng(n_signs).normal(0.0, stress_noise, signs.shape)
    tasks = []
    for i in range(n_tasks):
        one_hot = np.tile(np.eye(n_tasks)[i], (len(numbers), 1))
        splits = {}
        for split, member in members.items():
            shown = signs + noise if split == "stress" else signs
            inputs = np.concatenate([shown, one_hot], axis=1)[member]
            splits[split] = Examples(
                torch.tensor(inputs, dtype=torch.float32),
                torch.tensor((products[member, i : i + 1] < 0), dtype=torch.int64),
            )
        tasks.append(
            Task(
                name=f"parity-{i + 1}",
                splits=splits,
                difficulty=float(i + 1),
                skills=tuple(f"sign-{j + 1}" for j in range(i + 1)),
                prerequisites=(f"parity-{i}",) if i else (),
                category="parity",
                chance=0.5,
                endless=True,
            )
        )
    return TaskSuite("parity", tuple(tasks), n_outputs=2)
