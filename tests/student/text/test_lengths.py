"""Examples are measured against the model before anything runs."""

import pytest

pytest.importorskip("transformers", reason="pretrained models need transformers")

from tiny_pretrained import save_tiny_llama

from lessonplan.student import LoRA, make_cohort
from lessonplan.student.text.characters import TextTask
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
