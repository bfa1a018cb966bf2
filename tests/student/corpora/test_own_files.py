import json
import random
from importlib.resources import files

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.student import SPLITS
from lessonplan.student.corpora.own_files import jsonl
from lessonplan.student.text.characters import text_code
from lessonplan.student.text.stress import noisy

WORDS = files("lessonplan.experiments") / "examples" / "words"


def numbered(count, **fields):
    return [{"prompt": f"item {i}", "answer": str(i), **fields} for i in range(count)]


def written(path, records):
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def texts(suite):
    """Pairs by task and split."""
    code = text_code(suite)
    return {
        task.name: {split: code.decode(task.splits[split].inputs) for split in SPLITS}
        for task in suite.tasks
    }


def test_lines_without_a_split_are_cut_into_disjoint_shares(tmp_path):
    suite = jsonl(written(tmp_path / "items.jsonl", numbered(200)))
    splits = texts(suite)["items"]
    assert {split: len(splits[split]) for split in SPLITS} == {
        "train": 160, "probe": 20, "test": 20, "stress": 20,
    }  # fmt: skip
    pairs = splits["train"] + splits["probe"] + splits["test"]
    assert sorted(pairs) == sorted((f"item {i}", str(i)) for i in range(200))
    assert suite.name == "items"
    assert not suite.tasks[0].endless


def test_small_tasks_get_a_sensible_minimum(tmp_path):
    splits = texts(jsonl(written(tmp_path / "items.jsonl", numbered(20))))["items"]
    assert [len(splits[split]) for split in SPLITS] == [10, 5, 5, 5]


def test_the_cut_depends_on_the_content_and_not_on_the_order(tmp_path):
    records = numbered(100)
    first = texts(jsonl(written(tmp_path / "a.jsonl", records)))["a"]
    random.Random(0).shuffle(records)
    second = texts(jsonl(written(tmp_path / "b.jsonl", records)))["b"]
    for split in SPLITS:
        assert sorted(first[split]) == sorted(second[split])
    again = jsonl(tmp_path / "b.jsonl").tasks[0].splits["test"].inputs
    assert torch.equal(again, jsonl(tmp_path / "b.jsonl").tasks[0].splits["test"].inputs)


def test_a_prompt_stays_in_one_split_over_all_tasks(tmp_path):
    shared = [{"prompt": f"item {i}", "answer": "x"} for i in range(0, 60, 2)]
    written(tmp_path / "a.jsonl", numbered(60))
    written(tmp_path / "b.jsonl", [*shared, *[r | {"prompt": r["answer"]} for r in numbered(40)]])
    split_of = {}
    for splits in texts(jsonl(tmp_path)).values():
        for split in ("train", "probe", "test"):
            for prompt, _ in splits[split]:
                assert split_of.setdefault(prompt, split) == split


def test_given_splits_are_kept_and_bind_lines_without_one(tmp_path):
    records = numbered(30)
    records[3]["split"] = "test"
    records.append({"prompt": "item 3", "answer": "three"})
    records.append({"prompt": "very hard", "answer": "1", "split": "stress"})
    splits = texts(jsonl(written(tmp_path / "items.jsonl", records)))["items"]
    assert splits["test"] == [("item 3", "3"), ("item 3", "three")]
    assert splits["stress"] == [("very hard", "1")]
    assert len(splits["probe"]) == 5


def test_stress_lines_do_not_count_towards_the_shares(tmp_path):
    stress = [{"prompt": f"odd {i}", "answer": "x", "split": "stress"} for i in range(100)]
    splits = texts(jsonl(written(tmp_path / "items.jsonl", numbered(100) + stress)))["items"]
    assert [len(splits[split]) for split in SPLITS] == [80, 10, 10, 100]


def test_an_example_that_stands_twice_counts_once(tmp_path):
    splits = texts(jsonl(written(tmp_path / "items.jsonl", numbered(30) * 2)))["items"]
    assert sum(len(splits[split]) for split in ("train", "probe", "test")) == 30


def test_derived_stress_is_a_typo_in_every_test_prompt(tmp_path):
    splits = texts(jsonl(written(tmp_path / "items.jsonl", numbered(200))))["items"]
    known = {prompt for split in ("train", "probe", "test") for prompt, _ in splits[split]}
    for (prompt, answer), (changed, same) in zip(splits["test"], splits["stress"], strict=True):
        assert answer == same
        assert changed not in known
        assert len(prompt) - 1 <= len(changed) <= len(prompt)
        assert [c for c in changed if c.isdigit()] == [c for c in prompt if c.isdigit()]


