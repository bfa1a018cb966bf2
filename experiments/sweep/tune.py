"""Tuning by a sweep: candidates for the parameters of one teacher, most of them stopped early.

Candidates teach the selection students, and are judged by `probe` alone: neither the students nor
the test data of a report are touched. The schedule of stops is ASHA (Li et al. 2020, "A system for
massively parallel hyperparameter tuning").

Legend: m students, k tasks.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.envs import Budget
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
from ..trial.candidates import best_candidate
from ..trial.teaching import Teaching, Worth, judge
from ..trial.training import TeacherTraining
from ..trial.tuning import Choice, choose_best
from .pairs import Pair
from .ray_tune import Told, begin, complain, fit
from .trial import attempt, read_pair, settle, wait_until_free

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
    has mastered anything; of those that were not stopped the one with the lowest cost wins, or
    where nobody mastered the one with the largest area.

    Returns:
        `best`, the name of the winner, `cost`, `yaml` as in `best.yaml`, the `tried`, and how it
        was `chosen` in words where costs did not tell.

    Raises:
        ValueError: if none was measured to its end.
        WorkFailedError: when candidates failed; the others are kept, and the sweep can be resumed.
    """
    files = SweepDir(sweep_dir)
    if files.best.exists():
        remaining = _lost(pairs, sweep_dir)
        for pair in remaining:
            say(
                f"what was measured of the candidate {pair.name} is lost or damaged "
                f"({files.run_dir(pair.name).candidate_result}); it is measured again"
            )
    else:
        every = all(_is_whole(_result_of(sweep_dir, pair)) for pair in pairs)
        remaining = [] if every else list(pairs)
    if remaining:
        longest = _most_decisions([pair.config for pair in pairs])
        # What was measured to its end is measured to its end again: nothing stops it.
        settings = dict if files.best.exists() else lambda: {"scheduler": _scheduler(longest)}
        told = Told(watch, say, [])
        with ray_session(address, sweep.resources, say=say, log=files.ray_log) as is_cluster:
            begin(sweep, pairs, sweep_dir)
            failures = fit(
                sweep, remaining, sweep_dir, measure_candidate, told, is_cluster, settings
            )
        complain(failures, len(remaining), sweep_dir, address)
    return _write_best(sweep, pairs, sweep_dir)


def _lost(pairs: Sequence[Pair], sweep_dir: Path) -> list[Pair]:
    """Candidates of a tuning that is done of which less is there than was when it was done.

    Where its summary is not there either, all of which nothing is there: the others were stopped.
    """
    known = _known(sweep_dir)

    def is_lost(pair: Pair) -> bool:
        result, before = _result_of(sweep_dir, pair), known.get(pair.name)
        return not _is_whole(result) and (_is_whole(before) if before else not result)

    return [pair for pair in pairs if is_lost(pair)]


def _known(sweep_dir: Path) -> dict[str, Any]:
    """What the summary of a tuning says of each candidate; nothing where it is damaged."""
    tried = read_json(SweepDir(sweep_dir).summary).get("tried")
    if not isinstance(tried, dict) or not all(isinstance(one, dict) for one in tried.values()):
        return {}
    return tried


