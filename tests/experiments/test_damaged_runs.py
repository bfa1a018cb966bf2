"""Finished units that are damaged: each is said and done again, and nobody else is called best."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_input_kit import PPO, TINY, command, contents, refused
from sweep_kit import numbers, write_files

from lessonplan.experiments.common.files import write_checkpoint
from lessonplan.experiments.common.watch import WorkFailedError
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.store.layout import SweepDir
from lessonplan.experiments.store.schedule import PartWriter
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.sweep.sweep import is_left
from lessonplan.experiments.trial import evaluation
from lessonplan.experiments.trial.trial import run_trial

TUNED = {"name": "tuned", "rule": "in_order", "grid": {"gate": [0.5, 0.9]}}
TEACHERS = [PPO, {"name": "again", "type": "replay", "of": "exp3s"}, "uniform", "exp3s", TUNED]
SCHEDULE = "schedule/part-exp3s-0-0000.parquet"


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    """The pictures of a report take most of the time that these runs take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run that nobody changes; each of its teachers has several parts."""
    out = tmp_path_factory.mktemp("finished") / "run"
    lifetime = TINY["lifetime"] | {"budget": "40-steps"}
    values = TINY | {"teachers": TEACHERS, "checkpoint_seconds": 1e-9, "lifetime": lifetime}
    run_trial(make_config(values), out)
    assert len(list((out / "schedule").glob("part-exp3s-0-*"))) > 2
    return out


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def flipped(file: Path, place: int | None = None) -> None:
    """Turn one bit, by default in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    file.write_bytes(data)


def flipped_number(file: Path) -> None:
    """Turn one bit of the numbers of a part."""
    columns = pq.read_metadata(file).row_group(0)
    chunk = next(
        column for i in range(columns.num_columns)
        if (column := columns.column(i)).path_in_schema == "compute"
    )  # fmt: skip
    flipped(file, chunk.data_page_offset + chunk.total_compressed_size - 1)


def without(key):
    def change(file: Path) -> None:
        values = json.loads(file.read_text())
        del values[key]
        file.write_text(json.dumps(values))

    return change


DAMAGES = {
    "a part that is missing": (SCHEDULE, Path.unlink, "evaluate-exp3s-0"),
    "a part that is cut off": (
        SCHEDULE, lambda file: file.write_bytes(file.read_bytes()[:-9]), "evaluate-exp3s-0",
    ),
    "a part with one bit turned": (SCHEDULE, flipped_number, "evaluate-exp3s-0"),
    "a part of nothing": (SCHEDULE, lambda file: file.write_bytes(b""), "evaluate-exp3s-0"),
    "an empty object": (
        "checkpoint/evaluate-uniform-0.json", lambda file: file.write_text("{}"),
        "evaluate-uniform-0",
    ),
    "a file that is cut off": (
        "checkpoint/evaluate-uniform-0.json", lambda file: file.write_text('{"lifetimes": 2, "d'),
        "evaluate-uniform-0",
    ),
    "a list": ("checkpoint/train-ppo-0.json", lambda file: file.write_text("[1]"), "train-ppo-0"),
    "a training without costs": (
        "checkpoint/train-ppo-0.json", without("selection"), "train-ppo-0",
    ),
    "a tuning without parameters": (
        "checkpoint/tune-tuned-0.json", without("parameters"), "tune-tuned-0",
    ),
    "decisions that are none": (
        "checkpoint/evaluate-again-0.json",
        lambda file: file.write_text('{"lifetimes": 2, "decisions": "8"}'), "evaluate-again-0",
    ),
    "a trained teacher that is missing": ("teachers/ppo-0.zip", Path.unlink, "train-ppo-0"),
    "a trained teacher with one bit turned": ("teachers/ppo-0.zip", flipped, "train-ppo-0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_said_and_the_unit_done_again_to_the_same_numbers(
    kind, run, finished, monkeypatch, capsys
):
    file, damage, unit = DAMAGES[kind]
    damage(run / file)
    status, out, err = command(monkeypatch, capsys, "run", "--resume", str(run))
    assert status == 0, err
    (sentence,) = err.strip().splitlines()
    assert sentence.endswith(f"; {unit} is done again")
    assert str(run / Path(file).parent) in sentence
    units = len(list((run / "checkpoint").glob("*-[0-9].json")))
    assert f"({units} of {units})" in out
    assert f"({units + 1} of" not in out, "what is done again is not counted twice"
    assert numbers(run) == numbers(finished)
    again = contents(run)
    assert again.keys() == contents(finished).keys()
    for part in run.glob("schedule/*.parquet"):
        table, first = pq.read_table(part), pq.read_table(finished / part.relative_to(run))
        assert table.drop(["wall_seconds"]).equals(first.drop(["wall_seconds"]))


def test_a_run_without_damage_is_done_once(run, monkeypatch, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.glob("schedule/*")}
    status, _, err = command(monkeypatch, capsys, "run", "--resume", str(run))
    assert (status, err) == (0, "")
    assert before == {path: path.stat().st_mtime_ns for path in run.glob("schedule/*")}


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind.startswith("a part")])
def test_a_report_says_which_part_is_damaged_and_calls_nobody_the_best(
    kind, run, finished, monkeypatch, capsys
):
    assert "teachers" in numbers(finished)["verdict"]
    assert "no teacher is called the best" not in numbers(finished)["verdict"]
    file, damage, _ = DAMAGES[kind]
    damage(run / file)
    status, out, err = command(monkeypatch, capsys, "report", str(run))
    assert status == 0, err
    summary = numbers(run)
    assert not summary["complete"]
    assert "so no teacher is called the best" in summary["verdict"]
    assert "best of" not in summary["verdict"].lower()
    assert "'exp3s'" in " ".join(summary["damaged"])
    assert kind == "a part that is missing" or Path(file).name in summary["verdict"]
    assert "no teacher is called the best" in out
    assert "no teacher is called the best" in (run / "report.html").read_text()


