"""Files of rows in every format, each with one mutation of its bytes, lines or values."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bad_input_kit import TINY
from fuzz import Case

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.loading import make_config

ROWS = [
    {"prompt": f"say {task} {i}", "answer": str(i), "task": task, "split": split}
    for task in "ab"
    for split, count in (("train", 20), ("probe", 8), ("test", 8))
    for i in range(count)
]
LONG = "x y" * 3_300_000
DEEP = "[" * 100_000 + "]" * 100_000
FORMATS = ("jsonl", "ndjson", "json", "container", "csv", "tsv", "parquet", "arrow")


def encoded(rows: list[dict[str, Any]], form: str) -> bytes:
    """Rows as a file of a format."""
    if form in ("jsonl", "ndjson"):
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if form in ("json", "container"):
        return json.dumps(rows if form == "json" else {"version": 1, "examples": rows}).encode()
    if form in ("csv", "tsv"):
        text = io.StringIO()
        writer = csv.DictWriter(text, ROWS[0], delimiter="," if form == "csv" else "\t")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    table, sink = pa.Table.from_pylist(rows), pa.BufferOutputStream()
    if form == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
    return sink.getvalue().to_pybytes()


def data_case(random: Random, folder: Path) -> Case:
    """One mutation of one file."""
    form = random.choice(FORMATS)
    able = {name: one for name, one in MUTATIONS.items() if form in one[1]}
    name = random.choice(list(able))
    wanted, _, make = able[name]
    whole_file = folder / f"whole.{'json' if form == 'container' else form}"
    whole_file.write_bytes(encoded(ROWS, form))
    data = make(form, random)
    file = folder / f"data.{'json' if form == 'container' else form}"
    if name == "packed":
        file = file.with_name(f"{file.name}.gz")
    file.write_bytes(data)
    whole = facts(whole_file) if wanted == "same" else None
    return Case(f"{name}, {form}", wanted, lambda: facts(file), whole)


def facts(file: Path) -> Any:
    """What a run would know of a file."""
    values = TINY | {
        "suite": {"name": "jsonl", "options": {"path": str(file)}}, "student": {},
        "teachers": ["uniform"],
    }  # fmt: skip
    suite = build_suite(make_config(values))
    sizes = {split: suite.sizes(split).tolist() for split in ("train", "probe", "test")}
    return suite.names, suite.input_shape, sizes


def _flip(form: str, random: Random) -> bytes:
    data = bytearray(encoded(ROWS, form))
    for _ in range(random.randint(1, 8)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def _splice(form: str, random: Random) -> bytes:
    data = encoded(ROWS, form)
    begin, to = (random.randrange(len(data)) for _ in range(2))
    return data[:to] + data[begin : begin + random.randint(1, 200)] + data[to:]


def _hole(form: str, random: Random) -> bytes:
    data = encoded(ROWS, form)
    begin = random.randrange(len(data))
    return data[:begin] + data[begin + random.randint(1, 200) :]


def _cut(form: str, random: Random) -> bytes:
    data = encoded(ROWS, form)
    return data[: random.randrange(len(data))]


def _swap_lines(form: str, random: Random) -> bytes:
    lines = encoded(ROWS, form).splitlines(keepends=True)
    a, b = (random.randrange(len(lines)) for _ in range(2))
    lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _line(*lines: str) -> Callable[[str, Random], bytes]:
    """A line somewhere among the rows."""

    def insert(form: str, random: Random) -> bytes:
        all_lines = encoded(ROWS, form).splitlines(keepends=True)
        line = random.choice(lines)
        all_lines.insert(random.randint(1, len(all_lines)), line.encode() + b"\n")
        return b"".join(all_lines)

    return insert


def _row(*several: dict[str, Any]) -> Callable[[str, Random], bytes]:
    """A row among the others that has other values."""

    def change(form: str, random: Random) -> bytes:
        rows = [dict(row) for row in ROWS]
        rows[random.randrange(len(rows))] |= random.choice(several)
        return encoded(rows, form)

    return change


def _without(key: str) -> Callable[[str, Random], bytes]:
    return lambda form, random: encoded(
        [{name: value for name, value in row.items() if name != key} for row in ROWS], form
    )


TEXTS, LINES = ("jsonl", "ndjson", "json", "container", "csv", "tsv"), ("jsonl", "ndjson")
JSON, TABLES, BINARY = TEXTS[:4], ("csv", "tsv"), ("parquet", "arrow")
MUTATIONS: dict[str, tuple[str, tuple[str, ...], Callable[[str, Random], bytes]]] = {
    "bytes flipped": ("any", FORMATS, _flip),
    "a part doubled": ("any", FORMATS, _splice),
    "a part cut out": ("any", FORMATS, _hole),
    "cut off": ("any", TEXTS, _cut),
    "cut off, a table": ("refused", BINARY, _cut),
    "lines swapped": ("any", (*LINES, *TABLES), _swap_lines),
    "nothing": ("refused", FORMATS, lambda form, random: b""),
    "zeros": ("refused", FORMATS, lambda form, random: b"\0" * random.randint(1, 9999)),
    "noise": ("refused", FORMATS, lambda form, random: random.randbytes(random.randint(1, 9999))),
    "broken JSON": ("refused", LINES, _line('{"prompt": "p"', "{'prompt': 1}", "[1,", "nul", "{]")),
    "no object": ("refused", LINES, _line("[1, 2]", "3", '"text"', "null", "true")),
    "lists without end": (
        "refused", LINES, _line(DEEP, '{"prompt":' * 99_999 + "1" + "}" * 99_999)
    ),
    "an array without end": ("refused", JSON, lambda form, random: DEEP.encode()),
    "a number of pages": (
        "refused", LINES, _line('{"prompt": "p", "answer": ' + "9" * 5000 + ', "task": "a"}')
    ),
    "an infinite number": (
        "refused", LINES,
        _line('{"prompt": "p", "answer": Infinity, "task": "a"}',
              '{"prompt": "p", "answer": -1e999, "task": "a"}'),
    ),
    "a key twice": (
        "refused", LINES, _line('{"prompt": "p", "prompt": "q", "answer": "1", "task": "a"}')
    ),
    "half a character": (
        "refused", JSON,
        _row({"prompt": "p \ud800"}, {"answer": "\udfff"}, {"task": "a\ud800"}),
    ),
    "10 MB": ("refused", TEXTS, _row({"prompt": LONG}, {"answer": LONG}, {"task": LONG})),
    "a split that is none": (
        "refused", FORMATS, _row({"split": "holdout"}, {"split": "x" * 9_999})
    ),
    "no answer": ("refused", FORMATS, _row({"answer": ""})),
    "no column of answers": ("refused", JSON + BINARY, _without("answer")),
    "no column of prompts": ("refused", JSON + BINARY, _without("prompt")),
    "too few rows": ("refused", FORMATS, lambda form, random: encoded(ROWS[:3], form)),
    "a threshold that is none": (
        "refused", JSON, _row({"threshold": 3}, {"threshold": "x"}, {"threshold": -1})
    ),
    "a circle": ("refused", JSON, _row({"prerequisites": ["a", "b"]})),
    "nobody before it": ("refused", JSON, _row({"prerequisites": ["nobody"]})),
    "a cell too many": ("refused", TABLES, _line("a,b\tc,d\te,f\tg,h\ti,j\tk")),
    "other bytes": (
        "refused", TEXTS,
        lambda form, random: encoded(ROWS, form).replace(b"say", b"\xff", 1),
    ),
    "packed and cut off": (
        "refused", TEXTS, lambda form, random: gzip.compress(encoded(ROWS, form))[:-20]
    ),
    "packed": ("same", TEXTS, lambda form, random: gzip.compress(encoded(ROWS, form))),
    "a mark": ("same", TEXTS, lambda form, random: b"\xef\xbb\xbf" + encoded(ROWS, form)),
    "UTF-16": ("same", TEXTS, lambda form, random: encoded(ROWS, form).decode().encode("utf-16")),
    "other line ends": (
        "same", LINES, lambda form, random: encoded(ROWS, form).replace(b"\n", b"\r\n")
    ),
    "blank lines": ("same", LINES, _line("", "   ", "\t")),
    "keys in another order": (
        "same", FORMATS,
        lambda form, random: encoded([dict(sorted(row.items())) for row in ROWS], form),
    ),
}  # fmt: skip
