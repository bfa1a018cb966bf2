"""Where networks are computed: devices that this machine has."""

import math
import os

import torch


def usable_device(name: str) -> torch.device:
    """The device of a name, as torch has them.

    Raises:
        ValueError: for a name that torch does not know, and for a device that is not there.
    """
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise RuntimeError("nothing is computed on it")
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ImportError) as error:
        raise ValueError(
            f"device must be one of this machine, such as cpu, got {str(name)!r:.60}"
            f"{_reason(error)}"
        ) from error
    return device


def _reason(error: Exception) -> str:
    """What torch says, where it speaks to who uses it."""
    reason = " ".join(str(error).split()).partition(". ")[0]
    return "" if "INTERNAL ASSERT" in reason else f": {reason:.160}"


def machine_bytes() -> float:
    """Memory of this machine; without end where the system does not say, as Windows does not."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf
