"""Names in a run directory and in a sweep directory stand in one file, columns in another."""

import ast

from places import ROOT

ROOMS = ("teacher", "student", "envs", "experiments")
NAMES = {
    "config.yaml", "environment.json", "summary.json", "report.html", "begun.yaml", "tried.json",
    "sweep.yaml", "best.yaml",
}  # fmt: skip
PARTS_OF_NAMES = (".jsonl", ".parquet", "position-", "part-", "-after-", "worker-")
FOLDERS = {
    "checkpoint", "schedule", "teachers", "training", "figures", "wandb", "pairs", "merged", "ray",
}  # fmt: skip
"""Words that mean something else too: behind the `/` of a path they are names."""
ELSEWHERE = {
    "experiments/bench/data.py": {".jsonl"},
    "experiments/store/schedule.py": {".parquet", "part-"},
    "student/corpora/reading/files.py": {".jsonl", ".parquet"},
    "student/corpora/reading/formats/saved.py": {".parquet"},
    "student/corpora/reading/formats/streams.py": {".jsonl", ".parquet"},
}
"""Names of parts of a schedule, and of people's own data."""


def spelled(code: str) -> set[str]:
    """Names of files that a module spells; in docstrings and sentences they may stand."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names |= NAMES.intersection(node.value.split("/"))
            names |= {part for part in PARTS_OF_NAMES if part in node.value}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            texts = getattr(node.right, "values", [node.right])
            first = [str(getattr(text, "value", "")).split("/")[0] for text in texts[:1]]
            names |= FOLDERS.intersection(first)
    return names


def test_names_in_a_run_directory_are_spelled_in_one_file():
    spellings = {
        str(file.relative_to(ROOT)): spelled(file.read_text())
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
    }
    assert NAMES <= spellings.pop("experiments/store/layout.py")
    assert {file: names for file, names in spellings.items() if names} == ELSEWHERE


def test_a_name_that_is_spelled_is_seen():
    assert spelled("run / 'config.yaml'") == {"config.yaml"}
    assert spelled("run / 'checkpoint' / f'{unit}.json'") == {"checkpoint"}
    assert spelled("run / f'teachers/{name}.json'") == {"teachers"}
    assert spelled("folder.glob('checkpoint/begun.yaml')") == {"begun.yaml"}
    assert spelled("seconds / spent['training'], 'no config.yaml was stored'") == set()
