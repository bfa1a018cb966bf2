"""The head of a Ray cluster that is running: whether it answers, and what went wrong in words."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from .token import find_token, refusal

ANSWER_SECONDS = 5.0
"""How long a port may take to answer, and Ray to connect until it is said that it is waited for."""
_WAY_OUT = (
    "see that the cluster runs (`ray status` on its head), or leave out --address, and unset "
    "RAY_ADDRESS, to use this machine"
)


def see_that_a_head_answers(address: str) -> None:
    """Look at the port of a head, for which Ray would wait in silence.

    Args:
        address: HOST:PORT; for any other that Ray knows, such as `auto`, nothing is looked at.

    Raises:
        ValueError: if nothing answers there, or a dashboard does.
    """
    if address.startswith(("http://", "https://")):
        raise ValueError(_not_the_dashboard(address))
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(
            f"the address of a Ray cluster is HOST:PORT of its head, got {address!r:.100}"
        ) from error
    if "://" in address or not host or port is None:
        return
    try:
        with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as connection:
            first = _first_bytes(connection)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"nothing answers at {address} ({reason}), where the head of a Ray cluster should; "
            f"{_WAY_OUT}"
        ) from None
    if first.startswith(b"HTTP/"):
        raise ValueError(_not_the_dashboard(address))


@contextmanager
def connecting(address: str, say: Callable[[str], None]) -> Iterator[None]:
    """Around what connects Ray: says that it is waited for, and turns its errors into sentences.

    Args:
        address: as the user has given it.
        say: told a sentence if it takes a while.

    Raises:
        ValueError: if it can't be reached, or does not take the token.
    """
    from ray.exceptions import AuthenticationError, RayError

    waiting = threading.Timer(
        ANSWER_SECONDS, say, [f"waiting for the Ray cluster at {address} to take us"]
    )
    waiting.daemon = True
    waiting.start()
    try:
        yield
    except AuthenticationError as error:
        is_missing = "no authentication token" in error.message
        raise ValueError(refusal(address, find_token(), wrong=not is_missing)) from None
    except (ConnectionError, RayError, RuntimeError, ValueError) as error:
        raise ValueError(_unreachable(address, error)) from error
    finally:
        waiting.cancel()


def _first_bytes(connection: socket.socket) -> bytes:
    """What comes first: a head speaks unasked, a web server when it is asked."""
    try:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(16)
    except OSError:
        return b""


def _not_the_dashboard(address: str) -> str:
    return (
        f"{address} is a dashboard, and a sweep needs HOST:PORT of the head itself (port 6379 if "
        "nobody chose another); to use a dashboard type lessonplan submit sweep"
    )


def _unreachable(address: str, error: Exception) -> str:
    token = find_token()
    if "Failed to connect" not in str(error) and "not find any running" not in str(error):
        reason = " ".join(str(error).split())[:200]
        return f"the Ray cluster at {address} can't be reached ({reason}); {_WAY_OUT}"
    if token.value and os.environ.get("RAY_AUTH_MODE", "").lower() != "token":
        doubt = f"set RAY_AUTH_MODE=token if it asks for one (there is one in {token.source})"
    elif token.value:
        doubt = f"see that the token in {token.source} is that of its head (~/.ray/auth_token)"
    else:
        doubt = "if it asks for a token, copy its head's ~/.ray/auth_token to the same place here"
    return f"the Ray cluster at {address} does not take us; {doubt}, and {_WAY_OUT}"
