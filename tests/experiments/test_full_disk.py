"""A full disk, whoever is writing: our sentence, whole files, and the same numbers afterwards."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bad_input_kit import PPO, TINY, command
from sweep_kit import numbers

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.report import report
from lessonplan.experiments.trial.trial import run_trial

TUNED = {"name": "tuned", "rule": "in_order", "grid": {"gate": [0.5, 0.9]}}
WHOLE = TINY | {
    "teachers": [PPO, {"name": "again", "type": "replay", "of": "exp3s"}, "exp3s", TUNED],
    "checkpoint_seconds": 1e-9,
}
WRITERS = [
    "environment.json", "checkpoint/begun.yaml", "config.yaml", "teachers/ppo.json",
    "checkpoint/train-ppo-0.pt", "checkpoint/train-ppo-0-after-*.zip", "teachers/ppo-0.zip",
    "training/ppo-0.jsonl", "checkpoint/train-ppo-0.json", "checkpoint/tune-tuned-0.pt",
    "checkpoint/tune-tuned-0.json", "schedule/part-exp3s-0-*.parquet",
    "checkpoint/evaluate-exp3s-0.pt", "checkpoint/evaluate-exp3s-0.json", "summary.json",
    "summary.csv", "figures/*.png", "report.html",
]  # fmt: skip
"""Every file of a run directory, for whom the disk is full when it comes."""


def full(name: object) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(name))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        run_trial(make_config(WHOLE), out)
    return numbers(out)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_disk_that_is_full_for_one_writer_is_said_and_the_run_goes_on_to_the_same_numbers(
    writer, undisturbed, tmp_path, monkeypatch, capsys
):
    run, replace, opened = tmp_path / "run", os.replace, Path.open

    def replaced(source, target):
        if Path(target).match(f"run/{writer}"):
            raise full(source)
        replace(source, target)

    def opening(path, mode="r", *more, **options):
        if mode == "a" and path.match(f"run/{writer}"):
            raise full(path)
        return opened(path, mode, *more, **options)

    if not writer.startswith("figures"):
        monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(WHOLE))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replaced)
        patch.setattr(Path, "open", opening)
        status, _, err = command(patch, capsys, "run", str(tmp_path / "tiny.yaml"), "--out", run)
    assert status == 2
    (sentence,) = err.strip().splitlines()
    assert "No space left on device" in sentence
    assert "--resume" in sentence
    assert not list(run.rglob(".*.tmp"))
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    begun = (run / "config.yaml").exists()
    words = ["--resume", run] if begun else [tmp_path / "tiny.yaml", "--out", run]
    status, _, err = command(monkeypatch, capsys, "run", *words)
    assert status == 0, err
    assert numbers(run) == undisturbed


REAL = """
import os, subprocess, sys
from lessonplan.experiments.cli import main
from lessonplan.experiments.report import report
report.draw_figures = lambda *_: []
config, place = sys.argv[1:]
for size in (8, 16, 24, 40, 64, 96, 160):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place], check=True)
    sys.argv = ["lessonplan", "run", config, "--out", f"{place}/run"]
    try:
        main()
    except SystemExit as end:
        print(size, end.code, flush=True)
    left = [name for _, _, names in os.walk(place) for name in names if name.endswith(".tmp")]
    print("left", left, flush=True)
    os.chdir("/")
    subprocess.run(["umount", "-l", place], check=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="a small disk needs Linux")
def test_on_a_disk_that_is_really_full_a_run_ends_with_one_sentence(tmp_path):
    may = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)])
    if may.returncode:
        pytest.skip("this user may not mount a disk of memory")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(WHOLE))
    (tmp_path / "place").mkdir()
    ended = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", REAL, tmp_path / "tiny.yaml", tmp_path / "place"],
        capture_output=True, text=True, cwd=tmp_path, timeout=200,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    ends = [line.split() for line in ended.stdout.splitlines() if line[:1].isdigit()]
    assert [end for _, end in ends][:4] == ["2"] * 4, ended.stdout + ended.stderr
    sentences = ended.stderr.strip().splitlines()
    failed = sum(end != "0" for _, end in ends)
    assert len(sentences) == failed, ended.stderr
    assert all("No space left on device" in one and "make room" in one for one in sentences)
    assert ended.stdout.count("left []") == 7, ended.stdout