@given(st.text(min_size=1, max_size=8), st.sets(st.text(max_size=3)))
def test_a_typo_changes_the_prompt_and_avoids_known_ones(prompt, known):
    changed = noisy(prompt, known)
    assert changed != prompt
    assert changed not in known or changed == f" {prompt}"


def test_a_folder_gives_a_task_per_file_in_order_with_unequal_sizes(tmp_path):
    written(tmp_path / "b.jsonl", numbered(40, difficulty=2, prerequisites=["a"]))
    written(tmp_path / "a.jsonl", [{"prompt": f"a{i}", "answer": "1"} for i in range(90)])
    written(
        tmp_path / "c.jsonl", [r | {"prompt": "c" + r["answer"]} for r in numbered(25, task="z")]
    )
    suite = jsonl(tmp_path)
    assert suite.names == ["a", "b", "z"]
    assert [len(task.splits["train"]) for task in suite.tasks] == [72, 30, 15]
    assert suite.tasks[1].prerequisites == ("a",)
    assert suite.tasks[1].difficulty == 2


def test_a_description_may_stand_on_any_line(tmp_path):
    records = numbered(30)
    records[7] |= {"skills": ["counting", "copying"], "category": "numbers"}
    records[9] |= {"difficulty": 1.5, "category": "numbers"}
    task = jsonl(written(tmp_path / "items.jsonl", records)).tasks[0]
    assert task.skills == ("counting", "copying")
    assert (task.category, task.difficulty) == ("numbers", 1.5)


