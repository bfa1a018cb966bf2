"""The plan of the house, and what finds in a source where it leaves it.

Arrows run one way: between rooms, between the packages of a room, between files.
"""

import ast
import re
import sys
from collections import Counter
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import PurePosixPath

from places import ROOT

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
        "evidence", "cells", "rule_choice", "submit_begin", "cli", "bench", "sweep", "jobs",
        "tracking", "dry_run", "suite_picture", "suite_teaching", "own_parts", "trial", "report",
        "pretraining", "analysis", "assembly", "cluster", "config", "store", "common",
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
    "student/cohorts": ("agents", "loop", "simulation", "lora", "lockstep", "kept_rows"),
    "envs": ("make", "trainer", "tutor", "faces", "classroom"),
    "teacher": (
        "timing", "checks", "stored", "learners", "guards", "bandits", "orders", "adapter", "files",
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
