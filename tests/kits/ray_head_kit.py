"""A Ray head of one's own, with more nodes where a test wants them: own ports, token, home and
temporary folder; nothing of it outlives it.

Its processes are kept by a guard, a process that adopts orphans (a Linux "subreaper"), so even
what Ray detaches is found and ended, by its id, also when the test itself is killed.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_BLIND = """
import os, sys
HIDDEN, stat = {hidden!r}, os.stat

def see(path):
    if isinstance(path, (str, bytes, os.PathLike)):
        if os.fsdecode(os.path.abspath(path)).startswith(HIDDEN):
            raise FileNotFoundError(2, "No such file or directory", os.fsdecode(path))

def stat_what_is_seen(path, *more, **options):
    see(path)
    return stat(path, *more, **options)

def hook(event, what):
    if event in ("open", "os.mkdir", "os.listdir", "os.scandir"):
        see(what[0])

os.stat = stat_what_is_seen
sys.addaudithook(hook)
"""
_GUARD = Path(__file__).resolve().with_name("process_guard.py")


class Guarded:
    """A command with all that it starts.

    Args:
        command: what to run.
        env: its whole environment.
        log: where its output goes.
        cwd: its working directory.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path | None = None
    ) -> None:
        guard = [sys.executable, "-I", "-S", str(_GUARD), *command]
        with log.open("ab") as out:
            self._guard = subprocess.Popen(
                guard, stdin=subprocess.PIPE, stdout=out, stderr=out, env=dict(env), cwd=cwd,
                start_new_session=True,
            )  # fmt: skip
        self.log = log

    @property
    def pid(self) -> int:
        """Of the command itself, not of its guard; waits until it is there."""
        for _ in range(100):
            children = _alive(psutil.Process(self._guard.pid).children())
            if children:
                return children[0].pid
            time.sleep(0.05)
        raise RuntimeError(f"nothing was started: {self.log.read_text()}")

    def processes(self) -> list[psutil.Process]:
        """What runs of it now, orphans included, without its guard."""
        with suppress(psutil.NoSuchProcess):
            return _alive(psutil.Process(self._guard.pid).children(recursive=True))
        return []

    def end(self) -> None:
        """End all of it."""
        everything = self.processes()
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.close()
        try:
            self._guard.wait(timeout=30)
        finally:
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._guard.kill()
            self._guard.wait()


class Head:
    """A Ray head with a dashboard and token authentication, on this machine only.

    Args:
        folder: short and empty; holds token, home and Ray's files.
        cpus: logical ones.
        gpus: logical ones.
        env: more variables of its own processes, jobs included.
    """

    def __init__(self, folder: Path, cpus: int, gpus: float, env: Mapping[str, str]) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        self.token = secrets.token_hex(32)
        self.token_file = folder / "token"
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(self.token)
        self._gcs_port, self._dashboard_port, *self._more_ports = free_ports(6)
        self.address = f"127.0.0.1:{self._gcs_port}"
        """For `ray.init(address=...)`."""
        self.url = f"http://127.0.0.1:{self._dashboard_port}"
        """For the Jobs API."""
        self.env = hermetic_environment(self.home, self.token_file)
        """For whoever talks to it."""
        self._more_env = dict(env)
        self._cpus, self._gpus = cpus, gpus
        self._running: Guarded | None = None
        self.nodes: dict[str, Node] = {}
        """By address: those that were added and not killed."""

    def start(self) -> None:
        """Start it, or start it again on the same ports; returns when it takes jobs."""
        assert self._running is None, "it runs already"
        env = self.env | self._more_env
        self._running = Guarded(self._command(), env, self.folder / "head.log", self.folder)
        command = psutil.Process(self._running.pid)
        for _ in range(600):
            time.sleep(0.2)
            with suppress(OSError):
                request = urllib.request.Request(
                    f"{self.url}/api/jobs/", headers={"Authorization": f"Bearer {self.token}"}
                )
                with urllib.request.urlopen(request, timeout=5):
                    return
            if not _alive([command]):
                break
        self.stop()
        raise RuntimeError((self.folder / "head.log").read_text())

    def add_node(
        self, cpus: int = 1, gpus: float = 0, env: Mapping[str, str] | None = None
    ) -> "Node":
        """One more node, with an address of its own; returns when the head knows it.

        Args:
            cpus: logical ones.
            gpus: logical ones.
            env: more variables of its processes.
        """
        count = 2 + len(list(self.folder.glob("node-*.log")))
        node = Node(
            self, f"127.0.0.{count}", cpus, gpus, self.env | self._more_env | dict(env or {})
        )
        self.nodes[node.address] = node
        for _ in range(600):
            if node.address in self.addresses():
                return node
            time.sleep(0.1)
        raise RuntimeError(node.log.read_text())

    def addresses(self) -> list[str]:
        """Of the nodes that the head takes for alive."""
        request = urllib.request.Request(
            f"{self.url}/api/v0/nodes", headers={"Authorization": f"Bearer {self.token}"}
        )
        with suppress(OSError), urllib.request.urlopen(request, timeout=5) as answer:
            rows = json.load(answer)["data"]["result"]["result"]
            return [row["node_ip"] for row in rows if row["state"] == "ALIVE"]
        return []

    def stop(self) -> None:
        """End every process of it, at once, as a machine that fails would; nodes go too."""
        for node in list(self.nodes.values()):
            node.kill()
        if self._running is not None:
            self._running.end()
            self._running = None

    def processes(self) -> list[psutil.Process]:
        """All its processes: jobs and workers too, those of other nodes not."""
        return self._running.processes() if self._running is not None else []

    def _command(self) -> list[str]:
        agent, agent_grpc, runtime_env, metrics = self._more_ports
        options = {
            "port": self._gcs_port,
            "node-ip-address": "127.0.0.1",
            "dashboard-host": "127.0.0.1",
            "dashboard-port": self._dashboard_port,
            "dashboard-agent-listen-port": agent,
            "dashboard-agent-grpc-port": agent_grpc,
            "runtime-env-agent-port": runtime_env,
            "metrics-export-port": metrics,
            "ray-client-server-port": free_ports(1)[0],
            "min-worker-port": 0,
            "max-worker-port": 0,
            "num-cpus": self._cpus,
            "num-gpus": self._gpus,
            "object-store-memory": 100_000_000,
            "temp-dir": self.folder / "ray",
        }
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
        command += ["--include-dashboard=true", "--disable-usage-stats"]
        return command + [f"--{name}={value}" for name, value in options.items()]