def test_results_without_what_was_recorded_are_left_as_they_are(run, monkeypatch, capsys):
    shutil.rmtree(run / "schedule")
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "report", str(run))
    assert "nothing of what was recorded" in sentence
    assert contents(run) == before
    shutil.rmtree(run / "checkpoint")
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "report", str(run), "--out", str(run))
    assert "it is left as it is" in sentence
    assert contents(run) == before


def test_parts_that_a_checkpoint_goes_on_from_are_looked_at(run, monkeypatch, capsys):
    unit = run / "checkpoint" / "evaluate-exp3s-0.json"
    unit.unlink()
    checkpoint, written = unit.with_suffix(".pt"), []

    def kill_at_the_second(path, value):
        write_checkpoint(path, value)
        written.append(path)
        if len(written) == 2:
            raise WorkFailedError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "write_checkpoint", kill_at_the_second)
        assert command(patch, capsys, "run", "--resume", str(run))[0] == 1
    assert checkpoint.exists()
    (run / SCHEDULE).unlink()
    before = contents(run)
    sentence = refused(monkeypatch, capsys, "run", "--resume", str(run))
    assert "parts of 'exp3s' are in" in sentence
    assert f"delete {checkpoint}" in sentence
    assert contents(run).keys() == before.keys()
    checkpoint.unlink()
    assert command(monkeypatch, capsys, "run", "--resume", str(run))[0] == 0


def test_a_part_of_another_run_is_not_deleted_where_a_teacher_is_recorded_anew(tmp_path):
    mine, other = {"suite": "mine"}, {"suite": "other"}
    part = tmp_path / "part-a-0-0000.parquet"
    table = pa.table({"teacher": ["a"]}).replace_schema_metadata({"belongs_to": json.dumps(other)})
    pq.write_table(table, part)
    with pytest.raises(ValueError, match="of another run"):
        PartWriter(tmp_path, "a", 0, mine).resume(0)
    assert part.exists()
    part.write_bytes(b"PAR1 damaged")
    with pytest.raises(ValueError, match=r"part-a-0-0000\.parquet, which is kept, can't be read"):
        PartWriter(tmp_path, "a", 0, mine).resume(1)
    PartWriter(tmp_path, "a", 0, mine).resume(0)
    assert not part.exists()


def test_a_pair_that_is_damaged_is_left_to_do(tmp_path):
    sweep = read_sweep(write_files(tmp_path, {"teachers": ["uniform"]}, TINY))
    (pair,) = pairs_of(sweep)
    assert is_left(sweep, pair, tmp_path / "sweep")
    files = SweepDir(tmp_path / "sweep").run_dir(pair.name)
    run_trial(pair.config, files.path)
    assert not is_left(sweep, pair, tmp_path / "sweep")
    drawn = sweep.model_copy(update={"tensorboard": True})
    assert is_left(drawn, pair, tmp_path / "sweep"), "TensorBoard has nothing of it"
    files.events("uniform-0").mkdir(parents=True)
    assert is_left(drawn, pair, tmp_path / "sweep")
    (files.events("uniform-0") / "events.out.tfevents.1").touch()
    assert not is_left(drawn, pair, tmp_path / "sweep")
    (files.schedule / "part-uniform-0-0000.parquet").unlink()
    assert is_left(sweep, pair, tmp_path / "sweep")
