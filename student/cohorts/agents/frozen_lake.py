"""A curriculum over environments that runs in seconds: one frozen lake, farther and farther away.

The reward of FrozenLake is 1 at the goal and 0 elsewhere. From nearby the goal is found by chance;
from the far corner it hardly ever is, unless the way is known from where it ends (the reverse
curriculum of Florensa et al. 2017).
"""

from typing import Any

LAKE = (
    "........",
    "........",
    "...H....",
    ".....H..",
    "...H....",
    ".HH...H.",
    ".H..H.H.",
    "...H...G",
)
"""Gymnasium's 8x8 map: `H` is a hole, `G` the goal."""
RINGS = ((1, 3), (4, 6), (7, 9), (10, 14))
"""Starts of each task: least and most steps to the goal, as the crow walks."""


def lake_tasks() -> list[dict[str, Any]]:
    """One task for each ring of starts; under `stress` the ice is slippery."""
    return [
        {
            "name": f"lake-{low}-{high}",
            "id": "FrozenLake-v1",
            "low": 0.0,
            "high": 1.0,
            "success": 1.0,
            "horizon": 40,
            "kwargs": {"desc": _map(low, high), "is_slippery": False},
            "stress": {"kwargs": {"is_slippery": True}},
            "difficulty": float(high),
            "prerequisites": [f"lake-{a}-{b}" for a, b in RINGS if b < low][-1:],
            "category": "lake",
        }
        for low, high in RINGS
    ]


def _map(low: int, high: int) -> list[str]:
    """The lake with a start `S` on every field so many steps from the goal."""
    last = len(LAKE) - 1
    return [
        "".join(
            ("S" if low <= 2 * last - x - y <= high else "F") if field == "." else field
            for x, field in enumerate(line)
        )
        for y, line in enumerate(LAKE)
    ]
