"""Which of W&B's files stay when one attempt at tracking follows another."""

import pytest
from synthetic_run import rows
from tracking_kit import TASKS, end, plan_config, run_of

from lessonplan.experiments.config.config import Tracking
from lessonplan.experiments.tracking.pair import TrackedPair, partly_sent
from lessonplan.experiments.tracking.service import WandbService
from lessonplan.experiments.tracking.tracker import Tracker

LIVES = [rows("plan", i, [[0.1, 0.1]] * 6, tasks=TASKS, choices=[0] * 6) for i in range(2)]


class Wandb:
    """W&B's client as far as files go: each run writes the steps that it is given into a folder.

    Args:
        fails: `init` or a number of rows, after which the background process is gone.
        starting_step: what follows what W&B has.
    """

    offline = True

    def __init__(self, folder, fails, starting_step):
        self.starting_step = starting_step
        self.summary = {}
        self._file, self._fails, self._rows = folder / "steps", fails, 0
        folder.mkdir(parents=True)
        self._file.write_text("")
        if fails == "init":
            raise BrokenPipeError("the service is gone")

    def define_metric(self, *_, **__):
        pass

    def log(self, row, step):
        if self._rows == self._fails:
            raise BrokenPipeError("the service is gone")
        self._rows += 1
        self._file.write_text(self._file.read_text() + f"{step} ")

    def finish(self):
        pass


@pytest.fixture
def attempts(tmp_path, monkeypatch):
    """Tracks a run directory once for every (mode, failure); the steps in the files that stay."""
    run = run_of(tmp_path / "run", LIVES, decisions=6)
    end(run)
    made = []

    def attempt(*kinds, there=0):
        modes, failures = [mode for mode, _ in kinds], [failure for _, failure in kinds]

        def begin(service, run_id, *_):
            made.append(run_id)
            prefix = "run" if service.mode == "online" else "offline-run"
            folder = run / "wandb" / f"{prefix}-{len(made):03}-{run_id}"
            return Wandb(folder, failures.pop(0), there)

        def service(mode):
            return WandbService(run, "project", mode, Tracking(group="group"), 1.0)

        monkeypatch.setattr(WandbService, "_init", begin)
        said = []
        tracker = Tracker(plan_config(), run, service, modes, 60.0, (0.99, 9), said.append)
        tracker.watch("evaluate-plan-0", 1.0, "done")
        tracker.close(False)
        assert len(said) == sum(failure is not None for _, failure in kinds), said
        files = sorted(
            (run / "wandb").glob("*run-*/steps"), key=lambda file: file.parent.name[-20:]
        )
        return [[int(step) for step in file.read_text().split()] for file in files]

    return attempt


def test_nothing_stays_of_a_process_that_went_away_before_it_had_a_row(attempts):
    assert attempts(("offline", "init"), ("offline", None)) == [[0, 1, 2, 3, 4, 5]]


def test_one_that_went_away_later_is_replaced_by_a_whole_file(attempts):
    assert attempts(("offline", 4), ("offline", None)) == [[0, 1, 2, 3, 4, 5]]


def test_rows_of_an_online_file_are_not_written_again(attempts):
    assert attempts(("online", None)) == [[0, 1, 2, 3, 4, 5]]
    assert attempts(("offline", None)) == [[0, 1, 2, 3, 4, 5], []]


def test_what_broke_off_online_is_gone_on_with_online_where_wandb_says(attempts, tmp_path):
    assert attempts(("online", 4), ("offline", None)) == [[0, 1, 2, 3]]
    assert attempts(("offline", None)) == [[0, 1, 2, 3]]
    assert partly_sent(tmp_path / "run")
    assert attempts(("online", None), there=3) == [[0, 1, 2, 3], [3, 4, 5]]
    assert not partly_sent(tmp_path / "run")
    assert attempts(("offline", None)) == [[0, 1, 2, 3], [3, 4, 5], []]


def test_what_nobody_sent_goes_online_from_the_beginning(attempts):
    assert attempts(("offline", None)) == [[0, 1, 2, 3, 4, 5]]
    assert attempts(("online", None)) == [[0, 1, 2, 3, 4, 5]]


def test_an_online_start_that_fails_loses_nothing_of_an_offline_file(attempts):
    assert attempts(("offline", None)) == [[0, 1, 2, 3, 4, 5]]
    assert attempts(("online", "init"), ("offline", None)) == [[], [0, 1, 2, 3, 4, 5]]


def test_a_file_that_was_sent_stays_and_is_not_written_again(attempts, tmp_path):
    attempts(("offline", None))
    folder = next((tmp_path / "run" / "wandb").glob("offline-run-*"))
    identity = TrackedPair(plan_config(), tmp_path / "run", "plan", 0, 0.99, 9).id
    (folder / f"run-{identity}.wandb.synced").touch()
    assert attempts(("offline", None)) == [[0, 1, 2, 3, 4, 5], []]
