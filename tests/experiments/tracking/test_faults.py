"""Whatever a service does, the trial goes on, one sentence says so, and every row is logged."""

import errno
import threading
import time

import pytest
from synthetic_run import rows
from tracking_kit import TASKS, add_part, end, plan_config, run_of

from lessonplan.experiments.tracking.tracker import Tracker, UnsentError, problem, sync_command

LIVES = [rows("plan", i, [[0.1, 0.1]] * 6, tasks=TASKS, choices=[0] * 6) for i in range(2)]
FULL = OSError(errno.ENOSPC, "No space left on device")


class Service:
    """Remembers what it is given, and fails in one verb."""

    lasting = True

    def __init__(self, mode, told, fault="", error=FULL):
        self.mode, self.told, self._fault, self._error = mode, told, fault, error

    def _do(self, verb, *what):
        self.told.append((self.mode, verb, *what))
        if verb == self._fault:
            raise self._error

    def open(self, pair):
        self._do("open")
        return self

    def log(self, row, step, pictures):
        self._do("log", step)

    def alert(self, found):
        self._do("alert")

    def end(self, pair, step):
        self._do("end")

    def finish(self):
        self._do("finish")

    def close(self):
        self._do("close")


def follow(run, make, *, modes=("online", "offline"), finished=True):
    """A tracker over a run that is there already; what was told to services and to the user."""
    said = []
    tracker = Tracker(plan_config(), run, make, modes, 60.0, (0.95, 3), said.append)
    tracker.watch("evaluate-plan-0", 1.0, "done")
    tracker.close(finished)
    return tracker, said


@pytest.fixture
def run(tmp_path):
    found = run_of(tmp_path / "run", LIVES, decisions=6)
    end(found)
    return found


def steps(told, mode):
    return [entry[2] for entry in told if entry[:2] == (mode, "log")]


def test_everything_is_logged_in_order_and_once(run):
    told = []
    tracker, said = follow(run, lambda mode: Service(mode, told))
    verbs = [entry[1] for entry in told]
    assert verbs == ["open", *["log"] * 6, "alert", "end", "finish", "close"]
    assert (steps(told, "online"), said, tracker.unsent) == ([*range(6)], [], False)
    told.clear()
    follow(run, lambda mode: Service(mode, told))
    assert [entry[1] for entry in told] == ["close"]


@pytest.mark.parametrize("verb", ["open", "log", "alert", "end", "finish", "close"])
def test_a_service_that_fails_is_one_sentence_and_the_next_one_has_the_rest(run, verb):
    told = []
    tracker, said = follow(run, lambda mode: Service(mode, told, verb if mode == "online" else ""))
    assert len(said) == 1
    assert "No space left on device; the trial goes on, and it is tried again offline" in said[0]
    missing = {"open": 6, "log": 6}.get(verb, 0)
    assert steps(told, "offline") == [*range(6)][:missing]
    assert told[-1] == ("offline", "close")
    left = verb != "close"
    assert (("offline", "end") in told, tracker.unsent) == (left, left)


def test_when_nothing_works_two_sentences_say_so_and_the_trial_does_not_notice(run):
    tracker, said = follow(run, lambda mode: Service(mode, [], "log"))
    assert len(said) == 2
    assert "no longer tracked; nothing that was recorded is lost" in said[1]
    assert not tracker.unsent


def test_what_could_not_be_sent_in_time_is_not_logged_again(run):
    told = []
    late = UnsentError("late")
    tracker, said = follow(run, lambda mode: Service(mode, told, "finish", late))
    assert (tracker.unsent, tracker.partly, said) == (False, True, [])
    assert {entry[0] for entry in told} == {"online"}


def test_a_service_that_cannot_be_made_is_one_sentence(run):
    told = []

    def make(mode):
        if mode == "online":
            raise RuntimeError("no service.")
        return Service(mode, told)

    _, said = follow(run, make)
    assert said == ["W&B: no service; the trial goes on, and it is tried again offline"]
    assert steps(told, "offline") == [*range(6)]


def test_a_trial_that_broke_off_has_its_rows_but_no_end(run):
    told = []
    follow(run, lambda mode: Service(mode, told), finished=False)
    assert steps(told, "online") == [*range(6)]
    assert ("online", "end") not in told
    told.clear()
    follow(run, lambda mode: Service(mode, told))
    assert (steps(told, "online"), ("online", "end") in told) == ([], True)


def test_a_slow_service_delays_nothing_but_the_end(run):
    waiting = threading.Event()

    class Slow(Service):
        def open(self, pair):
            waiting.wait(30)
            return self

    tracker = Tracker(
        plan_config(), run, lambda mode: Slow(mode, []), ("online",), 60.0, (0.95, 3), print
    )
    began = time.perf_counter()
    for _ in range(100):
        tracker.watch("evaluate-plan-0", 0.5, "words")
    assert time.perf_counter() - began < 1.0
    waiting.set()
    tracker.close(True)


def test_rows_are_logged_while_the_trial_goes_on(tmp_path):
    run = run_of(tmp_path / "run", [life[:2] for life in LIVES], decisions=6)
    told = []
    tracker = Tracker(
        plan_config(), run, lambda mode: Service(mode, told), ("online",), 0.01, (0.95, 3), print
    )
    tracker.watch("evaluate-plan-0", 0.1, "words")
    for wanted, rest in ((2, slice(2, 6)), (6, slice(0, 0))):
        deadline = time.monotonic() + 30
        while len(steps(told, "online")) < wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        assert steps(told, "online") == [*range(wanted)]
        if wanted == 2:
            add_part(run, 1, [life[rest] for life in LIVES])
    tracker.close(False)


def test_a_problem_is_one_sentence_even_of_an_error_without_words():
    assert problem(RuntimeError(), None).startswith("W&B: RuntimeError; the trial goes on")
    assert "\n" not in problem(RuntimeError("a\nb"), "offline")


def test_the_command_to_send_is_quoted_and_names_the_pairs_of_a_sweep(tmp_path):
    folder = tmp_path / "my run"
    folder.mkdir()
    command = sync_command(folder)
    assert command == f"wandb sync '{folder}'/wandb/offline-run-*"
    (folder / "sweep.yaml").write_text("")
    assert sync_command(folder).endswith(f"'{folder}'/pairs/*/wandb/offline-run-*")
