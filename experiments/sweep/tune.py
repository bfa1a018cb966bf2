"""Tuning by a sweep: candidates for the parameters of one teacher, most of them stopped early.

Candidates teach the selection students, and are judged by `probe` alone: neither the students nor
the test data of a report are touched. The schedule of stops is ASHA (Li et al. 2020, "A system for
massively parallel hyperparameter tuning").

Legend: m students, k tasks.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from ..assembly.build import (
    SELECT_SEEDS,
    build_rule,
    build_suite,
    decisions_in_budget,
    rule_teacher,
)
from ..cluster.session import ray_session
from ..common.files import read_json, write_json, write_whole
from ..common.watch import Watch
from ..common.yaml_values import yaml_text
from ..config.config import Config, LearnedSection, RuleSection
from ..config.sweeps import Sweep
from ..store.cards import Cost
from ..store.layout import SweepDir
from ..trial.teaching import Teaching
from ..trial.training import TeacherTraining
from .pairs import Pair
from .ray_tune import begin, complain, fit
from .trial import read_pair, settle, wait_until_free

MESSAGES = 40
"""How often, at most, a candidate says how far it is."""

Say = Callable[[dict[str, Any]], None]


def tune_pairs(
    sweep: Sweep,
    pairs: Sequence[Pair],
    sweep_dir: Path,
    address: str | None,
    watch: Watch,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure the candidates and write the best parameters.

    ASHA compares candidates by their area so far, since no cost tells them apart before somebody
    has mastered anything; of those that were not stopped the one with the lowest cost wins.

    Returns:
        `best`, the name of the winner, `cost`, `yaml` as in `best.yaml`, and the `tried`.

    Raises:
        WorkFailedError: when candidates failed; the others are kept, and the sweep can be resumed.
    """
    remaining = [pair for pair in pairs if not _result_of(sweep_dir, pair).get("cost")]
    best = SweepDir(sweep_dir).best
    if remaining and not best.exists():
        from ray.tune.schedulers import ASHAScheduler

        longest = _most_decisions([pair.config for pair in pairs])
        scheduler = ASHAScheduler(
            time_attr="decisions",
            metric="area",
            mode="max",
            max_t=longest + 1,
            grace_period=max(1, longest // 10),
            reduction_factor=3,
        )
        with ray_session(address, sweep.resources, say=say):
            begin(sweep, pairs, sweep_dir)
            failures = fit(
                sweep, pairs, sweep_dir, measure_candidate, watch, [], {"scheduler": scheduler}
            )
        complain(failures, len(pairs), sweep_dir)
    return _write_best(sweep, pairs, sweep_dir, best)


def measure_candidate(spec: dict[str, Any]) -> None:
    """Measure one candidate and tell Ray Tune how it does; `spec` is as for `run_pair`.

    What was measured whole before says again what it said, so that ASHA can go by it.
    """
    from ray import tune

    settle(spec)
    try:
        config, files = read_pair(Path(spec["sweep"]), spec["name"])
        wait_until_free(files.path)
        before = read_json(files.candidate_result)
        if before.get("cost"):
            for message in before["reports"]:
                tune.report(message)
            return
        messages: list[dict[str, Any]] = []

        def say(message: dict[str, Any]) -> None:
            messages.append(message)
            write_json(files.candidate_result, {"reports": messages})
            tune.report(message)

        result = measure_candidate_on(config, files.path, say)
        write_json(files.candidate_result, result | {"reports": messages})
        tune.report(messages[-1] | {"words": "done", "fraction": 1.0})
    except (ValueError, ImportError) as error:
        tune.report({"area": 0.0, "decisions": 0, "error": " ".join(str(error).split())})


def measure_candidate_on(config: Config, run_dir: Path, say: Say) -> dict[str, Any]:
    """Let a candidate teach the selection students.

    Returns:
        Its mean `cost` until mastery by `probe`, and what measuring took: `lifetimes`, `compute`
        and `student_steps`.
    """
    section, suite = config.teachers[0], build_suite(config)
    if isinstance(section, LearnedSection):
        return _measure_learned(config, section, suite, run_dir, say)
    assert isinstance(section, RuleSection)
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    rule = build_rule(section.rule, section.parameters, config, suite)
    teacher, room = rule_teacher(
        rule, config, suite, len(students), config.seeds.teacher, section.action
    )
    teaching = Teaching(teacher, room, students)
    importance = np.array([task.importance for task in suite.tasks])
    longest = room.decisions_in_budget
    stride, area, decisions = max(1, longest // MESSAGES), 0.0, 0
    while len(teaching.running):
        teaching.step()
        decisions += 1
        # Students whose lifetime is over keep their last score.
        area += float(np.average(room.facts.score, axis=1, weights=importance).mean())
        if decisions % stride == 0 or not len(teaching.running):
            cost = float(np.minimum(teaching.cost, room.facts.spending.spent).mean())
            words = f"area {area / decisions:.3f} after {decisions} decisions"
            say(_message(decisions, area / decisions, cost, decisions / longest, words))
    return {
        "cost": float(teaching.cost.mean()),
        "lifetimes": len(students),
        "compute": float(room.facts.spending.compute.sum()),
        "student_steps": int(room.facts.spending.steps.sum()),
    }


def _measure_learned(
    config: Config, section: LearnedSection, suite: TaskSuite, run_dir: Path, say: Say
) -> dict[str, Any]:
    """Train it whole, and let it teach the selection students.

    While it is trained it says which part of the budget its training students save.
    """
    longest = decisions_in_budget(config, suite)
    last = time.monotonic()

    def tell(fraction: float, words: str) -> None:
        nonlocal last
        if training.curve and time.monotonic() - last > 1.0:
            last = time.monotonic()
            saving = 1.0 - training.curve[-1]["length"] / longest
            decisions = int(training.curve[-1]["decisions"])
            say(_message(decisions, saving, 0.0, fraction, words))

    training = TeacherTraining(config, section, config.seeds.teacher, suite, run_dir, tell)
    result = training.run()
    cost = min(result["selection"])
    saving = 1.0 - training.curve[-1]["length"] / longest if training.curve else 0.0
    say(_message(section.decisions, saving, cost, 1.0, "done"))
    took = asdict(Cost.of(result))
    del took["wall_seconds"]
    return {"cost": cost, **took}


def _message(
    decisions: int, area: float, cost: float, fraction: float, words: str
) -> dict[str, Any]:
    return {
        "decisions": decisions,
        "area": area,
        "cost": cost,
        "fraction": min(fraction, 1.0),
        "words": words,
    }


def _most_decisions(configs: Sequence[Config]) -> int:
    """How long the candidate is measured that is measured longest, in decisions as it reports."""
    suites: dict[str, TaskSuite] = {}
    most = 0
    for config in configs:
        teacher = config.teachers[0]
        if isinstance(teacher, LearnedSection):
            most = max(most, teacher.decisions)
            continue
        key = config.suite.model_dump_json()
        if key not in suites:
            suites[key] = build_suite(config)
        most = max(most, decisions_in_budget(config, suites[key]))
    return most


def _result_of(sweep_dir: Path, pair: Pair) -> dict[str, Any]:
    """What is known of a candidate; without `cost` where it was stopped or interrupted."""
    return read_json(SweepDir(sweep_dir).run_dir(pair.name).candidate_result)


def _write_best(sweep: Sweep, pairs: Sequence[Pair], sweep_dir: Path, best: Path) -> dict[str, Any]:
    results = {pair.name: _result_of(sweep_dir, pair) for pair in pairs}
    whole = [pair for pair in pairs if "cost" in results[pair.name]]
    winner = min(whole, key=lambda pair: results[pair.name]["cost"])
    cost = results[winner.name]["cost"]
    teacher = winner.config.teachers[0].model_dump(mode="json", exclude_defaults=True)
    teacher["name"] = sweep.teachers[0]
    several = len(getattr(winner.config.teachers[0], "courses", [])) > 1
    unit = winner.config.lifetime.budget.partition("-")[2]
    cost_words = f"{cost:.1%} of the budgets" if several else f"{cost:,.0f} {unit}"
    head = (
        f"# The best of {len(pairs)} candidates, {len(pairs) - len(whole)} of which were stopped "
        f"early: {cost_words} to mastery\n# on {winner.config.seeds.select} selection "
        "students, by probe.\n"
    )
    text = head + yaml_text({"teachers": [teacher]})
    write_whole(best, lambda aside: aside.write_text(text, encoding="utf-8"))
    summary = {
        "best": winner.name,
        "cost": cost,
        "yaml": text,
        "tried": {name: _without_messages(one) for name, one in results.items()},
    }
    write_json(SweepDir(sweep_dir).summary, summary)
    return summary


def _without_messages(one: dict[str, Any]) -> dict[str, Any]:
    """What a file says of a candidate, with the last message in place of all."""
    last = one.get("reports", [])[-1:]
    stop = {"stopped_after": last[0]["decisions"]} if last and "cost" not in one else {}
    return {key: value for key, value in one.items() if key != "reports"} | stop
