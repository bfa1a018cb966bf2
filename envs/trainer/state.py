"""The state of a tutor as JSON: exact, readable, and nothing in it that runs when it is loaded."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

FILE = "tutor.json"
"""Its name in a checkpoint."""


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Keep this state in a checkpoint; the file is whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{FILE}.partial"
    partial.write_text(json.dumps(_encoded(state), indent=1) + "\n")
    os.replace(partial, folder / FILE)


def read_state(folder: Path) -> dict[str, Any]:
    """The state that `write_state` kept.

    Raises:
        ValueError: where there is none, or it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise ValueError(
            f"{folder} has no {FILE}: it was saved by a trainer without a tutor; "
            "train without resume_from_checkpoint, or resume from a checkpoint that has one"
        )
    try:
        state: dict[str, Any] = _decoded(json.loads(path.read_text()))
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}); resume from another checkpoint"
        ) from error
    return state


def _encoded(value: Any) -> Any:
    """As what JSON has; arrays and tuples as objects that name their kind."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return {"array": array.ravel().tolist(), "shape": array.shape, "dtype": str(array.dtype)}
    if isinstance(value, dict):
        return {"dict": {str(name): _encoded(one) for name, one in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(one) for one in value]}
    if isinstance(value, list):
        return [_encoded(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"a teacher's memory must be made of arrays, numbers, dicts, lists and tuples to be kept "
        f"in a checkpoint, got {type(value).__name__}"
    )


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"]).reshape(value["shape"])
    if "tuple" in value:
        return tuple(_decoded(one) for one in value["tuple"])
    return {name: _decoded(one) for name, one in value["dict"].items()}
