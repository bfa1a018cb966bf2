"""The house as its plan has it: who may import whom and what, how large things are, and where."""

import ast
import configparser
import re
import sys
from graphlib import CycleError
from pathlib import PurePosixPath

import pytest
from house import (
    DISTRIBUTIONS,
    FILES,
    GUARDED,
    LONG,
    MAY_IMPORT,
    MOST_FILES,
    MOST_LINES,
    OPENS_PICKLES,
    ORDER,
    OURS,
    SOURCES,
    UNPICKLES,
    arrows,
    arrows_upwards,
    check_for_circles,
    complaints_about_imports,
    crowded_folders,
    definitions,
    imports,
    long_functions,
    public_names_of_two_files,
    top_level_imports,
)
from new_process import run_python
from places import ROOT


def test_there_are_files_in_every_room():
    assert {file.partition("/")[0] for file in FILES} == set(MAY_IMPORT)


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_what_its_place_in_the_house_allows(file):
    assert list(complaints_about_imports(file, FILES[file].read_text())) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("teacher/bandits/ucb.py", "from lessonplan.student import Cohort"),
        ("student/contract/cohort.py", "import lessonplan.envs"),
        ("student/contract/cohort.py", "from lessonplan import teacher"),
        ("envs/classroom/budget.py", "from lessonplan.teacher.rules import View"),
        ("envs/tutor/tutor.py", "from lessonplan.experiments import run_trial"),
        ("envs/classroom/budget.py", "from lessonplan.envs.classroom.facts import Facts"),
        ("envs/classroom/budget.py", "from lessonplan.student.contract.cohort import Cohort"),
        ("envs/classroom/budget.py", "from ...student import Cohort"),
        ("envs/make.py", "from ..student import Cohort"),
        ("envs/make.py", "from student import Cohort"),
        ("envs/make.py", "from .classroom.board import _private"),
        ("envs/make.py", "def f():\n    import lessonplan.experiments"),
        ("envs/make.py", "import torch"),
        ("student/contract/tasks.py", "import gymnasium"),
        ("student/text/tokens.py", "import reasoning_gym"),
        ("student/text/tokens.py", "import importlib\nimportlib.import_module('reasoning_gym')"),
        ("student/text/tokens.py", "import importlib\nimportlib.import_module('.grading', 'x')"),
        ("student/text/tokens.py", "from importlib import import_module\nimport_module('..text')"),
        ("experiments/trial/trial.py", "import ray"),
        ("experiments/trial/trial.py", "from matplotlib import pyplot"),
        ("experiments/report/report.py", "import wandb"),
        ("envs/faces/env.py", "import pyarrow.parquet"),
    ],
)  # fmt: skip
def test_a_forbidden_import_would_be_found(file, source):
    assert list(complaints_about_imports(file, source)) != []


def test_what_a_file_imports_of_its_room_is_there():
    # An import in a function that leads nowhere shows only when the function is called.
    assert {target for file in SOURCES for target in arrows(file, SOURCES)} <= set(SOURCES)


def test_no_files_import_each_other_in_a_circle():
    check_for_circles(SOURCES)


@pytest.mark.parametrize(
    "back",
    [
        "from .a import A",
        "from . import a",
        "def f():\n    from .a import A",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import A",
        "from .inner import A",
        "from .inner.face import A",
        "class C:\n    def f(self):\n        from .inner import face",
    ],
)
def test_a_circle_of_each_kind_would_be_found(back):
    sources = {
        "room/__init__.py": "from .a import A",
        "room/a.py": "from .b import B",
        "room/b.py": back,
        "room/inner/__init__.py": "from .face import A",
        "room/inner/face.py": "from ..a import A",
    }
    with pytest.raises(CycleError):
        check_for_circles(sources)
    check_for_circles(sources | {"room/b.py": "import a"})


def test_a_file_that_imports_the_face_of_its_own_folder_is_a_circle():
    with pytest.raises(CycleError):
        check_for_circles({"room/__init__.py": "from .a import A", "room/a.py": "from . import A"})


def test_packages_of_a_room_use_only_those_below_them():
    assert list(arrows_upwards(SOURCES, ORDER)) == []


@pytest.mark.parametrize("folder", ORDER)
def test_the_order_names_all_that_lies_in_a_folder(folder):
    there = {
        PurePosixPath(file).relative_to(folder).parts[0].removesuffix(".py")
        for file in OURS
        if file.startswith(f"{folder}/")
    }
    assert set(ORDER[folder]) == there - {"__init__"}


