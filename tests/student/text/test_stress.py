import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessonplan.student.text.characters import content_uniform
from lessonplan.student.text.stress import TEMPLATES, check_stress, noisy, other_template, stressed
from lessonplan.student.text.wording import Chat, Question

TRAINED = "{prompt}"
PROMPTS = st.text(min_size=1, max_size=12)


@given(PROMPTS, st.text(max_size=5))
def test_noise_in_a_chat_is_in_its_last_message(asked, before):
    chat = Chat((("user", before), ("assistant", "yes"), ("user", asked)))
    changed = noisy(chat, ())
    assert changed.messages[:2] == chat.messages[:2]
    role, text = changed.messages[2]
    assert role == "user"
    assert text != asked


@given(PROMPTS, st.sampled_from("aeiou 3"))
def test_noise_keeps_what_must_stay_the_same(prompt, kept):
    asked = f"say {prompt}"
    changed = noisy(asked, (), lambda text: text.count(kept) == asked.count(kept))
    assert changed.count(kept) == asked.count(kept) or changed == f" {asked}"


def test_noise_avoids_prompts_that_are_elsewhere():
    assert noisy("ab", {"b", "ba"}) == "a"
    assert noisy("ab", {"a", "b", "ba"}) == " ab"
    chat = Chat((("user", "ab"),))
    taken = {Chat((("user", text),)) for text in ("b", "ba")}
    assert noisy(chat, taken) == Chat((("user", "a"),))


def test_another_template_is_never_the_trained_one_and_all_of_the_others_come():
    for trained in (TRAINED, *TEMPLATES, TEMPLATES[0].strip()):
        drawn = {other_template(f"prompt {i}", trained, ()) for i in range(80)}
        assert drawn == {one for one in TEMPLATES if one.strip() != trained.strip()}


def test_another_template_makes_no_prompt_that_is_elsewhere():
    free = TEMPLATES[2]
    taken = {one.replace("{prompt}", "1+1?") for one in TEMPLATES if one != free}
    assert other_template("1+1?", TRAINED, taken) == free


def test_a_stressed_question_keeps_its_answer_choices_and_score():
    question = Question("which?", "a", ("a", "b"), entry={"n": 1}, score=lambda text, entry: 1.0)
    for stress in ("noise", "template"):
        changed = stressed(question, stress, TRAINED, ())
        assert changed != question
        assert (changed.answer, changed.choices) == ("a", ("a", "b"))
        assert (changed.entry, changed.score) == (question.entry, question.score)
    assert stressed(question, "template", TRAINED, ()).prompt == "which?"
    assert stressed(question, "noise", TRAINED, ()).template == ""


@pytest.mark.parametrize(
    ("stress", "where", "sentence"),
    [
        ("hard", {}, "must be one of noise, template, harder, got 'hard'"),
        ("harder", {}, "is for tasks with levels, and these have none: take 'noise' or"),
        ("template", {"tokenised": False}, "is for pretrained models"),
    ],
)
def test_what_cannot_be_derived_is_refused_with_the_way_out(stress, where, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_stress(stress, **where)
    check_stress("noise", **where)
    check_stress("harder", levels=True)


def written_out(text):
    """Every different typo of a text, in order: the slow way."""
    typos = []
    for i, character in enumerate(text):
        if not character.isdigit():
            typos.append(text[:i] + text[i + 1 :])
            if text[i + 1 : i + 2] and not text[i + 1].isdigit():
                typos.append(text[:i] + text[i + 1] + character + text[i + 2 :])
    return list(dict.fromkeys(typos))


@given(st.text("aab1 ", max_size=9), st.integers(0, 20))
def test_a_typo_is_the_one_of_all_different_ones_that_the_hash_names(text, taken):
    typos = written_out(text)
    start = int(content_uniform(text) * len(typos))
    order = [t for t in typos[start:] + typos[:start] if t != text and t.strip()]
    wanted = next(iter(order[taken:]), f" {text}")
    assert noisy(text, set(order[:taken])) == wanted


def test_a_typo_in_a_long_prompt_is_found_at_once():
    text = "word and number 7, " * 20_000
    began = time.process_time()
    assert len(noisy(text, ())) in (len(text), len(text) - 1)
    assert time.process_time() - began < 2.0
