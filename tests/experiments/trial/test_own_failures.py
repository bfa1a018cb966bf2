"""Whatever a part of one's own raises or returns ends in one sentence with its name and line."""

import errno
import json

import numpy as np
import pytest
import yaml
from bad_input_kit import PPO, command
from own_folder import PARTS, RUN, forgetting, write_modules

from lessonplan.experiments import make_config, read_config, run_trial
from lessonplan.experiments.assembly.actors import Host
from lessonplan.experiments.common.mistakes import own_mistakes, words_of
from lessonplan.experiments.common.trust import agreement
from lessonplan.experiments.trial.checking import check

FAILS = """
import errno
import torch

class Strange(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")

def again():
    again()

def fail(kind):
    if kind == "torch":
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    if kind == "recursion":
        again()
    if kind == "file":
        open("/nowhere/at/all")
    if kind == "stop":
        next(iter(()))
    raise {
        "exit": SystemExit(3), "memory": MemoryError(), "strange": Strange("odd"),
        "mute": Mute(), "long": RuntimeError("x" * 9_000_000), "key": KeyboardInterrupt(),
        "full": OSError(errno.ENOSPC, "No space left on device", "/tmp/x"),
    }[kind]
"""
KINDS = {
    "torch": "RuntimeError: mat1 and mat2", "recursion": "RecursionError: ",
    "file": "FileNotFoundError: ", "stop": "StopIteration", "exit": "SystemExit: 3",
    "memory": "MemoryError", "strange": "Strange: odd", "mute": "Mute: it has no words",
    "long": "RuntimeError: xxxxxx",
}  # fmt: skip
RULE = """
import os
from lessonplan.teacher import Uniform
from lp_fails import fail

class Bad(Uniform):
    needs = ("score",)
    asked = 0

    def probabilities(self, memory, view):
        Bad.asked += 1
        if Bad.asked >= int(os.environ["LP_AT"]):
            fail(os.environ["LP_KIND"])
        return super().probabilities(memory, view)
"""
NET = """
import os
from torch import nn
from lp_fails import fail

class Bad(nn.Module):
    asked = 0

    def __init__(self, input_shape, n_outputs):
        super().__init__()
        if os.environ["LP_AT"] == "made":
            fail(os.environ["LP_KIND"])
        self.layer = nn.Linear(input_shape[0], n_outputs)

    def forward(self, inputs):
        Bad.asked += 1
        if os.environ["LP_AT"] != "made" and Bad.asked >= int(os.environ["LP_AT"]):
            fail(os.environ["LP_KIND"])
        return self.layer(inputs)[:, None]

def nothing(input_shape, n_outputs):
    return [input_shape]
"""
REWARD = """
import os
import numpy as np

def bad(outcome):
    bad.asked = getattr(bad, "asked", 0) + 1
    pay = outcome.after.mean(axis=1)
    if bad.asked < int(os.environ["LP_AT"]):
        return pay
    return {
        "nan": pay * np.nan, "shape": pay[:, None], "text": ["much"] * len(pay), "none": None,
        "ragged": [1.0] * (len(pay) + 1),
    }[os.environ["LP_KIND"]]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with failing parts, and a config beside them; its function reads the config."""
    monkeypatch.chdir(tmp_path)
    write_modules(
        tmp_path, lp_parts=PARTS, lp_beside="WIDTH = 8", lp_fails=FAILS, lp_rule=RULE, lp_net=NET,
        lp_reward=REWARD,
    )  # fmt: skip
    values = RUN | {"student": {"batch_size": 8, "evaluation_size": 16}, "teachers": ["uniform"]}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values))

    def read(kind, at, *overrides):
        monkeypatch.setenv("LP_KIND", kind)
        monkeypatch.setenv("LP_AT", str(at))
        return read_config("c.yaml", overrides)

    with forgetting():
        yield read


