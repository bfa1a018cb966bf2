"""Names of pairs from what varies: readable, fit for files, and different for different values."""

import json
import re
import shlex
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_LONGEST_NAME = 120


def cut(name: str) -> str:
    """The name, its middle replaced by a checksum where it is too long for files."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 10]}.x{zlib.crc32(name.encode()):08x}x"


def folder(name: str) -> str:
    """The name as that of a folder which lies where it is put: a stored sweep may have any name."""
    name = re.sub(r"[/\\\0]", "_", name)
    return name if name.strip(". ") else "sweep"


class Names:
    """Short names of what varies, fit for files, and different for different values."""

    def __init__(self, samples: Sequence[Mapping[str, list[Any]]]) -> None:
        self._texts: dict[str, dict[str, str]] = {}
        for key in samples[0]:
            values = {json.dumps(v): v for sample in samples for v in sample[key]}
            if len(values) > 1:
                self._texts[key] = dict(zip(values, _texts(list(values.values())), strict=True))

    def of(self, assignment: Mapping[str, Any], prefix: str = "") -> str:
        """`learning_rate_0.003.n_tasks_4`; empty where nothing varies."""
        keys = [key for key in assignment if key in self._texts]
        lasts = [key.rpartition(".")[2] for key in keys]
        parts = []
        for key, last in zip(keys, lasts, strict=True):
            word = last if lasts.count(last) == 1 else key.removeprefix(prefix)
            parts.append(f"{_slug(word)}_{self._texts[key][json.dumps(assignment[key])]}")
        return ".".join(parts)


def _texts(values: Sequence[Any]) -> list[str]:
    """Texts of values that are all different, with as few digits as that takes."""
    for digits in (3, 6, 9, 17):
        texts = [_text(value, digits) for value in values]
        if len(set(texts)) == len(texts):
            return texts
    return [f"{text[:40]}.{i}th" for i, text in enumerate(texts)]


def _text(value: Any, digits: int) -> str:
    # Names of files must not end in "-" and digits, which an exponent or a minus would bring.
    if isinstance(value, float):
        text = np.format_float_positional(value, digits, fractional=False, trim="-")
        return text.replace("-", "minus")
    return _slug(str(value).replace("-", "minus") if isinstance(value, int) else json.dumps(value))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "_", text).strip("._")


def resume_command(sweep_dir: Path, address: str | None = None) -> str:
    """What goes on with a sweep, as a command.

    Args:
        sweep_dir: of the sweep.
        address: of the cluster that it was begun on, if it was named.
    """
    where = f" --address {shlex.quote(address)}" if address else ""
    return f"lessonplan sweep --resume {shlex.quote(str(sweep_dir))}{where}"
