"""Examples are measured against the model before anything runs."""

import numpy as np
import pytest

pytest.importorskip("transformers", reason="pretrained models need transformers")

from tiny_pretrained import save_tiny_gpt2, save_tiny_llama, tiny_tokenizer

from lessonplan.student import SPLITS, LoRA, make_cohort
from lessonplan.student.text.characters import TextTask
from lessonplan.student.text.lengths import check_lengths
from lessonplan.student.text.token_suites import token_suite
from lessonplan.student.text.wording import Question


def suite_of(folder, longest):
    """One token a byte, one for the end of an answer that is read no more."""
    rows = [Question("p" * size, "abc") for size in (4, longest - 3, 5)]
    splits = {"train": rows[:1], "probe": rows, "test": rows[:1], "stress": rows[:1]}
    return token_suite("s", [TextTask("long", splits)], folder)


def test_an_example_that_the_model_cannot_read_is_named_before_anything_runs(tmp_path):
    folder = save_tiny_llama(tmp_path, max_position_embeddings=20)
    lora = LoRA(r=2, target_modules=("q_proj",))
    make_cohort(suite_of(folder, 20), 1, model="causal", lora=lora, batch_size=2)
    with pytest.raises(
        ValueError,
        match=r"example 2 of 'probe' of task 'long' has 21 tokens .* at most 20; .*max_tokens = 20",
    ):
        make_cohort(suite_of(folder, 21), 1, model="causal", lora=lora, batch_size=2)


def written_suite(tokenizer, *rows):
    """Texts that have several right answers, so that students have to write."""
    questions = [Question("p" * size, answer, accepted=("x",)) for size, answer in rows]
    task = TextTask("written", dict.fromkeys(SPLITS, questions))
    return token_suite("s", [task], tokenizer)


def test_a_long_prompt_and_the_long_answer_of_another_fit_where_a_student_may_write_less(tmp_path):
    folder = save_tiny_gpt2(tmp_path, n_positions=20)
    suite = written_suite(folder, (16, "abc"), (3, "a" * 12), (9, "abc"))
    grader = suite.tasks[0].grader
    assert grader.rooms(grader.prompts["test"]).tolist() == [4, 13, 11]
    cohort = make_cohort(
        suite, 1, model="causal", lora=LoRA(r=2, target_modules=("c_attn",)), batch_size=2
    )
    assert np.isfinite(cohort.evaluate("test").loss).all()


def test_a_prompt_behind_which_too_much_may_be_written_is_named_with_both_lengths(tmp_path):
    folder = save_tiny_llama(tmp_path, max_position_embeddings=20)
    rows = (3, "a" * 12), (15, "abc")
    with pytest.raises(
        ValueError,
        match=r"example 2 of 'train' of task 'written' has a prompt of 15 tokens, and up to 13 may "
        r"be written, but the model .* reads 20; .*max_tokens = 10",
    ):
        check_lengths(written_suite(tiny_tokenizer(), *rows), folder)
    check_lengths(written_suite(folder, *rows), folder)
    check_lengths(written_suite(tiny_tokenizer(), (6, "abc"), (1, "a" * 8)), folder)
