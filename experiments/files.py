"""Files that are whole or not there: written aside, then renamed into place."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a file beside `path`, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    write_whole(path, lambda aside: aside.write_text(text))


def write_checkpoint(path: Path, value: dict[str, Any]) -> None:
    """Tensors, arrays and plain values."""
    write_whole(path, lambda aside: torch.save(value, aside))


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """A checkpoint of one's own run; None where there is none."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return state
