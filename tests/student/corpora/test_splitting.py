import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.student.corpora.reading import Notices, Place
from lessonplan.student.corpora.splitting import Line, TooFewError, divide, normal_form
from lessonplan.student.text.wording import Question

FILE = Path("data.jsonl")


def lines(*rows):
    """Lines of (prompt, answer, split)."""
    return [
        Line(Question(prompt, answer), split, Place(FILE, number))
        for number, (prompt, answer, split) in enumerate(rows, start=1)
    ]


def numbered(count, split=None, word="item"):
    return [(f"{word} {i}", str(i), split) for i in range(count)]


def cut(tasks, notices=None, held_out=0.1):
    places = dict.fromkeys(tasks, Place(FILE, 1))
    splits = divide(tasks, places, held_out, notices=notices)
    return {
        name: {split: [one.prompt for one in questions] for split, questions in task.items()}
        for name, task in splits.items()
    }


def test_a_normal_form_has_no_case_no_doubled_spaces_and_one_unicode_form():
    # The letter fi as a ligature, an accent as a character of its own, a no-break space.
    assert normal_form("  A \t\n The \uff25nd") == "a the end"
    assert normal_form("ﬁn cafe\u0301") == normal_form("fin caf\u00e9") == "fin caf\u00e9"
    assert normal_form("STRASSE") == normal_form("straße")


def test_twins_stand_in_one_split_and_are_counted_once():
    rows = numbered(60)
    twins = [(prompt.upper() + " ", answer, None) for prompt, answer, _ in rows[:30]]
    notices = Notices()
    splits = cut({"a": lines(*rows, *twins)}, notices)["a"]
    split_of = {}
    for split in ("train", "probe", "test"):
        for prompt in splits[split]:
            assert split_of.setdefault(normal_form(prompt), split) == split
    assert sum(len(splits[split]) for split in ("train", "probe", "test")) == 90
    assert any("Unicode form" in line and line.endswith(": 30") for line in notices.lines())


def test_twins_do_not_change_how_the_first_ones_are_cut():
    rows = numbered(100)
    alone = cut({"a": lines(*rows)})["a"]
    twins = [(f" {prompt}", answer, None) for prompt, answer, _ in rows]
    together = cut({"a": lines(*rows, *twins)})["a"]
    for split in ("train", "probe", "test"):
        assert [prompt for prompt in together[split] if prompt[0] != " "] == alone[split]


def test_a_train_line_whose_prompt_is_tested_is_left_out_and_the_test_is_never_touched():
    rows = numbered(30, "train") + numbered(10, "probe", "p") + numbered(10, "test", "t")
    leaks = [("T 3", "again", "train"), ("p 4", "again", "train"), ("t 5 ", "5", "probe")]
    notices = Notices()
    splits = cut({"a": lines(*rows, *leaks)}, notices)["a"]
    assert splits["train"] == [f"item {i}" for i in range(30)]
    assert splits["probe"] == [f"p {i}" for i in range(10)]
    assert splits["test"] == [f"t {i}" for i in range(10)]
    said = "\n".join(notices.lines())
    assert "left out of train, since their prompt stands in test, too: 1 (first: data.jsonl" in said
    assert "left out of train, since their prompt stands in probe, too: 1" in said
    assert "left out of probe, since their prompt stands in test, too: 1" in said


def test_a_missing_probe_comes_from_train_and_the_official_test_stays_whole():
    rows = numbered(100, "train") + numbered(40, "test", "t")
    notices = Notices()
    splits = cut({"a": lines(*rows)}, notices)["a"]
    assert splits["test"] == [f"t {i}" for i in range(40)]
    # A tenth of all 140 prompts.
    assert len(splits["probe"]) == 14
    assert len(splits["train"]) == 86
    assert set(splits["probe"]) | set(splits["train"]) == {f"item {i}" for i in range(100)}
    assert "prompts cut from train into probe: 14" in notices.lines()


def test_a_prompt_that_another_task_tests_is_not_trained_on_here():
    tasks = {
        "a": lines(*numbered(30, "train"), *numbered(5, "probe", "p"), ("secret", "x", "test")),
        "b": lines(*numbered(30, None, "b"), ("Secret", "y", None)),
    }
    splits = cut(tasks)
    assert splits["b"]["test"].count("Secret") == 1
    assert "Secret" not in splits["b"]["train"] + splits["b"]["probe"]
    assert splits["a"]["test"] == ["secret"]


def test_all_small_tasks_are_named_and_nothing_is_noticed_then():
    tasks = {
        "a": lines(*numbered(50)),
        "b": lines(*numbered(3, None, "b")),
        "c": lines(("c", "1", None)),
    }
    notices = Notices()
    with pytest.raises(
        TooFewError, match=r"task 'b' has 3 different .*\(and 1 more tasks like it\)"
    ) as error:
        cut(tasks, notices)
    assert list(error.value.reasons) == ["b", "c"]
    assert notices.lines() == ()


def test_a_large_official_test_does_not_make_a_large_probe():
    rows = numbered(150, "train") + numbered(1000, "test", "t")
    splits = cut({"a": lines(*rows)})["a"]
    # Twice a tenth of what can be cut, not a tenth of all.
    assert [len(splits[split]) for split in ("train", "probe", "test")] == [120, 30, 1000]


def test_a_stress_prompt_differs_by_more_than_white_space():
    rows = [(f"{i}  + {i % 7}", str(i), None) for i in range(40)]
    splits = cut({"a": lines(*rows)})["a"]
    for clean, noisy in zip(splits["test"], splits["stress"], strict=True):
        assert normal_form(clean) != normal_form(noisy)


PROMPTS = st.text("aAbB \u00e9", min_size=1, max_size=4).filter(str.strip)


@given(st.lists(st.tuples(PROMPTS, st.sampled_from([None, "train", "probe", "test"])), max_size=60))
def test_no_prompt_is_trained_on_and_tested_whatever_the_splits_say(rows):
    rows = [(unicodedata.normalize("NFD", prompt), "1", split) for prompt, split in rows]
    tasks = {
        "a": lines(*rows[::2], *numbered(40)),
        "b": lines(*rows[1::2], *numbered(40, None, "b")),
    }
    split_of = {}
    for splits in cut(tasks).values():
        for split in ("train", "probe", "test"):
            for prompt in splits[split]:
                assert split_of.setdefault(normal_form(prompt), split) == split
