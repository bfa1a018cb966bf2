"""Teachers and checkpoints of strangers in a run: nothing in them runs unasked."""

import warnings

import numpy as np
import pytest
import yaml
from poisoned_files import evil_weights, poisoned

from lessonplan.envs import CurriculumVecEnv, Tutor, make_classroom
from lessonplan.experiments.common.files import write_checkpoint
from lessonplan.teacher import LearnerStreams, load_teacher, make_learner, save_teacher

pytestmark = pytest.mark.filterwarnings("ignore")

VALUES = {
    "name": "own", "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "lifetime": {"budget": "60-steps", "steps_per_decision": 20},
    "seeds": {"report": 2, "select": 2}, "workers": 1,
}  # fmt: skip


def learner(path, algorithm="ppo", way="save"):
    """A learner in a file, as SB3 writes it or as we do."""
    room = make_classroom("parity", n=2, observe=("progress", "score"), budget="60-steps")
    with LearnerStreams(0).running():
        model = make_learner(algorithm, CurriculumVecEnv(room), seed=0, width=4)
    model.save(path) if way == "save" else save_teacher(model, path)
    return path


def config(folder, **more):
    folder.mkdir(exist_ok=True)
    (folder / "c.yaml").write_text(yaml.safe_dump(VALUES | more))
    return folder / "c.yaml"


def test_a_teacher_that_a_config_takes_from_a_file_teaches_and_none_of_its_pickles_is_opened(
    tmp_path, strangers, lessonplan
):
    learner(tmp_path / "own.zip")
    file = poisoned(tmp_path / "own.zip", tmp_path / "theirs.zip", strangers)
    path = config(tmp_path / "c", teachers=[{"name": "theirs", "from": str(file)}, "uniform"])
    assert lessonplan("run", path, "--dry-run")[0] == 0
    assert lessonplan("run", path, "--out", "run")[0] == 0
    assert lessonplan("report", "run")[0] == 0
    assert strangers.left == []


@pytest.mark.parametrize("words", [["--dry-run"], ["--out", "run"]])
def test_one_that_a_pickle_alone_knows_is_refused_in_a_sentence_and_run_with_trust(
    words, tmp_path, strangers, lessonplan
):
    learner(tmp_path / "own.zip", "a2c")
    names = {"policy_kwargs"}
    file = poisoned(tmp_path / "own.zip", tmp_path / "theirs.zip", strangers, names, beside=False)
    path = config(tmp_path / "c", teachers=[{"name": "theirs", "from": str(file)}, "uniform"])
    status, err = lessonplan("run", path, *words)
    assert (status, strangers.left) == (2, [])
    err = " ".join(err.split())
    assert f"teacher 'theirs', from {file}: {file} holds policy_kwargs as a pickle" in err
    assert "if you trust whoever wrote it, add --trust" in err
    assert lessonplan("run", path, *words, "--trust")[0] == 2
    assert strangers.left == ["policy_kwargs was unpickled"]


def interrupted(lessonplan, tmp_path, unit):
    """One's own run of which this unit is not done, and its checkpoint."""
    assert lessonplan("run", config(tmp_path / "c", teachers=["uniform"]), "--out", "run")[0] == 0
    run = tmp_path / "work" / "run"
    (run / "checkpoint" / f"{unit}.json").unlink()
    return run / "checkpoint" / f"{unit}.pt"


def test_a_run_is_not_gone_on_with_from_what_a_stranger_pickled_and_with_trust_it_is_opened(
    tmp_path, strangers, lessonplan
):
    checkpoint = interrupted(lessonplan, tmp_path, "evaluate-uniform-0")
    checkpoint.write_bytes(evil_weights(strangers, "a checkpoint"))
    status, err = lessonplan("run", "--resume", "run")
    assert status == 2
    assert f"the checkpoint {checkpoint} holds pickles" in " ".join(err.split())
    assert "add --trust, or delete it" in " ".join(err.split())
    assert strangers.left == []
    status, err = lessonplan("run", "--resume", "run", "--trust")
    assert (status, "damaged: it has no lifetimes, recorder" in " ".join(err.split())) == (2, True)
    assert strangers.left == ["a checkpoint was unpickled"]
    checkpoint.unlink()
    assert lessonplan("run", "--resume", "run")[0] == 0


STRANGE_PARTS = {
    "numbers": {"lifetimes": 3, "recorder": 4},
    "no parts": {"lifetimes": {}, "recorder": {}},
    "other lifetimes": {"lifetimes": [], "recorder": {"parts": []}},
    "empty lifetimes": {"lifetimes": {}, "recorder": {"parts": []}},
}


def test_a_checkpoint_whose_parts_hold_something_else_is_damaged(tmp_path, strangers, lessonplan):
    checkpoint = interrupted(lessonplan, tmp_path, "evaluate-uniform-0")
    for parts in STRANGE_PARTS.values():
        write_checkpoint(checkpoint, parts)
        status, err = lessonplan("run", "--resume", "run")
        words = f"the checkpoint {checkpoint} is damaged: what it holds can't be taken up"
        assert (status, words in " ".join(err.split())) == (2, True), err


def test_a_suite_that_lies_in_a_run_directory_is_not_opened(tmp_path, strangers, lessonplan):
    checkpoint = interrupted(lessonplan, tmp_path, "evaluate-uniform-0")
    checkpoint.with_name("suite.bin").write_bytes(strangers.pickle("a suite"))
    assert lessonplan("run", "--resume", "run")[0] == 0
    assert strangers.left == []


def test_a_tutor_of_a_strange_run_opens_nothing(tmp_path, strangers):
    folder = tmp_path / "run" / "teachers"
    folder.mkdir(parents=True)
    learner(tmp_path / "own.zip", "dqn")
    poisoned(tmp_path / "own.zip", folder / "ppo-0.zip", strangers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tutor = Tutor(["add", "times"], teacher=folder / "ppo-0.zip")
    assert tutor.choose() in ("add", "times")
    assert strangers.left == []


def test_what_is_stored_by_sb3_or_by_us_teaches_alike(tmp_path):
    room = make_classroom("parity", n=2, observe=("progress", "score"), budget="60-steps")
    env = CurriculumVecEnv(room)
    seen = env.reset()
    ours, sb3 = (
        load_teacher(learner(tmp_path / f"{way}.zip", way=way), env)
        for way in ("save_teacher", "save")
    )
    np.testing.assert_array_equal(
        ours.predict(seen, deterministic=True)[0], sb3.predict(seen, deterministic=True)[0]
    )
