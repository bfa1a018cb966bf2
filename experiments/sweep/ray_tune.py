"""One call of Ray Tune: a trial for each pair of a sweep, and what failed in it."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..common.files import write_whole
from ..common.trust import agreement
from ..common.watch import Watch, WorkFailedError
from ..config.config import LearnedSection
from ..config.sweeps import Sweep, write_sweep
from ..store.layout import SweepDir
from .callback import make_callback
from .pairs import Pair


def begin(sweep: Sweep, pairs: Sequence[Pair], sweep_dir: Path) -> None:
    """Write down the sweep, and what each of these pairs does, for the process that does it.

    To be called once nothing more can keep it from running.
    """
    files = SweepDir(sweep_dir)
    if not files.sweep.exists():
        write_sweep(sweep, files.sweep)
    for pair in pairs:
        # As it is: a grid is tried in the order of its keys.
        text = json.dumps(pair.config.model_dump(mode="json"))
        write_whole(files.pair_config(pair.name), partial(_write_text, text))


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def fit(
    sweep: Sweep,
    pairs: Sequence[Pair],
    sweep_dir: Path,
    trainable: Any,
    watch: Watch,
    notes: list[str],
    settings: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Let Ray Tune run a trial for each pair; Ray must be connected.

    Args:
        sweep: of the pairs.
        pairs: to run, in this order.
        sweep_dir: of the sweep.
        trainable: what a trial does.
        watch: told how far each pair is.
        notes: gets what trials have to say to the user.
        settings: of `TuneConfig`: metric, scheduler and the like.

    Returns:
        A sentence for each pair that failed.

    Raises:
        WorkFailedError: if Ray itself fails.
    """
    from ray import tune

    failures: dict[str, str] = {}
    space = {
        "sweep": str(sweep_dir),
        "project": sweep.wandb,
        "tensorboard": sweep.tensorboard,
        "gpu": sweep.resources.gpu,
        "agreed": agreement(),
        "name": tune.grid_search([pair.name for pair in pairs]),
    }
    tuner = tune.Tuner(
        tune.with_resources(trainable, _occupies(sweep, pairs)),
        param_space=space,
        tune_config=tune.TuneConfig(
            trial_name_creator=_name, trial_dirname_creator=_name, **(settings or {})
        ),
        run_config=tune.RunConfig(
            name=_next_folder(SweepDir(sweep_dir).ray),
            storage_path=str(SweepDir(sweep_dir).ray),
            failure_config=tune.FailureConfig(max_failures=sweep.max_failures),
            callbacks=[make_callback(watch, failures, notes)],
            verbose=0,
        ),
    )
    _run(tuner, sweep_dir)
    return failures


def _run(tuner: Any, sweep_dir: Path) -> None:
    """Run all trials, and say in one sentence that Ray itself failed."""
    from ray.exceptions import RayError
    from ray.tune.error import TuneError

    try:
        tuner.fit()
    except (TuneError, RayError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise WorkFailedError(
            f"Ray Tune broke off: {reason}; what is done is kept, go on with --resume {sweep_dir}"
        ) from error


def complain(failures: Mapping[str, str], count: int, sweep_dir: Path) -> None:
    """Raise an error that says which pairs failed, if any did.

    Raises:
        WorkFailedError: if anything did.
    """
    if failures:
        name, sentence = next(iter(failures.items()))
        raise WorkFailedError(
            f"{len(failures)} of {count} pairs failed; {name}: {sentence}; what is done is kept, "
            f"go on with --resume {sweep_dir}"
        )


def _occupies(sweep: Sweep, pairs: Sequence[Pair]) -> Any:
    """What Ray Tune sets aside for a trial: for the pair itself, and for actors with students."""
    from ray import tune

    actors = {
        pair.name: (teacher.actors, {"CPU": 1, "GPU": teacher.actor_gpus})
        for pair in pairs
        for teacher in pair.config.teachers
        if isinstance(teacher, LearnedSection)
    }
    itself = {"CPU": sweep.resources.cpu, "GPU": sweep.resources.gpu}

    def bundles(trial: dict[str, Any]) -> Any:
        count, each = actors.get(trial["name"], (0, {}))
        return tune.PlacementGroupFactory([itself, *[each] * count])

    return bundles


def _name(trial: Any) -> str:
    return str(trial.config["name"])


def _next_folder(folder: Path) -> str:
    """Name of a folder that is not there yet: each time a sweep is taken up it has its own."""
    count = 1
    while (folder / f"{count}").exists():
        count += 1
    return f"{count}"
