from synthetic_run import rows, teacher, write_run

from lessonplan.experiments.analysis.summary import summarize, table_rows

TASKS = ["a", "b"]
LOW, DONE = [0.0, 0.0], [1.0, 0.9]


def test_the_table_has_no_column_for_a_baseline_that_the_run_lacks(tmp_path):
    parts = [rows(name, 0, [LOW, DONE], tasks=TASKS) for name in ("ucb", "uniform")]
    records = [teacher("ucb", "bandit"), teacher("uniform", "static")]
    heads, *rest = table_rows(
        summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=2))
    )
    assert [head for head in heads if "ratio" in head] == ["compute, ratio to best opponent"]
    assert {len(row) for row in rest} == {8}


def test_the_table_rounds_no_share_to_all_or_nothing(tmp_path):
    """One of 320 students never masters."""
    parts = [[row for s in range(320) for row in rows(
        "uniform", s, [DONE if s else LOW], tasks=TASKS)]]  # fmt: skip
    records = [teacher("uniform", "static")]
    summary = summarize(write_run(tmp_path / "r", records, parts, TASKS, decisions=1))
    assert table_rows(summary)[1][5] == "99.7%"
