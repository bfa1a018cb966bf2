"""What the examples with trainers share: a small language model without weights, three tasks.

Each task turns four letters into others: `a c b d copy` into `a c b d`, and so on. There are many
examples of the first task and few of the last. Nothing is downloaded.
"""

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

LETTERS = "abcdefgh"
TASKS = ("copy", "reverse", "sort")
TURNED = {"copy": list, "reverse": lambda text: list(text)[::-1], "sort": sorted}
SIZES = {"copy": 400, "reverse": 200, "sort": 100}
HELD_OUT = 40


def tokenizer() -> PreTrainedTokenizerFast:
    """One token for each letter and each task."""
    words = ["[PAD]", "[EOS]", "[UNK]", *TASKS, *LETTERS]
    word_level = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "[UNK]"))
    word_level.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=word_level, pad_token="[PAD]", eos_token="[EOS]", unk_token="[UNK]"
    )


def model(seed: int = 0, width: int = 32) -> LlamaForCausalLM:
    """A Llama of one layer with random weights."""
    set_seed(seed)
    shape = LlamaConfig(
        vocab_size=3 + len(TASKS) + len(LETTERS), hidden_size=width, intermediate_size=2 * width,
        num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=64, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(shape)


def examples(split: str) -> Dataset:
    """Rows of all tasks with `task`, `prompt` and `completion`.

    `split` is train, test, or unseen, of which 100 texts a task are neither.
    """
    rows: list[dict[str, str]] = []
    for number, task in enumerate(TASKS):
        texts = list(itertools.permutations(LETTERS, 4))[number :: len(TASKS)]
        first, count = {
            "test": (0, HELD_OUT),
            "train": (HELD_OUT, SIZES[task]),
            "unseen": (HELD_OUT + SIZES[task], 100),
        }[split]
        own = texts[first : first + count]
        rows += [
            {
                "task": task,
                "prompt": f"{' '.join(text)} {task} ",
                "completion": " ".join(TURNED[task](text)),
            }
            for text in own
        ]
    return Dataset.from_list(rows)


def tokenized(split: str) -> Dataset:
    """Rows of token ids; only the answer is learned."""
    words = tokenizer()

    def tokens(row: dict[str, str]) -> dict[str, list[int]]:
        prompt = words(row["prompt"])["input_ids"]
        answer = [*words(row["completion"])["input_ids"], words.eos_token_id]
        return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}

    return examples(split).map(tokens, remove_columns=["prompt", "completion"])


def arguments(description: str) -> argparse.Namespace:
    """The options that every example understands."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps")
    parser.add_argument("--report-to", default="none", help="a tracker, such as wandb")
    parser.add_argument("--packing", action="store_true", help="pack (SFTTrainer alone)")
    return parser.parse_args()


def tell(trainer: Any, out: Path) -> None:
    """Print what was chosen, and keep it in a file of this process, with the chances it had."""
    history = trainer.state.log_history
    choices = [line for line in history if "tutor/task" in line]
    rank = trainer.args.process_index
    (out / f"chosen-{rank}.json").write_text(json.dumps(choices, indent=1) + "\n")
    if rank == 0:
        print("chosen:", *(TASKS[line["tutor/task"]] for line in choices))
