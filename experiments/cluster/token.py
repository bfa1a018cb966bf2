"""The token of a Ray cluster, found where Ray looks for it, and kept out of everything printed."""

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Token:
    """What is sent to a cluster so that it takes requests.

    Args:
        value: the secret; empty where there is none.
        source: where it was found, or where it was looked for.
    """

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Token(source={self.source!r})"

    def scrub(self, text: str) -> str:
        """The text without the token, nor a part of one that was taken apart."""
        parts = {self.value, self.value.strip(), *re.split(r"\s+", self.value)}
        for part in sorted((part for part in parts if len(part) >= 6), key=len, reverse=True):
            text = text.replace(part, "[token]")
        return text


def find_token() -> Token:
    """The token in Ray's order: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, ~/.ray/auth_token.

    Raises:
        ValueError: if RAY_AUTH_TOKEN_PATH names a file without one, or a token is no single word.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() == "disabled":
        return Token("", "nowhere, as RAY_AUTH_MODE=disabled asks for")
    if value := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return _single_word(Token(value, "RAY_AUTH_TOKEN"))
    if location := os.environ.get("RAY_AUTH_TOKEN_PATH", ""):
        token = Token(_read(Path(location)), f"{location} (RAY_AUTH_TOKEN_PATH)")
        if not token.value:
            raise ValueError(
                f"RAY_AUTH_TOKEN_PATH names {location}, which can't be read or is empty; copy the "
                "token file of the cluster's head node there (its ~/.ray/auth_token)"
            )
        return _single_word(token)
    default = Path.home() / ".ray" / "auth_token"
    if value := _read(default):
        return _single_word(Token(value, str(default)))
    return Token("", f"RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH and {default}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _single_word(token: Token) -> Token:
    if not re.fullmatch(r"[!-~]+", token.value):
        raise ValueError(
            f"the token in {token.source} is not one word of plain characters; copy the token file "
            "of the cluster's head node again (its ~/.ray/auth_token)"
        )
    return token


def refusal(address: str, token: Token, wrong: bool) -> str:
    """What is said where a cluster does not take the token.

    Args:
        address: of the cluster.
        token: what was found.
        wrong: whether one was sent.
    """
    way_out = (
        "copy the file ~/.ray/auth_token of its head node to the same place here, or name a copy "
        "with RAY_AUTH_TOKEN_PATH (and set RAY_AUTH_MODE=token for Ray's own commands)"
    )
    if wrong:
        return f"{address} refuses the token from {token.source} (403); {way_out}"
    return f"{address} asks for a token (401), and none was found in {token.source}; {way_out}"
