"""The choice of a rule for budgets that end before mastery, by students that cost little.

Where nothing can be tuned on the students themselves, a rule has to be chosen elsewhere. Each rule
mixes the tasks of six suites for perceptrons, whose budgets are half of what shuffling needs to
master them, and is compared with shuffling on the same students. The safest is the rule that gains
most over all suites of those that are measurably behind on none.

`python -m lessonplan.experiments.rule_choice` does it again and stores what came of it.
"""

import argparse
import inspect
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES

from .analysis.statistics import Sample, difference
from .assembly.build import SELECT_SEEDS, build_suite
from .common.files import write_json
from .common.sentences import say
from .config.config import Config, RuleSection
from .config.loading import read_config
from .dry_run.speed import one_thread
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
    """Rules that look at the student, are not told the order, and have nothing to be tuned."""
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
    for name, budget in BUDGETS.items():
        shipped = read_config(name)
        lifetime = shipped.lifetime.model_copy(update={"budget": f"{budget}-steps"})
        seeds = shipped.seeds.model_copy(update={"select": STUDENTS, "report": STUDENTS})
        config = shipped.model_copy(update={"lifetime": lifetime, "seeds": seeds})
        areas = partial(_areas, config, build_suite(config))
        with one_thread():
            shuffled = areas(SHUFFLING)
            of_rules = {rule: _gain(areas(rule), shuffled) for rule in names}
        yield name, of_rules


def _gain(areas: Sample, shuffled: Sample) -> dict[str, Any]:
    found = difference(areas, shuffled)
    values = np.round([found.value, *(found.ci95 or ())], 6).tolist()
    return {"difference": values[0], "difference_ci95": values[1:]}


def _areas(config: Config, suite: TaskSuite, rule: str) -> Sample:
    """Mean scores over the lifetimes of students whose tasks a rule mixes."""
    section = RuleSection(name=rule, rule=rule, action="mixture")
    students = SELECT_SEEDS + np.arange(STUDENTS)
    ((_, (lives,), _),) = live(config, section, suite, [{}], students)
    return Sample(lives.areas[None])


def safest(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Of the rules that are measurably behind shuffling on no suite that which gains most.

    Shuffling, where none gains anything.
    """
    gained = {SHUFFLING: 0.0}
    for rule in next(iter(found.values())):
        every = [suite[rule] for suite in found.values()]
        if all(gain["difference_ci95"][1] >= 0.0 for gain in every):
            gained[rule] = float(np.mean([gain["difference"] for gain in every]))
    return max(gained, key=lambda rule: gained[rule])


def main() -> None:
    """Compare all rules, and store their gains and which is the safest."""
    argparse.ArgumentParser(
        prog="python -m lessonplan.experiments.rule_choice",
        description=(__doc__ or "").split("\n")[0],
    ).parse_args()
    found = {}
    for name, of_rules in gains(candidates()):
        found[name] = of_rules
        best = max(of_rules, key=lambda rule: of_rules[rule]["difference"])
        print(f"{name}: most is gained by {best}, {of_rules[best]['difference']:+.3f}", flush=True)
    print(f"The safest is {safest(found)}")
    if not CHOSEN.parent.is_dir():
        say(f"this is no checkout, which has {CHOSEN.parent}: nothing is stored")
        return
    write_json(
        CHOSEN, {"students": STUDENTS, "budgets": BUDGETS, "gains": found, "safest": safest(found)}
    )


if __name__ == "__main__":
    main()
