"""A console whose texts steer no terminal, whatever names are in them."""

from typing import Any

from rich.console import Console
from rich.text import Text

from ..common.printable import plain_text


class PlainConsole(Console):
    """Prints texts and cells of tables as plain text."""

    def render_str(self, text: str, **options: Any) -> Text:
        """What stands for a text; Rich asks for each that it prints."""
        return super().render_str(plain_text(text), **options)
