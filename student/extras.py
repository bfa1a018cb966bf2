"""What installs the libraries that not everybody needs, by how lessonplan itself was installed."""

import json
import re
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

_REQUIREMENT = re.compile(r"(?P<needs>[^;]+?)\s*;\s*extra == ['\"](?P<extra>[\w-]+)['\"]")


def install_hint(extra: str) -> str:
    """The command that installs an extra here, and where to type it, for the end of a sentence.

    It names the checkout, file or URL that lessonplan came from, or else the libraries themselves:
    the name alone may be somebody else's in an index.
    """
    # In a checkout stands a second one, which setuptools left there.
    packages = list(distributions(name="lessonplan"))
    origins = (json.loads(one.read_text("direct_url.json") or "{}") for one in packages)
    ways = [_by_origin(origin, extra) for origin in origins]
    ways += [_by_libraries(package, extra) for package in packages]
    return next(filter(None, ways), f'pip install ".[{extra}]" in a checkout of lessonplan')


def _by_origin(origin: dict[str, Any], extra: str) -> str:
    """By what pip wrote down of where the package came from; empty where that is gone."""
    url = origin.get("url", "")
    if urlsplit(url).scheme == "file" and "vcs_info" not in origin:
        path = Path(url2pathname(urlsplit(url).path))
        if "dir_info" not in origin:
            return f'pip install "{path}[{extra}]"' if path.is_file() else ""
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return f'pip install {editable}".[{extra}]" in {path}' if path.is_dir() else ""
    if vcs := origin.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    if folder := origin.get("subdirectory"):
        url += f"#subdirectory={folder}"
    return f'pip install "lessonplan[{extra}] @ {url}"' if url else ""


def _by_libraries(package: Distribution, extra: str) -> str:
    lines = map(_REQUIREMENT.fullmatch, package.requires or ())
    needs = [f'"{line["needs"]}"' for line in lines if line and line["extra"] == extra]
    return f"pip install {' '.join(needs)}" if needs else ""
