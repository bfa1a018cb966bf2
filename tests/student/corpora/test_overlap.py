"""What is trained on is never what is asked later, read back from encoded suites."""

import itertools
import json
import random

import pytest
from text_kit import pairs
from tiny_pretrained import save_tiny_bert

from lessonplan.student import jsonl
from lessonplan.student.corpora.splitting import normal_form

ACCENTS = ("e\u0301", "\u00e9")


def leaky_folder(path, seed):
    """Two tasks with official splits and one without, full of prompts that stand in several."""
    draw = random.Random(seed)
    prompts = [f"caf{accent} {word} {i}" for accent in ACCENTS for word in "ab" for i in range(150)]

    def odd(prompt):
        """The prompt as somebody else would have typed it."""
        changed = draw.choice([str.upper, str.title, str, lambda text: f" {text} "])(prompt)
        return changed.replace(" ", draw.choice([" ", "  ", "\t", "\u00a0"]), 1)

    def write(name, count, split=None):
        rows = [
            {"prompt": odd(draw.choice(prompts)), "answer": draw.choice("xyz"), "split": split}
            for _ in range(count)
        ]
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    for name, count in (("train", 120), ("validation", 12), ("test", 12)):
        write(f"official/{name}.jsonl", count)
    write("half/train.jsonl", 120)
    write("half/test.jsonl", 12)
    write("free.jsonl", 120)
    return path


def overlaps(suite):
    """Normal forms that stand in two of the splits that matter, over all tasks."""
    forms = {split: set() for split in ("train", "probe", "test")}
    for task in range(len(suite)):
        read = pairs(suite, task)
        for split, texts in forms.items():
            texts.update(normal_form(prompt) for prompt, _ in read[split])
    assert all(forms.values())
    return [a & b for a, b in itertools.combinations(forms.values(), 2)]


@pytest.mark.parametrize("seed", range(5))
def test_no_prompt_of_characters_stands_in_two_splits(tmp_path, seed):
    suite = jsonl(leaky_folder(tmp_path / "data", seed))
    assert overlaps(suite) == [set()] * 3


@pytest.mark.parametrize("seed", range(3))
def test_no_prompt_of_tokens_stands_in_two_splits(tmp_path, llm, seed):
    suite = jsonl(leaky_folder(tmp_path / "data", seed), tokenizer=llm)
    assert overlaps(suite) == [set()] * 3


def test_no_text_to_be_classified_stands_in_two_splits(tmp_path):
    encoder = save_tiny_bert(tmp_path / "model")
    suite = jsonl(leaky_folder(tmp_path / "data", 0), tokenizer=encoder, classify=True)
    rows = {
        split: {tuple(row) for row in suite.pool(split).inputs.tolist()}
        for split in ("train", "probe", "test")
    }
    assert all(not a & b for a, b in itertools.combinations(rows.values(), 2))
