"""What Ray Tune hears from the trials of a sweep, for whoever watches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.watch import Watch


@dataclass
class Heard:
    """What trials have said.

    Args:
        watch: told how far each pair is.
        notes: gets what a user should know at the end.
    """

    watch: Watch
    notes: list[str]
    failures: dict[str, str] = field(default_factory=dict)
    """A sentence for each pair that failed."""
    unfit: dict[str, str] = field(default_factory=dict)
    """Nodes that can't run pairs, by ID: address and what is lacking."""
    displaced: list[str] = field(default_factory=list)
    """Pairs that such a node had."""

    def take(self, name: str, result: Mapping[str, Any]) -> None:
        """What a pair reports."""
        self.notes += result.get("notes", [])
        if "node" in result:
            self.unfit[result["node"]] = result["lacks"]
            self.displaced.append(name)
            self.watch(name, 0.0, "waits for another node")
        elif "error" in result:
            self.fail(name, result["error"])
        elif "words" in result:
            self.watch(name, result["fraction"], result["words"])

    def fail(self, name: str, sentence: str) -> None:
        """A pair failed."""
        self.failures[name] = sentence
        self.watch(name, 0.0, "failed")


def make_callback(heard: Heard, say: Callable[[str], None]) -> Any:
    """A callback for Ray Tune that tells how far each pair is, and keeps what is heard of it.

    A class of Ray's has to be its base, and Ray is imported only when it is used.

    Args:
        heard: gets what pairs have to say.
        say: told of pairs that lost their process.
    """
    from ray.tune import Callback

    class Listener(Callback):
        """Passes on what is heard of trials."""

        def __init__(self, heard: Heard, say: Callable[[str], None]) -> None:
            # Nothing of the function around: Ray stores the class too.
            self.heard, self.say, self.watch = heard, say, heard.watch

        def __getstate__(self) -> dict[str, Any]:
            """Nothing: Ray stores callbacks, and a terminal can't be stored."""
            return {}

        def on_trial_start(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            self.watch(trial.config["name"], 0.0, "starting")

        def on_trial_result(
            self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **_: Any
        ) -> None:
            self.heard.take(trial.config["name"], result)

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            # Who says neither that it is done nor that it failed was stopped by a scheduler.
            if trial.config["name"] not in self.heard.displaced:
                self.watch(trial.config["name"], 1.0, "stopped")

        def on_trial_recover(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            name = trial.config["name"]
            self.say(f"the pair {name} lost its process; it is taken up again from what it kept")
            self.watch(name, 0.0, "lost, taken up again")

        def on_trial_error(self, iteration: int, trials: Any, trial: Any, **_: Any) -> None:
            self.heard.fail(trial.config["name"], _last_line(trial))

    return Listener(heard, say)


def _last_line(trial: Any) -> str:
    """What a trial failed with, in a line, and where more is written."""
    file = trial.error_file
    if not file or not Path(file).exists():
        return "its process is gone"
    lines = Path(file).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    reason = " ".join(lines[-1].split())[:300] if lines else "its process is gone"
    return f"{reason} (more in {file})"
