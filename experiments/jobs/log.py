"""The log of a job, line by line, however often the connection breaks."""

import re
from collections import deque
from collections.abc import Callable, Iterable

_DEATH = "Job supervisor actor died:"
"""What Ray writes in a log, and says of a job, whose keeper died, mostly with its node."""
_NO_START = re.compile(r"Job supervisor actor failed to start within ([\d.]+) seconds")


class LogLines:
    """Tells each line of a log once.

    Args:
        say: told every line, without its end.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._partial = say, ""
        self._characters = self._place = 0
        self._over = False
        self.latest: deque[str] = deque(maxlen=50)

    def skip(self, logged: str, last: int) -> None:
        """Leave out what was logged before, but for the last few lines."""
        lines = logged.splitlines(keepends=True)
        self._characters = sum(map(len, lines[: max(len(lines) - last, 0)]))

    def again(self) -> None:
        """Take the log from its beginning again."""
        self._place = 0

    def take(self, text: str) -> None:
        """Say the lines that end in the next piece of the log."""
        fresh = text[max(self._characters - self._place, 0) :]
        self._place += len(text)
        self._characters = max(self._characters, self._place)
        *lines, self._partial = (self._partial + fresh).split("\n")
        for line in lines:
            self._tell(line)

    def finish(self, log: str) -> None:
        """Say what is left of the whole log, when nothing is added any more."""
        self.again()
        self.take(log)
        if self._partial:
            self._tell(self._partial)
            self._partial = ""

    def _tell(self, line: str) -> None:
        if self._over:
            return
        # Behind it stands a page of Ray's, to the end of the log.
        line, death, _ = line.partition(_DEATH)
        self._over = bool(death)
        if line or not death:
            self.latest.append(line)
            self._say(line)


_NO_REASON = ("Running entrypoint for job", "lessonplan: W&B:", "wandb: ")


def reason(lines: Iterable[str], message: str) -> str:
    """Why a job failed, in one sentence: the last line of its log, or else Ray's words.

    Where its node is gone, that is it. A line of ours is it, unless a traceback came after it; a
    note on W&B never is.
    """
    if message.startswith(_DEATH):
        where = re.search(r"\bip: (\S+)", message)
        node = f"the node {where[1]}" if where else "the node"
        return f"{node} that it ran on is gone, or Ray's process there that kept it"
    if match := _NO_START.match(message):
        return (
            f"the cluster did not begin it within {float(match[1]):g} seconds; ask for less with "
            "--cpus and --gpus, or see what keeps it busy"
        )
    entries = [line.strip() for line in lines if line.strip()]
    entries = [line for line in entries if not line.startswith(_NO_REASON)]
    ours: list[str] = []
    for line in entries:
        if line.startswith("Traceback (most recent call last)"):
            ours.clear()
        elif line.startswith("lessonplan: "):
            ours.append(line)
    if ours or entries:
        return (ours or entries)[-1].removeprefix("lessonplan: ")
    first = next((line.strip() for line in message.splitlines() if line.strip()), "")
    return first or "it left no log"
