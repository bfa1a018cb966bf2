"""A rule that a user wrote."""

import importlib

import pytest

MY_RULE = '''
import numpy as np

class LeastTried:
    """One's own rule in fifteen lines: whatever was tried least so far, first come first served."""

    needs = ("share",)

    def start(self, n, k):
        return {"tried": np.zeros((n, k))}

    def observe(self, memory, view):
        return {"tried": memory["tried"] + np.eye(view.present.shape[1])[view.last]}

    def probabilities(self, memory, view):
        tried = np.where(view.present, memory["tried"], np.inf)
        return np.eye(tried.shape[1])[tried.argmin(axis=1)]
'''


@pytest.fixture
def least_tried(tmp_path, monkeypatch):
    """A rule that stands in a file of its user's."""
    (tmp_path / "my_rule.py").write_text(MY_RULE)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.reload(importlib.import_module("my_rule")).LeastTried()
