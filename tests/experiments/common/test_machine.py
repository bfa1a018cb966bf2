"""What a run is made on: the processor by its name, and the commit of a folder."""

import subprocess

import pytest

from lessonplan.experiments.common.machine import git_state, processor_name


def git(folder, *words):
    settings = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *settings, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_processor_has_a_name():
    assert processor_name().strip()


def test_a_folder_is_at_a_commit_and_dirty_once_something_was_changed_or_added(tmp_path):
    assert git_state(tmp_path / "not-there") is None
    git(tmp_path, "init")
    assert git_state(tmp_path) is None
    (tmp_path / "config.yaml").write_text("a: 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "new.yaml").write_text("b: 1\n")
    assert git_state(tmp_path) == {"commit": commit, "dirty": True}


def test_nothing_that_a_repository_names_is_run_to_see_its_state(tmp_path):
    proof, program = tmp_path / "proof", tmp_path / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "filter.a.clean", "filter.d.process"):
        folder = tmp_path / key
        folder.mkdir()
        git(folder, "init")
        (folder / "a.txt").write_text("a\n")
        git(folder, "add", ".")
        git(folder, "commit", "-m", "first")
        name = key.split(".")[1]
        (folder / ".gitattributes").write_text(f"* filter={name}\n")
        git(folder, "config", key, str(program))
        hook = folder / ".git" / "hooks" / "post-index-change"
        hook.parent.mkdir(exist_ok=True)
        hook.symlink_to(program)
        (folder / "a.txt").write_text("b\n")
        proof.unlink(missing_ok=True)
        state = git_state(folder)
        assert not proof.exists(), key
        assert (state is None) == key.startswith("filter"), key
        subprocess.run(["git", "-C", folder, "status"], capture_output=True, check=False)
        assert proof.exists(), f"{key} is one that Git runs"


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_a_hook_of_another_repository_changes_nothing(name, tmp_path, monkeypatch):
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        git(tmp_path / place, "init")
        git(tmp_path / place, "commit", "--allow-empty", "-m", place)
    commit = git(tmp_path / "one", "rev-parse", "HEAD")
    monkeypatch.setenv(name, str(tmp_path / "other" / ".git"))
    assert git_state(tmp_path / "one") == {"commit": commit, "dirty": False}
