"""SEC and DUMP against scalar loops written from the published formulas."""

import math

import numpy as np
import pytest
from rule_views import make_view
from scalar_rules import check_against, softmax_list

from lessonplan.teacher import DUMP, SEC

SIGNAL = pytest.mark.parametrize("signal", ["learnability", "progress"])


def sample(columns, choice, signal):
    """What stands for the mean absolute advantage."""
    if signal == "progress":
        return abs(columns["progress:difference"][choice])
    score = columns["score"][choice]
    return 2 * math.sqrt(score * (1 - score))


def test_sec_moves_only_the_value_of_the_chosen_task():
    rule = SEC(learning_rate=0.5, temperature=1.0)
    memory = rule.start(1, 2)
    columns = {"score": [[0.5, 0.5]], "progress:difference": [[0.1, 0.2]]}
    view = make_view(columns, [0], 1)
    memory = rule.observe(memory, view)
    # 2 sqrt(0.25) = 1, half-way from 0: values 0.5 and 0.
    expected = math.exp(0.5) / (math.exp(0.5) + 1)
    np.testing.assert_allclose(rule.probabilities(memory, view), [[expected, 1 - expected]])


@SIGNAL
@pytest.mark.parametrize(("rate", "temperature"), [(0.5, 1.0), (0.1, 0.2)])
def test_sec_is_td0_with_a_softmax(signal, rate, temperature):
    def scalar(seen, choices):
        values, shown = [0.0] * len(seen[0]["score"]), []
        for columns, choice in zip(seen, choices, strict=True):
            if choice is not None:
                values[choice] *= 1 - rate
                values[choice] += rate * sample(columns, choice, signal)
            shown.append(softmax_list(values, temperature))
        return shown

    rule = SEC(learning_rate=rate, temperature=temperature, signal=signal)
    check_against(scalar, rule, seed=61)


def scalar_dump(window, temperature, exploration, signal, kept):
    """The rule of the released code; `kept` says how many samples of a list are in the window."""

    def scalar(seen, choices):
        samples, shown = [[] for _ in seen[0]["score"]], []
        for columns, choice in zip(seen, choices, strict=True):
            if choice is not None:
                samples[choice].append(sample(columns, choice, signal))
            total, bounds = max(1, sum(len(s) for s in samples)), []
            for s in samples:
                recent = s[len(s) - kept(len(s)) :]
                mean = sum(recent) / len(recent) if recent else 0.0
                bounds.append(
                    mean + exploration * math.sqrt(2 * math.log(total + 1) / (len(s) + 1))
                )
            shown.append(softmax_list(bounds, temperature))
        return shown

    return scalar


@SIGNAL
@pytest.mark.parametrize(
    ("window", "temperature", "exploration"), [(300, 0.1, 1.0), (3, 0.1, 0.1), (1, 0.5, 0.0)]
)
def test_dump_is_a_softmax_of_upper_bounds_over_a_sliding_window(
    signal, window, temperature, exploration
):
    scalar = scalar_dump(window, temperature, exploration, signal, lambda n: min(n, window))
    rule = DUMP(window, temperature, exploration, signal, blocks=window)
    check_against(scalar, rule, seed=62, decisions=60)


@pytest.mark.parametrize(("window", "blocks"), [(6, 3), (6, 2), (12, 3), (5, 1), (300, 10)])
def test_dump_moves_its_window_by_blocks(window, blocks):
    size = window // blocks

    def kept(n):
        # All full blocks that fit beside the newest, which is never empty.
        newest = (n - 1) % size + 1 if n else 0
        return min(n, newest + (blocks - 1) * size)

    scalar = scalar_dump(window, 0.1, 0.2, "progress", kept)
    rule = DUMP(window, 0.1, 0.2, "progress", blocks)
    check_against(scalar, rule, seed=63, decisions=90)


@pytest.mark.parametrize(
    ("window", "blocks", "sizes"),
    [(7, 3, (3, 2, 2)), (10, 4, (3, 2, 3, 2)), (11, 10, (2,) + 9 * (1,))],
)
def test_dump_has_blocks_of_nearly_the_same_size_where_they_do_not_divide_the_window(
    window, blocks, sizes
):
    assert sum(sizes) == window
    of_sample = [block for block, size in enumerate(sizes) for _ in range(size)]

    def kept(n):
        numbers = [i // window * blocks + of_sample[i % window] for i in range(n)]
        return sum(number > numbers[-1] - blocks for number in numbers)

    scalar = scalar_dump(window, 0.1, 0.2, "progress", kept)
    rule = DUMP(window, 0.1, 0.2, "progress", blocks)
    check_against(scalar, rule, seed=64, decisions=90)


def test_the_defaults_are_those_of_the_papers():
    sec, dump = SEC(), DUMP()
    assert (sec.learning_rate, sec.temperature) == (0.5, 1.0)
    assert (dump.window, dump.temperature, dump.exploration) == (300, 0.1, 1.0)
