"""Teachers from files in sweeps: one pair each, nothing to tune."""

import pytest
from fake_cohort import fake_room
from sweep_kit import BASE, write_files

from lessonplan.envs import CurriculumVecEnv
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.pairs import merged_config, pairs_of
from lessonplan.teacher import LearnerStreams, make_learner


@pytest.fixture
def file(tmp_path):
    """A learner that was trained on nothing."""
    env = CurriculumVecEnv(fake_room(n=2, observe=("progress", "score"), budget="9-steps"))
    with LearnerStreams(0).running():
        make_learner("ppo", env, seed=0, width=4).save(tmp_path / "first.zip")
    return tmp_path / "first.zip"


def test_it_comes_once_however_many_seeds_the_others_have(tmp_path, file):
    base = BASE | {"teachers": [{"name": "mine", "from": "first.zip"}, "uniform"]}
    sweep = {"teachers": ["mine", "uniform"], "space": {"seeds.teacher": [4, 3]}}
    pairs = pairs_of(read_sweep(write_files(tmp_path, sweep, base)))
    assert sorted((pair.teacher, pair.seed) for pair in pairs) == [
        ("mine", 3), ("uniform", 3), ("uniform", 4),
    ]  # fmt: skip
    teachers = {pair.teacher: pair.config.teachers[0] for pair in pairs}
    assert teachers["mine"].origin == str(file)
    assert teachers["mine"].observe == ["progress", "score"]
    merged = merged_config(pairs)
    assert (merged.teacher("mine").origin, merged.seeds.teacher) == (str(file), 3)


def test_there_is_nothing_to_tune_of_it(tmp_path, file):
    base = BASE | {"teachers": [{"name": "mine", "from": str(file)}]}
    sweep = {
        "teachers": ["mine"],
        "purpose": "tune",
        "space": {"teachers.mine.settings.gamma": [0.9, 0.99]},
    }
    with pytest.raises(ValueError, match=r"'mine' comes from .*first\.zip and is not trained, so"):
        pairs_of(read_sweep(write_files(tmp_path, sweep, base)))


def test_nothing_of_its_training_can_vary(tmp_path, file):
    base = BASE | {"teachers": [{"name": "mine", "from": str(file)}]}
    sweep = {"teachers": ["mine"], "space": {"teachers.mine.settings.gamma": [0.9, 0.99]}}
    with pytest.raises(ValueError, match=r"so 'teachers\.mine\.settings\.gamma' changes nothing"):
        pairs_of(read_sweep(write_files(tmp_path, sweep, base)))
    sweep["space"] = {"teachers.mine.deterministic": [True, False]}
    assert len(pairs_of(read_sweep(write_files(tmp_path, sweep, base)))) == 2
