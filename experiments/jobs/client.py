"""The client of Ray's Jobs API, with its errors in one sentence each and no token in them."""

import importlib.util
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..cluster.token import Token, refusal

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

_OVERRIDES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")


def job_client(address: str, token: Token) -> "JobSubmissionClient":
    """A client whose cluster answers and takes the token.

    Raises:
        ValueError: if it does not.
        ModuleNotFoundError: without ray[default].
    """
    if any(importlib.util.find_spec(name) is None for name in ("ray", "aiohttp", "requests")):
        raise ModuleNotFoundError('jobs need ray[default]; pip install "ray[default]"')
    from ray.job_submission import JobSubmissionClient

    for name in ("dashboard_sdk", "job.sdk"):
        logging.getLogger(f"ray.dashboard.modules.{name}").setLevel(logging.WARNING)
    _see_that_it_answers(address)
    # Ours: Ray's own reading of it ends the process where a file is missing.
    headers = {"Authorization": f"Bearer {token.value}"} if token.value else {}
    with errors_in_words(address, token), _no_other_address():
        return JobSubmissionClient(address, headers=headers)


def upload_limit() -> int:
    """Bytes of the largest upload that a cluster takes."""
    from ray._private import ray_constants

    # Of the dashboard; the store behind it takes more.
    return int(getattr(ray_constants, "DASHBOARD_CLIENT_MAX_SIZE", 100 << 20))


def plain_address(address: str) -> str:
    """The URL of a dashboard.

    Raises:
        ValueError: for what is none.
    """
    url = address.strip().rstrip("/")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port is not None
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc:
        raise ValueError(
            f"--address is the URL of the cluster's dashboard, http://HOST:8265, got {address!r}"
        )
    return parts.geturl()


class JobNotKnownError(ValueError):
    """The cluster knows no job of this ID."""


@contextmanager
def errors_in_words(address: str, token: Token, job_id: str = "") -> Iterator[None]:
    """Turn what goes wrong between here and a cluster into a ValueError of one sentence."""
    from ray.exceptions import AuthenticationError

    kind: type[ValueError] = ValueError
    try:
        yield
    except AuthenticationError as error:
        sentence = refusal(address, token, wrong="failed" in error.message.partition(":")[0])
    except (OSError, RuntimeError, KeyError) as error:
        if job_id and "status code 404" in str(error):
            sentence, kind = _unknown_job(address, job_id), JobNotKnownError
        else:
            sentence = _failure(address, error)
    else:
        return
    # Not from the error, whose text could hold the token.
    raise kind(token.scrub(sentence))


def _failure(address: str, error: Exception) -> str:
    words = " ".join(str(error).split())
    if isinstance(error, KeyError | ValueError) or getattr(error, "response", None) is not None:
        return f"what answers at {address} is not the dashboard of a Ray cluster: {words:.200}"
    if isinstance(error, OSError):
        return _unreachable(address)
    if "status code 413" in words:
        return (
            f"{address} takes no upload of this size; put data on storage that it sees (--shared)"
        )
    return f"the cluster at {address} answered: {words:.400}"


def _unknown_job(address: str, job_id: str) -> str:
    return (
        f"the cluster at {address} knows no job {job_id}; `lessonplan jobs status --address "
        f"{address}` lists those it knows"
    )


def _unreachable(address: str) -> str:
    return (
        f"nothing answers at {address}; is the cluster up, and its dashboard's port reachable from "
        "here (`ray dashboard cluster.yaml`, or ssh -L 8265:localhost:8265 HEAD, makes it so at "
        "http://localhost:8265)?"
    )


def _see_that_it_answers(address: str) -> None:
    """Not to wait for minutes where a firewall swallows what is sent."""
    from urllib.request import getproxies

    parts = urlsplit(address)
    if parts.scheme in getproxies():
        return
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=10).close()
    except OSError:
        raise ValueError(_unreachable(address)) from None


@contextmanager
def _no_other_address() -> Iterator[None]:
    """Without the variables that Ray prefers to the address it is given."""
    hidden = {name: os.environ.pop(name) for name in _OVERRIDES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
