"""The house as its plan has it: who may import whom and what, how large things are, and where.

Arrows run one way: between rooms, between the packages of a room, between files.
"""

import ast
import configparser
import re
import sys
from collections import Counter
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest
from new_process import run_python

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "student": set(),
    "envs": {"student"},
    "teacher": set(),
    "experiments": {"student", "envs", "teacher"},
}
ALSO = {"envs/tutor/*": {"teacher"}}
"""Rooms that a folder alone may import: a tutor is given teachers as files, and keeps who taught in
its state; the teachers' room uses no other, so no circle can come of it."""
FILES = {
    str(path.relative_to(ROOT)): path
    for room in MAY_IMPORT
    for path in sorted((ROOT / room).rglob("*.py"))
}
OURS = [file for file in FILES if "/examples/" not in file]
"""Files of the package; the others are scripts as people have them."""
SOURCES = {file: FILES[file].read_text() for file in OURS}
ORDER = {
    "experiments": (
        "evidence", "cells", "submit_begin", "cli", "bench", "sweep", "jobs", "tracking", "dry_run",
        "suite_picture", "suite_teaching", "own_parts", "trial", "report", "pretraining",
        "analysis", "assembly", "cluster", "config", "store", "common",
    ),
    "student": (
        "registry", "cohorts", "suites", "corpora", "text", "networks", "contract", "states",
        "extras",
    ),
    "student/corpora": (
        "own_files", "task_table", "suite", "small_tasks", "lengths", "records", "splitting",
        "peeking", "reading",
    ),
    "student/corpora/reading": (
        "files", "columns", "facts", "benchmarks", "usual_names", "chats", "options", "values",
        "formats", "naming", "notices", "places",
    ),
    "student/corpora/reading/formats": ("tables", "saved", "containers", "streams"),
    "student/cohorts": ("agents", "loop", "simulation", "lora", "lockstep"),
    "envs": ("make", "trainer", "tutor", "faces", "classroom"),
    "teacher": (
        "timing", "checks", "stored", "learners", "bandits", "orders", "adapter", "files",
        "mixture", "estimate", "choose", "identity", "last_call", "rules", "pickles", "streams",
    ),
}  # fmt: skip
"""What lies in a folder, top to bottom: each may use those behind it."""
TABLE = {
    "student/*": {"numpy", "torch"},
    "student/suites/reasoning_suite.py": {"reasoning_gym"},
    "student/networks/pretrained.py": {"transformers"},
    "student/networks/tokenizers.py": {"transformers"},
    "student/networks/sources.py": {"transformers"},
    "student/corpora/reading/formats/saved.py": {"pyarrow"},
    "student/cohorts/lora/adapters.py": {"safetensors"},
    # Students that are agents: what they need is imported only when there are some.
    "student/cohorts/agents/*": {"gymnasium", "stable_baselines3"},
    "envs/*": {"numpy", "gymnasium", "stable_baselines3"},
    "envs/trainer/mixin.py": {"accelerate", "datasets", "transformers"},
    # What forward passes show is added up where they run.
    "envs/trainer/shown.py": {"torch"},
    "envs/trainer/tally.py": {"torch"},
    "teacher/*": {"numpy", "torch", "gymnasium", "stable_baselines3"},
    "teacher/files/zips.py": {"safetensors"},
    "teacher/learners/contrib.py": {"sb3_contrib"},
    "teacher/learners/evolution.py": {"cmaes"},
    "experiments/*": {
        "numpy", "torch", "gymnasium", "stable_baselines3", "pydantic", "yaml", "typer", "rich",
        "pyarrow",
    },
    "experiments/store/base_weights.py": {"safetensors"},
    "experiments/trial/tuning/search.py": {"cmaes"},
    "experiments/bench/lora.py": {"transformers", "peft"},
    "experiments/bench/trainer.py": {"transformers"},
    "experiments/report/*": {"matplotlib"},
    "experiments/suite_picture.py": {"matplotlib", "PIL"},
    # Scripts of people who have all of this.
    "experiments/examples/*": {
        "torch", "numpy", "transformers", "trl", "datasets", "tokenizers", "tiny_text",
    },
    "experiments/sweep/*": {"ray"},
    "experiments/assembly/actors.py": {"ray"},
    "experiments/cluster/*": {"ray"},
    "experiments/jobs/*": {"ray"},
    "experiments/tracking/service.py": {"wandb"},
    "experiments/tracking/event_files.py": {"PIL"},
    "experiments/tracking/dashboard.py": {"wandb_workspaces"},
}  # fmt: skip
GUARDED = {
    "reasoning_gym", "transformers", "accelerate", "peft", "trl", "datasets", "ray", "wandb",
    "wandb_workspaces",
}  # fmt: skip
DISTRIBUTIONS = {
    "yaml": "pyyaml", "stable_baselines3": "stable-baselines3", "reasoning_gym": "reasoning-gym",
    "sb3_contrib": "sb3-contrib", "PIL": "pillow", "wandb_workspaces": "wandb-workspaces",
}  # fmt: skip
MOST_FILES = 12
SIBLINGS: dict[str, int] = {}
"""Folders whose files are siblings of one kind, as rules are, with how many there may be."""
MOST_LINES = 400
LONG: dict[str, str] = {}
"""Files above the limit, with the reason why each is one thing."""

