"""Who is ranked by what, and whom the others are compared with: the best opponent, and the rest."""

from typing import Any, NamedTuple

from .comparisons import Measured, compare_pair

BASELINE_ROLES = {
    "best_opponent": "the best opponent",
    "shortfall": "the shortfall rule",
    "tuned_mixture": "the tuned static mixture",
    "proportional": "proportional sampling",
    "true_order": "the true order",
    "prior": "the prior alone",
}
"""Roles of the baselines and what they are called in prose.

An opponent is not told the order of the tasks, and is no learned teacher, no replay of one and no
ceiling (a schedule that was tuned for one suite to see what is there to win).
"""
HARDLY = 0.5
"""Where every teacher brings less than this share of its lifetimes to mastery, hardly anybody
masters, and teachers are compared by area."""
COST = "compute_to_mastery"
PRIOR_ROW = "-prior"
"""End of the name of a learned teacher that is reported with its learned part off."""


class BestOpponent(NamedTuple):
    """The best opponent, and by what it was chosen."""

    name: str
    by: str
    """`selection_cost`, `selection_area`, or `report`: the results that it is compared in."""
    unknown: tuple[str, ...]
    """Opponents of which it is not known what they came to on the selection students."""


def leading_measure(teachers: dict[str, Measured]) -> str:
    """What teachers are ranked by: `compute_to_mastery`, or `area` where hardly anybody masters."""
    shares = [float(t.measures.mastered.mean()) for t in ranked(teachers).values()]
    return COST if max(shares, default=0.0) >= HARDLY else "area"


def ranked(teachers: dict[str, Measured]) -> dict[str, Measured]:
    """Those that have a place: all but ceilings, or all where there is nobody else."""
    return {name: t for name, t in teachers.items() if t.card.kind != "ceiling"} or teachers


def rank(teacher: Measured, measure: str) -> tuple[float, float, str]:
    """Sorts teachers from best to worst by the interquartile mean of a measure, then by area."""
    cost = 0.0 if measure == "area" else teacher.sample(measure).mean
    return cost, -teacher.sample("area").mean, teacher.card.name


def ranking(teachers: dict[str, Measured]) -> list[str]:
    """Names of all teachers that have a place, from best to worst by the leading measure."""
    measure, those = leading_measure(teachers), ranked(teachers)
    return sorted(those, key=lambda name: rank(those[name], measure))


def places(teachers: dict[str, Measured]) -> dict[str, int]:
    """Place of every teacher in the ranking, from 1; those that came to the same share one."""
    measure, found = leading_measure(teachers), dict[str, int]()
    for place, name in enumerate(ranking(teachers), start=1):
        ties = (found[other] for other in found if _tied(teachers[name], teachers[other], measure))
        found[name] = next(ties, place)
    return found


def _tied(teacher: Measured, other: Measured, measure: str) -> bool:
    if teacher.sample(measure).mean != other.sample(measure).mean:
        return False
    entry = compare_pair(teacher, other, measure)
    return entry is not None and entry["tied"]


def against_best(teachers: dict[str, Measured]) -> dict[str, Any] | None:
    """The best teacher and every other against it by the leading measure; None without teachers.

    Replays teach nothing of their own: they are left out where there is anybody else. `others` are
    entries as those of `versus`, from the second best to the worst.
    """
    plain = _plain(ranked(teachers)) or teachers
    if not plain:
        return None
    measure = leading_measure(teachers)
    first, *rest = sorted(plain, key=lambda name: rank(plain[name], measure))
    entries = (compare_pair(plain[name], plain[first], measure) for name in rest)
    return {"teacher": first, "others": [entry for entry in entries if entry is not None]}


def _plain(teachers: dict[str, Measured]) -> dict[str, Measured]:
    return {name: t for name, t in teachers.items() if t.card.replay_of is None}


def order_blind(teachers: dict[str, Measured]) -> dict[str, Measured]:
    """All that a learned teacher is measured against, by name."""
    return {
        name: t
        for name, t in _plain(teachers).items()
        if not t.card.sees_order and t.card.kind not in ("learned", "ceiling")
    }


def priors(teachers: dict[str, Measured]) -> dict[str, str]:
    """Learned teachers with the row in which their learned part is off."""
    return {
        name: name + PRIOR_ROW
        for name, t in teachers.items()
        if t.card.kind == "learned" and name + PRIOR_ROW in teachers
    }