OWN_RULE = "teachers=[{name: mine, rule: 'lp_rule:Bad'}]"
OWN_NET = "student.model=lp_net:Bad"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [1, 5])
def test_a_rule_may_raise_anything_at_any_call(kind, at, here, tmp_path):
    with pytest.raises(ValueError, match=r"lp_fails.py, line") as error:
        run_trial(here(kind, at, OWN_RULE), tmp_path / "run")
    words = str(error.value)
    assert "rule 'lp_rule:Bad'" in words
    assert KINDS[kind] in words
    assert len(words) < 500 + len(str(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["made", 1, 9])
def test_so_may_a_network(kind, at, here, tmp_path):
    with pytest.raises(ValueError, match=r"lp_fails.py, line") as error:
        run_trial(here(kind, at, OWN_NET), tmp_path / "run")
    words = str(error.value)
    assert "'lp_net:Bad'" in words
    assert KINDS[kind].removeprefix("RuntimeError: ").removeprefix("RecursionError: ") in words
    assert len(words) < 600 + len(str(tmp_path))


def test_an_interruption_and_a_full_disk_are_no_mistakes(here, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_trial(here("key", 5, OWN_RULE), tmp_path / "run")
    with pytest.raises(OSError, match="No space left") as error:
        run_trial(here("full", 5, OWN_RULE), tmp_path / "other")
    assert error.value.errno == errno.ENOSPC


def test_a_function_that_makes_no_network_is_said(here):
    with pytest.raises(ValueError, match=r"'lp_net:nothing': .* must return a torch.nn.Module"):
        check(here("torch", 1, "student.model=lp_net:nothing"))


@pytest.mark.parametrize("kind", ["nan", "shape", "text", "none", "ragged"])
@pytest.mark.parametrize("at", [1, 60])
def test_a_reward_that_pays_no_numbers_is_said_whenever_it_does(kind, at, here, tmp_path):
    config = here(kind, at, "lifetime.reward=lp_reward:bad", f"teachers={json.dumps([PPO])}")
    with pytest.raises(ValueError, match="finite numbers, one for each row") as error:
        run_trial(config, tmp_path / "run")
    assert at != 1 or "reward 'lp_reward:bad'" in str(error.value)


def test_in_an_actor_it_is_the_same_sentence(here):
    config = here("torch", 60, OWN_NET, f"teachers={json.dumps([PPO])}")
    host = Host(config.teachers[0], config, 2, 3, [], agreement())
    host.reset(0)
    words = r"an actor: model 'lp_net:Bad': .*lp_fails.py, line"
    with pytest.raises(ValueError, match=words):
        all(host.step(np.zeros(2, dtype=np.int64)) for _ in range(20))


@pytest.mark.parametrize("kind", ["torch", "exit", "mute", "strange"])
def test_the_command_prints_it_and_debug_shows_the_rest(kind, here, monkeypatch, capsys):
    here(kind, 5, OWN_RULE)
    status, _, err = command(monkeypatch, capsys, "run", "c.yaml", "-o", OWN_RULE, "--out", "run")
    assert status == 2
    assert "Traceback" not in err
    assert "rule 'lp_rule:Bad'" in err.splitlines()[-1]
    here(kind, 5, OWN_RULE)
    monkeypatch.setattr("sys.argv", ["lessonplan", "run", "c.yaml", "-o", OWN_RULE, "--debug",
                                     "--out", "other"])  # fmt: skip
    from lessonplan.experiments.cli.app import main

    with pytest.raises(ValueError, match="rule 'lp_rule:Bad'") as error:
        main()
    assert error.value.__cause__ is not None


@pytest.mark.slow
def test_in_a_worker_process_it_is_the_same_sentence(here, monkeypatch, capsys):
    here("mute", 5, OWN_RULE)
    both = "teachers=[{name: mine, rule: 'lp_rule:Bad'}, uniform]"
    status, _, err = command(
        monkeypatch, capsys, "run", "c.yaml", "-o", both, "-o", "workers=2", "--out", "run"
    )
    assert status == 2
    assert ": select-mine-0: rule 'lp_rule:Bad'" in err.splitlines()[-1]
    assert err.splitlines()[-1].count("select-mine-0") == 1
    assert "Mute: it has no words of its own" in err.splitlines()[-1]


def test_words_of_an_error_are_one_line():
    class Mute(Exception):
        def __str__(self):
            raise KeyError

    assert words_of(ValueError("a\n  b")) == "a b"
    assert "to ask for them raises KeyError" in words_of(Mute())
    with (
        pytest.raises(ValueError, match="it: Mute"),
        own_mistakes("it", ["/x"], every=True),
    ):
        raise Mute


def test_memory_that_is_full_is_a_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for error in (MemoryError("Unable to allocate 7.28 TiB"), RuntimeError("CUDA out of memory.")):

        def fail(*arguments, error=error, **options):
            raise error

        monkeypatch.setattr("lessonplan.experiments.trial.checking.check", fail)
        status, _, err = command(monkeypatch, capsys, "run", "quickstart", "--out", "x")
        assert status == 2
        assert "the memory of this machine is full" in err.splitlines()[-1]


def test_a_config_of_python_needs_no_folder():
    config = make_config({"teachers": [{"name": "mine", "rule": "uniform"}]})
    assert config.modules == []
