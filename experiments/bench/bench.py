"""`lessonplan bench`: speed as ratios of one run, against the ways people do it today."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from rich.console import Console
from rich.table import Table

from ..assembly.build import build_suite
from ..common.machine import processor_name
from ..config.config import LearnedSection
from ..config.loading import read_config
from . import lengths
from . import lora as bench_lora
from .cohort import cost_per_student, stacked_versus_loop
from .teacher import ppo_share, rule_share, simulated_speed, slowest_rule
from .tracking import tracking_share
from .trainer import trainer_overhead


@dataclass(frozen=True)
class Figure:
    """One measured figure: the median of several turns, with the lowest and the highest."""

    name: str
    value: float
    low: float
    high: float
    unit: str


def run_bench(console: Console, as_json: bool, quick: bool) -> None:
    """Measure everything and print it; `quick` measures fewer turns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    figures = []
    try:
        for measure in _measures(quick):
            figures += measure()
            Console(stderr=True).print(f"measured: {figures[-1].name}", style="dim")
    finally:
        torch.set_num_threads(threads)
    if as_json:
        print(json.dumps([asdict(figure) for figure in figures], indent=1))
        return
    table = Table("figure", "median", "from", "to", "unit", box=None, pad_edge=False)
    for figure in figures:
        cells = (f"{number:.3g}" for number in (figure.value, figure.low, figure.high))
        table.add_row(figure.name, *cells, figure.unit)
    console.print(table)
    console.print(f"Ratios of one run, on {processor_name() or 'a processor without a name'}.")


def _measures(quick: bool) -> list[Callable[[], list[Figure]]]:
    turns = 2 if quick else 7
    return [
        lambda: _versus("mlp", "32 MLP students stacked, against a loop", turns),
        lambda: _versus("decoder_small", "32 small decoders stacked, against a loop", turns),
        lambda: _versus("decoder_large", "32 larger decoders stacked, against a loop", turns),
        lambda: _versus("lstm", "32 LSTM students stacked, against a loop", turns),
        lambda: _cost(64 if quick else 512, turns),
        lambda: _shares(2 if quick else 5),
        lambda: _slowest(2 if quick else 5),
        lambda: _simulated(2 if quick else 5),
        *([] if quick else [_tracking]),
        *(_pretrained(turns, quick) if bench_lora.is_possible() else []),
    ]


def _tracking() -> list[Figure]:
    share = tracking_share()
    name = "tracking in W&B, share of a trial"
    return [Figure(name, share["median"], share["min"], share["max"], "of 1")]


def _pretrained(turns: int, quick: bool) -> list[Callable[[], list[Figure]]]:
    """What needs transformers and PEFT."""
    measures = [lambda: _lora(turns), lambda: _unequal(turns), lambda: _trainer(turns)]
    return measures if quick or not bench_lora.has_smollm2() else [*measures, _memory]


def _lora(turns: int) -> list[Figure]:
    ratio = bench_lora.lora_versus_peft(8, repetitions=turns)
    name = "8 adapters of a tiny Llama in lockstep, against PEFT one by one"
    return [Figure(name, ratio["median"], ratio["min"], ratio["max"], "times as fast")]


def _unequal(turns: int) -> list[Figure]:
    """Steps on rows of unequal length, against the same rows padded to the longest."""
    ratios = lengths.against_padded(turns)
    return [
        Figure(
            f"{what} of a LoRA step on rows up to 5 times the mean, against padded",
            *values,
            "times",
        )
        for what, values in ratios.items()
    ]


def _trainer(turns: int) -> list[Figure]:
    share = trainer_overhead(repetitions=turns)
    name = "a tutor in a Trainer, share of a training step"
    return [Figure(name, share["median"], share["min"], share["max"], "of 1")]


def _memory() -> list[Figure]:
    """Peak memory of training 8 adapters of SmolLM2 as a multiple of that of one."""
    one = bench_lora.peak_memory("smollm2", 1, 1)
    figures = []
    for chunk, how in ((1, "one at a time"), (8, "in lockstep")):
        ratio = bench_lora.peak_memory("smollm2", 8, chunk) / one
        name = f"memory of 8 adapters of SmolLM2 {how}, against one"
        figures.append(Figure(name, ratio, ratio, ratio, "times"))
    return figures


def _versus(kind: str, name: str, turns: int) -> list[Figure]:
    ratio = stacked_versus_loop(kind, repetitions=turns)
    return [Figure(name, ratio["median"], ratio["min"], ratio["max"], "times as fast")]


def _cost(n: int, turns: int) -> list[Figure]:
    ratio = cost_per_student(32, n, repetitions=turns)
    name = f"time per MLP student at n = {n}, against n = 32"
    return [Figure(name, ratio["median"], ratio["min"], ratio["max"], "times")]


def _shares(turns: int) -> list[Figure]:
    """Time beside the students', for the rules and for PPO in training."""
    config = read_config("quickstart")
    suite = build_suite(config)
    rules = ("uniform", "highest_unmastered", "tscl_sampling", "exp3s", "sec")
    shares = {
        "rules and bandits, share of the wall time": [
            rule_share(config, suite, rule, 32, 10) for rule in rules for _ in range(turns)
        ],
        "PPO in training, share of the wall time": [
            ppo_share(config, suite, teacher, 1)
            for teacher in config.teachers
            if isinstance(teacher, LearnedSection) and teacher.algorithm == "ppo"
            for _ in range(turns)
        ],
    }
    return [
        Figure(name, sorted(values)[len(values) // 2], min(values), max(values), "of 1")
        for name, values in shares.items()
    ]


def _slowest(turns: int) -> list[Figure]:
    """A decision of the slowest rule, for 128 students and 100 tasks, beside the training."""
    name, shares = slowest_rule(128, 100, turns)
    title = f"slowest rule ({name}), 100 tasks, share of the 20 steps that it decides about"
    return [Figure(title, sorted(shares)[turns // 2], min(shares), max(shares), "of 1")]


def _simulated(turns: int) -> list[Figure]:
    """Decisions about simulated students against those about networks, one process."""
    ratios = sorted(simulated_speed("tscl_window", 1024, 40, turns))
    name = "decisions about simulated students, against MLP students, both under TSCL Window"
    return [Figure(name, ratios[turns // 2], ratios[0], ratios[-1], "times as fast")]
