"""A learner's own metrics, `training/NAME-SEED.jsonl`: a line for each time that SB3 dumps its log.

A line reads `{"decisions": int, name: number, ...}` with SB3's names (`train/loss`,
`rollout/ep_rew_mean`, ...). Lines of ours are among them: `watch/...` for each look at the schedule
as it is being learned, `selection/cost` for each candidate at the end. What the clock says
(`time/...`) is left out, so that a training writes the same file every time; one that was killed
and is resumed goes on from its checkpoint and writes the file of an undisturbed one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import KVWriter, Logger

from ..common.files import write_whole


class TrainingLines:
    """Lines of JSON in a file of one training.

    Args:
        file: where they go; folders are made when there is something to write.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.written: list[str] = []

    def add(self, values: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            ValueError: if it can't be written.
        """
        line = json.dumps(values) + "\n"
        self.written.append(line)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as handle:
                handle.write(line)
        except OSError as error:
            raise ValueError(
                f"{self.file} can't be written: {error.strerror or error}; make room or another "
                "folder for it, and go on with --resume"
            ) from error

    def begin(self, lines: Sequence[str] = ()) -> None:
        """Hold these lines and no others, which are written again."""
        self.written = list(lines)
        if self.written or self.file.exists():
            text = "".join(self.written)
            write_whole(self.file, lambda aside: aside.write_text(text, encoding="utf-8"))


class TrainingLog(KVWriter):
    """Writes the log of one training.

    Args:
        file: where it goes; folders are made when there is something to write.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.logger = Logger(None, [self])
        self._lines = TrainingLines(file)

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Add a line of what is a finite number; SB3 calls this.

        Raises:
            ValueError: if it can't be written.
        """
        numbers = {
            name: plain
            for name, value in sorted(key_values.items())
            if not name.startswith("time/") and (plain := _number(value)) is not None
        }
        if numbers:
            self._lines.add({"decisions": int(step)} | numbers)

    def add(self, decisions: int, numbers: Mapping[str, float]) -> None:
        """Add a line of ours, beside what SB3 has recorded.

        Raises:
            ValueError: if it can't be written.
        """
        self._lines.add({"decisions": decisions, **numbers})

    def begin(self, model: BaseAlgorithm, state: dict[str, Any] | None = None) -> None:
        """Become the logger of a model, at the start or where a state was taken.

        Lines that were written after the state are dropped: the training writes them again.
        """
        self._lines.begin(state["lines"] if state else ())
        for name, (value, count, excluded) in (state["pending"] if state else {}).items():
            self.logger.name_to_value[name] = value
            self.logger.name_to_count[name] = count
            self.logger.name_to_excluded[name] = tuple(excluded)
        model.set_logger(self.logger)

    def end(self, model: BaseAlgorithm) -> None:
        """Write what the last update recorded, which SB3 itself would never dump."""
        self.logger.dump(model.num_timesteps)

    def state_dict(self) -> dict[str, Any]:
        """The lines so far and what was recorded since the last of them."""
        logger = self.logger
        pending = {
            name: (plain, logger.name_to_count[name], list(logger.name_to_excluded[name]))
            for name, value in list(logger.name_to_value.items())
            if (plain := _number(value)) is not None
        }
        return {"lines": list(self._lines.written), "pending": pending}


def read_training_log(file: Path, after: int = 0) -> list[dict[str, float]]:
    """Lines of a log from the one numbered `after` on; a line that is being written is left out.

    Raises:
        ValueError: for a line that is none, with its number.
    """
    found = training_lines(file, after)
    for i, line in enumerate(found, after + 1):
        if type(line.get("decisions")) is not int:
            raise no_line(file, i, "its 'decisions' must be a whole number")
        wrong = [name for name, value in line.items() if not _is_plain(value)]
        if wrong:
            raise no_line(file, i, f"its {wrong[0]!r:.60} must be a number")
    return found


def training_lines(file: Path, after: int = 0) -> list[dict[str, Any]]:
    """Objects of the whole lines of a file of a training, from the one numbered `after` on.

    Raises:
        ValueError: for a line that holds none, with its number.
    """
    if not file.exists():
        return []
    whole, newline, _ = file.read_bytes().rpartition(b"\n")
    found = []
    for i, line in enumerate(whole.split(b"\n")[after:] if newline else (), after + 1):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            raise no_line(file, i, "it is not JSON") from None
        if not isinstance(values, dict):
            raise no_line(file, i, "it must be a JSON object")
        found.append(values)
    return found


def no_line(file: Path, number: int, fault: str) -> ValueError:
    """The error of a line that nothing of ours has written."""
    return ValueError(
        f"line {number:,} of {file} is damaged: {fault}; take the file away, and what it shows of "
        "the training is left out"
    )


def _is_plain(value: Any) -> bool:
    """Whether it can be drawn; JSON has whole numbers of any length."""
    return type(value) is float or (type(value) is int and abs(value) < 1 << 63)


def _number(value: Any) -> float | int | None:
    """A plain finite number; None for what is none, as a text, a picture or a NaN."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None
