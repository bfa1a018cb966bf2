"""The facts of a suite that a run keeps."""

from dataclasses import replace

from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.environment import environment_of


def test_the_environment_keeps_notes_and_the_size_of_every_split():
    config = make_config(CONFIG)
    suite = replace(build_suite(config), notes=("2 rows were left out.",))
    facts = environment_of(config, suite)["suite"]
    assert facts["notes"] == ["2 rows were left out."]
    for i, task in enumerate(facts["tasks"]):
        assert task["examples"] == {
            split: suite.sizes(split)[i] for split in ("train", "probe", "test", "stress")
        }
        assert (task["score"], task["chance"]) == ("exact", suite.tasks[i].chance)
