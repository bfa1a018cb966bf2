"""Lines for pretrained models; the layout itself is in test_tokens.py."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the hf extra is not installed")

from text_kit import END, START, pairs
from tiny_pretrained import save_tiny_bert

from lessonplan.student.contract.suite_checks import check_suite
from lessonplan.student.contract.tasks import SPLITS
from lessonplan.student.corpora.own_files import jsonl
from lessonplan.student.text.characters import text_code
from lessonplan.student.text.graders import Choice, Verify
from lessonplan.student.text.stress import TEMPLATES


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


def written(path, records):
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def numbered(count, **fields):
    return [{"prompt": f"item {i}", "answer": str(i), **fields} for i in range(count)]


def test_lines_are_in_the_same_splits_with_a_tokenizer_as_without(tmp_path, llm):
    path = written(tmp_path / "items.jsonl", numbered(60))
    suite = jsonl(path, tokenizer=llm)
    assert pairs(suite) == pairs(jsonl(path))
    check_suite(suite)
    chats = pairs(jsonl(path, tokenizer=llm, chat=True))
    front, back = f"{START}user\n", f"{END}{START}assistant\n"
    for split in SPLITS:
        assert chats[split] == [
            (front + prompt + back, answer) for prompt, answer in pairs(suite)[split]
        ]


def test_messages_and_pairs_that_say_the_same_are_the_same_example(tmp_path, llm):
    records = numbered(40)
    messages = [
        [
            {"role": "user", "content": one["prompt"]},
            {"role": "assistant", "content": one["answer"]},
        ]
        for one in records
    ]
    mixed = [*records[:20], *({"messages": one} for one in messages[15:])]
    plain = jsonl(written(tmp_path / "a.jsonl", records), tokenizer=llm, chat=True)
    suite = jsonl(written(tmp_path / "b.jsonl", mixed), tokenizer=llm, chat=True)
    assert torch.equal(suite.pool("train").inputs, plain.pool("train").inputs)
    assert torch.equal(suite.pool("test").targets, plain.pool("test").targets)


def test_all_before_the_last_message_is_the_prompt(tmp_path, llm):
    roles = ("system", "user", "assistant", "user", "assistant")
    records = [
        {"messages": [{"role": role, "content": f"{role} {i}"} for role in roles]}
        for i in range(20)
    ]
    found = pairs(jsonl(written(tmp_path / "chats.jsonl", records), tokenizer=llm))
    prompt, answer = found["train"][0]
    number = answer.removeprefix("assistant ")
    assert prompt == (
        "".join(f"{START}{role}\n{role} {number}{END}" for role in roles[:4])
        + f"{START}assistant\n"
    )
    (noisy, _), (clean, _) = found["stress"][0], found["test"][0]
    same = clean.rindex(f"{START}user")
    assert noisy != clean
    assert noisy[:same] == clean[:same]


def test_stress_in_another_template_asks_the_test_questions(tmp_path, llm):
    path = written(tmp_path / "items.jsonl", numbered(60))
    found = pairs(jsonl(path, tokenizer=llm, stress="template", template="Q: {prompt}\n"))
    for (clean, answer), (other, same) in zip(found["test"], found["stress"], strict=True):
        asked = clean.removeprefix("Q: ").removesuffix("\n")
        assert other in [template.replace("{prompt}", asked) for template in TEMPLATES]
        assert answer == same


def test_choices_are_graded_by_loss(tmp_path, llm):
    choices = [str(i) for i in range(30)]
    records = numbered(30, choices=choices) + numbered(20, task="free")
    for record in records[30:]:
        record["prompt"] = "free " + record["prompt"]
    suite = jsonl(written(tmp_path / "items.jsonl", records), tokenizer=llm, per_token=True)
    assert isinstance(suite.tasks[0].grader, Choice)
    assert suite.tasks[0].grader.per_token
    assert suite.tasks[0].chance == pytest.approx(1 / 30)
    assert suite.tasks[1].grader is None
    assert suite.tasks[1].chance == 0.0


def test_a_function_of_the_text_and_the_line_is_a_verifier(tmp_path, llm):
    seen = []

    def score(text, line):
        seen.append((text, line["category"]))
        return 0.25

    records = numbered(30, category="numbers")
    suite = jsonl(written(tmp_path / "i.jsonl", records), tokenizer=llm, score=score)
    assert isinstance(suite.tasks[0].grader, Verify)

    class Student:
        def generate(self, who, prompts, length, end):
            return [[] for _ in prompts]

        def losses(self, who, inputs, targets):
            return torch.zeros(len(inputs)).numpy()

    credit, _ = suite.tasks[0].grader.grade("stress", np.arange(2)[None], Student())
    assert credit.tolist() == [[0.25, 0.25]]
    assert seen == [("", "numbers")] * 2


def test_a_function_judges_the_tasks_without_choices_and_there_must_be_one(tmp_path, llm):
    def score(text, line):
        return 0.25

    choices = numbered(30, choices=[str(i) for i in range(30)])
    free = numbered(30, task="free")
    for record in free:
        record["prompt"] = "free " + record["prompt"]
    path = written(tmp_path / "i.jsonl", [*choices, *free])
    graders = [task.grader for task in jsonl(path, tokenizer=llm, score=score).tasks]
    assert [type(grader) for grader in graders] == [Choice, Verify]
    path = written(tmp_path / "i.jsonl", choices)
    with pytest.raises(ValueError, match=r"every task here has 'choices'.*leave score or the"):
        jsonl(path, tokenizer=llm, score=score)


def test_labels_and_answers_that_are_labels_make_the_same_classes(tmp_path, encoder):
    records = [{"prompt": f"number {i}", "label": i % 3} for i in range(60)]
    suite = jsonl(written(tmp_path / "rest.jsonl", records), tokenizer=encoder)
    assert suite.classes == ("rest: 0", "rest: 1", "rest: 2")
    assert suite.input_shape == (len("number 10") + 2,)
    for record in records:
        record["answer"] = str(record.pop("label"))
    again = jsonl(written(tmp_path / "rest.jsonl", records), tokenizer=encoder, classify=True)
    for split in SPLITS:
        assert torch.equal(suite.pool(split).inputs, again.pool(split).inputs)
        assert torch.equal(suite.pool(split).targets, again.pool(split).targets)
    check_suite(suite)
    short = jsonl(tmp_path, tokenizer=encoder, classify=True, max_tokens=11, stress="template")
    assert short.input_shape == (11,)


CHAT = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"messages": CHAT, "prompt": "a", "answer": "b"}, "has both 'messages' and 'prompt'"),
        ({"prompt": "a", "answer": "b", "label": "c"}, "has both 'answer' and 'label'"),
        ({"messages": CHAT[:1]}, "no turn of the assistant's"),
        ({"messages": CHAT[::-1]}, "nothing stands before the assistant's turn"),
        ({"messages": [{"role": "user", "content": [1]}, CHAT[1]]}, "a message holds more than"),
        ({"prompt": "a", "answer": "b", "choices": ["b"]}, "two or more different choices"),
        ({"prompt": "a", "answer": "b", "choices": ["b", "b"]}, "two or more different choices"),
        ({"prompt": "a\ud800", "answer": "b"}, "half of a surrogate pair"),
        ({"prompt": "a", "label": "x"}, "has 'label' here, but one has 'answer' at"),
        (numbered(1, choices=["0", "1"])[0], "has 'choices' here, but one has no 'choices'"),
    ],
)
def test_a_wrong_line_is_named_with_file_and_line(tmp_path, llm, record, sentence):
    path = written(tmp_path / "items.jsonl", [{"prompt": "p", "answer": "a"}, record])
    with pytest.raises(ValueError, match=r"items\.jsonl, line 2: ") as error:
        jsonl(path, tokenizer=llm)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"chat": True}, "chat is for pretrained models; name their tokenizer"),
        ({"classify": True}, "classify is for pretrained models; name their tokenizer"),
        ({"stress": "template"}, "stress='template' is for pretrained models"),
        ({"stress": "harder"}, "is for tasks with levels"),
    ],
)
def test_what_is_for_pretrained_models_needs_their_tokenizer(tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        jsonl(written(tmp_path / "items.jsonl", numbered(30)), **options)


def test_small_models_read_chats_and_labels_as_text(tmp_path):
    chats = [
        {
            "messages": [
                {"role": "system", "content": "count"},
                {"role": "user", "content": f"after {i}"},
                {"role": "assistant", "content": str(i + 1)},
            ]
        }
        for i in range(30)
    ]
    written(tmp_path / "chats.jsonl", chats)
    written(tmp_path / "signs.jsonl", [{"text": f"x {i}", "label": i % 2} for i in range(30)])
    chat, sign = text_pairs(jsonl(tmp_path))
    assert ("system: count\nuser: after 7", "8") in chat
    assert ("x 7", "1") in sign


def text_pairs(suite):
    """Prompts and answers of every task, over all splits but stress."""
    code = text_code(suite)
    return [
        [pair for split in SPLITS[:3] for pair in code.decode(task.splits[split].inputs)]
        for task in suite.tasks
    ]


def test_chats_and_plain_prompts_become_chats_together(tmp_path, llm):
    chats = [
        {"messages": [{"role": "user", "content": f"a {i}"}, {"role": "assistant", "content": "b"}]}
        for i in range(30)
    ]
    written(tmp_path / "chats.jsonl", chats)
    written(tmp_path / "plain.jsonl", numbered(30))
    suite = jsonl(tmp_path, tokenizer=llm)
    assert "all are put into chats" in " ".join(suite.notes)
    asked = jsonl(tmp_path, tokenizer=llm, chat=True)
    for split in SPLITS:
        assert torch.equal(suite.pool(split).inputs, asked.pool(split).inputs)


def test_labels_do_not_mix_with_answers_choices_or_chats(tmp_path, encoder):
    labels = [{"prompt": f"x{i}", "label": "ab"[i % 2], "task": "l"} for i in range(30)]
    path = written(tmp_path / "i.jsonl", [*labels, *numbered(30)])
    with pytest.raises(
        ValueError, match=r"task 'i' has answers, but task 'l' has labels.*classify=False"
    ):
        jsonl(path, tokenizer=encoder)
    for record in ({"messages": CHAT}, numbered(1, choices=["0", "1"])[0]):
        path = written(tmp_path / "i.jsonl", [record])
        with pytest.raises(ValueError, match="it must be a 'prompt' with a 'label'"):
            jsonl(path, tokenizer=encoder, classify=True)


def test_an_example_with_too_many_tokens_is_left_out_cut_or_an_error(tmp_path, llm):
    # A character is a token here; "item 10" with its answer and the end has ten.
    path = written(tmp_path / "items.jsonl", [*numbered(3), *numbered(43)[10:]])
    with pytest.raises(ValueError, match=r"line 4: has 10 tokens, more than max_tokens=9"):
        jsonl(path, tokenizer=llm, max_tokens=9, too_long="error")
    with pytest.raises(ValueError, match=r"33 of 36 rows can't be used"):
        jsonl(path, tokenizer=llm, max_tokens=9)
    suite = jsonl(path, tokenizer=llm, max_tokens=9, too_long="cut")
    cut = [pair for split in SPLITS[:3] for pair in pairs(suite)[split]]
    assert ("tem 10", "10") in cut
    assert ("item 1", "1") in cut
    assert suite.input_shape == (8,)
    assert jsonl(path, tokenizer=llm, max_tokens=10).input_shape == (9,)


def test_a_long_stress_example_is_left_out_and_counted(tmp_path, llm):
    records = [*numbered(30), {"prompt": "a long one", "answer": "1", "split": "stress"}]
    path = written(tmp_path / "items.jsonl", [*records, {**records[-1], "prompt": "short"}])
    suite = jsonl(path, tokenizer=llm, max_tokens=10)
    assert pairs(suite)["stress"] == [("short", "1")]
    assert any("longer than 10 tokens: 1" in note for note in suite.notes)
