"""What rows of unequal length cost: a LoRA step, against the same rows padded to the longest.

    python -m lessonplan.experiments.bench.lengths

prints the ratios of time and of memory. Two members are trained one at a time on batches of 4 of a
small Llama, in processes of their own on one thread. Rows are about 64 tokens long in the mean and
320 at most. Memory is the peak above what the process had before the steps (Linux only).

Legend: m examples, l places, a answer positions.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from lessonplan.student import (
    IGNORED,
    NO_TOKEN,
    SPLITS,
    CausalLM,
    Examples,
    LoRA,
    LoRACohort,
    Task,
    TaskSuite,
)

from .lora import TARGETS, save_llama

MEAN, TIMES, VOCABULARY, WIDTH = 64, 5, 16_384, 256
ANSWER, PROMPT = MEAN * TIMES * 3 // 8, MEAN * TIMES * 5 // 8


def against_padded(turns: int) -> dict[str, tuple[float, float, float]]:
    """`time` and `memory` of a step against the same with all rows padded, median, low, high."""
    ratios = []
    for _ in range(turns):
        plain, padded = (_measured(how) for how in ("unequal", "padded"))
        ratios.append([plain[name] / padded[name] for name in ("time", "memory")])
    columns = np.array(ratios).T
    return {
        name: (float(np.median(column)), float(column.min()), float(column.max()))
        for name, column in zip(("time", "memory"), columns, strict=True)
    }


def unequal_suite(padded: bool, size: int = 400) -> TaskSuite:
    """Two tasks of random tokens in rows of log-normal length; padding may be tokens, too."""
    generator, tasks = np.random.default_rng(0), []
    for name in ("one", "two"):
        splits = {}
        for split in SPLITS:
            rows = np.exp(generator.normal(0.0, 0.6, size if split == "train" else 16))
            rows = (rows / rows.mean() * MEAN).clip(8, MEAN * TIMES).astype(np.int64)
            rows[0] = MEAN * TIMES
            answers = np.maximum(2, rows * 3 // 8)[:, None]
            places = np.arange(PROMPT + ANSWER - 1)
            texts = generator.integers(3, VOCABULARY, (len(rows), len(places) + 1))
            front, behind = PROMPT - rows[:, None] + answers, PROMPT + answers - 1
            empty = (places < front) | (places >= behind)
            inputs = np.where(empty & (not padded), NO_TOKEN, texts[:, :-1])
            targets = np.where(np.arange(ANSWER) < answers, texts[:, -ANSWER:], IGNORED)
            splits[split] = Examples(torch.from_numpy(inputs), torch.from_numpy(targets))
        tasks.append(Task(name, splits))
    return TaskSuite("unequal", tuple(tasks), n_outputs=VOCABULARY)


def _measured(how: str) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, "--rows", how]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return figures


def _steps(how: str, steps: int = 12) -> dict[str, float]:
    """Seconds of a student step and bytes above those before, in this process."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        save_llama(folder, WIDTH, VOCABULARY, positions=2 * MEAN * TIMES)
        cohort = LoRACohort(
            unequal_suite(how == "padded"),
            lambda: CausalLM(folder, ANSWER),
            2,
            lora=LoRA(r=8, lora_alpha=16, target_modules=TARGETS),
            batch_size=4,
            member_chunk=1,
        )
    lesson = np.eye(2)
    cohort.train(lesson, 1)
    # What preparing took is given back and forgotten; from here on the peak counts.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before, start = _status("VmRSS"), time.perf_counter()
    cohort.train(lesson, steps)
    seconds = (time.perf_counter() - start) / (2 * steps)
    return {"time": seconds, "memory": _status("VmHWM") - before}


def _status(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split(f"{name}:")[1].split()[0])


def main() -> None:
    """Print the ratios, or what one way costs in this process."""
    parser = argparse.ArgumentParser(description="What rows of unequal length cost.")
    parser.add_argument("--rows", choices=("unequal", "padded"), help="measure one way only")
    parser.add_argument("--turns", type=int, default=3, help="measurements of each")
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(_steps(options.rows)))
        return
    for name, (median, low, high) in against_padded(options.turns).items():
        print(f"{name}: {median:.2f} times ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
