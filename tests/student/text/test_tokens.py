import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("transformers", reason="the hf extra is not installed")

from tiny_pretrained import (
    END,
    save_tiny_gpt2,
    save_tiny_llama,
    tiny_encoder_tokenizer,
    tiny_tokenizer,
)
from tokenizers import processors

from lessonplan.student.contract.scoring import score_examples
from lessonplan.student.contract.suite_checks import check_suite
from lessonplan.student.contract.tasks import IGNORED, NO_TOKEN, SPLITS
from lessonplan.student.networks.pretrained import CausalLM
from lessonplan.student.text.characters import TextTask
from lessonplan.student.text.class_suites import class_suite
from lessonplan.student.text.token_suites import token_suite
from lessonplan.student.text.tokens import TokenCode, token_code
from lessonplan.student.text.wording import Chat, Question, Wording

TOKENIZER = tiny_tokenizer()
SPECIAL = ("<|im_end|>", "<|im_start|>", "<|pad|>")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9).filter(
    lambda text: not any(special in text for special in SPECIAL)
)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)


def code_of(pairs):
    longest = [max(len(text.encode()) for text in texts) for texts in zip(*pairs, strict=True)]
    return TokenCode(Wording(TOKENIZER), longest[0], longest[1] + 1)


def asking(*pairs, name="sums", **fields):
    questions = [Question(*pair) for pair in pairs]
    return TextTask(name, dict.fromkeys(SPLITS, questions), **fields)


def token(character):
    return TOKENIZER.convert_tokens_to_ids(character)


def test_the_layout_is_the_one_that_is_drawn_in_the_docstring():
    suite = token_suite("sums", [asking(("12+5", "17"), ("10+100", "110"))], TOKENIZER)
    examples = suite.tasks[0].splits["train"]
    none, end = NO_TOKEN, TOKENIZER.eos_token_id
    one, two, five, seven, plus = map(token, "1257+")
    assert examples.inputs[0].tolist() == [none, none, one, two, plus, five, one, seven, none]
    assert examples.targets[0].tolist() == [one, seven, end, IGNORED]
    assert suite.tasks[0].cost == (4 + 3 + 6 + 4) / 2
    assert suite.tokens
    assert suite.vocabulary == ()


@given(PAIRS)
@settings(max_examples=50)
def test_what_is_encoded_decodes_to_itself(pairs):
    code = code_of(pairs)
    examples = code.encode(pairs)
    assert code.decode(examples.inputs) == pairs
    answers = [
        TOKENIZER.decode(row[row != IGNORED], clean_up_tokenization_spaces=False)
        for row in examples.targets
    ]
    assert answers == [answer + END for _, answer in pairs]


@given(PAIRS)
@settings(max_examples=50)
def test_answers_begin_at_the_same_place_and_every_target_is_the_next_token(pairs):
    code = code_of(pairs)
    examples = code.encode(pairs)
    p, a = code.prompt_length, code.answer_length
    assert examples.inputs.shape == (len(pairs), p + a - 1)
    assert examples.targets.shape == (len(pairs), a)
    following, targets = examples.inputs[:, p:], examples.targets[:, :-1]
    asked = following != NO_TOKEN
    assert (following[asked] == targets[asked]).all()
    assert (examples.inputs[:, p - 1] != NO_TOKEN).all()
    ends = (examples.targets != IGNORED).sum(dim=1) - 1
    last = examples.targets.gather(1, ends[:, None])[:, 0]
    assert (last == TOKENIZER.eos_token_id).all()
    assert (asked.sum(dim=1) == ends).all()
    hidden = examples.inputs[:, :p] == NO_TOKEN
    assert (hidden[:, :-1] >= hidden[:, 1:]).all()


def test_the_code_of_a_suite_reads_its_examples_from_the_folder_it_names(tmp_path):
    source = save_tiny_gpt2(tmp_path)
    pairs = [("a b", "c"), ("long prompt ", "and a long answer")]
    suite = token_suite("texts", [asking(*pairs)], source)
    assert suite.tokenizer == source
    assert suite.n_outputs == 264  # the model has more outputs than the tokenizer tokens
    code = token_code(suite)
    assert code.decode(suite.tasks[0].splits["train"].inputs) == pairs
    assert (code.answer_length, code.wording.end) == (18, TOKENIZER.eos_token_id)
    check_suite(suite, skip=("splits", "chance"))


