"""What a run is made on: the processor by its name, and the commit of a folder."""

import subprocess

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


def test_a_hook_of_another_repository_changes_nothing(tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init")
        git(tmp_path / name, "commit", "--allow-empty", "-m", name)
    commit = git(tmp_path / "one", "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert git_state(tmp_path / "one") == {"commit": commit, "dirty": False}
