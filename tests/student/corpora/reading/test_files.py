import gzip
import json
import os
from pathlib import Path

import pytest

from lessonplan.student.corpora.reading.files import Source, rows, sources
from lessonplan.student.corpora.reading.notices import Notices

LINE = '{"prompt": "3+4=", "answer": "7"}\n'


def write(folder, *names, text=LINE):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def listed(path):
    """(file, task, split) of every source, and what was said."""
    notices = Notices()
    each = sources(path, notices)
    return [(one.file.name, one.task, one.split) for one in each], notices.lines()


def test_a_folder_of_splits_is_one_task_with_the_folders_name(tmp_path):
    folder = write(tmp_path / "sums", "train.jsonl", "validation.csv", "test.json.gz")
    assert listed(folder) == (
        [("test.json.gz", "sums", "test"), ("train.jsonl", "sums", "train"),
         ("validation.csv", "sums", "probe")], (),
    )  # fmt: skip


def test_a_folder_of_task_files_is_a_task_for_each_by_name(tmp_path):
    folder = write(tmp_path / "all", "copy.jsonl", "addition.jsonl", "v1.2.jsonl")
    assert listed(folder)[0] == [
        ("addition.jsonl", "addition", None), ("copy.jsonl", "copy", None),
        ("v1.2.jsonl", "v1.2", None),
    ]  # fmt: skip


def test_a_file_alone_is_called_by_its_name_or_by_its_folder(tmp_path):
    write(tmp_path / "sums", "train.jsonl", "gsm8k_train.jsonl", "test_taking.jsonl")
    assert listed(tmp_path / "sums" / "train.jsonl")[0] == [("train.jsonl", "sums", "train")]
    assert listed(tmp_path / "sums" / "gsm8k_train.jsonl")[0][0][1:] == ("gsm8k", "train")
    found, (notice,) = listed(tmp_path / "sums" / "test_taking.jsonl")
    assert found == [("test_taking.jsonl", "test_taking", None)]
    assert "as tasks of their own" in notice
    assert "(test_taking.jsonl): 1" in notice


def test_files_that_hold_the_same_as_others_are_left_aside_with_a_word(tmp_path):
    folder = write(tmp_path / "s", "train.jsonl", "test.jsonl", "test_b.jsonl", "all.jsonl")
    each, (notice,) = listed(folder)
    assert [name for name, _, _ in each] == ["test.jsonl", "train.jsonl"]
    assert notice.startswith("files left aside")
    assert "(all.jsonl, test_b.jsonl): 2" in notice
    _, (notice,) = listed(write(tmp_path / "t", "train.jsonl", "train_copy.jsonl"))
    assert notice == "files joined with the one that is called train alone (train_copy.jsonl): 1"


def test_folds_of_a_cross_validation_are_refused_with_one_to_give(tmp_path):
    folder = write(tmp_path / "cv", "fold0/train.jsonl", "fold0/dev.jsonl", "fold1/train.jsonl")
    with pytest.raises(ValueError, match=r"folds of a cross-validation .*give .*cv/fold0$"):
        listed(folder)
    assert listed(folder / "fold0")[0][0][1:] == ("fold0", "probe")


def test_the_folder_that_one_stands_in_has_its_full_name(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path / "sums", "train.jsonl"))
    assert listed(Path("."))[0] == [("train.jsonl", "sums", "train")]


def test_hidden_files_are_passed_over_and_others_are_counted_once(tmp_path):
    folder = write(
        tmp_path / "sums", "train.jsonl", ".cache/x.jsonl", ".y.jsonl", "README.md", "LICENSE",
        "code/a.py", "dataset_infos.json", "cache/state.json",
    )  # fmt: skip
    found, (notice,) = listed(folder)
    assert found == [("train.jsonl", "sums", "train")]
    assert notice == (
        "files left aside, they hold no rows that can be read "
        "(LICENSE, README.md, a.py, ...): 5"
    )  # fmt: skip


def test_one_name_in_two_formats_is_read_once(tmp_path):
    folder = write(tmp_path / "sums", "train.jsonl.gz", "train.jsonl", "train.csv", "copy.csv")
    write(folder, "test-00000-of-00002.csv", "test-00001-of-00002.csv")
    found, (notice,) = listed(folder)
    assert [name for name, *_ in found] == [
        "copy.csv", "test-00000-of-00002.csv", "test-00001-of-00002.csv", "train.jsonl",
    ]  # fmt: skip
    assert notice.endswith("in another format (train.csv, train.jsonl.gz): 2")


