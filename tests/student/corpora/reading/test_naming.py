import pytest

from lessonplan.student.corpora.reading.naming import (
    folder_name,
    read_names,
    split_named,
    without_shard,
)


def read(*files):
    """(task, split) of files that are given together, written as FOLDER/STEM."""
    parts = [file.split("/") for file in files]
    names = read_names([(tuple(folders), stem) for *folders, stem in parts])
    return [(name.task, name.split) for name in names]


def test_a_stem_that_is_a_split_is_one_of_the_task_of_the_folder():
    stems = ["Train", "validation", "valid", "val", "dev", "eval", "testing", "stress"]
    splits = ["train", *["probe"] * 5, "test", "stress"]
    assert read(*stems) == [("", split) for split in splits]


@pytest.mark.parametrize(
    "stem", ["test", "TEST-00000-of-00012", "test_000", "test-v2.0", "test_data", "testing"]
)  # fmt: skip
def test_numbers_of_parts_and_versions_are_no_task(stem):
    assert read(stem) == [("", "test")]


@pytest.mark.parametrize(
    "stem",
    [
        "addition", "test_taking", "web_dev", "acid_test", "strength_training", "trains", "protest",
        "testimony", "dev_ops", "addition_0", "test1", "stress_test", "train_dev",
    ],
)  # fmt: skip
def test_names_of_tasks_stay_names_of_tasks(stem):
    assert read(stem, "copy") == [(stem, None), ("copy", None)]


def test_a_split_in_a_name_that_no_train_file_bears_out_is_in_doubt():
    names = read_names([((), stem) for stem in ("acid_test", "copy", "train_schedules")])
    assert [name.doubtful for name in names] == [True, False, False]


@pytest.mark.parametrize("name", ["gsm8k_train", "gsm8k-train", "gsm8k.train", "gsm8k_train_0"])
def test_a_lone_training_set_is_called_by_the_rest_of_its_name(name):
    assert read(name) == [("gsm8k", "train")]


def test_ends_that_a_train_file_bears_out_are_splits():
    assert read("math_train", "math_test", "words_train", "words_dev", "web_dev") == [
        ("math", "train"), ("math", "test"), ("words", "train"), ("words", "probe"),
        ("web_dev", None),
    ]  # fmt: skip
    assert read("math.dev") == [("math", "probe")]


def test_beginnings_that_pair_up_are_tasks_and_others_are_of_the_folder():
    assert read("train_a", "test_a", "train_b", "test_b") == [
        ("a", "train"), ("a", "test"), ("b", "train"), ("b", "test"),
    ]  # fmt: skip
    assert read("train_rand_split", "dev_rand_split", "test_rand_split_no_answers") == [
        ("", "train"), ("", "probe"), ("", "test"),
    ]  # fmt: skip
    assert read("train", "dev_matched", "dev_mismatched", "test_matched") == [
        ("", "train"), ("", "probe"), ("", "probe"), ("", "test"),
    ]  # fmt: skip


def test_two_splits_of_one_name_bear_each_other_out():
    assert read("sums-Dev", "sums-Test", "acid_test") == [
        ("sums", "probe"), ("sums", "test"), ("acid_test", None),
    ]  # fmt: skip


def test_files_that_all_end_alike_are_of_that_split():
    assert read("sums_test", "words_test") == [("sums", "test"), ("words", "test")]
    assert read("sums_test", "words_dev") == [("sums_test", None), ("words_dev", None)]


def test_nothing_is_added_to_an_official_test_set():
    stems = ("train", "train_copy", "test", "test_hard", "dev_easy", "old_test")
    names = read_names([((), stem) for stem in stems])
    assert [stem for stem, name in zip(stems, names, strict=True) if name.spare] == [
        "test_hard", "old_test",
    ]  # fmt: skip
    assert [stem for stem, name in zip(stems, names, strict=True) if name.joined and not name.spare
            ] == ["train_copy"]  # fmt: skip
    assert {name.task for name in names} == {""}


def test_another_pair_beside_train_and_test_is_a_task_of_its_own():
    assert read("train", "test", "train_hard", "test_hard") == [
        ("", "train"), ("", "test"), ("hard", "train"), ("hard", "test"),
    ]  # fmt: skip


def test_the_whole_of_what_was_divided_is_not_read_again():
    names = read_names([((), stem) for stem in ("all", "train", "valid")])
    assert [name.spare for name in names] == [True, False, False]
    names = read_names([((), stem) for stem in ("all", "words")])
    assert not any(name.spare for name in names)


def test_folders_that_tell_files_apart_are_in_the_name_of_the_task():
    assert read("gsm8k/train", "svamp/data/train-0-of-2", "svamp/data/train-1-of-2") == [
        ("gsm8k", "train"), ("svamp", "train"), ("svamp", "train"),
    ]  # fmt: skip
    assert read("sets/en/math/train", "sets/en/words", "sets/fr/math/test") == [
        ("en/math", "train"), ("en/words", None), ("fr/math", "test"),
    ]  # fmt: skip
    assert read("data/train", "data/test") == [("", "train"), ("", "test")]
    assert read("gsm8k/train", "gsm8k/test") == [("gsm8k", "train"), ("gsm8k", "test")]
    assert read("even/task", "odd/task") == [("even", None), ("odd", None)]


def test_folders_that_are_splits_give_their_files_the_split():
    assert read("train/a", "train/b", "validation/a", "test/b") == [
        ("a", "train"), ("b", "train"), ("a", "probe"), ("b", "test"),
    ]  # fmt: skip
    assert read("train/0000", "train/part-1", "test/data") == [
        ("", "train"), ("", "train"), ("", "test"),
    ]  # fmt: skip
    assert read("train/a_train", "test/a_test") == [("a", "train"), ("a", "test")]


def test_splits_have_the_names_that_people_use_in_any_case():
    assert split_named(" Validation ") == "probe"
    assert split_named("holdout") is None
    assert without_shard("train-00000-of-00001-a09b74b3ef9c3b56") == "train"
    assert folder_name(["home", "gsm8k", "train"]) == "gsm8k"
