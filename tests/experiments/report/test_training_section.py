"""The page shows how teachers were trained, also while they are, and is written again meanwhile."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from synthetic_run import SCHEMA, rows, teacher, write_run
from typer.testing import CliRunner

from lessonplan.experiments.analysis.task_rows import MOST_ROWS, rows_for
from lessonplan.experiments.cli.commands import reports
from lessonplan.experiments.common.files import locked
from lessonplan.experiments.report import figures, report
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.report.training import (
    MOST_LOOKS,
    draw_learned_schedules,
    draw_training_curves,
    learned_rows,
)
from lessonplan.experiments.store.layout import RunDir
from lessonplan.experiments.store.learned_schedules import (
    LearnedSchedule,
    LearnedSchedules,
    read_learned_schedules,
)

TASKS = ["a", "b"]
LINES = [
    {"decisions": 32, "rollout/ep_rew_mean": -0.5, "rollout/ep_len_mean": 4.0},
    {"decisions": 64, "rollout/ep_rew_mean": -0.25, "rollout/success_rate": 0.5},
]
HEADING = "Training of the teachers"
app = typer.Typer()
app.command()(reports.report)


@pytest.fixture(autouse=True)
def without_pixels(monkeypatch):
    """Of the figures that are none of the training."""
    monkeypatch.setattr(figures, "to_png", lambda _: b"")


def look(decisions, k=2):
    shares = np.full((3, k), 1.0 / k)
    tasks = tuple(TASKS) if k == 2 else tuple(f"task-{i}" for i in range(k))
    return LearnedSchedule(decisions, tasks, shares, 4, 0.0, 40.0, 4, 1234.0, 160)


@pytest.fixture
def run(tmp_path):
    """A run in which one teacher is trained and nobody has lived a lifetime yet."""
    found = write_run(tmp_path / "run", [teacher("ppo", "learned")], [], TASKS, decisions=2)
    (found / "training").mkdir()
    log = "".join(json.dumps(line) + "\n" for line in LINES)
    # The last line is being written.
    (found / "training" / "ppo-0.jsonl").write_text(log + '{"deci')
    looks = LearnedSchedules(found / "training" / "ppo-0.schedules.jsonl")
    looks.add(look(0))
    looks.add(look(64))
    return found


def finish(run):
    """Let the students of the run live, with a lifetime for each."""
    lives = [row for i in range(8) for row in rows("ppo", i, [[0.5, 0.5]] * 2, tasks=TASKS)]
    pq.write_table(pa.Table.from_pylist(lives, schema=SCHEMA), run / "schedule" / "part-0.parquet")


def test_a_run_in_its_training_shows_what_was_learned_so_far(run):
    write_report(run)
    page = (run / "report.html").read_text()
    assert page.count(f">{HEADING}<") == 1
    assert "The schedule of ppo-0 as it was being learned" in page
    # Of both looks, said and not counted.
    assert "Looking took 2,468 training-example equivalents" in page
    for name in ("training", "learned-ppo-0"):
        assert (run / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


DAMAGES = {
    "no JSON": "junk{",
    "no object": "[1, 2]",
    "nothing": "{}",
    "deep": "[" * 100_000,
    "no letters": "\udcff",
    "words": '{"decisions": "x", "tasks": "ab", "probabilities": [["x", 1]]}',
    "endless": '{"decisions": 64, "rollout/ep_rew_mean": 1' + "0" * 400 + "}",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", ["ppo-0", "ppo-0.schedules"])
def test_a_damaged_file_of_a_training_costs_its_picture_alone(kind, damage, run, capsys):
    (run / "training" / "dqn-0.jsonl").write_text(json.dumps(LINES[0]) + "\n")
    file = run / "training" / f"{kind}.jsonl"
    first = file.read_text().partition("\n")[0]
    damaged = f"{first}\n{DAMAGES[damage]}\n"
    file.write_text(damaged, encoding="utf-8", errors="surrogateescape")
    write_report(run)
    page = (run / "report.html").read_text()
    sentence = f"line 2 of {file} is damaged: "
    assert page.count(sentence) == 1
    assert page.count("This picture could not be drawn") == 1
    assert capsys.readouterr().err.count(sentence) == 1
    # The curves of the other training, and what else there is of this one.
    assert "From the logs of the trainings" in page
    assert ("Looking took" in page) == (kind == "ppo-0")


def test_looks_at_other_tasks_than_the_first_are_damaged(run):
    looks = LearnedSchedules(run / "training" / "ppo-0.schedules.jsonl")
    looks.add(look(96, k=3))
    with pytest.raises(ValueError, match=r"line 3 of .*: its tasks must be those of the first"):
        read_learned_schedules(run / "training" / "ppo-0.schedules.jsonl")


def test_a_run_without_trainings_has_no_such_section(tmp_path):
    found = write_run(tmp_path / "run", [teacher("plan", "rule")], [], TASKS, decisions=2)
    write_report(found)
    assert HEADING not in (found / "report.html").read_text()


def test_maps_of_many_looks_and_many_tasks_stay_of_a_size():
    looks = [look(i, k=1000) for i in range(40)]
    rows = learned_rows(looks[0].tasks, {"tasks": [{"name": "of another suite"}]})
    figure = draw_learned_schedules(looks, rows)
    maps = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(maps) == MOST_LOOKS
    assert maps[0].get_title(loc="left") == "after 0 decisions"
    assert maps[-1].get_title(loc="left") == "after 39 decisions"
    assert max(figure.get_size_inches()) < 15
    assert len(maps[0].get_yticklabels()) <= 24
    # No task is lost: each row has what its tasks have together.
    values = maps[0].images[0].get_array()
    assert values.shape[0] == len(rows.labels) == MOST_ROWS
    np.testing.assert_allclose(values[:, :3].sum(axis=0), 1.0)
    # What is the same for all tasks is drawn neither as nothing nor as everything.
    image = maps[0].images[0]
    shade = image.norm(1.0 / len(rows.labels))
    assert 0.3 < shade < 0.8


def test_rows_are_those_of_the_run_where_its_tasks_are_learned():
    own = [{"name": f"t{i}", "category": "ab"[i % 2]} for i in range(100)]
    suite = {"tasks": own, "order": list(range(99, -1, -1))}
    names = tuple(task["name"] for task in own)
    np.testing.assert_array_equal(learned_rows(names, suite).row, rows_for(own, suite["order"]).row)
    few = learned_rows(names[:3], suite)
    assert few.labels == names[:3]


def test_every_training_has_a_line_and_a_name_of_its_own():
    logs = {f"t{i}": [{"decisions": 1, "rollout/ep_rew_mean": 0.5}] for i in range(12)}
    logs["late"] = [{"decisions": 2, "selection/cost": 3.0}]
    figure = draw_training_curves(logs)
    lines = [line for axes in figure.axes for line in axes.lines]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 13
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(logs)


def test_a_page_that_is_followed_loads_itself_again_until_the_run_is_done(run, monkeypatch):
    pages = []

    def sleep(seconds):
        assert seconds >= reports.SECONDS_BETWEEN
        assert not list(run.glob("summary.*"))
        pages.append((run / "report.html").read_text())
        assert len(pages) < 3
        if len(pages) == 2:
            # As whoever works on the run does at its end.
            finish(run)
            write_report(run)

    monkeypatch.setattr(reports.time, "sleep", sleep)
    # As a process that works on the run holds it.
    with locked(run):
        told = CliRunner().invoke(app, [str(run), "--follow"])
    assert told.exit_code == 0, told.output
    assert len(pages) == 2
    again = '<meta http-equiv="refresh" content="10">'
    assert all(again in page for page in pages)
    assert again not in (run / "report.html").read_text()
    assert told.stderr.count("written again until the run is done") == 1


def test_who_follows_leaves_the_numbers_to_who_works_on_the_run(run, monkeypatch):
    """The run ended between the reading of it and the writing: it was taken for not done."""
    measured = report.measure_teachers

    def measure(stored):
        monkeypatch.setattr(report, "measure_teachers", measured)
        finish(run)
        write_report(run)
        return measured(stored)

    monkeypatch.setattr(report, "measure_teachers", measure)
    write_report(run, refresh=10)
    assert RunDir(run).is_done
    assert "ppo" in (run / "summary.csv").read_text()


def test_only_one_run_is_followed(run, tmp_path):
    told = CliRunner().invoke(app, [str(run), str(run), "--follow"])
    assert isinstance(told.exception, ValueError)
    (tmp_path / "sweep.yaml").write_text("")
    told = CliRunner().invoke(app, [str(tmp_path), "--follow"])
    assert "name one" in str(told.exception)
