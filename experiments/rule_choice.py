"""The choice of a rule for budgets that end before mastery, by students that cost little.

Where nothing can be tuned on the students themselves, a rule has to be chosen elsewhere. Each rule
mixes the tasks of six suites for perceptrons, whose budgets are half of what shuffling needs to
master them, and is compared with shuffling on the same students. The safest is the rule whose
least gain over the suites is largest.

`python -m lessonplan.experiments.rule_choice` does it again and stores what came of it.
"""

import inspect
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lessonplan.teacher import RULES

from .analysis.statistics import Sample, difference
from .assembly.build import SELECT_SEEDS, build_suite
from .common.files import write_json
from .common.sentences import say
from .config.config import Config, RuleSection
from .config.loading import read_config
from .trial.tuning.population import live

BUDGETS = {
    "parity": 440, "graph": 520, "interference": 420, "distractors": 340, "finite": 30, "flat": 40,
}  # fmt: skip
"""Student steps of each config: half of what shuffling needs there, in whole decisions."""
STUDENTS = 64
SHUFFLING = "proportional"
CHOSEN = Path(__file__).parent / "results" / "rule-choice.json"
"""Of a checkout."""


def candidates() -> list[str]:
    """Rules that are not told the order and have nothing that must be tuned."""
    names = []
    for name, rule in RULES.items():
        kind, needs = getattr(rule, "kind", ""), getattr(rule, "needs", ())
        told = "task" in needs or "prerequisites" in inspect.signature(rule).parameters
        if kind in ("rule", "bandit") and not told:
            names.append(name)
    return names


def gains(names: list[str]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """What each rule gains over shuffling in area, suite by suite.

    Args:
        names: of rules.

    Yields:
        A suite, with the paired difference of areas and its 95 % interval for each rule.
    """
    torch.set_num_threads(1)
    for name, budget in BUDGETS.items():
        shipped = read_config(name)
        lifetime = shipped.lifetime.model_copy(update={"budget": f"{budget}-steps"})
        seeds = shipped.seeds.model_copy(update={"select": STUDENTS, "report": STUDENTS})
        config = shipped.model_copy(update={"lifetime": lifetime, "seeds": seeds})
        areas = partial(_areas, config)
        shuffled = areas(SHUFFLING)
        yield name, {rule: _gain(areas(rule), shuffled) for rule in names}


def _gain(areas: Sample, shuffled: Sample) -> dict[str, Any]:
    found = difference(areas, shuffled)
    values = np.round([found.value, *(found.ci95 or ())], 6).tolist()
    return {"difference": values[0], "difference_ci95": values[1:]}


def _areas(config: Config, rule: str) -> Sample:
    """Mean scores over the lifetimes of students whose tasks a rule mixes."""
    section = RuleSection(name=rule, rule=rule, action="mixture")
    students = SELECT_SEEDS + np.arange(STUDENTS)
    ((_, (lives,), _),) = live(config, section, build_suite(config), [{}], students)
    return Sample(lives.areas[None])


def safest(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """The rule whose least gain over the suites is largest.

    >>> safest({"a": {"bold": {"difference": 0.2}, "calm": {"difference": 0.0}},
    ...         "b": {"bold": {"difference": -0.1}, "calm": {"difference": 0.01}}})
    'calm'
    """
    rules = list(next(iter(found.values())))
    return max(rules, key=lambda rule: min(suite[rule]["difference"] for suite in found.values()))


def main() -> None:
    """Compare all rules, and store their gains and which is the safest."""
    found = {}
    for name, of_rules in gains(candidates()):
        found[name] = of_rules
        best = max(of_rules, key=lambda rule: of_rules[rule]["difference"])
        print(f"{name}: most is gained by {best}, {of_rules[best]['difference']:+.3f}", flush=True)
    print(f"The safest is {safest(found)}")
    if not CHOSEN.parent.is_dir():
        say(f"this is no checkout, which has {CHOSEN.parent}: nothing is stored")
        return
    write_json(CHOSEN, {"students": STUDENTS, "gains": found, "safest": safest(found)})


if __name__ == "__main__":
    main()
