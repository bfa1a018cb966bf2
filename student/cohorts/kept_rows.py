"""Rows of a cohort as they were, to return to.

Legend: n members, r of them named in a call.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


class KeptRows:
    """What members were, in places that are made when they are first kept.

    Args:
        n: members.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._stores: dict[int, list[Tensor]] = {}
        self._diverged: dict[int, np.ndarray] = {}
        self._has: dict[int, np.ndarray] = {}

    def keep(
        self, rows: np.ndarray, places: np.ndarray, stores: Sequence[Tensor], diverged: np.ndarray
    ) -> None:
        """Keep rows of the stores, each in its place, (r,) both."""
        for place, own in _by_place(rows, places):
            if place not in self._has:
                self._make(place, stores)
            index = torch.as_tensor(own, device=stores[0].device)
            for kept, now in zip(self._stores[place], stores, strict=True):
                kept[index] = now[index]
            self._diverged[place][own], self._has[place][own] = diverged[own], True

    def go_back(
        self, rows: np.ndarray, places: np.ndarray, stores: Sequence[Tensor], diverged: np.ndarray
    ) -> None:
        """Put rows back into the stores, each from its place, (r,) both.

        Raises:
            ValueError: if a row has nothing in its place.
        """
        found = list(_by_place(rows, places))
        for place, own in found:
            there = self._has.get(place)
            if there is None or not there[own].all():
                lacks = own.tolist() if there is None else own[~there[own]].tolist()
                raise ValueError(
                    f"members {lacks} have nothing kept in place {place}; keep it first"
                )
        for place, own in found:
            index = torch.as_tensor(own, device=stores[0].device)
            for kept, now in zip(self._stores[place], stores, strict=True):
                now[index] = kept[index]
            diverged[own] = self._diverged[place][own]

    def state_dict(self) -> dict[str, Any]:
        """All that is kept; nothing where nothing is."""
        if not self._has:
            return {}
        kept = [
            {
                "place": place,
                "stores": [store.clone() for store in stores],
                "diverged": torch.from_numpy(self._diverged[place].copy()),
                "has": torch.from_numpy(self._has[place].copy()),
            }
            for place, stores in self._stores.items()
        ]
        return {"kept": kept}

    def load_state_dict(self, state: dict[str, Any], stores: Sequence[Tensor]) -> None:
        """Take up what a state of the whole cohort has kept."""
        self._stores, self._diverged, self._has = {}, {}, {}
        for one in state.get("kept", ()):
            place = int(one["place"])
            self._make(place, stores)
            for kept, value in zip(self._stores[place], one["stores"], strict=True):
                kept.copy_(value)
            self._diverged[place][:] = one["diverged"].numpy()
            self._has[place][:] = one["has"].numpy()

    def _make(self, place: int, stores: Sequence[Tensor]) -> None:
        self._stores[place] = [torch.zeros_like(store) for store in stores]
        self._diverged[place] = np.zeros(self.n, dtype=bool)
        self._has[place] = np.zeros(self.n, dtype=bool)


def _by_place(rows: np.ndarray, places: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The rows of each place."""
    rows, places = np.asarray(rows), np.asarray(places)
    return [(int(place), rows[places == place]) for place in np.unique(places)]