def test_an_arrow_upwards_would_be_found():
    order = {"room": ("top", "bottom"), "room/top": ("x", "y")}
    sources = {
        "room/__init__.py": "from .bottom import b",
        "room/bottom.py": "def f():\n    from .top.x import X",
        "room/top/__init__.py": "from .x import X",
        "room/top/x.py": "from ..bottom import b\nfrom .y import Y",
        "room/top/y.py": "",
    }
    assert list(arrows_upwards(sources, order)) == [("room/bottom.py", "room/top/x.py")]
    face = sources | {"room/bottom.py": "", "room/top/y.py": "from .. import b"}
    assert list(arrows_upwards(face, order)) == [("room/top/y.py", "room/__init__.py")]


@pytest.mark.parametrize("file", OURS)
def test_what_is_heavy_or_optional_is_imported_only_when_it_is_used(file):
    assert not GUARDED & set(top_level_imports(SOURCES[file]))


def test_everything_that_is_imported_is_declared():
    setup = read_setup()
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


def read_setup():
    """The metadata of the package."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def test_a_wheel_has_every_package():
    listed = read_setup()["options"]["packages"].split()
    folders = {str(PurePosixPath(file).parent) for file in OURS}
    assert sorted(listed) == sorted("lessonplan." + folder.replace("/", ".") for folder in folders)
    assert {f"{folder}/__init__.py" for folder in folders} <= set(OURS)


@pytest.mark.parametrize("file", OURS)
def test_a_file_is_one_thing_and_a_function_has_at_most_40_lines(file):
    assert len(SOURCES[file].splitlines()) <= MOST_LINES or LONG.get(file)
    assert list(long_functions(SOURCES[file])) == []


def test_reasons_are_of_files_that_are_long():
    assert all(len(SOURCES[file].splitlines()) > MOST_LINES for file in LONG)


def test_a_long_function_would_be_found():
    body = "\n".join(["    'a docstring is free'", *["    pass"] * 40])
    assert list(long_functions(f"class A:\n  def f(self):\n{body}")) == [("f", 41)]


def test_a_folder_has_at_most_12_files():
    assert crowded_folders(OURS) == {}
    files = [f"room/{i}.py" for i in range(MOST_FILES)]
    assert crowded_folders([*files, "room/__init__.py"]) == {}
    assert crowded_folders([*files, "room/more.py"]) == {"room": MOST_FILES + 1}


def test_no_folder_has_a_name_that_tools_pass_over():
    # pytest collects nothing in a folder `build`, ruff checks nothing there, and Git ignores it.
    passed_over = {"build", "dist", "site", "venv", "node_modules", "runs", "wandb"}
    files = [path for room in (*MAY_IMPORT, "tests") for path in (ROOT / room).rglob("*.py")]
    folders = {part for path in files for part in path.relative_to(ROOT).parts[:-1]}
    assert folders & passed_over == set()


def test_a_public_name_is_defined_in_one_file_of_a_room():
    assert public_names_of_two_files(SOURCES) == []
    twice = {"a/x.py": "def f(): ...", "a/b/y.py": "class f: ...", "b/x.py": "def f(): ..."}
    assert public_names_of_two_files(twice) == [("a", "f")]


@pytest.mark.parametrize("file", OURS)
def test_no_file_has_the_name_of_a_function_that_it_defines(file):
    # `from package import name` would give the file or the function, whichever came last.
    assert PurePosixPath(file).stem not in definitions(SOURCES[file])


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
made = gymnasium.make("lessonplan/Parity-v0").unwrapped
assert type(made).__module__ == "lessonplan.envs.faces.env"
assert sys.modules["envs"] is envs
print("neither shadows the other")
"""


@pytest.mark.slow
def test_people_with_rooms_of_the_same_names_keep_theirs_and_find_ours(tmp_path):
    for room in MAY_IMPORT:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("OURS = 'no'\n")
    assert run_python(ELSEWHERE, cwd=tmp_path) == "neither shadows the other\n"


@pytest.mark.parametrize("file", FILES)
def test_pickles_are_opened_in_one_file_alone(file):
    source = FILES[file].read_text()
    assert bool(UNPICKLES.search(source)) == (file == OPENS_PICKLES)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert given["weights_only"] == str(file != OPENS_PICKLES)


def test_pages_open_none():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert not [page.name for page in pages if UNPICKLES.search(page.read_text())]
