import gzip
import json

import pyarrow
import pytest
from pyarrow import ipc, parquet

from lessonplan.student.corpora.reading.files import rows, sources
from lessonplan.student.corpora.reading.notices import Notices

FEATURES = {
    "text": {"dtype": "string", "_type": "Value"},
    "label": {"names": ["odd", "even"], "_type": "ClassLabel"},
}


def table(labels, metadata=True):
    columns = {"text": [f"number {i}" for i in range(len(labels))], "label": labels}
    schema = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}
    return pyarrow.table(columns).replace_schema_metadata(schema if metadata else None)


def write_stream(file, rows):
    with ipc.new_stream(str(file), rows.schema) as stream:
        stream.write_table(rows)


def save(folder, *shards, **state):
    """A folder as `save_to_disk` writes it."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05}-of-{len(shards):05}.arrow" for i in range(len(shards))]
    for name, labels in zip(names, shards, strict=True):
        write_stream(folder / name, table(labels))
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files} | state))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def read(path, notices=None):
    """(task, split, label, number) of every row."""
    notices = notices or Notices()
    return [
        (source.task, source.split, row["label"], place.number)
        for source in sources(path, notices)
        for place, row in rows(source, notices)
    ]


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.arrow.gz", "a.parquet.gz"])
def test_classes_have_their_names_and_rows_without_one_have_none(tmp_path, name):
    file, plain = tmp_path / name, tmp_path / "plain"
    write = parquet.write_table if "parquet" in name else lambda rows, to: write_stream(to, rows)
    write(table([1, 0, -1, None]), plain)
    content = plain.read_bytes()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert read(file) == [
        ("a", None, "even", 1), ("a", None, "odd", 2), ("a", None, None, 3), ("a", None, None, 4),
    ]  # fmt: skip


def test_numbers_stay_numbers_where_nothing_names_them(tmp_path):
    parquet.write_table(table([1, -1], metadata=False), tmp_path / "a.parquet")
    assert [label for _, _, label, _ in read(tmp_path)] == [1, -1]


def test_arrows_format_for_files_is_read_too(tmp_path):
    rows = table([0] * 1500)
    with ipc.new_file(str(tmp_path / "a.arrow"), rows.schema) as file:
        file.write_table(rows)
    assert [number for *_, number in read(tmp_path)] == list(range(1, 1501))


def test_a_number_that_is_no_class_is_a_bad_row(tmp_path):
    parquet.write_table(table([5, 0]), tmp_path / "a.parquet")
    (source,) = sources(tmp_path, Notices())
    (_, bad), (_, good) = rows(source, Notices())
    assert str(bad).endswith("a.parquet, row 1: 'label' is none of the 2 classes, got 5")
    assert good["label"] == "odd"


def test_a_saved_folder_is_a_task_and_its_files_are_numbered_through(tmp_path):
    folder = save(tmp_path / "parity", [0, 1], [1])
    assert read(folder) == [
        ("parity", None, "odd", 1), ("parity", None, "even", 2), ("parity", None, "even", 3),
    ]  # fmt: skip
    save(tmp_path / "zero", [0])
    assert [task for task, *_ in read(tmp_path)] == ["parity"] * 3 + ["zero"]


def test_parts_of_a_saved_folder_are_splits_and_others_are_left_aside(tmp_path):
    folder = tmp_path / "parity"
    for part in ("train", "validation", "test", "unsupervised"):
        save(folder / part, [0])
    parts = {"splits": ["train", "validation", "test", "unsupervised"]}
    (folder / "dataset_dict.json").write_text(json.dumps(parts))
    notices = Notices()
    assert read(folder, notices) == [
        ("parity", "test", "odd", 1), ("parity", "train", "odd", 1), ("parity", "probe", "odd", 1),
    ]  # fmt: skip
    (line,) = notices.lines()
    assert line.startswith("parts of saved datasets left aside")
    assert line.endswith("(unsupervised): 1")
    assert read(folder / "train") == [("parity", "train", "odd", 1)]


def test_a_state_without_a_table_beside_it_is_no_dataset(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "state.json").write_text("{}")
    (tmp_path / "sums.jsonl").write_text('{"label": "x"}\n')
    assert read(tmp_path) == [("sums", None, "x", 1)]


def test_a_broken_table_is_named_with_the_way_out(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no table at all")
    with pytest.raises(ValueError, match=r"a.parquet can't be read as .parquet: .*copy it again"):
        read(tmp_path)
    folder = save(tmp_path / "b", [0])
    (folder / "data-00000-of-00001.arrow").write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"arrow can't be read as .arrow"):
        read(folder)
    folder = save(tmp_path / "c", [0], _indices_files=[{"filename": "i.arrow"}])
    with pytest.raises(ValueError, match="has an index of rows beside them"):
        read(folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"state.json can't be read"):
        read(folder)


def test_what_the_library_saves_is_read(tmp_path):
    datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["odd", "even"])
    )
    rows = {"text": ["a", "b", "c"], "label": [1, 0, 1]}
    whole = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict(train=whole, dev=whole.select([2, 1])).save_to_disk(tmp_path / "parity")
    assert read(tmp_path / "parity") == [
        ("parity", "probe", "even", 1), ("parity", "probe", "odd", 2),
        ("parity", "train", "even", 1), ("parity", "train", "odd", 2),
        ("parity", "train", "even", 3),
    ]  # fmt: skip