def best_opponent(teachers: dict[str, Measured]) -> BestOpponent | None:
    """The opponent that the selection students preferred, so that the choice favours nobody.

    By area where hardly anybody masters. Where it is not known of all of them what they came to
    there, it is the best on the reported students, which favours it. None without opponents.
    """
    those = order_blind(teachers)
    if not those:
        return None
    measure = leading_measure(teachers)
    by, sign = ("selection_area", -1.0) if measure == "area" else ("selection_cost", 1.0)
    values = {name: getattr(t.card, by, None) for name, t in those.items()}
    unknown = tuple(name for name, value in values.items() if value is None)
    if unknown:
        return BestOpponent(
            min(those, key=lambda name: rank(those[name], measure)), "report", unknown
        )
    return BestOpponent(
        min(those, key=lambda name: (sign * float(values[name] or 0.0), name)), by, ()
    )


def choose_baselines(teachers: dict[str, Measured]) -> dict[str, str]:
    """Name of the teacher in each role of `BASELINE_ROLES` that the run can fill.

    Uniform stands in where there is no proportional teacher, and an untuned true order where there
    is no tuned one. Of several in one role it is the first by `rank` on the reported students,
    which favours the baseline; the best opponent is chosen by `best_opponent`, and the prior is
    that of the leaning teacher with the lowest cost on the selection students.
    """
    measure, plain = leading_measure(teachers), _plain(teachers)
    first = {name: name for name in ("shortfall", "proportional", "uniform") if name in plain}
    told = [t for t in plain.values() if t.card.sees_order]
    in_order = [t for t in told if t.card.kind not in ("learned", "ceiling")]
    tuned = [t for t in order_blind(teachers).values() if t.card.tuned]
    fields = {
        "tuned_mixture": [t for t in tuned if t.card.kind == "static"],
        "true_order": [t for t in in_order if t.card.tuned] or in_order,
    }
    best, leaning = best_opponent(teachers), priors(teachers)
    roles = {
        "best_opponent": best.name if best else None,
        "shortfall": first.get("shortfall"),
        "proportional": first.get("proportional") or first.get("uniform"),
        "prior": leaning[min(leaning, key=lambda n: _selected(teachers[n]))] if leaning else None,
    }
    for role, candidates in fields.items():
        ordered = sorted(candidates, key=lambda t: rank(t, measure))
        roles[role] = ordered[0].card.name if ordered else None
    return {role: name for role in BASELINE_ROLES if (name := roles[role]) is not None}


def _selected(teacher: Measured) -> tuple[bool, float, str]:
    cost = teacher.card.selection_cost
    return cost is None, cost or 0.0, teacher.card.name


def hardest_opponents(teachers: dict[str, Measured]) -> dict[str, dict[str, Any]]:
    """Per learned teacher its comparison with the opponent that it is least surely ahead of.

    That is the largest upper bound of the ratio over all opponents, or the lowest lower bound of
    the difference where areas are compared: no choice of an opponent makes it look better.
    `opponents` says how many there were.
    """
    measure, found = leading_measure(teachers), dict[str, dict[str, Any]]()
    for name, teacher in teachers.items():
        if teacher.card.kind != "learned":
            continue
        entries = [
            entry
            for other in order_blind(teachers).values()
            if (entry := compare_pair(teacher, other, measure)) is not None
        ]
        sure = [entry for entry in entries if measure == "area" or entry["ci95"] is not None]
        if sure:
            worst = max(sure, key=_bound)
            found[name] = worst | {"opponents": len(entries)}
    return found


def _bound(entry: dict[str, Any]) -> float:
    area = entry["metric"] == "area"
    return float(-entry["difference_ci95"][0] if area else entry["ci95"][1])


def room(teachers: dict[str, Measured], baselines: dict[str, str]) -> list[dict[str, Any]]:
    """Every ceiling against the shortfall rule (or the best opponent): what is there to win."""
    rival = baselines.get("shortfall") or baselines.get("best_opponent")
    measure = leading_measure(teachers)
    return [
        entry
        for teacher in teachers.values()
        if teacher.card.kind == "ceiling" and rival is not None
        if (entry := compare_pair(teacher, teachers[rival], measure)) is not None
    ]
