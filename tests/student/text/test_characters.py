import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lessonplan.student import IGNORED, SPLITS, Decoder, Examples
from lessonplan.student.contract.scoring import score_examples
from lessonplan.student.text.characters import (
    END,
    SEPARATOR,
    TextCode,
    TextTask,
    content_uniform,
    text_code,
    text_suite,
)

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters=END + SEPARATOR)
TEXTS = st.text(CHARACTERS, min_size=1, max_size=9)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12)


def copying(name="copy", **fields):
    words = [a + b + c for a in "abcd" for b in "abcd" for c in "abcd"]
    pairs = [(word, word[::-1]) for word in words]
    splits = {"train": pairs[::2], "probe": pairs[1::4], "test": pairs[3::4], "stress": pairs[:3]}
    return TextTask(name, splits, **fields)


def test_the_layout_is_the_one_that_is_drawn_in_the_docstring():
    code = TextCode.of([("12+5", "17"), ("10+100", "110")])
    assert code.vocabulary == (END, SEPARATOR, "+", "0", "1", "2", "5", "7")
    examples = code.encode([("12+5", "17")])
    assert examples.inputs.tolist() == [[0, 0, 4, 5, 2, 6, 1, 4, 7, 0]]
    assert examples.targets.tolist() == [[IGNORED] * 6 + [4, 7, 0, IGNORED]]


def test_the_longest_answer_is_still_followed_by_an_end():
    examples = TextCode.of([("a", "bcd")]).encode([("a", "bcd")])
    assert examples.inputs.shape == (1, 5)
    assert examples.targets[0, -1] == 0
    assert int((examples.targets != IGNORED).sum()) == 4


@given(PAIRS)
def test_what_is_encoded_decodes_to_itself(pairs):
    code = TextCode.of(pairs)
    examples = code.encode(pairs)
    assert code.decode(examples.inputs) == pairs
    answers = [
        "".join(code.vocabulary[token] for token in row[row != IGNORED].tolist())
        for row in examples.targets
    ]
    assert answers == [answer + END for _, answer in pairs]


@given(PAIRS)
@settings(max_examples=50)
def test_every_target_is_the_next_input_token(pairs):
    examples = TextCode.of(pairs).encode(pairs)
    asked = examples.targets[:, :-1] != IGNORED
    assert (examples.targets[:, :-1][asked] == examples.inputs[:, 1:][asked]).all()


def greedy(model, code, inputs):
    """Answers that the model writes by itself; None where it does not stop."""
    written = inputs.clone()
    written[:, code.prompt_length + 1 :] = 0
    for place in range(code.prompt_length, written.shape[1]):
        token = model(written)[:, place].argmax(dim=-1)
        if place + 1 < written.shape[1]:
            written[:, place + 1] = token
    ended = (written[:, code.prompt_length + 1 :] == 0).any(dim=1) | (token == 0)
    answers = [answer for _, answer in code.decode(written)]
    return [answer if end else None for answer, end in zip(answers, ended, strict=True)]


def test_right_under_teacher_forcing_is_what_greedy_decoding_writes():
    words = [a + b + c for a in "abc" for b in ["", "a", "b"] for c in ["", "c", "d"]]
    pairs = [(word, word[::-1]) for word in dict.fromkeys(words)]
    suite = text_suite("copying", [TextTask("copy", dict.fromkeys(SPLITS, pairs))])
    code, examples = text_code(suite), suite.tasks[0].splits["train"]
    torch.manual_seed(0)
    model = Decoder(suite.input_shape, suite.n_outputs, width=16, n_layers=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    counts = []
    for step in range(24):
        logits = model(examples.inputs)
        if step % 3 == 0:
            right = score_examples(logits[None], examples.targets[None])[0][0].tolist()
            written = greedy(model, code, examples.inputs)
            assert right == [
                wrote == answer for wrote, (_, answer) in zip(written, pairs, strict=True)
            ]
            counts.append(sum(right))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits.transpose(1, 2), examples.targets).backward()
        optimizer.step()
    assert any(0 < count < len(pairs) for count in counts)


def test_a_suite_keeps_what_its_tasks_say():
    first = copying("first", difficulty=3.0, category="reversal")
    second = copying("second", skills=("reading",), prerequisites=("first",))
    suite = text_suite("both", [second, first])
    assert suite.order == (1, 0)
    assert suite.tasks[0].skills == ("reading",)
    assert suite.tasks[1].category == "reversal"
    assert suite.tokens
    assert suite.values("cost").tolist() == [8.0, 8.0]  # 3 + separator + 3 + end


def test_the_code_of_a_suite_reads_its_examples():
    suite = text_suite("copying", [copying()])
    task = copying()
    for split, pairs in task.splits.items():
        assert text_code(suite).decode(suite.tasks[0].splits[split].inputs) == pairs


@pytest.mark.parametrize("pair", [("", "b"), ("a", ""), ("aaa", "b"), ("a", "bbb")])
def test_texts_that_do_not_fit_are_refused(pair):
    with pytest.raises(ValueError, match="characters, wanted 1 to 2"):
        TextCode((END, SEPARATOR, "a", "b"), 2, 2).encode([pair])


def test_unknown_and_reserved_characters_are_refused():
    code = TextCode((END, SEPARATOR, "a", "b"), 3, 3)
    with pytest.raises(ValueError, match="'z' is not in the vocabulary"):
        code.encode([("az", "b")])
    with pytest.raises(ValueError, match="control character"):
        code.encode([("a" + END, "b")])


def test_the_hash_of_a_text_is_fixed_and_even():
    assert content_uniform("cat") == content_uniform("cat")
    values = [content_uniform(str(i)) for i in range(4000)]
    assert abs(sum(values) / len(values) - 0.5) < 0.02
    assert abs(sum(value < 0.125 for value in values) / len(values) - 0.125) < 0.02


def test_many_examples_are_encoded_in_a_second_or_two():
    pairs = [(f"{i} times", str(i)) for i in range(100_000)]
    examples = TextCode.of(pairs).encode(pairs)
    assert len(examples) == 100_000


def test_characters_without_padding_are_those_in_the_layout():
    pairs = [("12+5", "17"), ("a", "bcd"), ("xy", "z")]
    code = TextCode.of(pairs)
    padded, ragged = code.encode(pairs), code.encode(pairs, ragged=True)
    assert torch.equal(padded.inputs, ragged.inputs)
    assert torch.equal(padded.targets, ragged.targets)
    assert (padded.input_shape, padded.answer_length) == (ragged.input_shape, ragged.answer_length)
    twice = Examples.end_to_end([ragged, ragged])
    assert torch.equal(twice.targets, torch.cat([padded.targets, padded.targets]))
