"""The page of a dry run."""

import copy
import json
import time

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.assembly.suite_facts import padded_share, row_lengths
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import preview
from lessonplan.experiments.dry_run.decoding import printable, samples, shortened_lines
from lessonplan.experiments.dry_run.page import task_rows
from lessonplan.student import TextTask, text_suite

DECODER = {
    "model": "decoder", "options": {"width": 8, "n_layers": 1, "n_heads": 1},
    "batch_size": 4, "evaluation_size": 4,
}  # fmt: skip


def two_tasks(folder):
    """A file with two tasks of 24 prompts each."""
    lines = [
        {"task": task, "prompt": f"{task} [bold]{i}[/bold]", "answer": str(i % 7)}
        for task in ("up", "down") for i in range(24)
    ]  # fmt: skip
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return {"name": "jsonl", "options": {"path": str(folder / "sums.jsonl")}}


def config_of(suite, **lifetime):
    values = copy.deepcopy(CONFIG)
    values["lifetime"] |= lifetime
    return make_config(
        values | {"suite": suite, "student": DECODER, "teachers": ["uniform", "in-order"]}
    )


def short_suite():
    """Two tasks in six characters: 4 and 6 of them a row of the one, 5 of the other."""
    splits = {split: [("a", "b"), ("abc", "b")] for split in ("train", "probe", "test", "stress")}
    other = {split: [("a", "bb")] for split in splits}
    return text_suite("short", [TextTask("one", splits), TextTask("two", other, threshold=0.5)])


def test_the_page_tells_tasks_examples_and_cost(tmp_path):
    page = preview(config_of(two_tasks(tmp_path)), seconds=0.1)
    for words in ("with 2 tasks", "train", "stress", "exact", "longest", "Padding", "Cost"):
        assert words in page
    assert "| up [bold]" in page
    assert "12 decisions of 10 student steps" in page
    assert "an estimate" in page


@pytest.mark.parametrize("budget", ["10-steps", "20-steps", "100-tokens", "400-compute"])
@pytest.mark.parametrize("rehearsal", [0.0, 0.5])
def test_a_budget_of_a_decision_or_two_is_previewed(budget, rehearsal):
    values = copy.deepcopy(CONFIG)
    values["lifetime"] |= {"budget": budget, "rehearsal": rehearsal}
    mixture = {"name": "mixed", "rule": "proportional", "action": "mixture"}
    page = preview(make_config(values | {"teachers": ["uniform", mixture]}), seconds=0.1)
    assert "A lifetime is about" in page
    assert "about 1 decisions" not in page


def test_rows_count_prompt_separator_answer_and_end():
    suite = short_suite()
    lengths = [row_lengths(suite, task.splits["train"]).tolist() for task in suite.tasks]
    assert lengths == [[4, 6], [5]]
    assert [lengths[0][0] + lengths[0][1], lengths[1][0]] == [
        2 * suite.tasks[0].cost, suite.tasks[1].cost
    ]  # fmt: skip


def test_the_share_of_padding_is_what_rows_leave_of_the_longest():
    """Rows of 4, 6 and 5 characters in seven places each: 1 - 5 / 7 in the long run."""
    share = padded_share(short_suite(), 2, np.random.default_rng(0))
    assert share == pytest.approx(1 - 5 / 7, abs=0.02)


def test_a_row_of_the_table_has_sizes_score_chance_threshold_and_lengths():
    heading, one, two = task_rows(short_suite())
    assert heading == (
        "task", "train", "probe", "test", "stress", "score", "chance", "threshold",
        "mean characters", "longest",
    )  # fmt: skip
    assert one == ("one", "2", "2", "2", "2", "exact", "0.00", "0.9", "5", "6")
    assert two[-3:] == ("0.5", "5", "5")


def test_a_suite_of_features_has_no_lengths_and_no_examples():
    suite = build_suite(make_config(CONFIG))
    assert task_rows(suite)[0][-1] == "chance"
    assert samples(suite) == []


def test_a_long_text_keeps_its_ends_and_says_how_much_is_left_out():
    assert shortened_lines("\n".join("abcdefgh"), 4) == ["a", "b", "... 5 more lines ...", "h"]
    (line,) = shortened_lines("x" * 60 + "y" * 60, 6)
    assert len(line) <= 100
    assert line.startswith("xxx")
    assert line.endswith("yyy")


def test_what_a_terminal_would_act_on_is_written_as_an_escape():
    assert printable("a\x1b[31mé\t") == "a\\x1b[31mé\\t"


@pytest.mark.slow
def test_a_preview_of_slow_students_ends_in_time(tmp_path):
    """A decision would take minutes."""
    began = time.perf_counter()
    student = DECODER | {
        "options": {"width": 512, "n_layers": 8, "n_heads": 8}, "batch_size": 256,
        "evaluation_size": 128,
    }  # fmt: skip
    values = copy.deepcopy(CONFIG) | {"suite": two_tasks(tmp_path), "student": student}
    page = preview(make_config(values | {"teachers": ["uniform"]}))
    assert time.perf_counter() - began < 60
    assert "About" in page
