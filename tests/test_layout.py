"""The house as its plan has it: who may import whom and what, and how large things are."""

import ast
import configparser
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from new_process import run_python

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "student": set(),
    "envs": {"student"},
    "teacher": set(),
    "experiments": {"student", "envs", "teacher"},
}
FILES = {
    str(path.relative_to(ROOT)): path
    for room in MAY_IMPORT
    for path in sorted((ROOT / room).rglob("*.py"))
}
TABLE = {
    "student/*": {"numpy", "torch"},
    "student/reasoning.py": {"reasoning_gym"},
    "student/sources.py": {"transformers"},
    "student/saved_datasets.py": {"datasets"},
    "student/adapters.py": {"safetensors"},
    # Students that are agents: what they need is imported only when there are some.
    "student/rl.py": {"stable_baselines3"},
    "student/gym_rows.py": {"gymnasium"},
    "envs/*": {"numpy", "gymnasium", "stable_baselines3"},
    "envs/trainer.py": {"accelerate", "datasets", "transformers"},
    "teacher/*": {"numpy", "torch", "gymnasium", "stable_baselines3"},
    "teacher/contrib.py": {"sb3_contrib"},
    "experiments/*": {
        "numpy", "torch", "gymnasium", "stable_baselines3", "pydantic", "yaml", "typer", "rich",
        "pyarrow",
    },
    "experiments/base.py": {"safetensors"},
    "experiments/bench_lora.py": {"transformers", "peft"},
    "experiments/bench_trainer.py": {"transformers"},
    "experiments/figures*.py": {"matplotlib"},
    "experiments/figures_suites.py": {"PIL"},
    "experiments/report*.py": {"matplotlib"},
    # Scripts of people who have all of this.
    "experiments/examples/*": {
        "torch", "transformers", "trl", "datasets", "tokenizers", "tiny_text",
    },
    "experiments/sweep*.py": {"ray"},
    "experiments/ray_tune.py": {"ray"},
    "experiments/submit*.py": {"ray"},
    "experiments/tracking_wandb.py": {"wandb"},
    "experiments/dashboard.py": {"wandb_workspaces"},
}  # fmt: skip
GUARDED = {
    "reasoning_gym", "transformers", "accelerate", "peft", "trl", "datasets", "ray", "wandb",
    "wandb_workspaces",
}  # fmt: skip
DISTRIBUTIONS = {
    "yaml": "pyyaml", "stable_baselines3": "stable-baselines3", "reasoning_gym": "reasoning-gym",
    "sb3_contrib": "sb3-contrib", "PIL": "pillow", "wandb_workspaces": "wandb-workspaces",
}  # fmt: skip

LONG_BECAUSE = {}
"""Files above 400 lines, each with one line on why it is one thing."""


def imports(source):
    """Every import as (dots, module, name), with `import_module("...")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield 0, node.args[0].value, None


def complaints_about_imports(file, source):
    """What a file imports although it may not."""
    room = file.partition("/")[0]
    foreign = set().union(*(names for pattern, names in TABLE.items() if fnmatch(file, pattern)))
    for dots, module, name in imports(source):
        top, _, rest = module.partition(".")
        written = "." * dots + module + (f":{name}" if name else "")
        if dots > 1:
            yield f"{file} leaves its room with {written}"
        elif dots == 1:
            continue
        elif top == "lessonplan":
            other = rest.partition(".")[0] or name
            if other == room:
                yield f"{file} names its own room with {written}"
            elif other not in MAY_IMPORT[room]:
                yield f"{file} imports {written}"
        elif top in MAY_IMPORT:
            yield f"{file} imports {written} without lessonplan"
        elif top not in sys.stdlib_module_names and top not in foreign:
            yield f"{file} imports {written}"


def top_level_imports(source):
    """Modules that are imported as soon as the file is."""
    for node in ast.parse(source).body:
        yield from (module.partition(".")[0] for _, module, _ in imports(ast.unparse(node))
                    if isinstance(node, ast.Import | ast.ImportFrom))  # fmt: skip


def long_functions(source, limit=40):
    """Functions above the limit, docstrings not counted, as (name, lines)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            if lines > limit:
                yield node.name, lines


