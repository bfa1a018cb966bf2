"""Names are plain text in pictures and on the page, and a picture that fails costs no report."""

import json
import os

import pytest
from matplotlib.text import Text
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import measure_teachers
from lessonplan.experiments.report import figures, report
from lessonplan.experiments.report.curves import draw_mastery
from lessonplan.experiments.report.lettering import spelled_out
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.report.style import fitted, teacher_styles, to_png, told_apart
from lessonplan.experiments.store.runs import read_run

NAMES = {
    "mathematics": r"$\frac{1$",
    "two dollars": "a$b$c",
    "backslash": r"\$5\$ \alpha",
    "underscore": "_hidden",
    "lines": "two\nlines\tand\rmore",
    "terminal": "\x1b]0;title\x07",
    "direction": "\u202eoverride",
    "emoji": "\U0001f9ff eye",
    "no letters of the font": "加法",
    "leftward": "שלום",
    "half a character": "\ud800",
    "long": "x" * 300,
    "page": "</td><script>alert(1)</script>",
    "nothing": "",
}
LOW, DONE = 0.0, 1.0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Each name is that of a task, and the label of a teacher."""
    path, tasks = tmp_path_factory.mktemp("runs") / "run", list(NAMES.values())
    records = [teacher(f"t{i}", "rule", label=name) for i, name in enumerate(NAMES.values())]
    k = len(tasks)
    parts = [
        rows(one["name"], 1, [[LOW] * k, [DONE] * k], tasks=tasks, ended="terminated")
        for one in records
    ]
    return read_run(write_run(path, records, parts, tasks, decisions=3))


@pytest.fixture
def few_pictures(monkeypatch):
    """Pages with two of the pictures: what is told of one does not hang on how many there are."""
    few = {name: figures.FIGURES[name] for name in ("area", "schedules")}
    monkeypatch.setattr(figures, "FIGURES", few)


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_drawn_as_it_is_or_spelled_out(kind):
    (text,) = told_apart([NAMES[kind]], limit=400)
    drawn, is_mathematics = Text()._preprocess_math(text)
    assert not is_mathematics
    assert drawn == spelled_out(NAMES[kind])
    assert "\n" not in drawn


@pytest.mark.slow
def test_all_pictures_of_such_a_run_are_drawn_without_a_warning(run, capsys):
    drawn = figures.draw_figures(run)
    assert [one.problem for one in drawn] == [""] * len(drawn)
    assert all(one.png for one in drawn)
    assert capsys.readouterr().err == ""


def test_the_key_names_every_line(run):
    """Of a line whose name begins with an underscore there was nothing in it."""
    teachers = measure_teachers(run)
    styles = teacher_styles(one.card for one in teachers.values())
    figure = draw_mastery(teachers, styles)
    (legend,) = [axes.get_legend() for axes in figure.axes]
    assert len(legend.get_texts()) == len(teachers) == len(NAMES)
    assert any(text.get_text().strip() == "_hidden" for text in legend.get_texts())
    assert to_png(figure)


def test_a_title_of_two_lines_is_plain_text_in_both():
    lines = fitted("$x$ " * 20, 1.0, 9).split("\n")
    assert len(lines) == 2
    assert all(line.count("$") == line.count(r"\$") > 0 for line in lines)


@pytest.mark.usefixtures("few_pictures")
def test_the_page_shows_such_names_and_runs_nothing_of_them(run, monkeypatch):
    monkeypatch.setattr(figures, "to_png", lambda _: b"")
    write_report(run.path)
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not set("\x1b\x07\u202e") & set(text)
    assert r"\u202eoverride" in text
    assert "加法" in text
    assert json.loads((run.path / "summary.json").read_text())["suite"]["tasks"] == run.tasks


@pytest.mark.usefixtures("few_pictures")
def test_a_picture_that_fails_is_named_and_costs_no_report(run, tmp_path, monkeypatch, capsys):
    def fail(subject):
        raise RuntimeError("no such\nluck")

    title, caption, _ = figures.FIGURES["area"]
    monkeypatch.setitem(figures.FIGURES, "area", (title, caption, fail))
    monkeypatch.setattr(figures, "to_png", lambda _: b"png")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "area.png").write_bytes(b"of an earlier report")
    summary = write_report(run.path, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert text.count("This picture could not be drawn") == 1
    assert "RuntimeError: no such" in text
    assert text.count("<img") == len(figures.FIGURES) - 1
    assert "the picture 'Area' can't be drawn (RuntimeError: no such)" in capsys.readouterr().err
    assert not (tmp_path / "figures" / "area.png").exists()
    assert (tmp_path / "figures" / "schedules.png").read_bytes() == b"png"
    assert summary["complete"]


def test_a_picture_that_is_interrupted_leaves_no_half_of_it(run, tmp_path, monkeypatch):
    def interrupted(source, target):
        if str(target).endswith("schedules.png"):
            raise KeyboardInterrupt
        renamed(source, target)

    renamed = os.replace
    monkeypatch.setattr(figures, "to_png", lambda _: b"png")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(run.path, tmp_path)
    assert not any((tmp_path / "figures").glob("*"))


def test_runs_whose_names_are_alike_on_a_disk_have_folders_of_their_own():
    names = ["a b", "a-b", "A-B", "..", "x" * 300, "x" * 301, "加法"]
    slugs = report._slugs(names)
    assert len({slug.lower() for slug in slugs.values()}) == len(names)
    assert slugs["a b"] == "a-b"
    assert slugs[".."] == "run"
    assert all(len(slug) < 100 for slug in slugs.values())


def test_a_report_that_lacks_memory_says_so_and_touches_nothing(run, tmp_path, monkeypatch):
    def exhausted(_):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(report, "measure_teachers", exhausted)
    with pytest.raises(
        ValueError, match="takes more memory than there is; nothing is lost"
    ) as info:
        write_report(run.path, tmp_path)
    assert f"lessonplan report {run.path}" in str(info.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("few_pictures")
def test_a_report_measures_once(run, tmp_path, monkeypatch):
    from lessonplan.experiments.analysis import summary

    calls, measure = [], summary.measure
    monkeypatch.setattr(summary, "measure", lambda *them: calls.append(1) or measure(*them))
    monkeypatch.setattr(figures, "to_png", lambda _: b"")
    write_report(run.path, tmp_path)
    assert len(calls) == len(run.lifetimes)


def test_a_caption_that_can_not_be_made_costs_no_more_than_its_picture(run, monkeypatch):
    def fail(_):
        raise KeyError("gone")

    monkeypatch.setattr(figures, "to_png", lambda _: b"png")
    monkeypatch.setattr(figures, "picture_rows", fail)
    monkeypatch.setattr(figures, "maps_of", lambda *_: None)
    for name in figures.FIGURES:
        title, caption, _ = figures.FIGURES[name]
        monkeypatch.setitem(figures.FIGURES, name, (title, caption, lambda _: None))
    found = {one.name: one for one in figures.draw_figures(run)}
    failed = {name for name, one in found.items() if one.problem}
    assert failed == {"schedules", "scores", "progress"}
    assert all(found[name].problem == "KeyError: 'gone'" for name in failed)
    assert all(found[name].caption for name in found)
