"""What is said while work goes on: bars in a terminal, lines at intervals elsewhere."""

import io

import pytest
from rich.console import Console

from lessonplan.experiments.cli import pace
from lessonplan.experiments.cli.bars import live_bars
from lessonplan.experiments.cli.pace import Pace
from lessonplan.experiments.cli.status import at_work


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are added to `clock[0]`."""
    seconds = [0.0]
    monkeypatch.setattr(pace, "monotonic", lambda: seconds[0])
    return seconds


def lines_of(clock, steps):
    """What is printed of a part without a terminal, after each (seconds, fraction)."""
    console = Console(file=io.StringIO(), width=200)
    with live_bars(console, "mine", 2, "units") as watch:
        for seconds, fraction in steps:
            clock[0] = seconds
            watch("train-ppo-0", fraction, "lifetimes of 40 decisions")
    return [line.partition(":")[2] for line in console.file.getvalue().splitlines()]


def test_a_line_is_due_at_each_tenth_and_after_thirty_seconds(clock):
    turns = [(10, 0.05), (20, 0.1), (25, 0.19), (49, 0.19), (50, 0.19), (51, 0.2), (60, 0.2)]
    due = Pace()
    answers = []
    for seconds, fraction in turns:
        clock[0] = seconds
        answers.append(due.is_due(fraction))
    assert answers == [False, True, False, False, True, False, True]


def test_a_training_without_a_terminal_says_how_far_it_is_ten_times(clock):
    steps = [(second, second / 100) for second in range(101)]
    lines = lines_of(clock, steps)
    assert lines == [f" {tenth}0%, lifetimes of 40 decisions" for tenth in range(1, 11)]


def test_a_short_part_says_only_that_it_is_done(clock):
    assert lines_of(clock, [(0.1 * i, 0.1 * i) for i in range(11)]) == []


def test_a_part_that_hardly_moves_says_so_every_thirty_seconds(clock):
    assert len(lines_of(clock, [(second, 0.01) for second in range(100)])) == 3


def test_in_a_terminal_nothing_is_said_twice_and_the_clock_stands_beside_no_count():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with live_bars(console, "mine", 2, "units") as watch:
        watch("train-ppo-0", 0.5, "lifetimes of 40 decisions")
        watch("train-ppo-0", 1.0, "done")
    text = console.file.getvalue()
    assert "done: train-ppo-0" not in text
    assert "1 of 2 units" in text
    assert "0:00:00 of" not in text


def test_what_comes_after_all_parts_is_said_also_where_all_were_done_before():
    for before in (0, 2):
        console = Console(file=io.StringIO())
        with live_bars(console, "mine", 2, "units", before) as watch:
            for part in ("a", "b")[before:]:
                watch(part, 1.0, "done")
        assert console.file.getvalue().splitlines()[-1] == "writing the report"


def test_one_thing_that_is_done_is_said_once_and_then_at_intervals(clock, capsys):
    with at_work("pretraining for 9 steps", Console(file=io.StringIO())) as tell:
        for second in range(0, 100, 10):
            clock[0] = second
            tell(second / 100, f"{second} steps")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "lessonplan: pretraining for 9 steps"
    assert said[1:] == [f"lessonplan: {i}0%, {i}0 steps" for i in range(1, 10)]
