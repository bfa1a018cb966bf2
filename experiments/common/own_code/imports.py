"""What one's own modules import of what lies beside them; nothing is imported to see it."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import resolve_name
from pathlib import Path

from .places import is_hidden, module_file


def own_files(modules: Iterable[str], folders: Sequence[str]) -> dict[str, Path]:
    """The files of modules, and in turn of those that they import from the same folders, by module.

    Args:
        modules: as a config names them; one that is in no folder is left out.
        folders: where they are looked for, in this order.
    """
    files: dict[str, Path] = {}
    left = list(modules)
    while left:
        module = left.pop(0)
        file = None if module in files else module_file(module, folders)
        if file is not None:
            files[module] = file
            left += (name for name in _imported(module, file) if not is_hidden(name))
    return files


def _imported(module: str, file: Path) -> Iterator[str]:
    """Modules by their full names, the packages that they are in included."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        # Whoever imports it is told.
        return
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        for name in _names(node, package):
            parts = name.split(".")
            yield from (".".join(parts[:i]) for i in range(1, len(parts) + 1))


def _names(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        try:
            base = resolve_name("." * node.level + base, package)
        except ImportError:
            return []
    # What is imported from a package may be a module of it.
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]
