"""One Ray for the tests that need one."""

import gc
import os
import secrets
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest


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
