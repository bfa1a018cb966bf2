"""What `check_suite` finds, and that every suite that ships passes."""

import inspect
from importlib.util import find_spec

import pytest
import torch

from lessonplan.student import PACKAGED, SUITES, Examples, Task, TaskSuite, check_suite, parity
from lessonplan.student.contract.suite_checks import SUITE_CHECKS

SIZES = {"train": 40, "probe": 20, "test": 20, "stress": 20}


def splits(answers=2):
    """Numbers as inputs, each in one split, with answers that come equally often."""
    made, first = {}, 0
    for split, size in SIZES.items():
        numbers = torch.arange(first, first + size)
        made[split] = Examples(numbers[:, None].float(), (numbers % answers)[:, None])
        first += size
    return made


def suite(parts=None, chance=0.5, n_outputs=2, **fields):
    first = Task("a", splits(), chance=0.5)
    second = Task("b", parts or splits(), chance=chance, prerequisites=("a",), **fields)
    return TaskSuite("pair", (first, second), n_outputs=n_outputs)


def changed(split, inputs=None, targets=None):
    """Splits, one of them with other inputs or targets."""
    made = splits()
    old = made[split]
    kept = [old.inputs if inputs is None else inputs, old.targets if targets is None else targets]
    return made | {split: Examples(*kept)}


def with_order(*order):
    made = suite()
    object.__setattr__(made, "order", order)
    return made


def emptied():
    made = suite()
    made.tasks[1].splits["test"] = Examples(torch.zeros(0, 1), torch.zeros(0, 1, dtype=torch.int64))
    return made


def with_another_split():
    made = suite()
    made.tasks[1].splits["dev"] = made.tasks[1].splits["test"]
    return made


def forgotten():
    made = suite()
    object.__setattr__(made.tasks[1], "prerequisites", ("z",))
    return made


BROKEN = {
    "empty": (emptied, "task 'b' has no 'test' examples"),
    "another split": (with_another_split, "task 'b' must have the splits .* 'dev'"),
    "not finite": (
        lambda: suite(changed("probe", inputs=torch.full((20, 1), torch.nan))),
        "'probe' of task 'b' has inputs that are not finite",
    ),
    "negative target": (
        lambda: suite(changed("test", targets=torch.full((20, 1), -1))),
        r"'test' of task 'b' has the target -1; targets are in \[0, n_outputs = 2\)",
    ),
    "trained on the test": (
        lambda: suite(changed("test", inputs=torch.arange(30, 50)[:, None].float())),
        "10 inputs of task 'b' are both in 'train' and in 'test'",
    ),
    "probe is test": (
        lambda: suite(changed("test", inputs=torch.arange(59, 79)[:, None].float())),
        "1 inputs of task 'b' are both in 'probe' and in 'test'",
    ),
    "order lacks one": (lambda: with_order(0, 0), "must name each of the 2 tasks once"),
    "order is wrong": (lambda: with_order(1, 0), "task 'b' stands before its prerequisite 'a'"),
    "unknown prerequisite": (forgotten, "task 'b' has the unknown prerequisite 'z'"),
    "no chance level": (
        lambda: suite(changed("probe", targets=torch.zeros(20, 1, dtype=torch.int64)), chance=0.0),
        "right on 100% of 'probe' of task 'b', but its chance level is 0; set chance=1.00",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_suite_is_found_and_named(name):
    make, message = BROKEN[name]
    with pytest.raises(ValueError, match=message):
        check_suite(make())


def test_every_check_finds_something():
    def finds(check, broken):
        try:
            check(broken)
        except ValueError:
            return True
        return False

    suites = [make() for make, _ in BROKEN.values()]
    for name, check in SUITE_CHECKS.items():
        assert any(finds(check, broken) for broken in suites), name


def test_sound_suites_pass():
    check_suite(suite())
    check_suite(suite(splits(7), chance=1 / 7, n_outputs=7))
    check_suite(parity(3, 8))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SUITES.keys() - {"jsonl", "dataset"}))
def test_every_suite_that_ships_passes(name):
    if name == "reasoning":
        pytest.importorskip("reasoning_gym")
    if name == "docstrings":
        pytest.importorskip("transformers", reason="the hf extra is not installed")
        if find_spec(PACKAGED["minilm"][1]) is None:
            pytest.skip("the package of MiniLM is not installed")
    assert not [
        parameter
        for parameter in inspect.signature(SUITES[name]).parameters.values()
        if parameter.default is parameter.empty
    ]
    # A task of pure chance is scored by plain accuracy there, on purpose.
    check_suite(SUITES[name](), skip=("chance",) if name == "distractors" else ())


def test_a_check_can_be_left_out_where_something_is_meant_to_be_so():
    distractors = SUITES["distractors"]()
    with pytest.raises(ValueError, match="of task 'random', but its chance level is 0"):
        check_suite(distractors)
    check_suite(distractors, skip=("chance",))
    with pytest.raises(ValueError, match="no check 'luck'; they are sizes, values, splits"):
        check_suite(distractors, skip=("luck",))
