"""Names are plain text wherever they are printed: they steer no terminal, table or spreadsheet."""

import csv
import io
import json
import re
import warnings

import pytest
from bad_input_kit import TINY, command, refused

from lessonplan.experiments.analysis.summary_csv import write_summary_csv
from lessonplan.experiments.cli import status
from lessonplan.experiments.cli.bars import live_bars
from lessonplan.experiments.cli.console import print_problem, print_table, print_text, terminal
from lessonplan.experiments.cli.plain_console import PlainConsole
from lessonplan.experiments.common.printable import csv_text, plain_line, plain_text, uncoloured
from lessonplan.experiments.common.sentences import say
from lessonplan.experiments.report import report

HOSTILE = [
    "\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "a\rb", "a\bb", "[/red]", "[red]b",
    "[link=http://x]y[/link]", ":smile:", "a\u202eb", "a\u2066b", "\ufeffa", "a\u2028b", "\ud800",
    "=cmd()|' /C calc'!A0", "$\\frac{1$",
]  # fmt: skip
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\ufeff\ud800]")
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What Rich itself sends to a terminal, the title of a window never."""


def seen(text: str) -> str:
    """What was printed, after making sure that nothing in it is unseen."""
    assert not UNSEEN.search(text), ascii(text)
    return text


@pytest.mark.parametrize("name", HOSTILE)
def test_text_has_nothing_unseen_and_all_that_can_be_seen(name):
    text = plain_text(name)
    assert not UNSEEN.search(text)
    assert plain_text(text) == text
    assert text.isprintable()
    assert (text == name) == name.isprintable()
    assert plain_line(f"{name}\n{name}") == rf"{text}\n{text}"


def test_what_is_no_control_stays():
    for text in ("größe ≥ 1", "日本語", "👩‍👩‍👧", "a\tb\nc", "\u05e9\u05dc\u05d5\u05dd"):
        assert plain_text(text) == text
    assert uncoloured("\x1b[36m(pid=7)\x1b[0m a") == "(pid=7) a"


@pytest.mark.parametrize("name", HOSTILE)
def test_every_way_to_print_prints_plain_text(name, capsys):
    say(name)
    print_problem(name)
    print_text(name)
    terminal().print(name)
    print_table([[name, "b"], [name, name]])
    out, err = capsys.readouterr()
    shown = plain_line(name)
    # A problem is told in one line, in which every white space is one space.
    assert seen(err).count(shown) == 2 or shown != plain_line(" ".join(name.split()))
    assert seen(out).count(shown) == 5


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_prints_plain_text(name, is_terminal, capsys):
    console = PlainConsole(
        file=io.StringIO(), force_terminal=is_terminal, width=200, markup=False, emoji=False
    )
    with live_bars(console, name, 2, "units") as watch:
        watch(name, 0.5, name)
        watch(name, 1.0, "done")
    with status.at_work(name, console) as tell:
        tell(0.5, name)
    with status.loading_status(0.0, console) as progress:
        progress(name, 7)
    written = STYLE.sub("", console.file.getvalue()) + capsys.readouterr().err
    assert plain_line(name) in seen(written)


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-a", "'-a"), ("@x", "'@x"), ("\tx", "'\tx"), ("a=", "a=")],
)
def test_a_cell_of_a_table_is_no_formula(text, cell):
    assert csv_text(text) == cell


def test_the_table_of_a_report_holds_no_formula_and_numbers_stay_numbers(tmp_path):
    teacher = {
        "label": "=label", "kind": "rule", "lifetimes": 2, "teacher_seeds": 1, "diverged": 0,
        "mastered": 0.5, "probe_cost": {"share": 0.1}, "training_known": False,
        "sampled_twin_of": None, "replay_of": None, "mixes": False, "tuned": False,
    }  # fmt: skip
    for metric in ("steps_to_mastery", "compute_to_mastery", "equal_compute_to_mastery",
                   "final_score", "stress_score", "forgetting", "retention",
                   "calibration_error"):  # fmt: skip
        teacher[metric] = None
    teacher["area"] = {"iqm": -0.5, "ci95": [-1.0, 0.0]}
    teacher["cvar"] = {"compute_to_mastery": {"mean": 1.0}, "area": {"mean": 0.0}}
    summary = {
        "ranking": ["a"],
        "places": {"a": 1},
        "costs": "own",
        "teachers": {"a": teacher},
    }
    write_summary_csv({"=run()": summary}, tmp_path / "summary.csv")
    lines = (tmp_path / "summary.csv").read_text(encoding="utf-8").splitlines()
    (row,) = csv.DictReader(lines)
    assert row["run"] == "'=run()"
    assert row["label"] == "'=label"
    assert float(row["area"]) == -0.5


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Data whose tasks have such names, in a folder that has one too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    lines = [
        {"task": name, "prompt": f"q{i} {name}", "answer": "ab"[i % 2]}
        for name in HOSTILE if name != "\ud800" for i in range(40)
    ]  # fmt: skip
    file = tmp_path / "[red]rows.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file.name


@pytest.mark.slow
def test_a_run_on_data_with_such_names_prints_plain_text_and_ends_well(rows, monkeypatch, capsys):
    values = {"teachers": ["uniform"], "seeds": {"report": 2, "select": 1}, "workers": 1}
    values |= {"name": "[red]b", "student.batch_size": 4, "student.evaluation_size": 4}
    words = ["run", "--data", rows, "--task-column", "task", "--budget", "20-steps"]
    for key, value in values.items():
        words += ["-o", f"{key}={json.dumps(value)}"]
    status_, out, err = command(monkeypatch, capsys, *words, "--dry-run")
    assert status_ == 0, err
    assert r"\x1b]0;owned\x07" in seen(out)
    assert "[/red]" in out
    status_, out, err = command(monkeypatch, capsys, *words, "--out", "[red][/red]")
    assert status_ == 0, err
    assert "Report: [red][/red]/report.html" in seen(out)
    seen(err)
    status_, out, err = command(monkeypatch, capsys, "report", "[red][/red]")
    assert status_ == 0, err
    assert "Report: [red][/red]/report.html" in seen(out)


def test_mistakes_quote_names_as_plain_text(rows, tmp_path, monkeypatch, capsys):
    for name in HOSTILE:
        if name != "\ud800":
            (tmp_path / "c.yaml").write_text(json.dumps(TINY | {"name": "x", f"{name}x": 1}))
            seen(refused(monkeypatch, capsys, "run", "c.yaml"))
            seen(refused(monkeypatch, capsys, "run", f"{name}.yaml"))
            seen(refused(monkeypatch, capsys, "report", f"{name}"))


@pytest.mark.parametrize("name", HOSTILE)
def test_warnings_of_all_rooms_are_plain_too_where_a_command_runs(name, monkeypatch, capsys):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    status, _, err = command(monkeypatch, capsys, "config", "no-such-config")
    assert status == 2, err
    text = warnings.formatwarning(f"task {name}\nhas no examples", UserWarning, "a.py", 3)
    assert seen(text).startswith(f"a.py:3: UserWarning: task {plain_text(name)}\nhas no examples")
