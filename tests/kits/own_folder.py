"""Folders with modules of somebody's own, and a process that forgets them afterwards."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tiny_config import CONFIG

from lessonplan.experiments.common import own_modules, trust

PARTS = """
from torch import nn
from lessonplan.teacher import Uniform
from lp_beside import WIDTH

class Mine(Uniform):
    '''A rule.'''

class Net(nn.Module):
    def __init__(self, input_shape, n_outputs, width=WIDTH):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(input_shape[0], width), nn.ReLU(), nn.Linear(width, n_outputs)
        )

    def forward(self, inputs):
        return self.layers(inputs)[:, None]
"""
OTHER = "raise RuntimeError('this is the one in the wrong folder')\n"
RUN = CONFIG | {
    "workers": 1,
    "student": {"model": "lp_parts:Net", "options": {"width": 8}, "batch_size": 8,
                "evaluation_size": 16},
    "teachers": [{"name": "mine", "rule": "lp_parts:Mine"}, "uniform"],
}  # fmt: skip
"""A run with a rule and a network of its own."""


def write_modules(folder, **sources: str) -> None:
    """Write modules by name into a folder."""
    folder.mkdir(exist_ok=True)
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)


@contextmanager
def forgetting() -> Iterator[None]:
    """Nothing is agreed to yet; what is, and what is imported, is forgotten afterwards."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(sys, "meta_path", list(sys.meta_path))
        patch.setattr(own_modules._Neighbours, "folders", ())
        patch.setattr(trust._Given, "everything", False)
        for name in ("folders", "homes", "strange", "modules"):
            patch.setattr(trust._Given, name, ())
        yield
    for name in set(sys.modules) - before:
        if name.startswith("lp_"):
            del sys.modules[name]
