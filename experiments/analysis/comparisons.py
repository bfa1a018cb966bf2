"""Teachers against the baselines: paired comparisons, order shares and when training pays.

Legend: s teacher seeds, m students.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..store.cards import TeacherCard
from ..store.runs import Lifetimes
from .measures import LOWER_IS_BETTER, Measures
from .statistics import Sample, difference, probability_of_improvement, ratio, share_lost

BASELINE_ROLES = {
    "proportional": "proportional sampling",
    "tuned_mixture": "the tuned static mixture",
    "tuned_rule": "the best tuned rule or bandit",
    "untuned_rule": "the best untuned rule or bandit",
    "true_order": "the true order",
}
"""Roles of the baselines and what they are called in prose.

A best rule or bandit is one that adapts and is not told the order: no static mixture, no learned
teacher and no replay can be it.
"""
HARDLY = 0.5
"""Where every teacher brings less than this share of its lifetimes to mastery, hardly anybody
masters, and teachers are compared by area."""


@dataclass
class Measured:
    """One teacher with its lifetimes and what they are worth."""

    card: TeacherCard
    lifetimes: Lifetimes
    measures: Measures
    samples: dict[str, Sample] = field(default_factory=dict)

    def sample(self, metric: str) -> Sample:
        """One measure as a sample, resampled once."""
        if metric not in self.samples:
            # A replay has the teacher seeds of the teacher that it replays: they are drawn alike.
            stream = self.card.replay_of or self.card.name
            self.samples[metric] = Sample(getattr(self.measures, metric), stream)
        return self.samples[metric]


def paired_samples(metric: str, *teachers: Measured) -> list[Sample] | None:
    """Samples of the same measure over the students that all have; None if there are none."""
    seeds = [teacher.lifetimes.student_seeds for teacher in teachers]
    common = seeds[0]
    for other in seeds[1:]:
        common = np.intersect1d(common, other)
    if len(common) == 0:
        return None
    samples = []
    for teacher, own in zip(teachers, seeds, strict=True):
        whole = teacher.sample(metric)
        columns = np.flatnonzero(np.isin(own, common))
        samples.append(whole if len(columns) == len(own) else whole.of_students(columns))
    return samples


def choose_baselines(teachers: dict[str, Measured]) -> dict[str, str]:
    """Name of the teacher in each role of `BASELINE_ROLES` that the run can fill.

    Uniform stands in where there is no proportional teacher, and an untuned true order where there
    is no tuned one. The best is the first by `rank` on the reported students, which favours the
    baseline.
    """
    measure = leading_measure(teachers)
    plain = {name: t for name, t in teachers.items() if t.card.replay_of is None}
    roles: dict[str, str] = {}
    for name in ("proportional", "uniform"):
        if name in plain:
            roles.setdefault("proportional", name)
    blind = [t for t in plain.values() if not t.card.sees_order and t.card.kind != "learned"]
    adaptive = [t for t in blind if t.card.kind in ("rule", "bandit")]
    in_order = [t for t in plain.values() if t.card.sees_order and t.card.kind != "learned"]
    fields = {
        "tuned_rule": [t for t in adaptive if t.card.tuned],
        "tuned_mixture": [t for t in blind if t.card.tuned and t.card.kind == "static"],
        "untuned_rule": [t for t in adaptive if not t.card.tuned],
        "true_order": [t for t in in_order if t.card.tuned] or in_order,
    }
    for role, candidates in fields.items():
        if candidates:
            roles[role] = min(candidates, key=lambda t: rank(t, measure)).card.name
    return roles


def leading_measure(teachers: dict[str, Measured]) -> str:
    """What teachers are ranked by: `cost_to_mastery`, or `area` where hardly anybody masters."""
    shares = [float(teacher.measures.mastered.mean()) for teacher in teachers.values()]
    return "cost_to_mastery" if max(shares, default=0.0) >= HARDLY else "area"


def rank(teacher: Measured, measure: str) -> tuple[float, float, str]:
    """Sorts teachers from best to worst by the interquartile mean of a measure, then by area."""
    cost = 0.0 if measure == "area" else teacher.sample(measure).iqm
    return cost, -teacher.sample("area").iqm, teacher.card.name


def ranking(teachers: dict[str, Measured]) -> list[str]:
    """Names of all teachers from best to worst by the leading measure."""
    measure = leading_measure(teachers)
    return sorted(teachers, key=lambda name: rank(teachers[name], measure))


def places(teachers: dict[str, Measured]) -> dict[str, int]:
    """Place of every teacher in the ranking, from 1; those that came to the same share one."""
    measure, found = leading_measure(teachers), dict[str, int]()
    for place, name in enumerate(ranking(teachers), start=1):
        ties = (found[other] for other in found if _tied(teachers[name], teachers[other], measure))
        found[name] = next(ties, place)
    return found


def _tied(teacher: Measured, other: Measured, measure: str) -> bool:
    if teacher.sample(measure).iqm != other.sample(measure).iqm:
        return False
    entry = _compare(teacher, other, measure)
    return entry is not None and entry["tied"]


def against_best(teachers: dict[str, Measured]) -> dict[str, Any] | None:
    """The best teacher and every other against it by the leading measure; None without teachers.

    Replays teach nothing of their own: they are left out where there is anybody else. `others` are
    entries as those of `versus`, from the second best to the worst.
    """
    plain = {name: t for name, t in teachers.items() if t.card.replay_of is None} or teachers
    if not plain:
        return None
    measure = leading_measure(teachers)
    first, *rest = sorted(plain, key=lambda name: rank(plain[name], measure))
    entries = (_compare(plain[name], plain[first], measure) for name in rest)
    return {"teacher": first, "others": [entry for entry in entries if entry is not None]}


def versus(teachers: dict[str, Measured], baselines: dict[str, str]) -> list[dict[str, Any]]:
    """Every teacher against every baseline on every measure of `LOWER_IS_BETTER`.

    `difference` is teacher minus baseline, `ratio` teacher over baseline, both of interquartile
    means; `ci95` belongs to the ratio and `difference_ci95` to the difference. `tied` says that
    both came to the same, however students are drawn.
    """
    return [
        entry
        for teacher in teachers.values()
        for name in dict.fromkeys(baselines.values())
        if name != teacher.card.name
        for metric in LOWER_IS_BETTER
        if (entry := _compare(teacher, teachers[name], metric)) is not None
    ]


def _compare(teacher: Measured, baseline: Measured, metric: str) -> dict[str, Any] | None:
    samples = paired_samples(metric, teacher, baseline)
    if samples is None:
        return None
    mine, theirs = samples
    gap, quotient = difference(mine, theirs), ratio(mine, theirs)
    # Lifetimes without mastery all count as the whole budget: to share that is no tie.
    whole = metric == "area" or bool(
        teacher.measures.mastered.all() and baseline.measures.mastered.all()
    )
    return {
        "teacher": teacher.card.name,
        "baseline": baseline.card.name,
        "metric": metric,
        "difference": gap.value,
        "difference_ci95": gap.ci95,
        "ratio": quotient.value,
        "ci95": quotient.ci95,
        "probability_of_improvement": probability_of_improvement(
            mine.values, theirs.values, LOWER_IS_BETTER[metric]
        ),
        "tied": whole and gap == (0.0, (0.0, 0.0)),
        "students": mine.values.shape[1],
    }


def order_share(teachers: dict[str, Measured]) -> dict[str, dict[str, Any]]:
    """Per teacher with a shuffled replay: the part of its gain over uniform that shuffling loses.

    Proportional stands in where there is no uniform teacher. `share` and `ci95` are of the steps to
    mastery, `area_share` and `area_ci95` of the area.
    """
    baseline = teachers.get("uniform") or teachers.get("proportional")
    shares: dict[str, dict[str, Any]] = {}
    for twin in teachers.values():
        original = teachers.get(twin.card.replay_of or "")
        if not twin.card.shuffled or original is None or baseline is None:
            continue
        entry: dict[str, Any] = {"shuffled": twin.card.name, "baseline": baseline.card.name}
        for metric, prefix in (("steps_to_mastery", ""), ("area", "area_")):
            samples = paired_samples(metric, original, twin, baseline)
            if samples is None:
                break
            loss = share_lost(*samples)
            better = samples[0].iqm < samples[2].iqm
            gained = better if LOWER_IS_BETTER[metric] else samples[0].iqm > samples[2].iqm
            entry[prefix + "share"] = loss.value if gained else None
            entry[prefix + "ci95"] = loss.ci95 if gained else None
        else:
            shares[original.card.name] = entry
    return shares


def payback_students(
    teachers: dict[str, Measured], baselines: dict[str, str]
) -> dict[str, dict[str, float | None] | None]:
    """After how many students the compute that made a teacher is saved, against each baseline.

    Compute spent on training and tuning over the difference of the interquartile mean compute to
    mastery; None if the teacher saves nothing. None in place of all baselines for a teacher that
    was trained on another course, whose compute is in other units than that of these students.
    """
    result: dict[str, dict[str, float | None] | None] = {}
    for name, teacher in teachers.items():
        compute = teacher.card.making.compute
        if compute <= 0:
            continue
        if teacher.card.other_course:
            result[name] = None
            continue
        students: dict[str, float | None] = {}
        for other in dict.fromkeys(baselines.values()):
            samples = paired_samples("compute_to_mastery", teacher, teachers[other])
            if other == name or samples is None:
                continue
            saving = samples[1].iqm - samples[0].iqm
            students[other] = compute / saving if saving > 0 else None
        result[name] = students
    return result
