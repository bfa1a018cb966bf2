"""Real text that needs no download: what the docstrings of installed libraries are about."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from ..contract.tasks import TaskSuite
from ..text.characters import Pair, TextTask, content_uniform
from ..text.class_suites import class_suite
from ..text.stress import noisy
from .docstring_texts import PYTHON, Docstring, docstrings_of

Parts = Mapping[str, Sequence[str]]
"""Label -> files and folders of a library."""

LIBRARIES: dict[str, Parts] = {
    "torch": {
        "layers": ("nn",),
        "graphs": ("fx/passes", "fx/graph.py", "fx/node.py", "fx/interpreter.py", "export"),
        "onnx": ("onnx",),
        "random": ("distributions", "random.py", "quasirandom.py"),
        "training": ("optim", "autograd", "amp"),
        "devices": ("cuda", "xpu", "mps", "accelerator"),
    },
    "matplotlib": {
        "axes": ("axes", "axis.py", "figure.py", "gridspec.py", "projections"),
        "artists": ("patches.py", "lines.py", "collections.py", "text.py", "image.py", "artist.py"),
        "backends": ("backends", "backend_bases.py", "backend_tools.py", "backend_managers.py"),
        "colours": ("colors.py", "cm.py", "colorbar.py", "colorizer.py"),
        "ticks": ("ticker.py", "dates.py", "scale.py", "units.py"),
        "geometry": ("transforms.py", "path.py", "bezier.py", "tri"),
        "widgets": ("widgets.py",),
    },
    "pandas": {
        "indexes": ("core/indexes", "core/indexing.py"),
        "arrays": ("core/arrays",),
        "groups": ("core/groupby", "core/resample.py", "core/window"),
        "reshaping": ("core/reshape",),
        "files": ("io",),
        "plots": ("plotting",),
    },
    PYTHON: {
        "concurrency": ("asyncio", "multiprocessing", "concurrent", "threading.py", "subprocess.py",
                        "selectors.py", "queue.py"),
        "network": ("email", "http", "urllib", "xmlrpc", "mailbox.py", "smtplib.py", "imaplib.py",
                    "ftplib.py", "ssl.py", "socketserver.py", "socket.py"),
        "files": ("pathlib.py", "tarfile.py", "zipfile.py", "zipfile", "shutil.py", "tempfile.py",
                  "os.py", "posixpath.py", "glob.py", "gzip.py", "bz2.py", "lzma.py"),
        "numbers": ("_pydecimal.py", "fractions.py", "statistics.py", "random.py", "datetime.py",
                    "_pydatetime.py", "calendar.py", "numbers.py", "ipaddress.py"),
        "code": ("ast.py", "inspect.py", "dis.py", "importlib", "tokenize.py", "typing.py",
                 "pydoc.py", "types.py", "functools.py", "dataclasses.py"),
        "checks": ("unittest", "doctest.py", "pdb.py", "bdb.py", "logging", "traceback.py",
                   "warnings.py", "trace.py", "profile.py"),
    },
    "numpy": {
        "arrays": ("_core", "lib"),
        "masks": ("ma",),
        "polynomials": ("polynomial",),
        "algebra": ("linalg", "matrixlib", "fft"),
        "building": ("f2py", "distutils", "ctypeslib"),
    },
    "gymnasium": {
        "environments": ("envs", "core.py"),
        "wrappers": ("wrappers",),
        "spaces": ("spaces",),
        "vectors": ("vector",),
    },
}  # fmt: skip
"""Tasks that ask which part of a library a text is from."""

TASKS = (*LIBRARIES, "library", "kind")
"""The tasks: a part of each library; which library; whether a class, function or method."""

_HELD_OUT_SHARE = 0.15
_WORDS_PER_TYPO = 5


def docstrings(
    tasks: Sequence[str] = TASKS,
    tokenizer: str = "minilm",
    length: int = 32,
    train_size: int = 2000,
    held_out: int = 160,
) -> TaskSuite:
    """A suite of classification tasks on docstrings, read from the libraries that are installed.

    An example is the first paragraph of a docstring, without the names in it that would give the
    label away, behind the name of its task: `numpy: Evaluate a series at points x.` Tasks keep
    their own sizes, up to `train_size`, and they and their texts depend on the installed versions
    of numpy, torch, ...; labels are as unequal as the libraries are. A hash of the text puts it
    into one split, whatever the task. `stress` is `test` with a typo in every five words.

    Args:
        tasks: some of `TASKS`.
        tokenizer: that of the encoder, a name, a folder or a hub id.
        length: most tokens of a text; what is behind them is cut off.
        train_size: most training examples of a task.
        held_out: most examples of a task in each of probe, test and stress.

    Raises:
        ModuleNotFoundError: if the packages of the tokenizer are missing.
        ValueError: for a task that does not exist, or whose library has no sources here.
    """
    unknown = [task for task in tasks if task not in TASKS]
    if unknown:
        raise ValueError(f"there is no task {unknown[0]!r}; the tasks are {', '.join(TASKS)}")
    for name, value in (("train_size", train_size), ("held_out", held_out)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    texts = [docstring_task(task, train_size, held_out) for task in tasks]
    return class_suite("docstrings", texts, tokenizer, length)


def docstring_task(name: str, train_size: int, held_out: int) -> TextTask[Pair]:
    """One task in plain text: pairs of a text and its label.

    Raises:
        ValueError: if fewer than two labels have texts.
    """
    label_of = _labels(name)
    if len(set(label_of.values())) < 2:
        raise ValueError(
            f"task {name!r} finds no docstrings of two labels; the sources of its libraries are "
            "not installed, leave it out"
        )
    splits: dict[str, list[Pair]] = {"train": [], "probe": [], "test": [], "stress": []}
    most = {"train": train_size, "probe": held_out, "test": held_out}
    # By another hash than the one that splits, which would sort what is in a split as well.
    for text in sorted(label_of, key=lambda text: (content_uniform(f"order {text}"), text)):
        split = _split_of(text)
        if len(splits[split]) < most[split]:
            splits[split].append((f"{name}: {text}", label_of[text]))
    splits["stress"] = [(_with_typos(text), label) for text, label in splits["test"]]
    return TextTask(name, splits, skills=(name,), category="docstrings")


def _labels(task: str) -> dict[str, str]:
    """Label of every text of a task; a text that stands under two labels has none."""
    labels_of: dict[str, set[str]] = {}
    for label, docstring in _LABELLED.get(task, partial(_parts, task))():
        labels_of.setdefault(docstring.text, set()).add(label)
    return {text: labels.pop() for text, labels in labels_of.items() if len(labels) == 1}


Labelled = Iterable[tuple[str, Docstring]]


def _parts(library: str) -> Labelled:
    for label, parts in LIBRARIES[library].items():
        for docstring in docstrings_of(library, parts):
            yield label, docstring


def _everything() -> Iterable[Docstring]:
    return (docstring for library in LIBRARIES for _, docstring in _parts(library))


def _libraries() -> Labelled:
    return ((docstring.library, docstring) for docstring in _everything())


def _kinds() -> Labelled:
    return ((docstring.kind, docstring) for docstring in _everything())


_LABELLED: dict[str, Callable[[], Labelled]] = {"library": _libraries, "kind": _kinds}


def _split_of(text: str) -> str:
    """The split that a text belongs to, in every task."""
    place = int(content_uniform(text) / _HELD_OUT_SHARE)
    return ("probe", "test")[place] if place < 2 else "train"


def _with_typos(text: str) -> str:
    task, _, rest = text.partition(": ")
    for _ in range(1 + len(rest.split()) // _WORDS_PER_TYPO):
        rest = str(noisy(rest, ()))
    return f"{task}: {rest}"
