"""Directories as a stranger may hand them in: whatever of them is run leaves a proof.

A proof is a file in a folder of its own; where nothing was run that folder is empty.
"""

import base64
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import yaml

PLANTED = (
    "sitecustomize", "usercustomize", "conftest", "setup", "lp_evil", "wandb_plugin", "cupy", "jax",
    "tensorflow", "polars", "flash_attn", "yaml", "torch", "json",
)  # fmt: skip
"""Modules that lie in a strange folder: that start with Python, that are missing here and that
libraries look for, and that hide what is installed."""
_EVIL = '''
import pathlib
PROOFS = pathlib.Path({proofs!r})
PROOFS.joinpath({name!r} + " was imported").touch()


def leave(*given, **options):
    """Takes whatever it is called with."""
    PROOFS.joinpath({name!r} + " was called").touch()


class Part:
    """Looks like a rule, a student, a cohort and a reward."""

    needs = ()

    def __init__(self, *given, **options):
        leave()

    start = observe = probabilities = reset = train = evaluate = __call__ = leave
'''
NAMED = {
    "suite": lambda name, proof: {"suite": {"name": name, "options": proof}},
    "rule": lambda name, proof: {"teachers": [{"name": "a", "rule": name, "parameters": proof}]},
    "model": lambda name, proof: {"student": {"model": name, "options": proof}},
    "cohort": lambda name, proof: {"student": {"cohort": name, "options": proof}},
    "schedule": lambda name, proof: {"student": {"schedule": {"name": name, **proof}}},
    "reward": lambda name, proof: {"lifetime": {"reward": name}, "teachers": [_LEARNED]},
    "score": lambda name, proof: {
        "suite": {"name": "jsonl", "options": {"path": "rows.jsonl", "score": name}}
    },
    "environment": lambda name, proof: {
        "suite": {
            "name": "environments",
            "options": {"tasks": [{"name": "a", "id": f"{name}-v0", "low": 0.0, "high": 1.0}] * 2},
        }
    },
    "algorithm": lambda name, proof: {
        "suite": {"name": "environments"},
        "student": {"options": {"algorithm": name}},
    },
    "course": lambda name, proof: {
        "teachers": [_LEARNED | {"courses": [{"suite": {"name": name, "options": proof}}]}]
    },
}
"""What a config holds that names something where each kind of part is named."""
_LEARNED = {
    "name": "ppo", "type": "learned", "students": 4, "decisions": 64, "sampled": False,
    "candidates": 1, "settings": {"n_steps": 8, "batch_size": 16},
}  # fmt: skip
ROWS = "".join(
    json.dumps({"task": "ab"[i % 2], "prompt": f"{i} + 1 =", "answer": str(i + 1)}) + "\n"
    for i in range(200)
)


class Strangers:
    """What strangers hand in.

    Args:
        folder: for all of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.proofs = folder, folder / "proofs"
        self.proofs.mkdir(parents=True)

    @property
    def left(self) -> list[str]:
        """What was run."""
        return sorted(path.name for path in self.proofs.iterdir())

    @property
    def shell(self) -> dict[str, str]:
        """Arguments of `os.system` and its like that leave a proof."""
        return {"command": f"touch '{self.proofs / 'a shell was begun'}'"}

    def plant(self, folder: Path) -> Path:
        """Modules that leave a proof, and rows of data, in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in PLANTED:
            (folder / f"{name}.py").write_text(_EVIL.format(proofs=str(self.proofs), name=name))
        (folder / "rows.jsonl").write_text(ROWS)
        return folder

    def config(self, folder: Path, kind: str, name: str, **more: object) -> Path:
        """A config in a folder that names `name` as a part of this kind."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "c.yaml"
        path.write_text(yaml.safe_dump(self.values(kind, name) | more))
        return path

    def values(self, kind: str, name: str) -> dict:
        """A small config that names `name` as a part of this kind."""
        proof = self.shell if ":" in name and not name.startswith("lp_") else {}
        base = {
            "name": "strange", "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
            "lifetime": {"budget": "60-steps"}, "seeds": {"report": 2, "select": 2},
            "workers": 1, "teachers": ["uniform"],
        }  # fmt: skip
        return base | NAMED[kind](name, proof)

    def run(self, own: Path, folder: Path, changes: dict) -> Path:
        """A copy of one's own run, planted, whose configs were changed."""
        shutil.copytree(own, folder)
        self.plant(folder)
        # That which it goes on with, and that which it was begun with.
        for place in folder.glob("**/*.yaml"):
            place.write_text(yaml.safe_dump(yaml.safe_load(place.read_text()) | changes))
        return folder

    def forget(self) -> None:
        """Remove the proofs that were left."""
        for path in self.proofs.iterdir():
            path.unlink()

    def unpickled(self, name: str) -> object:
        """An object whose pickle leaves a proof when it is unpickled."""
        return _Unpickled(str(self.proofs / f"{name} was unpickled"))

    def pickle(self, name: str) -> bytes:
        """What leaves a proof when it is unpickled."""
        return pickle.dumps(self.unpickled(name))

    def teacher(self, file: Path) -> Path:
        """A learner's file, of which all that can be is a pickle."""
        file.parent.mkdir(parents=True, exist_ok=True)
        evil = base64.b64encode(self.pickle(file.name)).decode()
        serialized = {":type:": "<class 'abc.ABCMeta'>", ":serialized:": evil}
        data = dict.fromkeys(("policy_class", "observation_space", "lr_schedule"), serialized)
        data |= {"action_space": serialized | {":type:": "<class 'Discrete'>"}}
        data |= {"algorithm": "ppo", "columns": ["progress"], "seed": 0}
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("data", json.dumps(data))
            for part in ("policy.pth", "pytorch_variables.pth"):
                archive.writestr(part, self.pickle(f"{part} of {file.name}"))
            archive.writestr("_stable_baselines3_version", "2.7.0")
        return file


class _Unpickled:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.open, (self.path, os.O_CREAT)