def test_a_suite_of_classes_has_no_code():
    splits = {split: [(split + "a", "x"), (split + "b", "y")] for split in SPLITS}
    suite = class_suite("t", [TextTask("t", splits)], tiny_encoder_tokenizer())
    with pytest.raises(ValueError, match="not of answers in a tokenizer's tokens"):
        token_code(suite, tiny_encoder_tokenizer())


def test_what_a_tokenizer_puts_in_front_of_a_text_is_there_and_what_it_puts_behind_is_not():
    tokenizer = tiny_tokenizer()
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A <|im_end|>",
        special_tokens=[("<|im_start|>", start), ("<|im_end|>", end)],
    )
    wording = Wording(tokenizer)
    assert wording.prompts([Question("ab", "c")]) == [[start, token("a"), token("b")]]
    assert wording.answers(["c"]) == [[token("c"), end]]
    assert Wording(tokenizer, chat=True).prompts([Question("a", "c")])[0].count(start) == 2


def test_a_chat_is_in_the_template_of_the_tokenizer_up_to_where_the_assistant_writes():
    wording = Wording(TOKENIZER, chat=True)
    chat = Chat((("system", "Be brief."), ("user", "1+1?")))
    assert wording.text(Question(chat, "2")) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1+1?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert wording.text(Question("1+1?", "2")) == (
        "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_chat_ends_with_the_token_that_ends_a_turn_and_not_with_that_of_a_text():
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = "<|pad|>"
    assert Wording(tokenizer, chat=True).end == tokenizer.convert_tokens_to_ids(END)
    assert Wording(tokenizer).end == tokenizer.convert_tokens_to_ids("<|pad|>")


def test_messages_for_a_tokenizer_without_a_chat_template_stand_under_their_roles():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    wording = Wording(tokenizer, chat=True)
    assert wording.text(Question(Chat((("user", "1+1?"),)), "2")) == "user:\n1+1?\nassistant:\n"
    with pytest.raises(ValueError, match="chat=True needs a tokenizer with a chat template"):
        token_suite("s", [asking(("a", "b"))], tokenizer, chat=True)


def test_messages_without_a_chat_template_begin_with_what_the_tokenizer_puts_in_front():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    start = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", start)]
    )
    chat = Question(Chat((("user", "1+1?"),)), "2")
    examples = token_suite("s", [asking((chat.prompt, "2"))], tokenizer).tasks[0].splits["train"]
    p = examples.inputs.shape[1] - examples.targets.shape[1] + 1
    wanted = [start, *map(token, "user:Ċ1+1?Ċassistant:Ċ")]
    assert examples.inputs[0, :p].tolist() == wanted
    assert Wording(tokenizer, chat=True).prompts([chat]) == [wanted]


def test_a_template_is_around_the_prompt_and_leaves_other_braces_alone():
    wording = Wording(TOKENIZER, template="{x} {prompt}\n")
    assert wording.text(Question("{1}", "2")) == "{x} {1}\n"
    assert wording.text(Question("{1}", "2", template="Say {prompt}!")) == "Say {1}!"
    with pytest.raises(ValueError, match=r"must hold \{prompt\} once, got 'nothing'"):
        Wording(TOKENIZER, template="nothing")


def test_a_template_that_refuses_the_messages_is_told():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(ValueError, match=r"refuses the messages .*no system"):
        Wording(tokenizer, chat=True).text(Question(Chat((("system", "x"), ("user", "y"))), "z"))


