"""Refuses a stored comparison whose costs or tunings were not the same for all."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ENOUGH = 1_000
"""Lifetimes after which a tuning may end early, where it says why."""
ALL_TRIED = "every setting was tried"
"""Why a tuning ends that needs no more lifetimes, where these settings are all that there are."""
WITHOUT_A_LEARNER = {"mlp": 5_000, "decoder": 128, "encoder": 48, "causal": 16}
"""Lifetimes of a tuned opponent by the model of the students where no teacher learned on these
students themselves: perceptrons, small decoders, MiniLM, SmolLM2."""


def lifetimes_wanted(summary: Mapping[str, Any], model: str) -> float:
    """What each tuned opponent of a run must have had, and why in words by the error."""
    learned = [
        teacher["training_cost"]["lifetimes"]
        for teacher in summary["teachers"].values()
        if teacher["kind"] == "learned" and not teacher["other_course"]
    ]
    if most := max(learned, default=0):
        return float(most)
    if model not in WITHOUT_A_LEARNER:
        raise ValueError(
            f"how many lifetimes tuning takes is said for {', '.join(WITHOUT_A_LEARNER)}, not for "
            f"students of {model!r}; add it to WITHOUT_A_LEARNER"
        )
    return float(WITHOUT_A_LEARNER[model])


def narrowed(config: Mapping[str, Any]) -> set[str]:
    """Teachers whose grid lists numbers, or lists of them: these are not all that there are."""
    return {
        teacher["name"]
        for teacher in config.get("teachers", ())
        if isinstance(teacher, dict)
        and any(
            not isinstance(value, str | bool | None)
            for values in (teacher.get("grid") or {}).values()
            for value in values
        )
    }


def too_little_tuned(
    summary: Mapping[str, Any], model: str, narrow: Collection[str] = ()
) -> Iterator[str]:
    """A sentence for each opponent that had fewer lifetimes than it must have had.

    Args:
        summary: of the run.
        model: of its students.
        narrow: opponents of whom a config wrote fewer settings than there are.
    """
    wanted = lifetimes_wanted(summary, model)
    for name, teacher in summary["teachers"].items():
        if not teacher["tuned"] or teacher["kind"] in ("learned", "ceiling"):
            continue
        tuning = teacher.get("tuning") or teacher["training_cost"]
        lived, stopped = tuning["lifetimes"], tuning.get("stopped")
        enough = lived >= ENOUGH if stopped != ALL_TRIED else name not in narrow
        if lived >= wanted or (stopped and enough):
            continue
        yield (
            f"{name} was tuned with {lived:,.0f} lifetimes"
            + (f" ({stopped})" if stopped else "")
            + f", and not with {wanted:,.0f}"
        )


def check_equal_lifetimes(result: Path) -> None:
    """Refuse a stored result (`config.yaml`, `summary.json`) that favours somebody.

    That is one in which it is not known what each teacher's own probes cost, or an opponent was
    tuned with less than it must have been.

    Raises:
        ValueError: naming each of them.
    """
    summary = json.loads((result / "summary.json").read_text(encoding="utf-8"))
    config = yaml.safe_load((result / "config.yaml").read_text(encoding="utf-8"))
    if summary.get("costs") != "own":
        raise ValueError(
            f"{result.name} charges every teacher for the probes of all tasks; run it again, and "
            "each pays for its own"
        )
    if faults := list(too_little_tuned(summary, config["student"]["model"], narrowed(config))):
        raise ValueError(
            f"{result.name} compares with opponents that had too little: {'; '.join(faults)}; run "
            "it again with a larger tuning.lifetimes"
        )


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        check_equal_lifetimes(Path(folder))
