"""What people's own files cost: tokens against a bare call of the tokenizer, and memory of a run.

    python -m lessonplan.experiments.bench.data tokens --tokenizer smollm2
    python -m lessonplan.experiments.bench.data memory --tokenizer smollm2
    python -m lessonplan.experiments.bench.data memory

The first prints how many times as long a suite takes as the tokenizer alone on the same texts. The
others print what a run with two workers takes with so many lines above what it takes with few: the
most that parent and workers have together, shared pages counted once (PSS, Linux only). Students
are a tiny Llama in that tokenizer, or small decoders that read characters.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.student import load_tokenizer
from lessonplan.student.text import Question, TextTask, token_suite

from .lora import save_llama

LINES, FEW = 100_000, 300
_TASKS = ("one", "two", "three")
_WORDS = tuple(
    "the of and a to in is you that it he was for on are as with his they at be this have from or "
    "had by hot word but what some we can out other were all there when up use your how said an "
    "each she which do their time if will way about many then them write would like so these her "
    "long make thing see him two has look more day could go come did number sound no most "
    "people".split()
)


def random_lines(count: int, seed: int = 0) -> list[dict[str, str]]:
    """Prompts of about 60 words and answers of about 20, of unequal length, all different."""
    generator = np.random.default_rng(seed)
    sizes = np.clip(generator.lognormal(0.0, 0.6, count), 0.1, 5.0)
    # As long in few lines as in many, so that a batch takes no more memory in the one.
    sizes[: len(_TASKS)] = 5.0
    lines = []
    for number, size in enumerate(sizes):
        words = generator.choice(_WORDS, int(60 * size) + int(20 * size) + 2).tolist()
        cut = int(60 * size) + 1
        prompt = f"{number}: {' '.join(words[:cut])}"
        task = _TASKS[number % len(_TASKS)]
        lines.append({"task": task, "prompt": prompt, "answer": " ".join(words[cut:])})
    return lines


def token_ratio(source: str, count: int, turns: int = 3) -> dict[str, float]:
    """How many times as long as a bare call of the tokenizer a suite of so many lines takes."""
    tokenizer = load_tokenizer(source)
    lines = random_lines(count)
    tasks = []
    for name in _TASKS:
        rows = [Question(line["prompt"], line["answer"]) for line in lines if line["task"] == name]
        splits = {"train": rows[300:], "probe": rows[:100], "test": rows[100:200]}
        tasks.append(TextTask(name, {**splits, "stress": rows[200:300]}))
    texts = [line[key] for line in lines for key in ("prompt", "answer")]
    ratios = []
    for _ in range(turns):
        start = time.perf_counter()
        tokenizer(texts, add_special_tokens=False)
        bare = time.perf_counter()
        token_suite("lines", tasks, (source, tokenizer))
        ratios.append((time.perf_counter() - bare) / (bare - start))
    return {"median": float(np.median(ratios)), "min": min(ratios), "max": max(ratios)}


def run_memory(tokenizer: str, count: int) -> int:
    """Most bytes of a run with two workers on so many lines, parent and workers together."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (place / "lines.jsonl").open("w") as file:
            file.writelines(json.dumps(line) + "\n" for line in random_lines(count))
        config = _config(place, tokenizer)
        (place / "experiment.yaml").write_text(json.dumps(config))
        command = [sys.executable, "-c", _RUN, str(place / "experiment.yaml"), str(place / "run")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            most = max(most, sum(_pss(pid) for pid in _family(process.pid)))
            time.sleep(0.5)
        if process.returncode:
            raise RuntimeError(f"the run ended with {process.returncode}")
    return most


_RUN = """
import sys
from lessonplan.experiments import read_config
from lessonplan.experiments.trial import run_trial
run_trial(read_config(sys.argv[1]), sys.argv[2])
"""


def _config(folder: Path, tokenizer: str) -> dict[str, Any]:
    suite: dict[str, Any] = {"path": str(folder / "lines.jsonl"), "stress": "noise"}
    student: dict[str, Any] = {"options": {"width": 16, "n_layers": 1, "n_heads": 2}}
    if tokenizer:
        model, reader = str(folder / "model"), load_tokenizer(tokenizer)
        save_llama(model, 16, len(reader), positions=4096)
        reader.save_pretrained(model)
        suite |= {"tokenizer": model}
        student = {"model": "causal", "lora": {"r": 2, "target_modules": ["q_proj"]}}
    return {
        "suite": {"name": "jsonl", "options": suite},
        "student": {**student, "batch_size": 4, "evaluation_size": 4},
        "lifetime": {"budget": "8-steps", "steps_per_decision": 4},
        "seeds": {"report": 2, "select": 1},
        "workers": 2,
        "teachers": ["uniform", "exp3s"],
    }


def _family(pid: int) -> list[int]:
    """A process with all that came of it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        others = [
            child
            for thread in Path(f"/proc/{pid}/task").iterdir()
            if thread.name != str(pid)
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return [pid]
    return [pid, *(one for child in (*children, *others) for one in _family(int(child)))]


def _pss(pid: int) -> int:
    """Bytes of a process, pages that it shares with n - 1 others by their n-th part."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * int(text.split("Pss:")[1].split()[0]) if "Pss:" in text else 0


def main() -> None:
    """Print the figure that the arguments name."""
    parser = argparse.ArgumentParser(description="What people's own files cost.")
    parser.add_argument("what", choices=("tokens", "memory"), help="time of tokens, or memory")
    parser.add_argument("--tokenizer", default="", help="a name, a folder or a hub id")
    parser.add_argument("--lines", type=int, default=LINES, help="examples")
    options = parser.parse_args()
    if options.what == "tokens":
        ratio = token_ratio(options.tokenizer or "smollm2", options.lines)
        print(f"{ratio['median']:.2f} times ({ratio['min']:.2f} to {ratio['max']:.2f})")
        return
    few = run_memory(options.tokenizer, FEW)
    many = run_memory(options.tokenizer, options.lines)
    print(f"{(many - few) / 1e6:.0f} MB above the {few / 1e6:.0f} MB with {FEW} lines")


if __name__ == "__main__":
    main()
