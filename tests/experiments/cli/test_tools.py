"""The commands beside `run` and `report`: a picture of a suite, base weights."""

import pytest

from lessonplan.experiments.cli import app as cli
from lessonplan.experiments.store.base_weights import read_base


def command(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["lessonplan", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code


@pytest.mark.slow
def test_a_suite_is_drawn_and_what_came_of_it_said(tmp_path, monkeypatch, capsys):
    picture = tmp_path / "flat.png"
    command(monkeypatch, "suite", "flat", "-o", "n_tasks=3", "--out", str(picture))
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["in order", "shuffled", "Picture"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_base_weights_are_written_and_their_scores_said(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "base"
    command(
        monkeypatch, "pretrain", "quickstart", "--steps", "30", "--mixture", "parity-1=1",
        "--out", str(folder),
    )  # fmt: skip
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    scores = {row[0]: float(row[2]) for row in rows if row and row[0].startswith("parity-")}
    assert len(scores) == 6
    assert scores["parity-1"] > 0.5
    assert read_base(folder)
