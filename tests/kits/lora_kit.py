"""Suites of random tokens for adapters, and cohorts of adapters over our own decoder.

Legend: k tasks, m examples, n students.
"""

import torch

from lessonplan.student import (
    NO_TOKEN,
    SPLITS,
    Decoder,
    Examples,
    LoRA,
    LoRACohort,
    Task,
    TaskSuite,
)

VOCABULARY, PROMPT, ANSWER = 264, 10, 4


def token_suite(vocabulary=VOCABULARY, padded=True, k=3):
    """Random tokens to be continued by random tokens; prompts of unequal length where padded."""
    generator = torch.Generator().manual_seed(0)
    tasks = []
    for i in range(k):
        splits = {}
        for split in SPLITS:
            m = 40 if split == "train" else 12
            text = torch.randint(3, vocabulary, (m, PROMPT + ANSWER), generator=generator)
            targets = text[:, PROMPT:].clone()
            inputs = text[:, :-1].clone()
            if padded:
                short = torch.randint(PROMPT - 2, (m, 1), generator=generator)
                inputs[torch.arange(inputs.shape[1]) < short] = NO_TOKEN
            splits[split] = Examples(inputs, targets)
        tasks.append(Task(f"task-{i}", splits))
    return TaskSuite("random", tuple(tasks), n_outputs=vocabulary)


def letters():
    """Random letters for our own decoder, which predicts at every position."""
    suite = token_suite(16, padded=False)
    tasks = []
    for task in suite.tasks:
        splits = {}
        for split, examples in task.splits.items():
            targets = torch.full_like(examples.inputs, -100)
            targets[:, -ANSWER:] = examples.targets
            splits[split] = Examples(examples.inputs, targets)
        tasks.append(Task(task.name, splits))
    return TaskSuite("letters", tuple(tasks), n_outputs=16)


def decoder():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Decoder((PROMPT + ANSWER - 1,), 16, width=16, n_layers=1, n_heads=2)


def decoders(n, **options):
    settings = {
        "lora": LoRA(r=2, lora_alpha=4, target_modules="all-linear"),
        "batch_size": 4,
        "evaluation_size": 8,
    }
    return LoRACohort(letters(), decoder, n, **settings | options)
