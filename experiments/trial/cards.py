"""The card of each reported teacher: what it is, what it sees, what it cost."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lessonplan.envs import COLUMNS
from lessonplan.envs.classroom.columns import parse_column
from lessonplan.teacher import RULES, Replay

from ..analysis.wording import enumeration
from ..assembly.guarding import see_the_order, shown_to
from ..assembly.natures import described_rule, mixes_tasks
from ..assembly.taken_teachers import taken_teacher, was_trained_on
from ..common.names import named
from ..config.config import Config, GuardedSection, LearnedSection, ReplaySection, RuleSection
from ..config.sections.course import looks_of
from ..store.cards import Cost, TeacherCard, TuningCost, each_once, write_card
from ..store.layout import RunDir
from .candidates import best_candidate
from .tuning import NOTHING_TO_TUNE
from .units import Unit

_ORDERED = ("order", "prerequisites_mastered", "difficulty")
"""Columns that tell something about the true order."""


def write_teacher_cards(config: Config, run_dir: Path) -> None:
    """Write the cards of all teachers of a trial whose units are done."""
    for teacher in config.teachers:
        for card in _CARDS[teacher.type](teacher, config, run_dir):
            write_card(run_dir, card)


def _rule_card(teacher: RuleSection, config: Config, run_dir: Path) -> list[TeacherCard]:
    maker: Any = named("rule", teacher.rule, RULES, config.modules)
    tuning = Unit("tune", teacher.name, config.seeds.teacher).result(run_dir)
    parameters = tuning["parameters"] if tuning else teacher.parameters
    rule = described_rule(maker, teacher, parameters)
    tuned = teacher.tune and (tuning or {}).get("stopped") != NOTHING_TO_TUNE
    published = getattr(rule, "published", False) and not tuned
    return [
        TeacherCard(
            name=teacher.name,
            label=teacher.name,
            kind=getattr(rule, "kind", "rule"),
            sees_order=getattr(rule, "sees_order", False) or _sees_order(rule.needs),
            mixes=mixes_tasks(teacher, config),
            published=published and _has_defaults(maker, parameters),
            needs=tuple(rule.needs),
            tuned=tuned,
            parameters=parameters,
            tuning=TuningCost.of(tuning) if tuning else None,
            chosen=tuning.get("chosen", "") if tuning else "",
            **_selected(teacher.name, config, run_dir),
            **_looks(config, teacher, rule.needs),
        )
    ]


def _selected(name: str, config: Config, run_dir: Path) -> dict[str, Any]:
    """What a teacher is worth to the selection students, who were tuned on or just taught."""
    first = config.seeds.teacher
    units = [Unit(kind, name, first) for kind in ("tune", "select")]
    found = [result for unit in units if (result := unit.result(run_dir))]
    keys = ("selection_cost", "selection_area")
    return {key: one[key] for one in found for key in keys if key in one}


def _looks(
    config: Config, teacher: RuleSection | LearnedSection | None, reads: Sequence[str]
) -> dict[str, Any]:
    """What a teacher that reads these columns looks at, and how often."""
    return looks_of(config.lifetime, teacher) | {"looks": reads_measured(reads)}


def reads_measured(columns: Sequence[str]) -> bool:
    """Whether one of these columns tells what is measured of students, by probes or training."""
    facts = [COLUMNS.get(parse_column(column).fact) for column in columns]
    return any(fact is not None and fact.measured for fact in facts)


def _learned_card(teacher: LearnedSection, config: Config, run_dir: Path) -> list[TeacherCard]:
    make = _taken_card if teacher.origin else _trained_card
    card = replace(
        make(teacher, config, run_dir),
        mixes=mixes_tasks(teacher, config),
        **_looks(config, teacher, tuple(teacher.observe)),
    )
    twin = replace(
        card,
        name=teacher.sampled_name,
        label=teacher.sampled_name,
        deterministic=False,
        sampled_twin_of=teacher.name,
        selection_cost=None,
    )
    if teacher.prior_name not in teacher.twins:
        return [card, twin] if teacher.sampled else [card]
    twins = {teacher.sampled_name: twin, teacher.prior_name: _prior_card(teacher, config, run_dir)}
    return [card, *(twins[name] for name in teacher.twins)]


def _prior_card(teacher: LearnedSection, config: Config, run_dir: Path) -> TeacherCard:
    """Of the rule that a teacher is with its learned part off."""
    training = Unit("train", teacher.name, config.seeds.teacher).result(run_dir) or {}
    keys = ("selection_cost", "selection_area")
    found: dict[str, Any] = {key: training.get(f"prior_{key}") for key in keys}
    return TeacherCard(
        name=teacher.prior_name,
        label=teacher.prior_name,
        kind="rule",
        mixes=mixes_tasks(teacher, config),
        needs=(f"log_{teacher.prior}",),
        parameters={"prior": teacher.prior},
        **found | _selected(teacher.prior_name, config, run_dir),
        **_looks(config, teacher, (f"log_{teacher.prior}",)),
    )


def _taken_card(teacher: LearnedSection, config: Config, run_dir: Path) -> TeacherCard:
    """Of a teacher from a file: what it cost where it was trained, if its file says so."""
    files, origin = RunDir(run_dir), Path(teacher.origin)
    own = files.teacher_zip(teacher.name, config.seeds.teacher)
    stored = taken_teacher(teacher, files, config.seeds.teacher)
    known: Mapping[str, Any] = stored.card if stored else {}
    return TeacherCard(
        name=teacher.name,
        label=teacher.name,
        kind="learned",
        tuned=True,
        needs=tuple(teacher.observe),
        sees_order=_sees_order(teacher.observe),
        parameters=dict(known.get("parameters") or {}),
        training=Cost.of(known["training"]) if known.get("training") else None,
        other_course=stored is None or not was_trained_on(stored, config, origin),
        deterministic=teacher.deterministic,
        origin=teacher.origin,
        fingerprint=sha256(own.read_bytes()).hexdigest() if own.exists() else "",
    )


def _trained_card(teacher: LearnedSection, config: Config, run_dir: Path) -> TeacherCard:
    first = config.seeds.teacher
    units = [Unit("train", teacher.name, seed) for seed in range(first, first + teacher.seeds)]
    results = [result for unit in units if (result := unit.result(run_dir))]
    # Candidates were selected with their likeliest tasks: what sampling would cost is not known.
    costs = [result["selection"][best_candidate(result)] for result in results]
    return TeacherCard(
        name=teacher.name,
        label=teacher.name,
        kind="learned",
        # The latest checkpoints were compared on the selection students, as a rule's settings are.
        tuned=True,
        needs=tuple(teacher.observe),
        sees_order=_sees_order(teacher.observe),
        parameters={"algorithm": teacher.algorithm, "width": teacher.width} | teacher.settings,
        training=Cost.mean([Cost.of(result) for result in results]),
        other_course=bool(teacher.courses),
        deterministic=teacher.deterministic,
        selection_cost=sum(costs) / len(costs) if costs else None,
        chosen=each_once(map(_chosen_in_words, results)),
    )


def _chosen_in_words(result: Mapping[str, Any]) -> str:
    """How the candidate of a training was chosen where costs did not tell; empty where they did.

    Where there is a prior, also whether that is what was kept.
    """
    prior = result.get("prior_kept")
    words = [
        "a training brought nothing measurably better than what it began as, which is kept"
    ] * bool(prior)
    if "chosen" in result:
        words += [f"in a training {result['chosen']}"] * bool(result["chosen"])
    elif prior is None:
        words += [_tie_in_words(result)]
    return each_once(words)


def _tie_in_words(result: Mapping[str, Any]) -> str:
    """That candidates were level in earlier versions, which took the first; empty if not."""
    costs = result["selection"]
    level = costs.count(min(costs))
    if level < 2:
        return ""
    # Still earlier ones did not keep how many mastered.
    nobody = not any(result.get("selection_mastered", [1]))
    which = " in which nobody mastered all tasks" if nobody else ""
    return f"a training{which} has {level} candidates level in cost, the first of them is taken"


def _replay_card(teacher: ReplaySection, config: Config, run_dir: Path) -> list[TeacherCard]:
    return [
        TeacherCard(
            name=teacher.name,
            label=teacher.name,
            kind="order",
            mixes=mixes_tasks(teacher, config),
            needs=tuple(Replay.needs),
            replay_of=teacher.of,
            parameters={"shuffled": teacher.shuffled},
            **_looks(config, None, Replay.needs),
        )
    ]


def _guarded_card(teacher: GuardedSection, config: Config, run_dir: Path) -> list[TeacherCard]:
    """That of the teacher that guards are around, with what they change."""
    original = config.teacher(teacher.of)
    card: TeacherCard = _CARDS[original.type](original, config, run_dir)[0]
    guards = [one.guard for one in teacher.guards]
    needs = tuple(dict.fromkeys((*card.needs, *shown_to(teacher.guards))))
    own = {"selection_cost": None, "selection_area": None}
    return [
        replace(
            card,
            name=teacher.name,
            label=f"{teacher.of} with {enumeration(guards)}",
            published=False,
            needs=needs,
            sees_order=card.sees_order or see_the_order(teacher.guards),
            guard_of=teacher.of,
            parameters=card.parameters | {"guards": [one.model_dump() for one in teacher.guards]},
            looks=card.looks or reads_measured(needs),
            **own | _selected(teacher.name, config, run_dir),
        )
    ]


def _sees_order(columns: Iterable[str]) -> bool:
    return any(column.partition(":")[0] in _ORDERED for column in columns)


def _has_defaults(rule: Any, parameters: Mapping[str, Any]) -> bool:
    """Whether these parameters change none of the rule's defaults."""
    own = inspect.signature(rule).parameters
    return all(key in own and own[key].default == value for key, value in parameters.items())


_CARDS: dict[str, Any] = {
    "rule": _rule_card,
    "learned": _learned_card,
    "replay": _replay_card,
    "guarded": _guarded_card,
}