LINE_1 = {"prompt": "p", "answer": "a"}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"prompt": "p"}, "the key 'answer' is missing"),
        (LINE_1 | {"prompt": ""}, "the prompt ('prompt') is empty"),
        (LINE_1 | {"answer": ""}, "the key 'answer' is missing"),
        (LINE_1 | {"threshold": 2}, "'threshold' must be above 0 and at most 1, got 2"),
        (LINE_1 | {"importance": 0}, "'importance' must be above 0, got 0"),
        (LINE_1 | {"split": "holdout"}, "'split' must be one of train, "),
        (LINE_1 | {"prompt": "a\x02"}, "a control character (code 2 or 3)"),
        (LINE_1 | {"answer": "\ud800"}, "half of a surrogate pair"),
        ([1], "a row must be an object"),
        (
            LINE_1 | {"choices": ["a", "b"]},
            "has 'choices' here, but one has no 'choices' at line 1",
        ),
    ],
)
def test_a_wrong_line_is_named_with_file_line_and_rule_or_skipped(tmp_path, record, sentence):
    path = tmp_path / "items.jsonl"
    lines = [json.dumps(one) for one in [LINE_1, record, *numbered(40)]]
    path.write_text(lines[0] + "\n\n" + "\n".join(lines[1:]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"items\.jsonl, line 3: ") as error:
        jsonl(path)
    assert sentence in str(error.value)
    assert "on_bad=skip leaves out up to 10% of all rows" in str(error.value)
    assert len(str(error.value)) < 300
    suite = jsonl(path, on_bad="skip")
    assert sum(suite.sizes(split)[0] for split in ("train", "probe", "test")) == 41
    assert any(note.startswith("rows left out") and "line 3" in note for note in suite.notes)


def test_an_error_stays_short_however_long_the_row(tmp_path):
    records = [*numbered(30), {"prompt": "x " * 5000, "answer": "\x02" + "y" * 900}]
    with pytest.raises(ValueError, match=r"line 31: ") as error:
        jsonl(written(tmp_path / "items.jsonl", records))
    assert len(str(error.value)) < 300


def test_what_says_nothing_of_a_task_is_left_aside_with_a_notice(tmp_path):
    records = numbered(40, level=3, difficulty="hard")
    records[0]["category"], records[1]["category"] = "a", "b"
    suite = jsonl(written(tmp_path / "items.jsonl", records))
    assert suite.tasks[0].category == ""
    assert suite.tasks[0].difficulty == 0.0
    said = " ".join(suite.notes)
    assert "level" in said
    assert "difficulty" in said
    assert "task_column=category" in said


def test_malformed_json_is_named_with_file_line_and_column(tmp_path):
    (tmp_path / "items.jsonl").write_text('{"prompt": "a", }\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"items.jsonl, line 1: not valid JSON.* \(column \d+\)"):
        jsonl(tmp_path)


def test_paths_without_data_are_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist"):
        jsonl(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"has no files; what can be read is \.jsonl"):
        jsonl(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ValueError, match="has no examples"):
        jsonl(tmp_path)
    (tmp_path / "empty.jsonl").write_bytes(b'{"prompt": "\xe9"}\n')
    with pytest.raises(ValueError, match="not UTF-8"):
        jsonl(tmp_path)


def test_a_task_that_is_too_small_says_how_many_are_needed(tmp_path):
    with pytest.raises(ValueError, match=r"has 19 different prompts.* 20 are needed"):
        jsonl(written(tmp_path / "items.jsonl", numbered(19)))


def test_settled_parts_of_a_description_that_contradict_each_other_name_both_places(tmp_path):
    records = numbered(30)
    records[0]["threshold"], records[2]["threshold"] = 0.5, 0.6
    with pytest.raises(
        ValueError, match=r"line 3: 'threshold'.* is '0.6' here, but '0.5' at line 1"
    ):
        jsonl(written(tmp_path / "items.jsonl", records))


def test_more_than_a_tenth_of_bad_rows_is_an_error(tmp_path):
    records = [*numbered(40), *[{"prompt": f"q {i}"} for i in range(5)]]
    with pytest.raises(
        ValueError, match=r"5 of 45 rows can't be used, more than 10%: rows left out"
    ):
        jsonl(written(tmp_path / "items.jsonl", records), on_bad="skip")


def test_a_table_in_the_config_comes_before_the_data(tmp_path):
    written(tmp_path / "a.jsonl", numbered(30, threshold=0.5))
    written(tmp_path / "b.jsonl", [r | {"prompt": "b" + r["answer"]} for r in numbered(30)])
    table = {
        "a": {"threshold": 0.7, "importance": 3, "skills": ["x"], "category": "c"},
        "b": {"score": "final_number", "prerequisites": ["a"], "difficulty": 2},
    }
    a, b = jsonl(tmp_path, tasks=table).tasks
    assert (a.threshold, a.importance, a.skills, a.category) == (0.7, 3, ("x",), "c")
    assert (b.threshold, b.difficulty, b.prerequisites) == (0.9, 2, ("a",))
    assert a.grader is None
    assert b.grader is not None
    with pytest.raises(ValueError, match="there is no task 'c'; the tasks are a, b"):
        jsonl(tmp_path, tasks={"c": {}})
    with pytest.raises(ValueError, match="'a' may have the keys"):
        jsonl(tmp_path, tasks={"a": {"treshold": 1}})


def test_an_answer_that_a_score_can_not_judge_by_is_a_bad_row(tmp_path):
    path = written(tmp_path / "a.jsonl", [*numbered(40), {"prompt": "who", "answer": "nobody"}])
    with pytest.raises(ValueError, match=r"line 41: score=final_number can't .* has no number"):
        jsonl(path, score="final_number")
    suite = jsonl(path, score="final_number", on_bad="skip")
    assert suite.tasks[0].grader is not None
    assert "line 41" in " ".join(suite.notes)


def test_always_the_same_answer_is_guessing(tmp_path):
    records = [{"prompt": f"is {i} even", "answer": "no" if i % 3 else "yes"} for i in range(150)]
    task = jsonl(written(tmp_path / "a.jsonl", records)).tasks[0]
    code = text_code(jsonl(tmp_path / "a.jsonl"))
    for split in ("probe", "test"):
        answers = [answer for _, answer in code.decode(task.splits[split].inputs)]
        assert answers.count("no") / len(answers) <= task.chance < 1.0
    assert task.chance >= 2 / 3


def test_a_split_without_answers_is_not_used_and_that_is_said(tmp_path):
    (tmp_path / "nli").mkdir()
    written(tmp_path / "nli" / "train.jsonl", numbered(60))
    unlabelled = [{"prompt": f"secret {i}", "answer": None} for i in range(30)]
    written(tmp_path / "nli" / "test.jsonl", unlabelled)
    suite = jsonl(tmp_path / "nli")
    assert suite.names == ["nli"]
    splits = texts(suite)["nli"]
    assert len(splits["test"]) == 6
    assert not [p for pairs in splits.values() for p, _ in pairs if p.startswith("secret")]
    assert "the split 'test' of task 'nli' has no answers" in " ".join(suite.notes)


def test_reading_tells_how_far_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("lessonplan.student.corpora.own_files.PROGRESS_ROWS", 10)
    told = []
    jsonl(written(tmp_path / "a.jsonl", numbered(35)), progress=lambda *one: told.append(one))
    assert told[:3] == [("reading a.jsonl", 10), ("reading a.jsonl", 20), ("reading a.jsonl", 30)]


def test_unknown_prerequisites_and_circles_are_named(tmp_path):
    written(tmp_path / "a.jsonl", numbered(30, prerequisites=["b"]))
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1: task 'a' has the unknown"):
        jsonl(tmp_path)
    records = [r | {"prompt": "b" + r["answer"]} for r in numbered(30, prerequisites=["a"])]
    written(tmp_path / "b.jsonl", records)
    with pytest.raises(
        ValueError, match=r"\.jsonl, line 1: .* circle: (a needs b needs a|b needs)"
    ):
        jsonl(tmp_path)


def test_the_shipped_words_are_a_suite_with_an_order():
    suite = jsonl(str(WORDS))
    assert 6 <= len(suite) <= 8
    assert suite.input_shape == (27,)
    order = [suite.names[i] for i in suite.order]
    assert order.index("number-words") < order.index("ordinals")
    assert order.index("roman-tens") < order.index("roman-hundreds")
    assert min(len(task.splits["train"]) for task in suite.tasks) < 100
    assert max(len(task.splits["train"]) for task in suite.tasks) > 1000
    assert all(task.skills and task.category for task in suite.tasks)


@pytest.mark.parametrize(
    ("task", "pair"),
    [
        ("number-words", ("forty-two", "42")),
        ("ordinals", ("eighty-third", "83rd")),
        ("clock-times", ("quarter to four", "3:45")),
        ("roman-hundreds", ("CDXLIV", "444")),
        ("plurals", ("two baby", "babies")),
        ("plurals", ("two wug", "wugs")),
        ("past-tense", ("did stop", "stopped")),
        ("past-tense", ("did sing", "sang")),
    ],
)
def test_the_shipped_words_are_right(task, pair):
    splits = texts(jsonl(str(WORDS)))[task]
    assert pair in [known for pairs in splits.values() for known in pairs]


@pytest.mark.parametrize(
    "options",
    [
        {"held_out": "x"},
        {"max_tokens": "x"},
        {"max_tokens": 1},
        {"score": 5},
        {"score": ["exact"] * 99},
        {"template": 5},
        {"template": "x" * 999},
        {"stress": "x" * 999},
        {"turns": "x" * 999},
        {"on_bad": "x" * 999},
        {"too_long": "x" * 999},
        {"few_prompts": "x" * 999},
        {"tasks": {"a": {"score": "x"}}},
    ],
)
def test_an_option_of_another_kind_is_refused_in_one_short_sentence(tmp_path, options):
    path = written(tmp_path / "a.jsonl", numbered(30))
    with pytest.raises(
        ValueError, match=next(iter(options)) if "tasks" not in options else "score"
    ) as error:
        jsonl(path, **options)
    assert len(str(error.value)) < 300


def test_what_names_task_and_answer_at_once_is_said(tmp_path):
    records = [{"text": f"x {i}", "label": "ab"[i % 2]} for i in range(60)]
    suite = jsonl(written(tmp_path / "i.jsonl", records), task_column="label")
    assert suite.names == ["a", "b"]
    assert "every answer is the same" in " ".join(suite.notes)


def test_a_task_of_one_answer_is_named_whole_where_its_name_fits(tmp_path):
    """Else number-05-of-twenty and number-15-of-twenty would be said to be the same."""
    for i in (5, 15):
        records = [{"prompt": f"x {i} {j}", "answer": str(j * (i - 5))} for j in range(30)]
        written(tmp_path / f"a-rather-long-name-number-{i:02d}-of-twenty.jsonl", records)
    assert "a-rather-long-name-number-05-of-twenty" in " ".join(jsonl(tmp_path).notes)


def test_whole_numbers_have_no_fraction_however_their_column_is_named(tmp_path):
    records = [{"Question": f"x {i}", "Answer": float(i)} for i in range(30)]
    path = written(tmp_path / "i.jsonl", records)
    named = jsonl(path, columns={"prompt": "Question", "answer": "Answer"})
    for suite in (jsonl(path), named):
        assert ("x 7", "7") in [pair for pairs in texts(suite)["i"].values() for pair in pairs]


def test_turns_before_the_last_are_not_passed_over_in_silence(tmp_path):
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    chats = [
        {"messages": [*turn, {"role": "user", "content": f"x {i}"}, turn[1]]} for i in range(30)
    ]
    path = written(tmp_path / "i.jsonl", chats)
    assert "turns=all takes each: 30" in " ".join(jsonl(path).notes)
    assert "turns=all" not in " ".join(jsonl(path, turns="all").notes)


def test_a_column_that_names_rows_is_no_name_of_tasks(tmp_path):
    path = written(
        tmp_path / "i.jsonl", [one | {"id": f"n{i}"} for i, one in enumerate(numbered(40))]
    )
    with pytest.raises(ValueError, match=r"39 more tasks like it.*name rows instead"):
        jsonl(path, task_column="id")
    with pytest.raises(
        ValueError, match="no column 'idx' for the task, but prompt, answer, id"
    ) as error:
        jsonl(path, task_column="idx")
    assert "on_bad" not in str(error.value)