OPENS_PICKLES = "teacher/pickles.py"
"""The one file that may run what others wrote, for files that were declared to be trusted."""
UNPICKLES = re.compile(
    r"weights_only=False|pickle\.loads?\b|Unpickler\b|cloudpickle|dill\b|joblib|allow_pickle|"
    r"read_pickle|load_from_zip_file|load_from_pkl|trust_remote_code=True"
)


def imports(source):
    """Every import as (dots, module, name), with `import_module("...")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, node.module or "", alias.name) for alias in node.names)
        elif (module := imported_by_call(node)) is not None:
            yield 0, module, None


def imported_by_call(node):
    """The module that `import_module("...")` names; None for everything else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
        ("import_module", "__import__")
    ):
        first = node.args[0] if node.args else None
        return first.value if isinstance(first, ast.Constant) else None
    return None


def complaints_about_imports(file, source):
    """What a file imports although it may not."""
    room = file.partition("/")[0]
    rooms = MAY_IMPORT[room].union(*(also for at, also in ALSO.items() if fnmatch(file, at)))
    foreign = set().union(*(names for pattern, names in TABLE.items() if fnmatch(file, pattern)))
    for dots, module, name in imports(source):
        top, _, rest = module.partition(".")
        written = "." * dots + module + (f":{name}" if name else "")
        if dots > file.count("/"):
            yield f"{file} leaves its room with {written}"
        elif dots:
            if name and name.startswith("_"):
                yield f"{file} takes a private name with {written}"
        elif not module.strip("."):
            yield f"{file} imports a module of its own by {written}"
        elif module.startswith("."):
            yield f"{file} imports a module of its own by import_module({module!r})"
        elif top == "lessonplan":
            other = rest.partition(".")[0] or name
            if other == room:
                yield f"{file} names its own room with {written}"
            elif other not in rooms:
                yield f"{file} imports {written}"
            elif f"{rest.replace('.', '/')}/__init__.py" not in FILES:
                yield f"{file} goes past the faces of another room with {written}"
        elif top in MAY_IMPORT:
            yield f"{file} imports {written} without lessonplan"
        elif top not in sys.stdlib_module_names and top not in foreign:
            yield f"{file} imports {written}"


def arrows(file, sources):
    """Files of ours that a file imports anywhere in it: at the top, in a function, for types."""
    for node in ast.walk(ast.parse(sources[file])):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = file.split("/")[: -node.level]
            place = "/".join([*folder, *(node.module or "").split(".")]).rstrip("/")
            for alias in node.names:
                spellings = (f"{place}/{alias.name}.py", f"{place}.py", f"{place}/__init__.py")
                yield next((target for target in spellings if target in sources), place)


def check_for_circles(sources):
    """Raises graphlib.CycleError, which names the circle."""
    TopologicalSorter({file: set(arrows(file, sources)) for file in sources}).prepare()


def arrows_upwards(sources, order):
    """Imports against the order of what lies in a folder, as (file, file that it imports)."""
    for file in sources:
        for target in arrows(file, sources):
            here, there = PurePosixPath(file).parts, PurePosixPath(target).parts
            depth = next(i for i, pair in enumerate(zip(here, there, strict=False))
                         if pair[0] != pair[1])  # fmt: skip
            places = order.get("/".join(here[:depth]))
            # The face of a folder uses all that lies in it, and nothing in it uses the face.
            if places is None or here[depth] == "__init__.py":
                continue
            if place_in(places, there[depth]) <= place_in(places, here[depth]):
                yield file, target


def place_in(places, part):
    """How far down a file or folder stands; faces stand above all."""
    return -1 if part == "__init__.py" else places.index(part.removesuffix(".py"))


def top_level_imports(source):
    """Modules that are imported as soon as the file is."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for dots, module, _ in imports(ast.unparse(node)):
                if not dots:
                    yield module.partition(".")[0]


def long_functions(source, limit=40):
    """Functions above the limit, docstrings not counted, as (name, lines)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            if lines > limit:
                yield node.name, lines


def definitions(source):
    """Names of the functions and classes of a file."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node.name for node in ast.parse(source).body if isinstance(node, kinds)]


def public_names_of_two_files(sources):
    """Public functions and classes that two files of one room define, as (room, name)."""
    count = Counter(
        (file.partition("/")[0], name)
        for file, source in sources.items()
        for name in set(definitions(source))
        # A script that is run with `python -m` begins with its main.
        if not name.startswith("_") and name != "main"
    )
    return sorted(key for key, files in count.items() if files > 1)


def crowded_folders(files):
    """Folders with more Python files than the limit, faces not counted, with how many."""
    count = Counter(
        str(PurePosixPath(file).parent) for file in files if not file.endswith("__init__.py")
    )
    return {
        folder: files for folder, files in count.items()
        if files > SIBLINGS.get(folder, MOST_FILES)
    }  # fmt: skip


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
