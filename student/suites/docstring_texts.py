"""Docstrings of installed libraries, read from their source files without importing anything.

What would give away where a text is from is taken out: names of the object, its class and its
modules, of the library and its nicknames, signatures, markup.
"""

import ast
import gc
import re
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PYTHON = "python"
"""Stands for the standard library where a library is named."""

_NICKNAMES = frozenset(
    ("np", "numpy", "pd", "pandas", "plt", "mpl", "matplotlib", "torch", "pytorch", "gym",
     "gymnasium", "python", "cpython")
)  # fmt: skip
_LEAST_WORDS, _MOST_CHARACTERS = 4, 300

_SKIPPED = {"test", "tests", "testing", "_testing", "conftest.py"}
_ROLE = re.compile(r":[a-z:]+:(?=`)")
_ADDRESS = re.compile(r"https?://\S+")
_MARKUP = re.compile(r"[`*|{}<>~\\_]+|\.\. \w+::")
_DOTTED = re.compile(r"(?<=[A-Za-z_])\.(?=[A-Za-z_])")
_CALL = re.compile(r"^\s*[\w.]+\([^)]*\)(\s*->\s*\S+)?[\s:]*")
_WORD = re.compile(r"[A-Za-z]{2,}")
_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class Docstring:
    """The first paragraph of a docstring.

    Args:
        text: cleaned.
        library: where it is from.
        kind: of the object: `class`, `function` or `method`.
    """

    text: str
    library: str
    kind: str


def docstrings_of(library: str, parts: Sequence[str]) -> list[Docstring]:
    """Docstrings in some files and folders of a library, in the order of their files.

    Args:
        library: as it is imported, or `PYTHON`.
        parts: paths below its folder; those that are not there hold none.
    """
    root = _folder(library)
    if root is None:
        return []
    return [docstring for part in parts for docstring in _below(library, root, part)]


@cache
def _below(library: str, root: Path, part: str) -> tuple[Docstring, ...]:
    path = root / part
    files = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    with _no_collector():
        return tuple(
            docstring
            for file in files
            if file.is_file() and not _SKIPPED.intersection(file.relative_to(root).parts)
            for docstring in _in_file(library, root, file)
        )


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let syntax trees go as they come: looking for circles in them takes as long as parsing."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _folder(library: str) -> Path | None:
    if library == PYTHON:
        return Path(sysconfig.get_paths()["stdlib"])
    spec = find_spec(library)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _in_file(library: str, root: Path, file: Path) -> Iterator[Docstring]:
    with warnings.catch_warnings():
        # Escapes that the files of others spell wrong.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            return
    modules = _inflected({library, *file.relative_to(root).with_suffix("").parts})
    for node, owner in _objects(tree, ""):
        docstring = ast.get_docstring(node)
        if docstring is None:
            continue
        text = cleaned(docstring, modules | {node.name.lower(), owner.lower()})
        if text:
            method = "method" if owner else "function"
            kind = "class" if isinstance(node, ast.ClassDef) else method
            yield Docstring(text, library, kind)


Object = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _objects(tree: ast.AST, owner: str) -> Iterator[tuple[Object, str]]:
    """Classes and functions that are not inside of functions, with the class they stand in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Object):
            yield node, owner
            if isinstance(node, ast.ClassDef):
                yield from _objects(node, node.name)
        elif isinstance(node, ast.If | ast.Try):
            yield from _objects(node, owner)


def _inflected(modules: set[str]) -> frozenset[str]:
    """Names of modules and the words in them, in lower case, with and without a plural s."""
    words = {word for name in modules for word in (name.lower(), *name.lower().split("_"))}
    return frozenset(
        form
        for word in words
        if len(word) > 1
        for form in (word, f"{word}s", word.removesuffix("s"))
    )


def cleaned(docstring: str, names: frozenset[str]) -> str:
    """The first paragraph without names and markup, on one line; empty where too little is left.

    Args:
        docstring: as it is written.
        names: of the object and of all that it is in, in lower case.
    """

    def without_names(match: re.Match[str]) -> str:
        dropped = names | _NICKNAMES
        word = match.group()
        parts = [] if word.lower() in dropped else word.split("_")
        return " ".join(part for part in parts if part.lower() not in dropped)

    paragraph = re.split(r"\n\s*\n|\n\s*>>>", docstring.strip(), maxsplit=1)[0]
    text = _ADDRESS.sub("", _ROLE.sub("", " ".join(paragraph.split())))
    text = _DOTTED.sub(" ", _CALL.sub("", text))
    text = _NAME.sub(without_names, text)
    text = " ".join(_MARKUP.sub(" ", text).split())[:_MOST_CHARACTERS]
    return text if len(_WORD.findall(text)) >= _LEAST_WORDS and text.isascii() else ""
