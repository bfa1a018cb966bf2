import pytest

pytest.importorskip("datasets", reason="the hf extra is not installed")
pytest.importorskip("transformers", reason="the hf extra is not installed")

import datasets
from text_kit import pairs
from tiny_pretrained import save_tiny_bert, save_tiny_gpt2

from lessonplan.student.contract.tasks import SPLITS
from lessonplan.student.corpora.own_files import jsonl


def numbered(first, last, **columns):
    names = range(first, last)
    rows = {"prompt": [f"item {i}" for i in names], "answer": [str(i) for i in names]}
    return datasets.Dataset.from_dict(rows | {key: [value] * len(names) for key, value in
                                              columns.items()})  # fmt: skip


def saved(path, table, **parts):
    (datasets.DatasetDict(parts) if parts else table).save_to_disk(str(path))
    return path


def test_a_dataset_without_splits_is_cut_as_lines_are(tmp_path):
    suite = jsonl(saved(tmp_path / "items", numbered(0, 100, source="a book")))
    assert (suite.name, suite.names) == ("items", ["items"])
    found = pairs(suite)
    assert {split: len(found[split]) for split in SPLITS} == {
        "train": 80, "probe": 10, "test": 10, "stress": 10,
    }  # fmt: skip
    known = found["train"] + found["probe"] + found["test"]
    assert sorted(known) == sorted((f"item {i}", str(i)) for i in range(100))


@pytest.mark.parametrize("name", ["validation", "dev", "probe"])
def test_splits_keep_their_rows_and_what_is_held_out_is_not_trained_on(tmp_path, name):
    parts = {"train": numbered(0, 50), name: numbered(50, 60), "test": numbered(48, 50)}
    found = pairs(jsonl(saved(tmp_path / "items", None, **parts)))
    assert found["probe"] == [(f"item {i}", str(i)) for i in range(50, 60)]
    assert found["test"] == [("item 48", "48"), ("item 49", "49")]
    assert found["train"] == [(f"item {i}", str(i)) for i in range(48)]


def test_a_split_that_is_missing_is_cut_from_train(tmp_path):
    found = pairs(jsonl(saved(tmp_path / "i", None, train=numbered(0, 50), test=numbered(50, 57))))
    assert [len(found[split]) for split in SPLITS] == [44, 6, 7, 7]


def test_tasks_are_named_by_a_column_or_by_the_folders_of_datasets(tmp_path):
    both = datasets.concatenate_datasets(
        [numbered(0, 30, task="low", difficulty=1), numbered(30, 70, task="high", difficulty=2)]
    )
    suite = jsonl(saved(tmp_path / "one", both))
    assert suite.names == ["low", "high"]
    assert suite.values("difficulty").tolist() == [1, 2]
    saved(tmp_path / "many" / "b", numbered(0, 30))
    saved(tmp_path / "many" / "a", None, train=numbered(30, 70))
    (tmp_path / "many" / "notes").mkdir()
    suite = jsonl(tmp_path / "many")
    assert (suite.name, suite.names) == ("many", ["a", "b"])
    assert [len(task.splits["train"]) for task in suite.tasks] == [30, 20]


def test_messages_are_a_chat_for_a_tokenizer(tmp_path):
    source = save_tiny_gpt2(tmp_path / "model")
    rows = [
        [{"role": "user", "content": f"say {i}"}, {"role": "assistant", "content": str(i)}]
        for i in range(30)
    ]
    table = datasets.Dataset.from_dict({"messages": rows})
    found = pairs(jsonl(saved(tmp_path / "chats", table), tokenizer=source))
    turns = "<|im_start|>user\nsay {}<|im_end|>\n<|im_start|>assistant\n"
    every = found["train"] + found["probe"] + found["test"]
    assert sorted(every) == sorted((turns.format(i), str(i)) for i in range(30))


@pytest.mark.parametrize("numbers", [True, False])
def test_texts_with_labels_are_classified_by_the_names_of_their_classes(tmp_path, numbers):
    labels = [i % 2 if numbers else ("even", "odd")[i % 2] for i in range(40)]
    table = datasets.Dataset.from_dict(
        {"text": [f"number {i}" for i in range(40)], "label": labels}
    )
    if numbers:
        table = table.cast_column("label", datasets.ClassLabel(names=["even", "odd"]))
    source = save_tiny_bert(tmp_path / "model")
    suite = jsonl(saved(tmp_path / "parity", table), tokenizer=source)
    assert suite.classes == ("parity: even", "parity: odd")
    assert suite.tasks[0].chance == 0.5
    assert set(suite.tasks[0].splits["train"].targets.flatten().tolist()) == {0, 1}


def test_what_can_not_be_read_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist"):
        jsonl(tmp_path / "nowhere")
    path = saved(tmp_path / "items", numbered(0, 30))
    next(path.glob("*.arrow")).write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"items.* can't be read"):
        jsonl(path)


def test_a_row_that_can_not_be_used_is_named_with_folder_and_number(tmp_path):
    columns = {"prompt": [f"p {i}" for i in range(30)], "answer": ["b"] * 29 + [""]}
    path = saved(tmp_path / "items", datasets.Dataset.from_dict(columns))
    with pytest.raises(ValueError, match=r"items, row 30: the key 'answer' is missing"):
        jsonl(path)


def test_parts_that_are_no_splits_are_left_aside_and_said(tmp_path):
    parts = {"train": numbered(0, 30), "extra": numbered(30, 40)}
    suite = jsonl(saved(tmp_path / "items", None, **parts))
    assert suite.sizes("train").sum() + suite.sizes("probe").sum() + suite.sizes("test").sum() == 30
    assert "extra" in " ".join(suite.notes)


def test_rows_without_a_class_are_bad_rows(tmp_path):
    table = datasets.Dataset.from_dict({"text": list("abc"), "label": [-1, 0, 1]})
    table = table.cast_column("label", datasets.ClassLabel(names=["x", "y"]))
    with pytest.raises(ValueError, match=r"labels, row 1: the key 'answer' is missing"):
        jsonl(saved(tmp_path / "labels", table), tokenizer=save_tiny_bert(tmp_path / "model"))
