"""SB3's own metrics of a training, the same however often it was interrupted."""

import json
import math

import numpy as np
import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.config import Config, LearnedSection
from lessonplan.experiments.store.learned_schedules import read_learned_schedules
from lessonplan.experiments.store.training_log import TrainingLog, read_training_log
from lessonplan.experiments.trial.training import TeacherTraining

SETTINGS = {
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
    "a2c": {"n_steps": 2},
    "dqn": {"learning_starts": 24, "train_freq": 2, "batch_size": 8},
}


class Stopped(Exception):
    """As a kill would, at a moment that the test chooses."""


def training(run_dir, algorithm, tell=None, decisions=1024):
    config = Config.model_validate(
        CONFIG | {"teachers": ["uniform"], "checkpoint_seconds": 1e-9, "seeds": {"select": 1}}
    )
    teacher = LearnedSection.model_validate(
        {
            "name": "pupil", "type": "learned", "students": 4, "width": 8, "decisions": decisions,
            "candidates": 1, "algorithm": algorithm, "settings": SETTINGS[algorithm],
            "watch": 2,
        }
    )  # fmt: skip
    extra = {} if tell is None else {"tell": tell}
    return TeacherTraining(config, teacher, 3, build_suite(config), run_dir, **extra)


def stop_after(calls):
    def report(fraction, words):
        nonlocal calls
        calls -= 1
        if calls == 0:
            raise Stopped

    return report


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", SETTINGS)
def test_a_training_that_is_resumed_writes_the_log_of_an_undisturbed_one(tmp_path, algorithm):
    training(tmp_path / "whole", algorithm).run()
    whole = (tmp_path / "whole" / "training" / "pupil-3.jsonl").read_bytes()
    log = tmp_path / "cut" / "training" / "pupil-3.jsonl"
    for calls in (5, 9):
        with pytest.raises(Stopped):
            training(tmp_path / "cut", algorithm, stop_after(calls)).run()
        # As if it had been killed after more than the checkpoint knows, in the middle of a line.
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as handle:
            handle.write('{"decisions": 7, "train/loss": 1.0}\n{"deci')
    training(tmp_path / "cut", algorithm).run()
    assert log.read_bytes() == whole
    looks = [tmp_path / run / "training" / "pupil-3.schedules.jsonl" for run in ("whole", "cut")]
    assert looks[0].read_bytes() == looks[1].read_bytes()
    assert len(read_learned_schedules(looks[0])) == 3
    lines = read_training_log(log)
    assert len(lines) >= 3
    assert any("train/loss" in line or "train/value_loss" in line for line in lines)
    steps = [line["decisions"] for line in lines]
    assert steps == sorted(steps)
    assert steps[-1] == 1024
    names = {name for line in lines for name in line}
    assert not any(name.startswith("time/") for name in names)
    assert all(math.isfinite(value) for line in lines for value in line.values())


def test_a_line_holds_numbers_under_their_own_names_and_nothing_else(tmp_path):
    log = TrainingLog(tmp_path / "training" / "a-0.jsonl")
    for name, value in {
        "train/loss": np.float32(0.5), "train/n": np.int64(3), "train/none": float("nan"),
        "train/text": "words", "time/fps": 12, "train/flag": True,
    }.items():  # fmt: skip
        log.logger.record(name, value)
    log.logger.dump(64)
    assert read_training_log(log.file) == [{"decisions": 64, "train/loss": 0.5, "train/n": 3}]
    log.logger.record("time/fps", 12)
    log.logger.dump(128)
    assert len(read_training_log(log.file)) == 1


def test_a_line_that_is_being_written_is_left_for_the_next_look(tmp_path):
    file = tmp_path / "a-0.jsonl"
    assert read_training_log(file) == []
    file.write_text('{"decisions": 1}\n{"decisions": 2')
    assert read_training_log(file) == [{"decisions": 1}]
    file.write_text('{"decisions": 1}\n{"decisions": 2}\n')
    assert read_training_log(file, after=1) == [{"decisions": 2}]
    assert read_training_log(file, after=2) == []


def test_a_log_that_cannot_be_written_is_one_sentence_with_the_way_out(tmp_path):
    (tmp_path / "training").write_text("a file where the folder should be")
    log = TrainingLog(tmp_path / "training" / "a-0.jsonl")
    log.logger.record("train/loss", 1.0)
    with pytest.raises(ValueError, match=r"a-0\.jsonl can't be written: .*--resume"):
        log.logger.dump(1)


def test_what_was_recorded_since_the_last_line_survives_a_checkpoint(tmp_path):
    class Model:
        num_timesteps = 96

        def set_logger(self, logger):
            self.logger = logger

    first = TrainingLog(tmp_path / "a-0.jsonl")
    first.logger.record("train/loss", 1.0)
    first.logger.dump(32)
    first.logger.record("train/loss", np.float32(2.0))
    state = json.loads(json.dumps(first.state_dict()))
    first.logger.dump(64)
    second, model = TrainingLog(first.file), Model()
    second.begin(model, state)
    assert read_training_log(first.file) == [{"decisions": 32, "train/loss": 1.0}]
    second.end(model)
    assert read_training_log(first.file)[1] == {"decisions": 96, "train/loss": 2.0}
