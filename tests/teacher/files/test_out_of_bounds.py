"""A small file of anybody's does not make a reader work long, nor stand in for what it does."""

import json
import time

import pytest
from fake_cohort import fake_room
from poisoned_files import members_of, write_zip

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.teacher import LearnerStreams, load_teacher, make_learner, save_teacher
from lessonplan.teacher.files.words import UnstatedError, stated

OBSERVE = ("progress", "score")
SECONDS = 5.0


def long_box(sizes):
    words = {"dtype": "float64", "_shape": sizes, "low": "[0.]", "high": "[1.]"}
    return words | {":type:": "<class 'gymnasium.spaces.box.Box'>", ":serialized:": ""}


FAULTS = {
    "a method": ({"predict": "x"}, "it holds predict, which is no attribute"),
    "a method of SB3's": ({"_setup_model": None}, "it holds _setup_model, which is no attribute"),
    "a place that is a text": (("policy_kwargs", "present", "x"), "present must be the place"),
    "a place that is not there": (("policy_kwargs", "present", 99), "present must be the place"),
    "a place before the first": (("policy_kwargs", "present", -1), "present must be the place"),
    "a place that is a truth": (("policy_kwargs", "present", True), "present must be the place"),
    "a large seed": ({"seed": 10**29, "deterministic": False}, "a seed is from 0 to 4294967295"),
    "a seed below 0": ({"seed": -1, "deterministic": False}, "a seed is from 0 to 4294967295"),
    "a million columns": ({"columns": ["a"] * 10**6}, "has 1,000,000 columns, and a teacher up to"),
    "a large space": ({"observation_space": long_box([10_000, 10_000])}, "observation_space"),
    "a space below 0": ({"observation_space": long_box([-1, -1])}, "observation_space"),
}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "own.zip"
    with LearnerStreams(0).running():
        room = fake_room(n=4, k=3, observe=OBSERVE, budget="9-steps")
        save_teacher(make_learner("ppo", CurriculumVecEnv(room), seed=0, width=4), file)
    return file


@pytest.mark.parametrize("fault", FAULTS)
def test_what_no_teacher_has_is_a_sentence_with_the_file_and_soon(fault, own, tmp_path):
    change, words = FAULTS[fault]
    members = members_of(own)
    data = json.loads(members["data"])
    if isinstance(change, dict):
        data |= change
    else:
        section, name, value = change
        data[section][name] = value
    file = write_zip(tmp_path / "teacher.zip", members | {"data": json.dumps(data)})
    began = time.perf_counter()
    with pytest.raises(ValueError, match=words) as error:
        Tutor(["a", "b", "c"], teacher=file).choose()
    assert "teacher.zip" in str(error.value)
    assert len(str(error.value)) < 600
    assert time.perf_counter() - began < SECONDS


def test_the_file_as_it_was_teaches(own):
    assert Tutor(["a", "b", "c"], teacher=own).choose() in "abc"


def test_columns_of_a_space_are_few(own, tmp_path):
    members = members_of(own)
    data = json.loads(members["data"])
    data["observation_space"]["columns"] = ["a"] * 10**6
    file = write_zip(tmp_path / "teacher.zip", members | {"data": json.dumps(data)})
    with pytest.raises(ValueError, match=r"teacher\.zip: .* up to 1,000 columns, got 1,000,000"):
        load_teacher(file, CurriculumVecEnv(fake_room(n=4, k=3, observe=OBSERVE)))


def test_noise_that_prints_long_is_not_looked_through():
    text = "NormalActionNoise(mu=[" + "], sigma=[" * 20_000
    kind = "<class 'stable_baselines3.common.noise.VectorizedActionNoise'>"
    began = time.perf_counter()
    with pytest.raises(UnstatedError, match="no Gaussian noise"):
        stated("action_noise", {":type:": kind, "_base_noise": text, "n_envs": 1})
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize("rows", [10**9, 0])
def test_noise_is_for_as_many_rows_as_there_are_students(rows):
    kind = "<class 'stable_baselines3.common.noise.VectorizedActionNoise'>"
    text = "NormalActionNoise(mu=[0.], sigma=[1.])"
    with pytest.raises(UnstatedError, match=f"up to 100,000 rows, got {rows}"):
        stated("action_noise", {":type:": kind, "_base_noise": text, "n_envs": rows})
    few = {":type:": kind, "_base_noise": text, "n_envs": 2}
    assert stated("action_noise", few).n_envs == 2
