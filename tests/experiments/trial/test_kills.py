"""Kills at random moments, a tenth of those of `python tests/kits/kills.py`."""

import sys

import pytest
from kills import KINDS, Kills


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="process groups are killed as Unix has them")
def test_group_parent_and_worker_are_killed_and_the_numbers_are_the_same(tmp_path):
    kills = Kills(tmp_path, seed=1)
    # Where a run was whole before its kill, a line says so and another one is begun.
    assert len(list(kills.strike(3))) >= 3
    assert [line.split()[0] for line in kills.struck] == list(KINDS)