class Node:
    """A node beside the head, as another machine would be one: address and processes of its own.

    Args:
        head: of the cluster.
        address: of the machine that it plays.
        cpus: logical ones.
        gpus: logical ones.
        env: whole environment of its processes.
    """

    def __init__(
        self, head: Head, address: str, cpus: int, gpus: float, env: Mapping[str, str]
    ) -> None:
        self.address, self._head = address, head
        self.log = head.folder / f"node-{address}.log"
        agent, agent_grpc, runtime_env, metrics = free_ports(4)
        options = {
            "address": head.address,
            "node-ip-address": address,
            "dashboard-agent-listen-port": agent,
            "dashboard-agent-grpc-port": agent_grpc,
            "runtime-env-agent-port": runtime_env,
            "metrics-export-port": metrics,
            "min-worker-port": 0,
            "max-worker-port": 0,
            "num-cpus": cpus,
            "num-gpus": gpus,
            "object-store-memory": 80_000_000,
            # Or one node would delete what another has unpacked.
            "temp-dir": head.folder / address.rpartition(".")[2],
        }
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        command += ["--disable-usage-stats"]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._running = Guarded(command, env, self.log, head.folder)

    def processes(self) -> list[psutil.Process]:
        """All its processes, workers too."""
        return self._running.processes()

    def kill(self) -> None:
        """End every process of it, at once, as a machine that fails would."""
        self._running.end()
        self._head.nodes.pop(self.address, None)


@contextmanager
def ray_head(
    cpus: int = 2, gpus: float = 0, env: Mapping[str, str] | None = None
) -> Iterator[Head]:
    """A running head; every process of it is gone afterwards, whatever happens."""
    # Not below pytest's folder: the paths of Ray's sockets may have 107 characters only.
    folder = Path(tempfile.mkdtemp(prefix="lp-"))
    head = Head(folder, cpus, gpus, env or {})
    try:
        head.start()
        yield head
    finally:
        head.stop()
        shutil.rmtree(folder, ignore_errors=True)


def blind_to(hidden: Path, folder: Path) -> dict[str, str]:
    """Variables for a node whose Pythons see nothing of a path, as if it were on other storage.

    Args:
        hidden: the path.
        folder: an empty one, which makes them so.
    """
    (folder / "sitecustomize.py").write_text(_BLIND.format(hidden=str(hidden)))
    return {"PYTHONPATH": str(folder)}


def hermetic_environment(home: Path, token_file: Path | None = None) -> dict[str, str]:
    """Variables for a process that uses Ray and must meet nobody else's: no settings of outside.

    Args:
        home: an own folder, which stands in for the user's.
        token_file: with a token of its own; by default Ray makes one below the home.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RAY_", "WANDB_", "PYTEST_"))
    }
    own = {
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
        # Jobs begin with "python", which must be this one.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONUNBUFFERED": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }
    if token_file is not None:
        own["RAY_AUTH_TOKEN_PATH"] = str(token_file)
    return kept | own


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, as the system hands them out."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive
