"""Whether W&B works online, and what it must not change in the process that it works in."""

import contextlib
import netrc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse


def chosen_mode() -> str:
    """`WANDB_MODE` where it is set; else `online` where there is an API key and `offline` if not.

    Keys are looked for where W&B keeps them: in the environment and in the netrc file.
    """
    mode = os.environ.get("WANDB_MODE", "").strip().lower()
    if mode:
        return {"dryrun": "offline", "run": "online"}.get(mode, mode)
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return "online"
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    netrc_path = os.environ.get("NETRC")
    places = [Path(netrc_path)] if netrc_path else [Path.home() / ".netrc", Path.home() / "_netrc"]
    for place in places:
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            if netrc.netrc(place).authenticators(host):
                return "online"
    return "offline"


@contextlib.contextmanager
def keep_process_as_it_is(folder: Path) -> Iterator[None]:
    """Let W&B put its files into a folder, and undo what it changes.

    It replaces `sys.exit` and `sys.excepthook`, stages files under the home directory, and reports
    its own errors to its makers (with noise where they can't be reached), the latter two unless a
    variable of the environment says otherwise.
    """
    hooks = sys.exit, sys.excepthook
    staged = str(folder / "staged")
    settings = {
        "WANDB_DATA_DIR": staged,
        "WANDB_CACHE_DIR": staged,
        "WANDB_ERROR_REPORTING": "false",
    }
    ours = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        sys.exit, sys.excepthook = hooks
        for name in ours:
            os.environ.pop(name, None)
