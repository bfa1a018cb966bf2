"""What Ray Tune hears from the trials of a sweep, for whoever watches."""

from pathlib import Path
from typing import Any

from ..common.watch import Watch


def make_callback(watch: Watch, failures: dict[str, str], notes: list[str]) -> Any:
    """A callback for Ray Tune that tells how far each pair is, what failed and what it notes.

    A class of Ray's has to be its base, and Ray is imported only when it is used.
    """
    from ray.tune import Callback

    class Listener(Callback):
        """Passes on what is heard of trials."""

        def __init__(self, watch: Watch, failures: dict[str, str], notes: list[str]) -> None:
            self.watch, self.failures, self.notes = watch, failures, notes

        def __getstate__(self) -> dict[str, Any]:
            """Nothing: Ray stores callbacks, and a terminal can't be stored."""
            return {}

        def on_trial_start(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            self.watch(trial.config["name"], 0.0, "starting")

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            name = trial.config["name"]
            self.notes += result.get("notes", [])
            if "error" in result:
                self.failures[name] = result["error"]
                self.watch(name, 0.0, "failed")
            elif "words" in result:
                self.watch(name, result["fraction"], result["words"])

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            # Who says neither that it is done nor that it failed was stopped by a scheduler.
            self.watch(trial.config["name"], 1.0, "stopped")

        def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            self.watch(trial.config["name"], 0.0, "lost, taken up again")

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            name = trial.config["name"]
            self.failures[name] = _last_line(trial)
            self.watch(name, 0.0, "failed")

    return Listener(watch, failures, notes)


def _last_line(trial: Any) -> str:
    """What a trial failed with, in a line, and where more is written."""
    file = trial.error_file
    if not file or not Path(file).exists():
        return "its process is gone"
    lines = Path(file).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    reason = " ".join(lines[-1].split())[:300] if lines else "its process is gone"
    return f"{reason} (more in {file})"