def test_links_that_lead_in_a_circle_end(tmp_path):
    folder = write(tmp_path / "sums", "train.jsonl")
    (folder / "again").symlink_to(folder)
    assert listed(folder)[0] == [("train.jsonl", "sums", "train")]


def test_rows_are_numbered_and_files_without_any_are_counted(tmp_path):
    folder = write(tmp_path, "a.jsonl", text=f"\n{LINE}\r\n{LINE}")
    write(folder, "b.jsonl", "c.csv", text="")
    notices = Notices()
    found = [pair for source in sources(folder, notices) for pair in rows(source, notices)]
    row = {"prompt": "3+4=", "answer": "7"}
    assert [(str(place), each) for place, each in found] == [
        (f"{folder}/a.jsonl, line 2", row), (f"{folder}/a.jsonl, line 4", row),
    ]  # fmt: skip
    assert notices.counted("files without a row") == 2


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.txt", "IN: walk OUT: WALK", r"a.txt is .txt, which has no columns; make it .jsonl, "),
        ("tasks", "walk", "is a file without a format, which has no columns"),
        ("a.xlsx", "PK", "is a spreadsheet; save it as .csv"),
        ("a.zip", "PK\x03\x04", "is a zip archive; unpack it"),
        ("folder/a.txt", LINE, "has only a.txt; what can be read is .jsonl, .ndjson"),
    ],
)
def test_what_is_no_table_ends_in_a_sentence_with_the_way_out(tmp_path, name, text, sentence):
    write(tmp_path, name, text=text)
    with pytest.raises(ValueError, match=sentence) as error:
        sources(tmp_path / name.split("/")[0], Notices())
    assert len(str(error.value)) < 200 + len(str(tmp_path))


def test_lines_of_json_are_read_whatever_their_file_is_called(tmp_path):
    (source,) = sources(write(tmp_path, "sums.txt") / "sums.txt", Notices())
    assert source.task == "sums"
    assert [row for _, row in rows(source, Notices())] == [json.loads(LINE)]


@pytest.mark.parametrize("name", ["openai/gsm8k", "gsm8k", "meta.ai/set-1.1"])
def test_a_name_on_the_hub_is_told_how_to_be_saved(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="nothing is downloaded") as error:
        sources(Path(name), Notices())
    folder = name.split("/")[-1]
    assert f"load_dataset({name!r}).save_to_disk({folder!r})" in str(error.value)
    assert f"lessonplan run --data {folder}" in str(error.value)


@pytest.mark.parametrize("name", ["/no/where", "gsm8k.jsonl", "a.txt", "a/b/c"])
def test_a_file_that_is_missing_is_said_to_be(name):
    with pytest.raises(ValueError, match=r"does not exist; give a file or folder of .jsonl"):
        sources(Path(name), Notices())


@pytest.mark.parametrize(
    ("typed", "near"),
    [("task.jsonl", "tasks.jsonl"), ("tasks.json", "tasks.jsonl"), ("row", "rows")],
)
def test_a_file_that_is_missing_is_told_with_the_one_whose_name_is_nearly_its(
    tmp_path, typed, near
):
    (tmp_path / "tasks.jsonl").touch()
    (tmp_path / "rows").mkdir()
    with pytest.raises(ValueError, match="does not exist; did you mean") as error:
        sources(tmp_path / typed, Notices())
    assert str(error.value).endswith(f"{tmp_path / near}?")


def test_a_broken_gzip_file_is_named_when_it_is_read(tmp_path):
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(LINE.encode() * 9)[:-12])
    with pytest.raises(ValueError, match=r"a.jsonl.gz can't be unpacked: .* copy or pack it again"):
        list(rows(Source(file, "a", None), Notices()))


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "rows.jsonl")
    with pytest.raises(ValueError, match=r"rows\.jsonl is no file but a pipe or a device; write"):
        list(rows(Source(tmp_path / "rows.jsonl", "a", None), Notices()))
    saved = tmp_path / "saved"
    saved.mkdir()
    os.mkfifo(saved / "data.arrow")
    (saved / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    with pytest.raises(ValueError, match=r"data\.arrow is no file but a pipe"):
        list(rows(Source(saved, "a", None), Notices()))
    with pytest.raises(ValueError, match=r"/dev/null is no file but a pipe or a device"):
        list(rows(Source(Path("/dev/null"), "a", None), Notices()))
