"""What was agreed to holds in this process and in those that work for it, and nowhere else."""

import json
import os
from pathlib import Path

import pytest
from own_folder import forgetting

from lessonplan.experiments.common.trust import (
    agree_to,
    agree_to_modules,
    agreement,
    is_agreed,
    is_module_agreed,
    is_strange,
    is_trusted,
    take_for_strange,
    take_over,
    trusting,
)
from lessonplan.experiments.trial.crew import worker_command


@pytest.fixture(autouse=True)
def _forgotten():
    with forgetting():
        yield


def test_trust_ends_with_what_it_was_given_for():
    with trusting():
        with trusting(False):
            assert is_trusted(), "nobody takes back what was agreed to"
        assert is_agreed("/elsewhere", "/elsewhere/a.py")
    assert not is_trusted()
    assert not is_agreed("/elsewhere", "/elsewhere/a.py")


def test_the_working_directory_is_agreed_to_without_what_lies_below(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_agreed(".", "a.py")
    (tmp_path / "pack").mkdir()
    assert not is_agreed(tmp_path, tmp_path / "pack" / "a.py"), "a folder that is no package"
    (tmp_path / "pack" / "__init__.py").touch()
    assert is_agreed(tmp_path, tmp_path / "pack" / "a.py")
    assert not is_agreed(tmp_path / "pack", tmp_path / "pack" / "a.py")
    agree_to("pack")
    assert is_agreed(tmp_path / "pack" / "inner", tmp_path / "pack" / "inner" / "a.py")
    assert not is_agreed(tmp_path / "pack2", tmp_path / "pack2" / "a.py")


def test_what_was_handed_in_is_strange_by_every_path(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    agree_to(tmp_path)
    take_for_strange(tmp_path / "link")
    for name in ("run", "link"):
        assert is_strange(tmp_path / name / "a.py")
        assert not is_agreed(tmp_path / name, tmp_path / name / "a.py")
    assert is_agreed(tmp_path, tmp_path / "a.py")


@pytest.mark.parametrize("everything", [False, True])
def test_another_process_is_told_all_of_it_in_its_arguments(everything, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Path(os.getcwd())
    with trusting(everything):
        agree_to("/config")
        agree_to_modules(["a.b"])
        take_for_strange("/run")
        told = json.loads(worker_command(tmp_path)[-1])
        assert told == agreement()
    monkeypatch.chdir("/")
    with forgetting():
        take_over(told)
        assert is_trusted() == everything
        assert is_agreed(home, home / "a.py"), "the directory of whoever began the work"
        assert is_agreed("/config/more", "/config/more/a.py")
        assert is_agreed("/other", "/other/a.py") == everything
        assert is_strange("/run/a.py")
        assert is_module_agreed("a.b")
        assert is_module_agreed("a") == everything
