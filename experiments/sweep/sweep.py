"""A sweep from beginning to end: pairs side by side with Ray Tune, then one report over all.

Every pair is an ordinary run directory that goes on by itself where it was left. So nothing of
Ray's own checkpoints is needed: a sweep that is resumed runs the pairs that are not whole.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..cluster.session import last_words, ray_session
from ..common.files import locked, remove_leftovers
from ..common.folder_names import see_that_files_differ
from ..common.sentences import say
from ..common.trust import take_for_strange, trusting
from ..common.watch import Watch, nowhere
from ..config.sweeps import Sweep, read_stored_sweep
from ..report.report import write_report
from ..store.layout import SweepDir
from ..tracking.mode import chosen_mode
from ..tracking.pair import has_events, partly_sent
from ..trial.trial import changes_of_code
from ..trial.units import plan
from .merge import merged_runs
from .pairs import Pair, check_pairs, pairs_of
from .ray_tune import Told, begin, complain, fit
from .trial import run_pair
from .tune import tune_pairs


def run_sweep(
    sweep: Sweep,
    out: str | Path,
    *,
    resume: bool = False,
    address: str | None = None,
    watch: Watch = nowhere,
    say: Callable[[str], None] = say,
    checked: bool = False,
    trust: bool = False,
) -> dict[str, Any]:
    """Run a sweep and write its directory.

    Modules that it names are imported if they lie in the working directory or in the folder of what
    was named to `read_sweep`; never from the sweep directory.

    Args:
        sweep: what to do, as `read_sweep` gives it.
        out: the sweep directory; must be new or empty unless `resume`.
        resume: go on with a sweep that was interrupted; it must be the same.
        address: of a running Ray cluster, `auto` for the one of this machine; without one the
            cluster that a Ray job runs on, or an own Ray on this machine.
        watch: told how far each pair is.
        say: told what a user should know, one sentence each; prints to standard error by default.
        checked: whether `check_pairs` has looked at its pairs already.
        trust: as for `run_trial`.

    Returns:
        The summary over all pairs, as in `summary.json`; of a tuning what `best.yaml` holds.

    Raises:
        ValueError: for input that can't be used, before any work starts.
        WorkFailedError: when pairs failed; what is done is kept, and the sweep can be resumed.
    """
    sweep_dir = Path(out).resolve()
    pairs = pairs_of(sweep)
    see_that_sweep_fits(sweep, sweep_dir, resume)
    take_for_strange(sweep_dir)
    if not checked:
        with trusting(trust):
            check_pairs(pairs, sweep.resources.gpu)
    for sentence in (*_changes_of_code(pairs, sweep_dir), *_damages(pairs, sweep_dir)):
        say(sentence)
    with trusting(trust), _held(sweep_dir):
        remove_leftovers(SweepDir(sweep_dir).checkpoints)
        if sweep.purpose == "tune":
            return tune_pairs(sweep, pairs, sweep_dir, address, watch, say)
        remaining = [pair for pair in pairs if is_left(sweep, pair, sweep_dir)]
        failures = _run_pairs(sweep, remaining, sweep_dir, address, watch, say) if remaining else {}
        try:
            runs = merged_runs(sweep_dir)
            summary = write_report(runs, sweep_dir)
            if sweep.wandb:
                _track_report(sweep, sweep_dir, runs, say)
        except ValueError:
            # Why pairs failed says more than that there is nothing to report.
            complain(failures, len(pairs), sweep_dir, address)
            raise
        complain(failures, len(pairs), sweep_dir, address)
        return summary


@contextmanager
def _held(sweep_dir: Path) -> Iterator[None]:
    """Work on a sweep directory, of which nothing is left if it was made here and then refused."""
    is_made_here = not sweep_dir.exists()
    with locked(sweep_dir), last_words(_killed(sweep_dir)):
        try:
            yield
        except Exception:
            if is_made_here and not SweepDir(sweep_dir).sweep.exists():
                shutil.rmtree(sweep_dir, ignore_errors=True)
            raise


def _track_report(
    sweep: Sweep, sweep_dir: Path, runs: Sequence[Path], say: Callable[[str], None]
) -> None:
    """Log to W&B what is seen of several teachers together."""
    from ..tracking.follow import track_report

    told = sweep.base.tracking
    group = told.group or sweep.name
    track_report(sweep_dir, sweep.wandb, group, runs=runs, told=told, say=say)


def see_that_sweep_fits(sweep: Sweep, sweep_dir: Path, resume: bool) -> None:
    """Change nothing, but refuse a sweep directory that can't be used.

    Raises:
        ValueError: if it is not new, or, to `resume`, not one of this sweep; also if two pairs
            would be one folder on some disks.
    """
    SweepDir(sweep_dir).see_that_nothing_leads_out()
    if resume:
        earlier = read_stored_sweep(sweep_dir)
        # How much room a pair has, and how often it is tried, may change.
        free = {"resources": sweep.resources, "max_failures": 0, "wandb": "", "tensorboard": False}
        told, wished = (one.model_copy(update=free).model_dump() for one in (earlier, sweep))
        if told != wished:
            raise ValueError(f"{sweep_dir} was begun as another sweep; resume it without changes")
    elif not SweepDir(sweep_dir).is_new:
        raise ValueError(
            f"{sweep_dir} is not empty; name a new folder with --out, or go on with --resume"
        )
    else:
        see_that_files_differ([pair.name for pair in pairs_of(sweep)])


def _changes_of_code(pairs: Sequence[Pair], sweep_dir: Path) -> list[str]:
    """What changed in one's own code since pairs were begun, each file once."""
    begun = [(pair.config, SweepDir(sweep_dir).run_dir(pair.name)) for pair in pairs]
    return list(dict.fromkeys(
        sentence for config, files in begun if files.has_begun
        for sentence in changes_of_code(config, files)
    ))  # fmt: skip


