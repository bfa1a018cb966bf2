"""Teachers against each other: paired comparisons, order shares and when training pays.

Legend: s teacher seeds, m students.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..store.cards import TeacherCard
from ..store.runs import Lifetimes
from .measures import LOWER_IS_BETTER, Measures
from .statistics import Sample, difference, probability_of_improvement, ratio, share_lost


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
            # A replay, a sampled twin and guards have the seeds of the teacher they come from.
            card = self.card
            stream = card.replay_of or card.guard_of or card.sampled_twin_of or card.name
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


def versus(
    teachers: dict[str, Measured], baselines: Iterable[str], also: Iterable[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """Every teacher against every baseline on every measure of `LOWER_IS_BETTER`.

    Args:
        teachers: all of a run by name.
        baselines: names of some of them.
        also: teachers with others that they are compared with besides.
    """
    pairs = [(teacher, name) for teacher in teachers for name in dict.fromkeys(baselines)]
    return [
        entry
        for teacher, name in dict.fromkeys([*pairs, *also])
        if name != teacher
        for metric in LOWER_IS_BETTER
        if (entry := compare_pair(teachers[teacher], teachers[name], metric)) is not None
    ]


def compare_pair(teacher: Measured, baseline: Measured, metric: str) -> dict[str, Any] | None:
    """One teacher against another on one measure; None where they share no student.

    `difference` is teacher minus baseline, `ratio` teacher over baseline, both of interquartile
    means; `ci95` belongs to the ratio, `difference_ci95` and `p` (two-sided) to the difference.
    `tied` says that both came to the same, however students are drawn.
    """
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
        "p": gap.p,
        "ratio": quotient.value,
        "ci95": quotient.ci95,
        "probability_of_improvement": probability_of_improvement(
            mine.values, theirs.values, LOWER_IS_BETTER[metric]
        ),
        "tied": whole and gap[:2] == (0.0, (0.0, 0.0)),
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
            better = samples[0].mean < samples[2].mean
            gained = better if LOWER_IS_BETTER[metric] else samples[0].mean > samples[2].mean
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
            saving = samples[1].mean - samples[0].mean
            students[other] = compute / saving if saving > 0 else None
        result[name] = students
    return result
