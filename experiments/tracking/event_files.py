"""TensorBoard: the rows of a trial as its event files, for everybody who has no W&B.

`RUN/tensorboard/TEACHER-SEED` is written anew from the run directory by every process that logs, so
that each row is there once, however the process before ended. What SB3 logs has SB3's names.
"""

import contextlib
import importlib.util
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.sentences import say
from ..common.watch import Watch
from ..config.config import Config
from ..store.layout import RunDir
from .endings import ending
from .pair import TrackedPair
from .tracker import Tracker

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_TRAINING = "training/"
"""What W&B's names of the training begin with; SB3's own do not."""


@contextlib.contextmanager
def tensorboard(
    config: Config,
    run_dir: str | Path,
    *,
    every: float = 5.0,
    say: Callable[[str], None] = say,
) -> Iterator[Watch]:
    """Log a trial for TensorBoard while it runs, a TensorBoard run for each pair.

    If that fails in any way the trial goes on, and one sentence says so.

    Args:
        config: of the trial.
        run_dir: of the trial; event files go into its folder `tensorboard`.
        every: seconds between looks at the run directory.
        say: told what a user should know; prints to standard error by default.

    Yields:
        What a trial tells how far it is, the `watch` of `run_trial`.

    Raises:
        ModuleNotFoundError: if tensorboard is not installed.
    """
    require_tensorboard()
    folder = Path(run_dir).resolve()
    tracker = Tracker(
        config,
        folder,
        lambda _: TensorBoardService(folder),
        ("files",),
        every,
        (0.95, 0),
        say,
        "TensorBoard",
    )
    finished = False
    try:
        yield tracker.watch
        finished = True
    finally:
        tracker.close(finished)


def require_tensorboard() -> None:
    """See that tensorboard can be imported, without importing it.

    Raises:
        ModuleNotFoundError: if it is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "--tensorboard needs the package tensorboard, which is not installed: pip install "
            "tensorboard, or run without --tensorboard"
        )


class TensorBoardService:
    """Event files of the pairs of a trial.

    Args:
        run_dir: of the trial.
    """

    mode = "files"
    lasting = False

    def __init__(self, run_dir: Path) -> None:
        self._files = RunDir(run_dir)

    def open(self, pair: TrackedPair) -> "TensorBoardRun":
        """An empty folder for a pair: all that the run directory has of it comes again."""
        from torch.utils.tensorboard import SummaryWriter

        folder = self._files.events(f"{pair.teacher}-{pair.seed}")
        shutil.rmtree(folder, ignore_errors=True)
        # Without annotations. A TensorBoard that is open forgets what it read of the files before.
        make: Any = SummaryWriter
        writer = make(log_dir=str(folder), purge_step=0)
        described = json.dumps(pair.description(), indent=1, sort_keys=True)
        writer.add_text("config", "\n".join(f"    {line}" for line in described.splitlines()), 0)
        return TensorBoardRun(writer)

    def close(self) -> None:
        """Nothing works in the background."""


class TensorBoardRun:
    """The event file of a pair."""

    def __init__(self, writer: "SummaryWriter") -> None:
        self._writer: Any = writer

    def log(self, row: dict[str, float], step: int, pictures: dict[str, bytes]) -> None:
        """Add the numbers of one step, over training decisions or the decisions of a lifetime."""
        at = int(row.get("training/decisions", row.get("decision", step)))
        for name, value in row.items():
            if name not in ("training/decisions", "decision"):
                self._writer.add_scalar(name.removeprefix(_TRAINING), value, at)
        for name, png in pictures.items():
            self._add_picture(f"learned/{name.removeprefix(_TRAINING)}", png, at)
        self._writer.flush()

    def alert(self, collapse: dict[str, Any]) -> None:
        """Write down that the schedule collapsed."""
        words = ", ".join(f"{name}: {value}" for name, value in collapse.items())
        self._writer.add_text("collapse", f"    {words}", int(collapse["decision"]))

    def end(self, pair: TrackedPair, step: int) -> None:
        """Add the picture of the schedule, and the numbers of the summary."""
        last = ending(pair)
        self._add_picture("pictures/schedule", last.picture, pair.rows.decision)
        for name, value in last.numbers.items():
            self._writer.add_scalar(name, value, pair.rows.decision)

    def finish(self) -> None:
        """Write what is left."""
        self._writer.close()

    def _add_picture(self, name: str, png: bytes, at: int) -> None:
        from PIL import Image

        with Image.open(io.BytesIO(png)) as image:
            self._writer.add_image(name, np.asarray(image.convert("RGB")), at, dataformats="HWC")