@pytest.mark.parametrize(
    ("pair", "fields", "sentence"),
    [
        (("a", f"b{END}"), {}, r"holds '<\|im_end\|>', which marks where answers end"),
        (("abcdef", "123"), {"max_tokens": 9}, "has 10 tokens together with its answer"),
    ],
)
def test_texts_that_do_not_fit_are_refused(pair, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        token_suite("s", [asking(pair)], TOKENIZER, **fields)


def test_stress_examples_that_are_too_long_are_left_out_and_the_notes_count_them():
    rows = [Question("abcd", "12"), Question("efgh", "34"), Question("ijkl", "5")]
    longer = [Question(f"{row.prompt}!", row.answer) for row in rows]
    task = TextTask("sums", dict.fromkeys(SPLITS, rows) | {"stress": longer})
    suite = token_suite("s", [task], TOKENIZER, max_tokens=7)
    assert suite.notes == ("stress examples left out, longer than 7 tokens: 2",)
    assert token_code(suite, TOKENIZER).decode(suite.tasks[0].splits["stress"].inputs) == [
        ("ijkl!", "5")
    ]
    assert token_suite("s", [task], TOKENIZER, max_tokens=8).notes == ()


def test_texts_longer_than_the_code_are_refused():
    code = code_of([("ab", "cd")])
    with pytest.raises(ValueError, match="a row has 3 tokens, and there is room for 2"):
        code.encode([("abc", "d")])
    with pytest.raises(ValueError, match="a row has 4 tokens, and there is room for 3"):
        code.encode([("a", "bcd")])


def test_messages_and_plain_prompts_do_not_mix_unless_asked_to():
    tasks = [asking(("a", "b")), asking((Chat((("user", "a"),)), "b"), name="chats")]
    with pytest.raises(ValueError, match="chat=True makes messages of all"):
        token_suite("s", tasks, TOKENIZER)
    suite = token_suite("s", tasks, TOKENIZER, chat=True)
    first, second = (task.splits["train"].inputs for task in suite.tasks)
    assert torch.equal(first, second)


def lightly_trained(folder, pairs):
    """A tiny Llama that knows some of the answers, and the pairs' suite."""
    source = save_tiny_llama(folder)
    suite = token_suite("copying", [asking(*pairs, name="copy")], source)
    examples = suite.tasks[0].splits["train"]
    model = CausalLM(source, examples.targets.shape[1])
    model.requires_grad_(True)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    return suite, examples, model, optimizer


WORDS = [a + b + c for a in "abc" for b in ["", "a", "bb"] for c in ["", "c", "dd"]]
COPIES = [(word, word[::-1]) for word in dict.fromkeys(WORDS)]


def test_right_under_teacher_forcing_is_what_greedy_decoding_of_a_llama_writes(tmp_path):
    suite, examples, model, optimizer = lightly_trained(tmp_path, COPIES)
    code, counts = token_code(suite), []
    fronts = examples.inputs[:, : code.prompt_length]
    assert (fronts == NO_TOKEN).any()
    for step in range(41):
        logits = model(examples.inputs)
        if step % 20 == 0:
            right = score_examples(logits[None].detach(), examples.targets[None])[0][0].tolist()
            # transformers' own loop over tokens, on batches with prompts of unequal length.
            written = model.model.generate(
                input_ids=fronts.masked_fill(fronts == NO_TOKEN, TOKENIZER.pad_token_id),
                attention_mask=(fronts != NO_TOKEN).long(),
                max_new_tokens=code.answer_length,
                do_sample=False,
            )[:, code.prompt_length :]
            texts = [TOKENIZER.decode(row).split(END) for row in written]
            exact = [
                len(text) > 1 and text[0] == answer
                for text, (_, answer) in zip(texts, COPIES, strict=True)
            ]
            assert right == exact
            counts.append(sum(right))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits.transpose(1, 2), examples.targets).backward()
        optimizer.step()
    assert any(0 < count < len(COPIES) for count in counts)


@pytest.mark.parametrize("save", [save_tiny_llama, save_tiny_gpt2])
def test_what_stands_in_front_changes_no_logits(tmp_path, save):
    source = save(tmp_path)
    pairs = [("a", "bcd"), ("some longer prompt", "b"), ("abc", "be")]
    examples = token_suite("texts", [asking(*pairs)], source).tasks[0].splits["train"]
    a = examples.targets.shape[1]
    padded = CausalLM(source, a)(examples.inputs)
    for row, (prompt, answer) in enumerate(pairs):
        alone = TOKENIZER(prompt + answer, return_tensors="pt")["input_ids"]
        wanted = CausalLM(source, 1).model(alone).logits[0, len(prompt) - 1 :]
        torch.testing.assert_close(padded[row, : len(wanted)], wanted, rtol=1e-4, atol=1e-4)
