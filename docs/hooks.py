"""What building the pages needs beside mkdocs.yml: where the rooms are, and colours of code."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from pygments.formatters import HtmlFormatter

ROOMS = ("student", "envs", "teacher", "experiments")
_STAGE = tempfile.TemporaryDirectory(prefix="lessonplan-docs-")


# Before mkdocstrings reads where to look.
@event_priority(100)
def on_config(config: Any) -> Any:
    """Show the rooms to the reader of docstrings under the names that they are imported by.

    In a checkout `lessonplan.student` is the folder `student`, which no search path tells; so a
    folder `lessonplan` with links to wherever the installed rooms are is put in front.
    """
    staged = Path(_STAGE.name) / "lessonplan"
    staged.mkdir(exist_ok=True)
    for room in ROOMS:
        spec = importlib.util.find_spec(f"lessonplan.{room}")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"lessonplan.{room} is not installed; run pip install -e .")
        link = staged / room
        link.unlink(missing_ok=True)
        link.symlink_to(Path(spec.origin).parent, target_is_directory=True)
    handlers = config.plugins["mkdocstrings"].config["handlers"]
    handlers["python"]["paths"] = [_STAGE.name]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the style sheet of highlighted code."""
    styles = HtmlFormatter(style="default").get_style_defs(".highlight")
    files.append(File.generated(config, "code.css", content=styles))
    return files
