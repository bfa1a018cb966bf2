"""One call of Ray Tune: a trial for each pair of a sweep, and what failed in it."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..cluster.session import lacking
from ..common.files import write_whole
from ..common.own_code.places import module_file
from ..common.trust import agreement
from ..common.watch import Watch, WorkFailedError
from ..config.config import LearnedSection
from ..config.own_names import own_modules_in
from ..config.sweeps import Sweep, write_sweep
from ..store.layout import SweepDir
from .callback import Heard, make_callback
from .naming import resume_command
from .nodes import Nodes, needs_of
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


@dataclass(frozen=True)
class Told:
    """Who is told what while trials run.

    Attributes:
        watch: told how far each pair is.
        say: told at once what a user should know.
        notes: gets what a user should know at the end.
    """

    watch: Watch
    say: Callable[[str], None]
    notes: list[str]


def fit(
    sweep: Sweep,
    pairs: Sequence[Pair],
    sweep_dir: Path,
    trainable: Any,
    told: Told,
    is_cluster: bool,
    settings: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, str]:
    """Let Ray Tune run a trial for each pair; Ray must be connected.

    Every node of a cluster is tried first. A pair whose node can't run it, as it turns out, is run
    by another one when all others have ended.

    Args:
        sweep: of the pairs.
        pairs: to run, in this order.
        sweep_dir: of the sweep.
        trainable: what a trial does.
        told: who is told what.
        is_cluster: whether nodes may have other files than this machine.
        settings: makes those of `TuneConfig`: metric, scheduler and the like.

    Returns:
        A sentence for each pair that failed.

    Raises:
        WorkFailedError: if Ray itself fails.
    """
    files = SweepDir(sweep_dir)
    needs = needs_of(sweep_dir, files.mark, files_of(pairs)) if is_cluster else {}
    nodes, left = Nodes(needs, told.say), list(pairs)
    failures: dict[str, str] = {}
    while left:
        nodes.look()
        # Where no node has room for a pair, fit or not, the sweep waits for one that comes.
        if lacking(sweep.resources, nodes.unfit) and not lacking(sweep.resources):
            return failures | dict.fromkeys((pair.name for pair in left), nodes.why_none())
        nodes.say_that_pairs_begin(len(left))
        heard = Heard(told.watch, told.notes)
        callback = make_callback(heard, told.say)
        _run(_tuner(sweep, left, sweep_dir, trainable, nodes, callback, settings()), sweep_dir)
        failures |= heard.failures
        nodes.leave_out(heard.unfit)
        left = [pair for pair in left if pair.name in heard.displaced]
    return failures


def _tuner(
    sweep: Sweep,
    pairs: Sequence[Pair],
    sweep_dir: Path,
    trainable: Any,
    nodes: Nodes,
    callback: Any,
    settings: Mapping[str, Any],
) -> Any:
    from ray import tune

    space = {
        "sweep": str(sweep_dir),
        "project": sweep.wandb,
        "tensorboard": sweep.tensorboard,
        "gpu": sweep.resources.gpu,
        "agreed": agreement(),
        "needs": nodes.needs,
        "name": tune.grid_search([pair.name for pair in pairs]),
    }
    return tune.Tuner(
        tune.with_resources(trainable, _occupies(sweep, pairs, nodes.selector)),
        param_space=space,
        tune_config=tune.TuneConfig(
            trial_name_creator=_name, trial_dirname_creator=_name, **settings
        ),
        run_config=tune.RunConfig(
            name=_next_folder(SweepDir(sweep_dir).ray),
            storage_path=str(SweepDir(sweep_dir).ray),
            failure_config=tune.FailureConfig(max_failures=sweep.max_failures),
            callbacks=[callback],
            verbose=0,
        ),
    )


def files_of(pairs: Sequence[Pair]) -> list[str]:
    """Files and folders of this machine that configs name, those of one's own modules included."""
    found: dict[str, None] = {}
    for pair in pairs:
        # Of the folders where modules may lie those are needed that have one; see below.
        values = pair.config.model_dump(mode="json", exclude={"modules", "tracking"})
        found |= dict.fromkeys(text for text in _texts(values) if _is_there(text))
        for module in own_modules_in(values):
            if file := module_file(module, pair.config.modules):
                found[str(file)] = None
    return list(found)


def _texts(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for one in inner:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def _is_there(text: str) -> bool:
    """Whether a text is the path of something on this machine."""
    try:
        return os.path.isabs(text) and os.path.exists(text)
    except ValueError:
        return False


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


def complain(
    failures: Mapping[str, str], count: int, sweep_dir: Path, address: str | None = None
) -> None:
    """Raise an error that says which pairs failed, if any did, and how to go on.

    Args:
        failures: a sentence for each pair that failed.
        count: of all pairs.
        sweep_dir: of the sweep.
        address: of the cluster, if it was named.

    Raises:
        WorkFailedError: if anything did.
    """
    if failures:
        name, sentence = next(iter(failures.items()))
        raise WorkFailedError(
            f"{len(failures)} of {count} pairs failed; {name}: {sentence}; what is done is kept, "
            f"go on with {resume_command(sweep_dir, address)}"
        )


def _occupies(sweep: Sweep, pairs: Sequence[Pair], selector: dict[str, str]) -> Any:
    """What Ray Tune sets aside for a trial: for the pair itself, and for actors with students.

    All of it on nodes whose labels the selector allows.
    """
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
        parts = [itself, *[each] * count]
        only: dict[str, Any] = {}
        if selector:
            only["bundle_label_selector"] = [selector] * len(parts)
        return tune.PlacementGroupFactory(parts, **only)

    return bundles


def _name(trial: Any) -> str:
    return str(trial.config["name"])


def _next_folder(folder: Path) -> str:
    """Name of a folder that is not there yet: each time a sweep is taken up it has its own."""
    count = 1
    while (folder / f"{count}").exists():
        count += 1
    return f"{count}"
