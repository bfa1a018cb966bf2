"""Files of another run in a run directory are refused, and those of earlier versions taken.

Legend: k tasks.
"""

import copy
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.common.files import read_checkpoint, write_checkpoint
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.store.runs import read_run
from lessonplan.experiments.store.schedule import parts_of, recorded_schedules
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.evaluation import evaluate
from lessonplan.experiments.trial.trial import prepare, run_trial
from lessonplan.experiments.trial.units import plan

RULES = [{"name": "first", "rule": "uniform"}, {"name": "again", "type": "replay", "of": "first"}]


def config(*overrides):
    return make_config(copy.deepcopy(CONFIG) | {"teachers": RULES, "workers": 1}, list(overrides))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that differ in the learning rate of their students."""
    folder = tmp_path_factory.mktemp("runs")
    run_trial(config(), folder / "here")
    run_trial(config("student.learning_rate=0.5"), folder / "there")
    return folder


def mixed(runs, folder, *files):
    """A copy of the first run with some files of the other."""
    shutil.copytree(runs / "here", folder)
    for file in files:
        shutil.copy(runs / "there" / file, folder / file)
    return folder


UNIT = "checkpoint/evaluate-first-0.json"
PART = "schedule/part-first-0-0000.parquet"
WORDS = "made with learning_rate=0.5, this run has learning_rate="


def test_a_unit_of_another_run_is_refused(runs, tmp_path):
    out = mixed(runs, tmp_path / "run", UNIT)
    with pytest.raises(ValueError, match=rf"evaluate-first-0\.json was {WORDS}.*delete .*{UNIT}"):
        run_trial(config(), out, resume=True)


def test_a_part_of_another_run_is_refused_by_report_and_by_who_replays_it(runs, tmp_path):
    out = mixed(runs, tmp_path / "run", PART)
    wrong = rf"part-first-0-0000\.parquet was {WORDS}.*take it out of"
    with pytest.raises(ValueError, match=wrong):
        read_run(out)
    (out / "checkpoint" / "evaluate-again-0.json").unlink()
    with pytest.raises(ValueError, match=wrong):
        run_trial(config(), out, resume=True)


def interrupted(folder, *overrides):
    """What a run leaves that is killed after some decisions of its first teacher."""
    settings, calls = config("checkpoint_seconds=1e-9", *overrides), []

    def kill(fraction, words):
        calls.append(words)
        if len(calls) == 4:
            raise KeyboardInterrupt

    suite = check(settings)
    prepare(settings, suite, folder, False)
    with pytest.raises(KeyboardInterrupt):
        evaluate(settings, suite, folder, "first", 0, {}, kill)
    return settings, suite


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    interrupted(tmp_path / "there", "student.batch_size=4")
    settings, suite = interrupted(tmp_path / "here")
    name = "checkpoint/evaluate-first-0.pt"
    shutil.copy(tmp_path / "there" / name, tmp_path / "here" / name)
    with pytest.raises(ValueError, match=r"evaluate-first-0\.pt was made with batch_size=4, this"):
        evaluate(settings, suite, tmp_path / "here", "first", 0, {})


def test_a_part_of_another_run_is_not_gone_on_with(tmp_path):
    interrupted(tmp_path / "there", "student.batch_size=4")
    settings, suite = interrupted(tmp_path / "here")
    shutil.copy(tmp_path / "there" / PART, tmp_path / "here" / PART)
    with pytest.raises(ValueError, match=r"part-first-0-0000\.parquet was made with batch_size=4"):
        evaluate(settings, suite, tmp_path / "here", "first", 0, {})


def without_fingerprints(out):
    """The same run as an earlier version would have left it."""
    for file in [*out.glob("checkpoint/*-*.json"), out / "environment.json"]:
        values = json.loads(file.read_text())
        del values["belongs_to"]
        file.write_text(json.dumps(values))
    for part in out.glob("schedule/*.parquet"):
        pq.write_table(pq.read_table(part).replace_schema_metadata(None), part)
    for file in out.glob("checkpoint/*.pt"):
        state = read_checkpoint(file)
        del state["belongs_to"], state["lifetimes"]["room"]["belongs_to"]
        del state["lifetimes"]["memory"]["rule"]
        write_checkpoint(file, state)


def test_a_run_of_an_earlier_version_is_read_and_gone_on_with(runs, tmp_path):
    settings, suite = interrupted(tmp_path)
    without_fingerprints(tmp_path)
    with pytest.warns(UserWarning, match="of an earlier version"):
        evaluate(settings, suite, tmp_path, "first", 0, {})
    whole, _ = recorded_schedules(runs / "here", suite.names, "first", 0)
    gone_on, _ = recorded_schedules(tmp_path, suite.names, "first", 0)
    np.testing.assert_array_equal(gone_on, whole)
    assert len(parts_of(tmp_path / "schedule", "first", 0)) > 1
    old = mixed(runs, tmp_path / "old")
    without_fingerprints(old)
    assert read_run(old).lifetimes["first"].length.size == settings.seeds.report
    assert all(unit.result(old) is not None for unit in plan(settings))


def test_what_changes_no_number_is_no_other_run(runs):
    again = config("workers=3", "checkpoint_seconds=7", "name=other")
    assert all(unit.result(runs / "here") is not None for unit in plan(again))
