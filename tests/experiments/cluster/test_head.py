"""An address of `sweep --address` that is none, and a cluster that does not take us, in words."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from lessonplan.experiments.cluster import head
from lessonplan.experiments.cluster.head import connecting, see_that_a_head_answers
from lessonplan.experiments.cluster.session import ray_session
from lessonplan.experiments.config.sweeps import Resources

TOKEN = "0123456789abcdef" * 4


@contextmanager
def server(unasked: bytes = b"", answer: bytes = b""):
    """Something that listens; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(unasked)
                connection.recv(100)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(autouse=True)
def nobody(tmp_path, monkeypatch):
    """Somebody without a token."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def test_where_nothing_listens_a_sweep_says_so_at_once():
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    begun = time.monotonic()
    with (
        pytest.raises(ValueError, match=f"nothing answers at {address} .Connection refused.") as no,
        ray_session(address, Resources()),
    ):
        pass
    assert time.monotonic() - begun < 15.0
    assert "\n" not in str(no.value)


def test_a_dashboard_is_no_address_of_a_sweep():
    with server(answer=b"HTTP/1.0 200 OK\r\n\r\n") as address:
        for one in (f"http://{address}", address):
            with pytest.raises(ValueError, match=r"is a dashboard.*HOST:PORT.*submit sweep"):
                see_that_a_head_answers(one)


def test_a_port_that_is_no_number_is_no_address():
    with pytest.raises(ValueError, match="HOST:PORT of its head, got 'here:there'"):
        see_that_a_head_answers("here:there")


@pytest.mark.parametrize("address", ["auto", "local", "ray://127.0.0.1:1"])
def test_what_ray_alone_understands_is_left_to_it(address):
    see_that_a_head_answers(address)


def test_what_speaks_as_a_head_does_is_one():
    with server(unasked=b"\x00\x00\x18\x04\x00\x00\x00\x00\x00") as address:
        see_that_a_head_answers(address)


def test_a_token_that_is_missing_or_wrong_is_one_sentence_without_it(monkeypatch):
    error = pytest.importorskip("ray.exceptions").AuthenticationError
    missing = "Token authentication is enabled but no authentication token was found. Ensure\nthat"
    with pytest.raises(ValueError, match=r"10.0.0.1:6379 asks for a token .* none was found") as no:
        with connecting("10.0.0.1:6379", print):
            raise error(missing)
    assert "\n" not in str(no.value)
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with pytest.raises(ValueError, match="refuses the token from RAY_AUTH_TOKEN") as no:
        with connecting("10.0.0.1:6379", print):
            raise error("Authentication failed: invalid")
    assert TOKEN not in str(no.value)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "if it asks for a token, copy its head's ~/.ray/auth_token"),
        ({"RAY_AUTH_TOKEN": TOKEN}, "set RAY_AUTH_MODE=token if it asks for one"),
        ({"RAY_AUTH_TOKEN": TOKEN, "RAY_AUTH_MODE": "token"}, "see that the token in RAY_AUTH_TO"),
    ],
)
def test_a_cluster_that_does_not_take_us_names_the_likely_reason(env, words, monkeypatch):
    pytest.importorskip("ray")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"10.0.0.1:6379 does not take us; {words}"):
        with connecting("10.0.0.1:6379", print):
            raise ConnectionError("Failed to connect to Ray cluster at 192.0.2.2:6379")


def test_a_cluster_that_takes_its_time_is_said_to_be_waited_for(monkeypatch):
    pytest.importorskip("ray")
    said: list[str] = []
    monkeypatch.setattr(head, "ANSWER_SECONDS", 0.05)
    with connecting("10.0.0.1:6379", said.append):
        time.sleep(0.3)
    assert said == ["waiting for the Ray cluster at 10.0.0.1:6379 to take us"]
    monkeypatch.setattr(head, "ANSWER_SECONDS", 0.2)
    with connecting("10.0.0.1:6379", said.append):
        pass
    time.sleep(0.3)
    assert len(said) == 1
