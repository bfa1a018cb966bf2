"""What tests of experiments share: one Ray, and strangers with the command that meets them."""

import gc
import os
import secrets
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from own_folder import forgetting
from stranger_kit import Strangers

from lessonplan.experiments import cli
from lessonplan.experiments.report import report


@pytest.fixture(scope="session")
def ray_here():
    """One Ray for all tests that need one in this process; its GPU exists only in its books."""
    # Not below pytest's folder: the paths of Ray's sockets may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="lp-"))
    (folder / "token").touch(mode=0o600)
    (folder / "token").write_text(secrets.token_hex(32))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(folder / "token"))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_CHDIR_TO_TRIAL_DIR", "0")
        import ray

        ray.init(
            address="local", num_cpus=4, num_gpus=1, include_dashboard=False,
            log_to_driver=False, logging_level="ERROR", object_store_memory=100_000_000,
            _temp_dir=str(folder / "ray"),
        )  # fmt: skip
        yield
        # Ray leaves sockets and files of what it has started to the end of the process.
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            ray.shutdown()
            gc.collect()
        patch.setenv("RAY_AUTH_MODE", "")
        patch.delenv("RAY_AUTH_MODE")
    assert not (folder / ".ray").exists(), "no token may be left in the user's home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def strangers(tmp_path, monkeypatch):
    """What strangers hand in, beside an empty working directory in which nothing was agreed to."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(report, "draw_figures", lambda *_: [])
    with forgetting():
        yield Strangers(tmp_path / "strangers")


@pytest.fixture
def lessonplan(monkeypatch, capsys):
    """The command: its exit status, and what it said."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["lessonplan", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return end.value.code or 0, said.err

    return command
