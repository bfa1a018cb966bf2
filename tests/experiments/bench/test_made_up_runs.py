"""The run that the report is measured on is made once, and nothing of anybody's is written over."""

import sys

import pytest

from lessonplan.experiments.bench import report
from lessonplan.experiments.store.runs import read_run


def test_a_made_up_run_is_written_where_nothing_is(tmp_path, monkeypatch, capsys):
    run_dir = report.write_made_up_run(tmp_path / "run", 3, 3, 4, 5)
    assert read_run(run_dir).problems == ()
    sizes = ["--students", "3", "--teachers", "3", "--decisions", "4", "--tasks", "5"]
    monkeypatch.setattr(sys, "argv", ["report", *sizes, "--out", str(run_dir)])
    with pytest.raises(SystemExit) as ended:
        report.main()
    assert ended.value.code == 2
    assert f"{run_dir} is there already; name a folder that is not" in capsys.readouterr().err
