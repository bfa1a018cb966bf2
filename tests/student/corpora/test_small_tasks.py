from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import Notices, Place
from lessonplan.student.corpora.records import Reading, Written, take
from lessonplan.student.corpora.small_tasks import divided
from lessonplan.student.corpora.splitting import TooFewError, divide


def tasks_of(**counts):
    """Tasks with so many prompts each."""
    tasks: dict[str, Written] = {}
    for name, count in counts.items():
        for i in range(count):
            place = Place(Path("a.jsonl"), i + 1)
            take(tasks, {"prompt": f"{name} {i}", "answer": str(i)}, place, name, Reading())
    return tasks


def cut(tasks, few_prompts, notices):
    def all_of_them():
        return divide(
            {name: one.lines for name, one in tasks.items()},
            {name: one.place for name, one in tasks.items()},
            0.1,
            notices=notices,
        )

    return divided(tasks, all_of_them, few_prompts, notices)


def test_small_tasks_are_left_out_with_their_names_and_sizes():
    tasks, notices = tasks_of(large=40, tiny=3, mistyped=1), Notices()
    assert list(cut(tasks, "drop", notices)) == ["large"]
    assert list(tasks) == ["large"]
    assert notices.left_out == 4
    [sentence, counted] = notices.lines()
    assert sentence.startswith(
        "tasks left out for want of prompts: 'tiny' (3 rows), 'mistyped' (1 rows); 'tiny' has 3 "
    )
    assert "few_prompts=join" in sentence
    assert counted.startswith("rows left out, of tasks with too few prompts or none to train on: 4")


def test_small_tasks_can_be_joined_to_one():
    tasks, notices = tasks_of(large=40, a=12, b=9), Notices()
    splits = cut(tasks, "join", notices)
    assert list(splits) == ["large", "other"]
    assert sum(len(splits["other"][split]) for split in ("train", "probe", "test")) == 21
    assert notices.left_out == 0
    assert notices.lines() == (
        "tasks with too few prompts, joined as 'other': 'a' (12 rows), 'b' (9 rows)",
    )


def test_what_is_joined_and_still_too_small_is_left_out():
    tasks, notices = tasks_of(large=40, a=2, b=3), Notices()
    assert list(cut(tasks, "join", notices)) == ["large"]
    assert notices.left_out == 5


def test_small_tasks_are_an_error_where_asked_or_where_there_is_no_other():
    with pytest.raises(TooFewError, match="task 'tiny' has 3 different prompts"):
        cut(tasks_of(large=40, tiny=3), "error", Notices())
    with pytest.raises(TooFewError, match=r"task 'a' has 2 .* \(and 1 more tasks like it\)"):
        cut(tasks_of(a=2, b=3), "drop", Notices())
