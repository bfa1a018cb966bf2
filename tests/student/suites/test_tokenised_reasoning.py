"""Reasoning-gym tasks for pretrained models; the layout itself is in test_tokens.py."""

import pytest

pytest.importorskip("transformers", reason="the hf extra is not installed")
pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")

from text_kit import END, START, pairs

from lessonplan.student.contract.suite_checks import check_suite
from lessonplan.student.contract.tasks import SPLITS
from lessonplan.student.suites.reasoning_suite import reasoning

SMALL = {"train_size": 24, "held_out": 6}


def test_reasoning_asks_whole_questions_of_a_tokenizer_and_the_same_ones(llm):
    tasks = ("chain_sum@num_digits=0", "spell_backward@0")
    suite, short = reasoning(tasks, **SMALL, tokenizer=llm), reasoning(tasks, **SMALL)
    words = "State the final answer to the following arithmetic problem: {} =\n"
    for split in SPLITS:
        sums = [(words.format(" ".join(prompt)), answer) for prompt, answer in
                pairs(short)[split]]  # fmt: skip
        if split != "stress":  # numbers of two digits there
            assert pairs(suite)[split] == sums
    shortened = reasoning(tasks, **SMALL, tokenizer=llm, shorten=True, template="{prompt}")
    assert pairs(shortened, 1) == pairs(short, 1)
    check_suite(suite)
    turns = pairs(reasoning(tasks, **SMALL, tokenizer=llm, chat=True, max_tokens=160))["train"]
    assert turns[0][0] == (
        f"{START}user\n{pairs(suite)['train'][0][0][:-1]}{END}{START}assistant\n"
    )


def test_reasoning_leaves_out_what_is_too_long(llm):
    longest = {
        limit: int(
            (reasoning(("gcd@0",), **SMALL, tokenizer=llm, max_tokens=limit, stress="noise"))
            .pool("train")
            .inputs.ge(0)
            .sum(dim=1)
            .max()
        )
        for limit in (109, 160)
    }
    # The end token is no input.
    assert longest == {109: 108, 160: 109}
    with pytest.raises(ValueError, match=r"most 20 tokens with their answers.* raise max_tokens"):
        reasoning(("gcd@0",), **SMALL, tokenizer=llm, max_tokens=20)


def test_noise_in_a_question_spares_what_is_asked_for(llm):
    # The highest level, beyond which nothing is harder.
    suite = reasoning(("count_bits@3",), **SMALL, tokenizer=llm, stress="noise", max_tokens=200)
    found = pairs(suite)
    for (clean, answer), (noisy, same) in zip(found["test"], found["stress"], strict=True):
        assert noisy != clean
        number = clean.split("number ")[1].split("?")[0]
        assert number in noisy
        assert bin(int(number)).count("1") == int(answer) == int(same)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"chat": True}, "are for pretrained models; name their tokenizer"),
        ({"verify": True}, "are for pretrained models; name their tokenizer"),
        ({"stress": "noise"}, "stress='noise' needs whole questions"),
        ({"stress": "template"}, "stress='template' is for pretrained models"),
        ({"stress": "rare"}, "must be one of noise, template, harder"),
    ],
)
def test_reasoning_refuses_what_needs_a_tokenizer(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        reasoning(("gcd@0",), **SMALL, **options)
