"""Sums: right, reversed as published, and never trained on where they are held out."""

import numpy as np
import pytest
import torch

from lessonplan.student import IGNORED, SPLITS, Decoder, addition, text_code

SUITE = addition(n_digits=4, train_size=3000, held_out=64)


def read(suite, task, split):
    """Prompts and answers of a split, in the order in which people write them."""
    code = text_code(suite)
    return [(prompt[::-1], answer) for prompt, answer in code.decode(task.splits[split].inputs)]


def test_every_answer_is_the_sum_of_the_reversed_prompt():
    for task in SUITE.tasks:
        for split in SPLITS:
            for prompt, answer in read(SUITE, task, split):
                first, second = prompt.split("+")
                assert int(first) + int(second) == int(answer)


def test_inputs_and_targets_of_one_sum_are_the_published_layout():
    code = text_code(SUITE)
    row = code.encode([("543+21", "357")])
    shown = "".join(code.vocabulary[token] for token in row.inputs[0].tolist())
    assert shown == "\x03" * 3 + "543+21" + "\x02" + "357" + "\x03" * 2
    asked = [code.vocabulary[token] for token in row.targets[0].tolist() if token != IGNORED]
    assert asked == ["3", "5", "7", "\x03"]


def test_held_out_prompts_are_never_trained_on_under_any_task():
    found = {
        split: {prompt for task in SUITE.tasks for prompt, _ in read(SUITE, task, split)}
        for split in SPLITS
    }
    for i, first in enumerate(SPLITS):
        for second in SPLITS[i + 1 :]:
            assert not found[first] & found[second]


def test_sizes_are_as_asked_for_and_held_out_prompts_come_once():
    assert SUITE.sizes("train").tolist() == [3000] * 4
    assert SUITE.sizes("probe").tolist() == SUITE.sizes("test").tolist() == [64] * 4
    for task in SUITE.tasks:
        prompts = [prompt for prompt, _ in read(SUITE, task, "test")]
        assert len(set(prompts)) == len(prompts)


def test_sums_of_two_digits_fill_what_is_left_for_training():
    # Five eighths of 100 * 100 sums, of which 10,000 draws leave out a share of exp(-1.6).
    suite = addition(n_digits=2, train_size=10_000)
    different = suite.tasks[1].splits["train"].inputs.unique(dim=0)
    assert 4800 < len(different) < 5200


def test_only_one_digit_is_written_with_zeros_before_it():
    for digits, task in enumerate(SUITE.tasks, start=1):
        numbers = [n for prompt, _ in read(SUITE, task, "train") for n in prompt.split("+")]
        padded = any(len(number) > 1 and number[0] == "0" for number in numbers)
        assert padded == (digits == 1)
        assert max(len(number.lstrip("0")) for number in numbers) == digits


def test_stress_sums_carry_at_every_place():
    for digits, task in enumerate(SUITE.tasks, start=1):
        for prompt, _ in read(SUITE, task, "stress"):
            first, second = (number.zfill(digits)[-digits:] for number in prompt.split("+"))
            carry = 0
            for a, b in zip(reversed(first), reversed(second), strict=True):
                carry = (int(a) + int(b) + carry) // 10
                assert carry == 1


def test_digits_are_drawn_evenly():
    numbers = [int(n) for p, _ in read(SUITE, SUITE.tasks[3], "train") for n in p.split("+")]
    counts = np.bincount(np.array(numbers) // 1000, minlength=10)
    # 6,000 numbers: 600 for each first digit, five standard deviations around it.
    assert (np.abs(counts - 600) < 117).all()


def test_tasks_are_in_the_true_order_and_say_what_they_are():
    assert SUITE.order == (0, 1, 2, 3)
    assert SUITE.names == ["add-1", "add-2", "add-3", "add-4"]
    assert SUITE.tasks[2].prerequisites == ("add-2",)
    assert SUITE.tasks[2].skills == ("place-1", "place-2", "place-3")
    assert SUITE.values("chance").tolist() == [0.0] * 4
    assert all(task.endless for task in SUITE.tasks)
    assert (np.diff(SUITE.values("cost")) > 0).all()


def test_it_is_the_same_suite_every_time_and_other_sizes_begin_alike():
    again, larger = addition(2, 100, 16), addition(2, 300, 16)
    for one, other in zip(again.tasks, larger.tasks, strict=True):
        for split in SPLITS:
            assert read(again, one, split) == read(larger, other, split)[: len(one.splits[split])]


def test_a_reversed_answer_begins_with_the_ones():
    for task in addition(3, 50, 8, reversed_answer=True).tasks:
        for prompt, answer in read(addition(3, 50, 8, reversed_answer=True), task, "train"):
            assert sum(map(int, prompt.split("+"))) == int(answer[::-1])


def test_a_decoder_reads_it():
    model = Decoder(SUITE.input_shape, SUITE.n_outputs, width=8, n_layers=1)
    assert model(SUITE.tasks[0].splits["train"].inputs[:3]).shape == (3, SUITE.input_shape[0], 13)
    assert SUITE.tokens
    assert SUITE.tasks[0].splits["train"].inputs.dtype == torch.int64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_digits": 0}, r"n_digits must be in \[1, 15\], got 0"),
        ({"n_digits": 16}, r"n_digits must be in \[1, 15\], got 16"),
        ({"train_size": 0}, "train_size must be at least 1, got 0"),
        ({"held_out": 0}, "held_out must be at least 1, got 0"),
    ],
    ids=str,
)
def test_impossible_sums_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        addition(**options)