def test_there_are_files_in_every_room():
    assert {file.partition("/")[0] for file in FILES} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_what_its_place_in_the_house_allows(file):
    assert list(complaints_about_imports(file, FILES[file].read_text())) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("teacher/ucb.py", "from lessonplan.student import Cohort"),
        ("student/cohort.py", "import lessonplan.envs"),
        ("student/cohort.py", "from lessonplan import teacher"),
        ("envs/classroom.py", "from lessonplan.teacher.rules import View"),
        ("envs/classroom.py", "from lessonplan.envs.budget import Budget"),
        ("envs/classroom.py", "from ..student import Cohort"),
        ("envs/classroom.py", "from student import Cohort"),
        ("envs/classroom.py", "def f():\n    import lessonplan.experiments"),
        ("envs/classroom.py", "import torch"),
        ("student/tasks.py", "import gymnasium"),
        ("student/text.py", "import reasoning_gym"),
        ("student/text.py", "import importlib\nimportlib.import_module('reasoning_gym')"),
        ("experiments/trial.py", "import ray"),
        ("experiments/trial.py", "from matplotlib import pyplot"),
        ("experiments/report.py", "import wandb"),
        ("envs/env.py", "import pyarrow.parquet"),
    ],
)
def test_a_forbidden_import_would_be_found(file, source):
    assert list(complaints_about_imports(file, source)) != []


@pytest.mark.parametrize("file", [file for file in FILES if "/examples/" not in file])
def test_what_is_heavy_or_optional_is_imported_only_when_it_is_used(file):
    assert not GUARDED & set(top_level_imports(FILES[file].read_text()))


def test_everything_that_is_imported_is_declared():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = setup["options"]["install_requires"] + "\n".join(
        setup["options.extras_require"].values()
    )
    names = {re.split(r"[\[<>=~ ]", line.strip())[0] for line in declared.splitlines()}
    used = {
        module.partition(".")[0]
        for path in FILES.values()
        for dots, module, _ in imports(path.read_text())
        if not dots
    } - set(sys.stdlib_module_names)
    assert {
        DISTRIBUTIONS.get(module, module) for module in used - {"lessonplan", "tiny_text"}
    } <= names


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_at_most_400_lines_or_a_reason_and_a_function_40(file):
    source = FILES[file].read_text()
    assert len(source.splitlines()) <= 400 or file in LONG_BECAUSE
    assert list(long_functions(source)) == []


def test_a_long_function_would_be_found():
    body = "\n".join(["    'a docstring is free'", *["    pass"] * 40])
    assert list(long_functions(f"class A:\n  def f(self):\n{body}")) == [("f", 41)]


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("experiments")])
def test_configs_stop_at_the_experiments(file):
    # transformers has configs of its own.
    theirs = r"(Auto|Generation|Lora)Config"
    assert "Config" not in re.sub(theirs, "", FILES[file].read_text())


ELSEWHERE = """
import sys
import envs, experiments, teacher, student
import lessonplan.envs, lessonplan.experiments, lessonplan.teacher, lessonplan.student
for theirs in (envs, experiments, teacher, student):
    assert theirs.OURS == "no", theirs
for room in ("envs", "experiments", "teacher", "student"):
    ours = getattr(lessonplan, room)
    assert not hasattr(ours, "OURS"), ours
    assert sys.modules[f"lessonplan.{room}"] is ours
import gymnasium
import lessonplan.experiments.trial
assert type(gymnasium.make("lessonplan/Parity-v0").unwrapped).__module__ == "lessonplan.envs.env"
assert sys.modules["envs"] is envs
print("neither shadows the other")
"""


@pytest.mark.slow
def test_people_with_rooms_of_the_same_names_keep_theirs_and_find_ours(tmp_path):
    for room in MAY_IMPORT:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("OURS = 'no'\n")
    assert run_python(ELSEWHERE, cwd=tmp_path) == "neither shadows the other\n"
