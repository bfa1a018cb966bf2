"""What a user is told, in the words of the command line and of configs."""

import re
import sys
from collections.abc import Collection

from .printable import plain_line

_YAML = {"True": "true", "False": "false", "None": "null"}


def say(sentence: str) -> None:
    """Print a sentence to standard error, at once."""
    print(f"lessonplan: {plain_line(sentence)}", file=sys.stderr, flush=True)


def in_config_words(message: str, names: Collection[str], section: str = "suite.options") -> str:
    """A message of the Python interface in the words of a config.

    `chat=True` becomes `-o suite.options.chat=true`, and a name that is no English word, such as
    `max_tokens`, becomes `suite.options.max_tokens`. What stands in quotes is data and stays.

    Args:
        message: of an error or a notice.
        names: of the arguments that it may name.
        section: of a config that holds them.
    """
    if not names:
        return message
    longest_first = sorted(names, key=len, reverse=True)
    argument = "|".join(map(re.escape, longest_first))
    # A quoted text first, so that nothing in it is taken for an argument.
    pattern = re.compile(
        rf"(?<!\w)(?P<quote>'[^'\n]*'|\"[^\"\n]*\")(?!\w)"
        rf"|(?<![\w.\-])(?P<name>{argument})(?P<value>=(?:'[^']*'|\"[^\"]*\"|[\w.+-]*\w))?"
        rf"(?![\w=])"
    )

    def worded(match: re.Match[str]) -> str:
        name, value = match["name"], match["value"]
        if match["quote"] or not (value or "_" in name):
            return match[0]
        if not value:
            return f"{section}.{name}"
        plain = _YAML.get(value[1:], value[1:])
        return f"-o {section}.{name}={plain}"

    return pattern.sub(worded, message)