def _scheduler(longest: int) -> Any:
    """ASHA, for candidates that are measured for so many decisions at most."""
    from ray.tune.schedulers import ASHAScheduler

    return ASHAScheduler(
        time_attr="decisions",
        metric="area",
        mode="max",
        max_t=longest + 1,
        grace_period=max(1, longest // 10),
        reduction_factor=3,
    )


def measure_candidate(spec: dict[str, Any]) -> None:
    """Measure one candidate and tell Ray Tune how it does; `spec` is as for `run_pair`.

    What was measured whole before says again what it said, so that ASHA can go by it.
    """
    from ray import tune

    settle(spec)

    def measure() -> None:
        config, files = read_pair(Path(spec["sweep"]), spec["name"])
        wait_until_free(files.path)
        before = read_json(files.candidate_result)
        if _is_whole(before):
            for message in before.get("reports", []):
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

    nothing = {"area": 0.0, "decisions": 0}
    attempt(spec, measure, lambda failure: tune.report(nothing | failure))


def measure_candidate_on(config: Config, run_dir: Path, say: Say) -> dict[str, Any]:
    """Let a candidate teach the selection students.

    Returns:
        Its mean `cost` until mastery by `probe`, its `area`, how many students `mastered`, and what
        measuring took: `lifetimes`, `compute` and `student_steps`.
    """
    section, suite = config.teachers[0], build_suite(config)
    if isinstance(section, LearnedSection):
        return _measure_learned(config, section, suite, run_dir, say)
    assert isinstance(section, RuleSection)
    students = SELECT_SEEDS + np.arange(config.seeds.select)
    rule = build_rule(section.rule, section.parameters, config, suite)
    teacher, room = rule_teacher(
        rule, config, suite, len(students), config.seeds.teacher, section.action, looking=section
    )
    teaching = Teaching(teacher, room, students)
    longest = room.decisions_in_budget
    stride = max(1, longest // MESSAGES)
    for decisions, worth in enumerate(judge(teaching), start=1):
        if decisions % stride == 0 or not len(teaching.running):
            words = f"area {worth.area:.3f} after {decisions} decisions"
            say(_message(decisions, worth.area, worth.cost, decisions / longest, words))
    return {
        **asdict(worth),
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
    best = best_candidate(result)
    cost = result["selection"][best]
    saving = 1.0 - training.curve[-1]["length"] / longest if training.curve else 0.0
    say(_message(section.decisions, saving, cost, 1.0, "done"))
    took = asdict(Cost.of(result))
    del took["wall_seconds"]
    worth = Worth(cost, result["selection_area"][best], result["selection_mastered"][best])
    return asdict(worth) | took


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


def _write_best(sweep: Sweep, pairs: Sequence[Pair], sweep_dir: Path) -> dict[str, Any]:
    results, known = {pair.name: _result_of(sweep_dir, pair) for pair in pairs}, _known(sweep_dir)
    whole = [pair for pair in pairs if _is_whole(results[pair.name])]
    best = SweepDir(sweep_dir).best
    if not whole:
        raise ValueError(
            f"none of the {len(pairs)} candidates of {sweep_dir} was measured to its end, so none "
            f"is the best; delete {best}, if it is there, and --resume measures them all"
        )
    choice = choose_best([_worth(results[pair.name], pair.config) for pair in whole])
    winner = whole[choice.best]
    config = winner.config
    worth = _worth(results[winner.name], config)
    teacher = config.teachers[0].model_dump(mode="json", exclude_defaults=True)
    teacher["name"] = sweep.teachers[0]
    head = (
        f"# The best of {len(pairs)} candidates, {len(pairs) - len(whole)} of which were stopped "
        f"early: {_in_words(worth, choice, config)}\n# on {config.seeds.select} selection "
        "students, by probe.\n"
    )
    head += f"# {choice.sentence[0].upper()}{choice.sentence[1:]}.\n" if choice.sentence else ""
    text = head + yaml_text({"teachers": [teacher]})
    write_whole(best, lambda aside: aside.write_text(text, encoding="utf-8"))
    summary = {
        "best": winner.name,
        "chosen": choice.sentence,
        "cost": worth.cost,
        "yaml": text,
        "tried": {
            name: _without_messages(one) if one else known.get(name, {})
            for name, one in results.items()
        },
    }
    write_json(SweepDir(sweep_dir).summary, summary)
    return summary


def _in_words(worth: Worth, choice: Choice, config: Config) -> str:
    """What the best is worth: what it needed to mastery, or where nobody got there the area."""
    if choice.by_area:
        return f"an area of {worth.area:.3f}"
    several = len(getattr(config.teachers[0], "courses", [])) > 1
    return (
        f"{worth.cost:.1%} of the training that budgets buy to mastery"
        if several
        else f"{worth.cost:,.0f} compute to mastery"
    )


def _is_whole(result: Mapping[str, Any]) -> bool:
    """Whether a candidate was measured to its end."""
    cost = result.get("cost")
    return isinstance(cost, int | float) and math.isfinite(cost)


def _worth(result: Mapping[str, Any], config: Config) -> Worth:
    """What a candidate was worth. Earlier versions went by its cost alone.

    Of these, somebody mastered where the mean cost is less than the budget, and the area is that of
    the last message, or nothing where they kept none.
    """
    last: dict[str, float] = next(reversed(result.get("reports", [])), {})
    area = result.get("area", last.get("area", 0.0))
    mastered = result.get("mastered", int(result["cost"] < _most_cost(config)))
    return Worth(result["cost"], area, mastered)


def _most_cost(config: Config) -> float:
    """What a candidate costs with which nobody masters anything."""
    courses = getattr(config.teachers[0], "courses", [])
    if len(courses) > 1:
        return 1.0
    course = courses[0] if courses else config
    return Budget.parse(course.lifetime.budget).amount


def _without_messages(one: dict[str, Any]) -> dict[str, Any]:
    """What a file says of a candidate, with the last message in place of all."""
    last = one.get("reports", [])[-1:]
    stop = {"stopped_after": last[0]["decisions"]} if last and "cost" not in one else {}
    return {key: value for key, value in one.items() if key != "reports"} | stop