def is_left(sweep: Sweep, pair: Pair, sweep_dir: Path) -> bool:
    """Whether there is something to do for a pair: to run it, or to log the rest of it."""
    files = SweepDir(sweep_dir).run_dir(pair.name)
    if sweep.wandb and chosen_mode() == "online" and partly_sent(files.path):
        return True
    if sweep.tensorboard and not has_events(pair.config, files.path):
        return True
    return not files.is_done or bool(_damage(pair, sweep_dir))


def _killed(sweep_dir: Path) -> str:
    """What is said where there is nobody left to say it."""
    return (
        "lessonplan: the sweep, or the Ray cluster that it ran on, was killed; what is done is "
        f"kept, go on with --resume {sweep_dir}"
    )


def _damages(pairs: Sequence[Pair], sweep_dir: Path) -> list[str]:
    """A sentence for each pair of which something is damaged."""
    return [
        f"{damage}; what is damaged of the pair {pair.name} is done again"
        for pair in pairs
        if (damage := _damage(pair, sweep_dir))
    ]


def _damage(pair: Pair, sweep_dir: Path) -> str:
    """What is damaged of a pair that is done, in words; empty if nothing is, or it is not done."""
    files = SweepDir(sweep_dir).run_dir(pair.name)
    units = plan(pair.config) if files.is_done else []
    return next(filter(None, (unit.damage(files.path) for unit in units)), "")


def _run_pairs(
    sweep: Sweep,
    pairs: Sequence[Pair],
    sweep_dir: Path,
    address: str | None,
    watch: Watch,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Run pairs with Ray Tune, first in, first out; what failed, with a sentence for each."""
    notes: list[str] = []
    log = SweepDir(sweep_dir).ray_log
    with ray_session(address, sweep.resources, say=say, log=log) as is_cluster:
        begin(sweep, pairs, sweep_dir)
        told = Told(watch, say, notes)
        failures = fit(sweep, pairs, sweep_dir, run_pair, told, is_cluster)
    for note in dict.fromkeys(notes):
        # What sends the files of the whole sweep is said at the end.
        if chosen_mode() != "offline" or "on disk" not in note:
            say(note)
    for pair in pairs:
        files = SweepDir(sweep_dir).run_dir(pair.name)
        if pair.name not in failures and not files.is_done:
            failures[pair.name] = "it has not ended"
    return failures
