"""What becomes of files that have no training rows beside them, or no answers at all."""

import json

import pytest

from lessonplan.student.corpora.own_files import jsonl


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def asked(count, **fields):
    return [{"question": f"what is {i}?", "answer": str(i), **fields} for i in range(count)]


def sizes(suite):
    (task,) = suite.tasks
    return {split: len(task.splits[split]) for split in ("train", "probe", "test")}


@pytest.mark.parametrize("name", ["test.jsonl", "dev.jsonl", "eval_set.jsonl"])
def test_a_split_alone_is_divided_and_that_is_said(tmp_path, name):
    suite = jsonl(write(tmp_path / "sums" / name, asked(40)))
    assert sizes(suite) == {"train": 30, "probe": 5, "test": 5}
    (said,) = [note for note in suite.notes if "nothing else to train on" in note]
    assert said.endswith(": 40")


def test_a_folder_of_tasks_with_a_test_set_each_is_divided(tmp_path):
    for task in ("a", "b"):
        write(tmp_path / task / "test.jsonl", asked(20, kind=task))
    suite = jsonl(tmp_path)
    assert [task.name for task in suite.tasks] == ["a", "b"]
    assert all(len(task.splits["train"]) == 10 for task in suite.tasks)


def test_a_test_set_beside_another_split_is_not_trained_on(tmp_path):
    write(tmp_path / "dev.jsonl", asked(40))
    write(tmp_path / "test.jsonl", asked(80)[40:])
    with pytest.raises(ValueError, match=r"nothing to train on: all is probe \(40 rows\) or test"):
        jsonl(tmp_path)


def test_rows_that_say_themselves_that_they_are_test_are_not_divided(tmp_path):
    with pytest.raises(ValueError, match="task 'a' has nothing to train on; add lines"):
        jsonl(write(tmp_path / "a.jsonl", asked(40, split="test")))


def test_rows_whose_answer_column_is_unknown_are_refused_with_their_columns(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"question": f"{i}?", "gold_one": "x"} for i in range(30)])
    rule = r"line 1: can't tell prompt and answer among question, gold_one; type [^;]*$"
    with pytest.raises(ValueError, match=rule):
        jsonl(path)
    columns = {"prompt": "question", "answer": "gold_one"}
    assert sum(sizes(jsonl(path, columns=columns)).values()) == 30


def test_a_file_whose_answers_are_all_empty_is_named(tmp_path):
    write(tmp_path / "a.jsonl", asked(40))
    write(tmp_path / "b.jsonl", [{"question": f"{i}?", "answer": ""} for i in range(3)])
    with pytest.raises(ValueError, match=r"b.jsonl, line 1: the answer \('answer'\) is empty here"):
        jsonl(tmp_path)
    suite = jsonl(tmp_path, on_bad="skip")
    assert suite.notes[0].endswith("is empty here and in all rows of the file: 3 (first: "
                                   f"{tmp_path.name}/b.jsonl, line 1)")  # fmt: skip


def test_one_row_without_an_answer_is_one_bad_row(tmp_path):
    path = write(tmp_path / "a.jsonl", [*asked(40), {"question": "no?", "answer": None}])
    with pytest.raises(ValueError, match="line 41: the key 'answer' is missing; on_bad=skip"):
        jsonl(path)


def test_questions_that_are_marked_as_impossible_are_left_out_and_counted(tmp_path):
    rows = asked(40, is_impossible=False)
    rows += [{"question": f"why {i}?", "answers": [], "is_impossible": True} for i in range(30)]
    suite = jsonl(write(tmp_path / "a.jsonl", rows))
    assert sum(sizes(suite).values()) == 40
    assert "questions that are marked as having no answer, left out: 30" in suite.notes[0]


def test_an_example_that_stands_twice_is_counted(tmp_path):
    suite = jsonl(write(tmp_path / "a.jsonl", asked(40) + asked(10)))
    assert sum(sizes(suite).values()) == 40
    assert any("twice, counted once: 10 (first" in note for note in suite.notes)
