"""`lessonplan check` says what a part is and what is wrong with it, and ends accordingly."""

import sys

import pytest
from own_folder import forgetting, write_modules

from lessonplan.experiments.cli.app import main

MODULE = """
def greedy(outcome):
    return outcome.mean(outcome.after)

def kind(text, row):
    return float(text == row["answer"])
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Status, output and complaints of the command in a folder with a module."""
    write_modules(tmp_path / "code", lp_mine=MODULE)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lessonplan", "check", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    with forgetting():
        yield run


def test_a_part_that_is_right_ends_with_status_0(check):
    status, out, err = check("lp_mine:kind", "--folder", "code", "-o", "answer='12'")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "lp_mine:kind is a score",
        "right  What it returns is a number in [0, 1]",
        "right  The same text is judged the same, and the row stays",
        "right  The right answer is right",
    ]


def test_a_part_that_is_wrong_ends_with_status_1_and_a_sentence_for_each_fault(check):
    status, out, _ = check("lp_mine:greedy", "--folder", "code")
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "lp_mine:greedy is a reward"
    assert [line[:5] for line in lines[1:]] == ["right", "right", "wrong"]
    assert "it pays for unfinished students" in lines[-1]


def test_a_part_that_is_nowhere_is_a_sentence_and_status_2(check, tmp_path):
    status, out, err = check("lp_mine:greedy")
    assert (status, out) == (2, "")
    assert f"there is no module 'lp_mine': looked in {tmp_path}, and among what is" in err
