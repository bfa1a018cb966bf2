"""Cells that are stored with results can be done again."""

import pytest
from places import ROOT

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.cells import differs, kept_units, repeat
from lessonplan.experiments.config.loading import read_config

RESULTS = ROOT / "experiments" / "results"
STORED = sorted(path.parent.name for path in RESULTS.glob("*/cells"))


@pytest.mark.parametrize("name", STORED)
def test_cells_are_of_units_and_every_unit_of_a_whole_result_has_one(name):
    stored = {file.stem for file in (RESULTS / name / "cells").rglob("*.json")}
    units = {unit.name for unit in kept_units(read_config(name))}
    assert stored == units if (RESULTS / name / "summary.json").exists() else stored < units


@pytest.mark.slow
def test_three_cells_of_parity_come_to_what_is_stored_or_near_it(tmp_path):
    config = read_config("parity")
    names = ["select-shortfall-0", "select-proportional-0", "select-tac-0"]
    said = repeat(
        config, names, tmp_path / "again", RESULTS / "parity" / "cells", ROOT, build_suite(config)
    )
    # To the bit on the kind of processor that they were made on, and near it on others.
    assert len(said) == 3
    assert not any(map(differs, said)), said
