"""Names and sentences as plain text: what would steer a terminal or a spreadsheet is spelled out.

Names of tasks come from data files, so they may hold anything.
"""

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
"""Control characters, those that turn the direction of writing, and halves of characters."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""Colours of a terminal."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def plain_text(text: str) -> str:
    r"""The text with `\x1b` and the like in place of what can't be seen; lines stay lines."""
    return _UNSEEN.sub(_spelled, text)


def plain_line(text: str) -> str:
    r"""The text in one line, with `\n` in place of the end of a line."""
    return plain_text(text).replace("\n", r"\n")


def uncoloured(text: str) -> str:
    """The text without the colours of a terminal."""
    return _STYLE.sub("", text)


def csv_text(text: str) -> str:
    """A text of a table's cell, behind an apostrophe where a spreadsheet would compute it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\r":
        return r"\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
