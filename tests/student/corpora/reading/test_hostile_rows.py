"""Rows that mean two things, have no end or would fill the memory are refused with their line."""

import json
import re
import time

import numpy as np
import pyarrow
import pytest

from lessonplan.student import SUITES

ROWS = [
    {"prompt": f"say {task} {i}", "answer": str(i), "task": task}
    for task in "ab" for i in range(24)
]  # fmt: skip
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
LONG = "x y" * 3_300_000
DEEP = "[" * 100_000 + "]" * 100_000


def row(**facts):
    return json.dumps({"prompt": "q", "answer": "1", "task": "a"} | facts)


LAST = {
    "lists without end": (DEEP, "nested too deeply"),
    "objects without end": ('{"prompt":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
    "a number of pages": ('{"prompt": "q", "answer": ' + "9" * 5000 + "}", "4300 digits"),
    "an infinite answer": ('{"prompt": "q", "answer": Infinity, "task": "a"}', "no finite number"),
    "a number beyond all": ('{"prompt": "q", "answer": -1e999, "task": "a"}', "no finite number"),
    "a key twice": ('{"prompt": "q", "prompt": "r", "answer": "1"}', "'prompt' is there twice"),
    "a key twice, deeper": ('{"prompt": {"text": 1, "text": 2}}', "'text' is there twice"),
    "half a character": (row(prompt="q \ud800"), "half of a surrogate pair"),
    "half a character in a name": (row(task="a\ud800"), "half of a surrogate pair"),
    "half a character in a skill": (row(skills=["\udcff"]), "half of a surrogate pair"),
    "a prompt of 10 MB": (row(prompt=LONG), "longer than the 1,000,000 characters .*9,900,000"),
    "an answer of 10 MB": (row(answer=LONG), "longer than the 1,000,000 characters"),
    "a name of 10 MB": (row(task=LONG), "'task' is longer than 1,000 characters"),
    "a split of 10 MB": (row(split=LONG), "'split' must be one of"),
    "a line of 10 MB that is broken": ('{"prompt": "' + LONG, "not valid JSON"),
    "a list of 10 MB": (json.dumps([LONG]), "a row must be an object"),
}


def refusal(path):
    begin = time.process_time()
    with pytest.raises(ValueError, match=path.name) as error:
        SUITES["jsonl"](path=str(path))
    assert time.process_time() - begin < 3
    assert len(str(error.value)) < 400 + len(str(path))
    return str(error.value)


@pytest.mark.parametrize("kind", LAST)
def test_a_row_of_lines_is_refused_by_its_line(kind, tmp_path):
    line, words = LAST[kind]
    (tmp_path / "d.jsonl").write_text(LINES + line + "\n")
    said = refusal(tmp_path / "d.jsonl")
    assert "line 49" in said
    assert re.search(words, said)


@pytest.mark.parametrize("kind", ["lists without end", "a key twice", "a prompt of 10 MB"])
def test_so_is_a_row_of_an_array(kind, tmp_path):
    line, _ = LAST[kind]
    text = "[" + ",\n".join([*LINES.strip().splitlines(), line]) + "]"
    (tmp_path / "d.json").write_text(text)
    refusal(tmp_path / "d.json")


TABLE = "prompt,answer,task\n" + "".join(
    f"{one['prompt']},{one['answer']},{one['task']}\n" for one in ROWS
)
TABLES = {
    "a cell of 10 MB": (TABLE + f'"{LONG}",1,a\n', "longer than the 1,000,000 characters"),
    "a heading of 10 MB": (f"prompt,answer,{LONG}\n" + TABLE, "must name the columns"),
    "columns without end": (
        ",".join(f"c{i}" for i in range(200_000)) + "\n1,2\n", "number of cells"
    ),
    "a column twice": ("prompt,answer,prompt\na,b,c\n", "two columns are called 'prompt'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_so_is_a_row_of_a_table(kind, tmp_path):
    text, words = TABLES[kind]
    (tmp_path / "d.csv").write_text(text)
    assert words in refusal(tmp_path / "d.csv")


def test_texts_of_a_million_characters_are_read(tmp_path):
    long = "x" * 1_000_000
    (tmp_path / "d.jsonl").write_text(LINES + row(prompt=long) + "\n")
    suite = SUITES["jsonl"](path=str(tmp_path / "d.jsonl"), max_tokens=20)
    assert len(suite) == 2


def test_offsets_of_a_damaged_table_are_never_followed(tmp_path):
    file, table = tmp_path / "d.arrow", pyarrow.Table.from_pylist(ROWS)
    with pyarrow.ipc.new_file(file, table.schema) as out:
        out.write_table(table)
    data = file.read_bytes()
    ends = np.array([7, 14, 21], dtype="<i4").tobytes()
    assert ends in data, "`say a 0` has seven letters"
    wrong = np.array([7, 2**30, 21], dtype="<i4").tobytes()
    file.write_bytes(data.replace(ends, wrong, 1))
    assert "can't be read as .arrow" in refusal(file)
