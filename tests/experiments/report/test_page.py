"""The page as it is laid out: columns, phones, what is folded, names that are too long."""

import re

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import summarize
from lessonplan.experiments.report import figures
from lessonplan.experiments.report.figures import FIGURES, draw_figures
from lessonplan.experiments.report.html import page, table
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.report.style import fitted, shortened, told_apart
from lessonplan.experiments.report.tables import comparison, main_table, versus_table
from lessonplan.experiments.store.runs import read_run

TASKS = ["a", "b"]
LOW, HALF, DONE = [0.0, 0.0], [0.5, 0.5], [1.0, 1.0]


@pytest.fixture(autouse=True)
def without_pixels(monkeypatch):
    """They take most of the time of a report."""
    monkeypatch.setattr(figures, "to_png", lambda _: b"")


def a_run(path, tables, students=8):
    kinds = {"ppo": "learned", "ucb": "bandit", "exp3": "bandit"}
    parts = [
        [row for s in range(students) for row in rows(name, s, scores, tasks=TASKS)]
        for name, scores in tables.items()
    ]
    records = [teacher(name, kinds[name]) for name in tables]
    return write_run(path, records, parts, TASKS, decisions=2)


def test_text_stands_at_the_left_and_numbers_at_the_right():
    text = table(
        ["teacher", "kind", "steps", "share", "paid"],
        [
            ["ppo", "learned", "1,116 [1,082, 1,151]", "nearly 100%", "ucb: 3"],
            ["7", "rule, tuned", "≥ 4,000 [4,000, 4,000]", "-", "-"],
        ],
    )
    heads = re.findall(r"<th([^>]*)>([^<]+)</th>", text)
    assert [name for mark, name in heads if "number" in mark] == ["steps", "share"]
    # What a cell of a phone is of; an empty one is left out there.
    assert '<td class="number" data-label="steps">1,116' in text
    assert '<td class="number none" data-label="share">-</td>' in text


def test_a_label_can_not_break_out_of_its_attribute():
    text = table(['x"><b>', "n"], [['<i>"', "1"]])
    assert "<b>" not in text
    assert "<i>" not in text
    assert 'data-label="x&quot;&gt;&lt;b&gt;"' in text


def test_the_page_needs_no_script_and_lays_out_tables_anew_on_a_phone():
    text = page("x", [])
    assert "<script" not in text
    assert "@media (max-width: 640px)" in text
    assert "img { max-width: 100%" in text


def test_the_result_of_the_first_table_stands_beside_the_name_on_a_phone(tmp_path):
    summary = summarize(a_run(tmp_path / "r", {"ppo": [LOW, DONE], "ucb": [DONE] * 2}))
    text = main_table(summary)
    cells = re.findall(r"<td([^>]*)>([^<]*)</td>", text)[:8]
    assert [value for mark, value in cells if "result" in mark] == ["100 [100,\u00a0100]"]
    assert [value for mark, value in cells if "minor" in mark] == ["this one"]
    assert text.index(">ucb<") < text.index(">ppo<")


def test_where_nobody_masters_nothing_is_drawn_or_said_of_costs_to_mastery(tmp_path):
    path = a_run(tmp_path / "r", {"ppo": [LOW, HALF], "ucb": [HALF] * 2, "exp3": [LOW] * 2})
    names = [figure.name for figure in draw_figures(read_run(path))]
    assert set(FIGURES) - set(names) == {"mastery", "compute_to_mastery"}
    write_report(path)
    text = (path / "report.html").read_text()
    assert "to mastery" not in re.sub(r"<details>.*?</details>", "", text).replace(
        "brought a student to mastery", ""
    ).replace("brought no student to mastery", "")
    assert "1.00 [1.00, 1.00]" not in text
    assert "No lifetime mastered every task" in text


def test_what_hardly_anybody_reached_is_folded_away(tmp_path):
    """One of eight students masters under one teacher."""
    parts = [
        [row for s in range(8) for row in rows("ucb", s, [LOW, HALF if s else DONE], tasks=TASKS)],
        [row for s in range(8) for row in rows("ppo", s, [LOW, HALF], tasks=TASKS)],
    ]
    records = [teacher("ucb", "bandit"), teacher("ppo", "learned")]
    path = write_run(tmp_path / "r", records, parts, TASKS, decisions=2)
    write_report(path)
    text = (path / "report.html").read_text()
    (inside,) = re.findall(r"<details><summary>Mastery, which.*?</details>", text, flags=re.DOTALL)
    outside = text.replace(inside, "")
    for said in ("steps to mastery", "How soon students mastered", "Ratio of compute"):
        assert said in inside
        assert said not in outside


def test_runs_side_by_side_lead_with_areas_where_hardly_anybody_masters(tmp_path):
    never = summarize(a_run(tmp_path / "a", {"ppo": [LOW, HALF]}))
    always = summarize(a_run(tmp_path / "b", {"ppo": [LOW, DONE]}))
    text = comparison({"a": never, "b": never})
    assert text.index(">Area<") < text.index("<details>") < text.index("Student steps to mastery")
    both = comparison({"a": never, "b": always})
    assert "<details>" not in both
    row = both[both.index("Student steps to mastery") :]
    assert re.findall(r">([^<>]+)</td>", row)[:3] == ["ppo", "-", "20 [20,\u00a020]"]


def test_a_tie_with_a_baseline_is_called_one(tmp_path):
    summary = summarize(a_run(tmp_path / "r", {"ppo": [DONE] * 2, "ucb": [DONE] * 2}))
    for metric in ("compute_to_mastery", "area"):
        cells = re.findall(r">([^<>]+)</td>", versus_table(summary, metric))
        assert cells == ["ppo", "tied", "ucb", "this one"]


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("inches", [0.8, 2.5])
@pytest.mark.parametrize(
    "name", ["ppo", "a-name-of-forty-letters-with-an-end-0001", "W" * 60, "one two " * 12, ""]
)
def test_a_title_keeps_to_two_lines_of_the_width_of_its_panel(name, inches, weight):
    font = FontProperties(size=9.5, weight=weight)
    lines = fitted(name, inches, 9.5, weight).split("\n")
    assert len(lines) <= 2
    for line in lines:
        assert text_to_path.get_text_width_height_descent(line, font, False)[0] <= 72 * inches
    if len(name) > 3:
        assert "".join(lines).replace(" ", "")[:3] == name.replace(" ", "")[:3]


def test_names_that_begin_alike_are_told_apart_when_they_are_cut():
    names = [f"a-category-of-questions-about-things-n{i:02d}" for i in range(24)]
    assert len({shortened(name) for name in names}) == 24
    assert all(len(shortened(name)) == 24 for name in names)
    assert [fitted(name, 0.8, 8.5)[-2:] for name in names[:3]] == ["00", "01", "02"]


def test_names_that_differ_in_their_middle_are_cut_no_more_than_tells_them_apart():
    names = [f"a-category-of-questions-about-things-{i:02d}-of-twenty" for i in range(20)]
    assert len({shortened(name) for name in names}) < 20
    assert len(set(told_apart(names))) == 20
    assert {len(name) for name in told_apart(names)} == {25}
    assert told_apart(["short", "a" * 30]) == ["short", shortened("a" * 30)]
    assert told_apart(["a" * 100 + "b" + "a" * 100, "a" * 201]) == [shortened("a" * 201)] * 2
