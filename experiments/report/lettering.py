"""Names as pictures show them: plain text, whatever they are made of.

A name may come from a data file. To matplotlib dollars are mathematics, a leading underscore hides
a line from the key, and a letter that its font lacks is an empty box and a warning.
"""

from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from ..common.printable import plain_line


def spelled_out(text: str) -> str:
    r"""The name in one line, with `\u4e2d` and the like for letters that the font lacks.

    >>> spelled_out("a\n中")
    'a\\n\\u4e2d'
    """
    letters = _letters()
    return "".join(one if ord(one) in letters else _number(one) for one in plain_line(text))


def typeset(text: str) -> str:
    r"""What matplotlib draws as this text: dollars are no mathematics.

    The last thing that is done to a text: it may be longer than what is drawn.

    >>> typeset("$x$")
    '\\$x\\$'
    """
    return text.replace("$", r"\$")


def in_key(text: str) -> str:
    """A text of `typeset` as the name of a line in a key, which leaves out those with a leading _.

    >>> in_key("_a"), in_key("a")
    (' _a', 'a')
    """
    return f" {text}" if text.startswith("_") else text


@cache
def _letters() -> frozenset[int]:
    """Code points that the fonts of all texts have, plain and bold."""
    fonts = (get_font(findfont(FontProperties(weight=weight))) for weight in ("normal", "bold"))
    first, second = (set(font.get_charmap()) for font in fonts)
    return frozenset(first & second)


def _number(letter: str) -> str:
    code = ord(letter)
    if code < 0x10000:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return f"\\U{code:08x}"
