"""The global random streams of torch, numpy and Python, lent to code that draws from them.

A training loop that is not ours may draw from global streams. Inside `lent_streams` it may: each
call to `sow` starts them at a place that is named by integers, so what is drawn depends on nothing
that was drawn before, and nobody outside notices.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .streams import stream_key


def sow(*parts: int) -> int:
    """Start the global streams at the place with this name; returns its 32 bits."""
    bits = int(stream_key(*parts)[0])
    torch.manual_seed(bits >> 1)
    np.random.seed(bits & 0xFFFFFFFF)
    random.seed(bits)
    return bits & 0xFFFFFFFF


@contextmanager
def lent_streams() -> Iterator[None]:
    """Inside, the global streams may be sown and drawn from; afterwards they are as before."""
    # torch leaves this function without types.
    is_initialized: Callable[[], bool] = torch.cuda.is_initialized
    on_gpu = is_initialized()
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = np.random.get_state()
    gpu_states = torch.cuda.get_rng_state_all() if on_gpu else []
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        if on_gpu:
            torch.cuda.set_rng_state_all(gpu_states)
        np.random.set_state(numpy_state)
        random.setstate(python_state)
