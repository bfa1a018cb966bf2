"""Base weights on disk: `weights.safetensors`, and `base.json` that says where they come from."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..common.files import write_json, write_whole

WEIGHTS, RECORD = "weights.safetensors", "base.json"


def write_base(folder: Path, weights: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write both files, each whole or not there; the record also gets a digest of the weights.

    Raises:
        ValueError: if the folder can't be written.
    """
    data = save({name: value.contiguous() for name, value in weights.items()})
    digest = hashlib.sha256(data).hexdigest()
    write_whole(folder / WEIGHTS, lambda aside: aside.write_bytes(data))
    write_json(folder / RECORD, {**record, "sha256": digest})


def read_base(folder: Path) -> dict[str, Tensor]:
    """The state of the student, for `StackedCohort(..., base=...)`.

    Raises:
        ValueError: if a file is missing or damaged, or the two do not belong together.
    """
    try:
        data, record = (folder / WEIGHTS).read_bytes(), json.loads((folder / RECORD).read_text())
        weights: dict[str, Tensor] = load(data)
    except OSError as error:
        raise ValueError(
            f"there are no base weights in {folder} ({error.strerror}: {error.filename}); "
            "`lessonplan pretrain` writes them"
        ) from error
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"the base weights in {folder} are damaged: {error}") from error
    digest = record.get("sha256") if isinstance(record, dict) else None
    if digest != hashlib.sha256(data).hexdigest():
        raise ValueError(
            f"{WEIGHTS} in {folder} is not the file that {RECORD} describes; pretrain again, or "
            "put the right two files beside each other"
        )
    return weights
