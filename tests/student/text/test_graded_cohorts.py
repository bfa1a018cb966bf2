"""Graders through cohorts: choices and written answers of members, alone and in company."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cohort_kit import evaluation_set

from lessonplan.student import (
    Adam,
    CausalLM,
    LoRA,
    LoRACohort,
    check_cohort,
    jsonl,
    load_tokenizer,
)

pytest.importorskip("transformers", reason="the hf extra is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_pretrained import save_tiny_llama

    return save_tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def suite(folder, tmp_path_factory):
    """One task by exact match, one by choice."""
    path = tmp_path_factory.mktemp("data") / "d.jsonl"
    lines = [{"prompt": f"say {i}", "answer": str(i % 3), "task": "exact"} for i in range(40)]
    lines += [
        {"prompt": f"pick {i}", "answer": "abc"[i % 3], "choices": ["a", "b", "c"], "task": "pick"}
        for i in range(40)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return jsonl(path, held_out=0.2, tokenizer=folder)


def score_by_length(text, line):
    return min(len(text), 4) / 4


def cohort(suite, folder, n, chunk=1):
    answer_length = suite.tasks[0].splits["train"].targets.shape[1]
    return LoRACohort(
        suite, lambda: CausalLM(folder, answer_length), n, member_chunk=chunk, batch_size=4,
        lora=LoRA(r=2, target_modules=("q_proj", "v_proj")), evaluation_size=6,
        optimizer=Adam(learning_rate=1e-2),
    )  # fmt: skip


def trained(suite, folder, n, chunk=1):
    made = cohort(suite, folder, n, chunk)
    made.train(np.full((n, 2), 0.5), 4)
    return made


@pytest.mark.slow
def test_a_graded_suite_keeps_the_contract(suite, folder):
    check_cohort(lambda n: cohort(suite, folder, n))


def test_the_choice_of_a_member_is_the_candidate_it_finds_likeliest(suite, folder):
    made = trained(suite, folder, 2)
    found = made.evaluate("test")
    index, used = evaluation_set(made, "test")
    pool, task = suite.pool("test"), suite.names.index("pick")
    module = made.student(1)
    grader = suite.tasks[task].grader
    right, sure = [], []
    for place in index[1, task][used[1, task]]:
        local = place - pool.offsets[task]
        here = np.array([local])
        (wanted,) = grader.right["test"].take(here).flat
        losses = []
        for option in grader.options["test"].take(here).flat:
            tokens = grader.texts.take(np.array([option])).flat.astype(np.int64)
            prompt = torch.from_numpy(grader.prompts["test"].take(here).flat.astype(np.int64))
            text = torch.cat([prompt, torch.tensor(tokens)])
            with torch.no_grad():
                logits = module.model(input_ids=text[None, :-1]).logits[0, len(prompt) - 1 :]
            losses.append(F.cross_entropy(logits, torch.tensor(tokens), reduction="sum"))
        chances = torch.softmax(-torch.stack(losses), dim=0)
        right.append(int(chances.argmax()) == wanted)
        sure.append(float(chances[wanted]))
    accuracy = np.mean(right)
    chance = suite.tasks[task].chance
    assert 1 / 3 <= chance < 0.5
    wanted_score = max(0.0, (accuracy - chance) / (1 - chance))
    assert found.score[1, task] == pytest.approx(wanted_score, abs=1e-6)
    assert 0 < np.mean(sure) < 1


def test_one_task_is_graded_as_among_all_and_every_row_by_itself(suite, folder):
    made = trained(suite, folder, 3)
    whole = made.evaluate("probe")
    tasks, rows = np.array([1, 0]), np.array([2, 0])
    part = made.evaluate("probe", tasks=tasks, rows=rows)
    for name in ("score", "loss", "calibration_error"):
        wanted = getattr(whole, name)[rows, tasks]
        np.testing.assert_array_equal(getattr(part, name)[:, 0], wanted)


def test_what_is_written_is_scored(folder, tmp_path):
    path = tmp_path / "d.jsonl"
    lines = [{"prompt": f"say {i}", "answer": "four", "task": "say"} for i in range(40)]
    path.write_text("\n".join(map(json.dumps, lines)))
    suite = jsonl(path, held_out=0.2, tokenizer=folder, score=score_by_length)
    answer_length = suite.tasks[0].splits["train"].targets.shape[1]
    made = LoRACohort(
        suite, lambda: CausalLM(folder, answer_length), 2, member_chunk=1, evaluation_size=6,
        lora=LoRA(r=2, target_modules=("q_proj",)),
    )  # fmt: skip
    found = made.evaluate("test")
    index, used = evaluation_set(made, "test")
    module, pool = made.student(0), suite.pool("test")
    prompts = pool.inputs[index[0, 0][used[0, 0]]][:, : pool.inputs.shape[1] - answer_length + 1]
    tokenizer = load_tokenizer(folder)
    written = [tokenizer.decode(tokens) for tokens in module.generate(prompts, answer_length)]
    wanted = np.mean([score_by_length(text, None) for text in written])
    assert found.score[0, 0] == pytest.approx(wanted)
