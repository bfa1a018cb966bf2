"""The verdict of a run: one paragraph of plain text, made from its summary and nothing else."""

import math
from typing import Any

import numpy as np

from .comparisons import BASELINE_ROLES
from .wording import count, number, percent, styled

FEWEST_STUDENTS = 6
"""With fewer, not even a win on every student is significant at 5 % (sign test: 2 / 2**5)."""

Summary = dict[str, Any]


def verdict(summary: Summary) -> str:
    """One paragraph that is true whatever the numbers are."""
    teachers = summary["teachers"]
    start: str = (
        "" if summary["complete"] else "This run is not complete, and its numbers may change. "
    )
    if not teachers:
        return (
            start + "There is no teacher with a finished lifetime yet, so there is nothing to say."
        )
    name = _subject(summary)
    sentences = [_setting(summary), _result(summary, name)]
    if not any(teacher["mastered"] for teacher in teachers.values()):
        sentences.append("No teacher brought a student to mastery, so areas are compared.")
    if len(teachers) == 1:
        sentences.append("It was the only teacher, so nothing can be said about its worth.")
    elif summary["students"] < FEWEST_STUDENTS:
        sentences.append(
            f"With only {count(summary['students'], 'student')} no difference between teachers "
            f"can be shown (it takes at least {FEWEST_STUDENTS}); what follows describes these."
        )
    sentences += _comparisons(summary, name)
    sentences += _order(summary, name) + _worst(summary, name) + _training(summary, name)
    return start + " ".join(sentences)


def _learned_teachers(summary: Summary) -> dict[str, Summary]:
    """The learned teachers, each once: without its twin where it is also reported as sampled."""
    teachers = {n: t for n, t in summary["teachers"].items() if t["kind"] == "learned"}
    return {n: t for n, t in teachers.items() if t["sampled_twin_of"] is None} or teachers


def _subject(summary: Summary) -> str:
    """The teacher that the verdict is about: a learned one, else the best of all.

    Of several learned ones it is picked without a look at the reported students.
    """
    if learners := _learned_teachers(summary):
        return min(learners, key=lambda name: _selection(learners[name], name))
    teachers = {n: t for n, t in summary["teachers"].items() if t["replay_of"] is None}
    pool = teachers or summary["teachers"]
    best = sorted((t["cost_to_mastery"]["iqm"], -t["area"]["iqm"], n) for n, t in pool.items())
    return str(best[0][2])


def _selection(teacher: Summary, name: str) -> tuple[bool, float, str]:
    """Sorts learned teachers by their cost on the selection students of the reported course.

    That of other courses is in other units: those teachers come last, by name.
    """
    cost = None if teacher["other_course"] else teacher["selection_cost"]
    return cost is None, 0.0 if cost is None else cost, name


def _setting(summary: Summary) -> str:
    budget, suite = summary["budget"], summary["suite"]
    unit = {"compute": "training-example equivalents"}.get(budget["unit"], budget["unit"])
    who = "One student" if summary["students"] == 1 else f"Each of {summary['students']:,} students"
    return (
        f"{who} had a budget of {number(budget['amount'])} {unit} for "
        f"{'the ' if len(suite['tasks']) > 1 else ''}{count(len(suite['tasks']), 'task')} "
        f"of {suite['name']}."
    )


def _result(summary: Summary, name: str) -> str:
    teacher = summary["teachers"][name]
    learners = _learned_teachers(summary)
    if teacher["kind"] != "learned":
        lead = f"No teacher was learned; the best one, {teacher['label']},"
    elif len(learners) > 1:
        unknown = _selection(teacher, name)[0]
        which = "the first by name" if unknown else "the best on the selection students"
        lead = f"Of {len(learners)} learned teachers {which}, {teacher['label']},"
    else:
        lead = f"The learned teacher {teacher['label']}"
    seeds = teacher["teacher_seeds"]
    if teacher["kind"] == "learned":
        # One training run says nothing about the next: the intervals are of students alone.
        note = f"{seeds} seeds" if seeds > 1 else "trained once, so intervals are of students alone"
        lead = lead.rstrip(",") + f" ({note}){',' if lead.endswith(',') else ''}"
    area = f"its area was {teacher['area']['iqm']:.3f} ({_interval(teacher['area'], '.3f')})"
    if not teacher["mastered"]:
        return f"{lead} brought no student to mastery of all tasks; {area}."
    brought = (
        f"{lead} brought {_percent(teacher['mastered'])} of its "
        f"{count(teacher['lifetimes'], 'lifetime')} to mastery of all tasks"
    )
    if teacher["mastered"] < 0.5:
        return f"{brought} within the budget; {area}."
    steps = teacher["steps_to_mastery"]
    rest = "" if teacher["mastered"] == 1 else ", the others counted at the whole budget"
    return (
        f"{brought}, after {number(steps['iqm'])} student steps (interquartile mean{rest}; "
        f"95 % interval {_interval(steps, ',.0f')}); {area}."
    )


def _comparisons(summary: Summary, name: str) -> list[str]:
    """One sentence for each outcome (better, worse, not decided) with its baselines.

    A baseline that fills several roles is named once, with all of them.
    """
    roles: dict[str, list[str]] = {}
    for role, baseline in summary["baselines"].items():
        if baseline != name:
            roles.setdefault(baseline, []).append(_role(summary, role, baseline))
    outcomes: dict[str, list[str]] = {}
    for baseline, titles in roles.items():
        outcome = _comparison(summary, name, baseline, " and ".join(titles))
        if outcome is not None:
            outcomes.setdefault(outcome[0], []).append(outcome[1])
    return [f"{judgement} {'; '.join(which)}." for judgement, which in outcomes.items()]


def _role(summary: Summary, role: str, baseline: str) -> str:
    if role == "proportional" and baseline != "proportional":
        return "uniform sampling"
    if role == "true_order" and summary["teachers"][baseline]["tuned"]:
        return "the tuned true order"
    return BASELINE_ROLES[role]


def _comparison(summary: Summary, name: str, baseline: str, title: str) -> tuple[str, str] | None:
    """The outcome and the baseline with the numbers; by area where hardly anybody mastered."""
    mine, other = summary["teachers"][name], summary["teachers"][baseline]
    by_cost = max(mine["mastered"], other["mastered"]) >= 0.5
    key = (name, baseline, "cost_to_mastery" if by_cost else "area")
    for entry in summary["versus"]:
        if (entry["teacher"], entry["baseline"], entry["metric"]) == key:
            who = title if other["label"].lower() in title.lower() else f"{title}, {other['label']}"
            return _judgement(entry, by_cost), f"{who} ({_evidence(summary, entry, by_cost)})"
    return None


def _judgement(entry: Summary, lower_is_better: bool) -> str:
    low, high = entry["difference_ci95"]
    if entry["students"] < FEWEST_STUDENTS:
        return "It stood against"
    if low <= 0 <= high:
        return "It did not differ measurably from"
    better = high < 0 if lower_is_better else low > 0
    return "It was better than" if better else "It was worse than"


def _evidence(summary: Summary, entry: Summary, by_cost: bool) -> str:
    chance = f"probability of improvement {_percent(entry['probability_of_improvement'])}"
    if by_cost and entry["ratio"] is not None:
        between = f", 95 % interval {_range(entry['ci95'], '.2f')}" if entry["ci95"] else ""
        what = f"{entry['ratio']:.2f} times the {summary['cost_unit']} to mastery"
        return f"{what}{between}, {chance}"
    style = "+,.0f" if by_cost else "+.3f"
    gap = _range(entry["difference_ci95"], style)
    what = f"{summary['cost_unit']} to mastery" if by_cost else "area"
    return f"{what} {entry['difference']:{style}}, 95 % interval {gap}, {chance}"


def _order(summary: Summary, name: str) -> list[str]:
    share = summary["order_share"].get(name)
    if share is None:
        return []
    # Where many lifetimes stand at the budget, steps to mastery can't tell the three apart.
    names = (name, share["shuffled"], share["baseline"])
    by_steps = min(summary["teachers"][one]["mastered"] for one in names) >= 0.75
    prefix = "" if by_steps and share["ci95"] else "area_"
    value, interval = share[prefix + "share"], share[prefix + "ci95"]
    baseline = summary["teachers"][share["baseline"]]["label"]
    if value is None or interval is None:
        return [f"It gained too little over {baseline} to tell order from proportions."]
    sentence = f"Shuffling its choices in time loses {_percent(value)} of its gain over {baseline}"
    sentence += " in area" if prefix else " in steps to mastery"
    sentence += f" (95 % interval {_range(interval, '.0%')})"
    if summary["students"] < FEWEST_STUDENTS:
        return [sentence + "."]
    if interval[0] > 0:
        return [sentence + ", so the order matters and not the proportions alone."]
    return [sentence + ", so it is not shown that the order matters."]


def _worst(summary: Summary, name: str) -> list[str]:
    teacher = summary["teachers"][name]
    worst = teacher.get("worst_teacher_seed")
    if worst is None or teacher["teacher_seeds"] < 2:
        return []
    each = teacher["per_teacher_seed"]
    steps = ", ".join(number(seed["steps_to_mastery"]["iqm"]) for seed in each)
    median = number(float(np.median([seed["steps_to_mastery"]["iqm"] for seed in each])))
    return [
        f"Its {count(len(each), 'seed')} took {steps} student steps (median {median}); the worst "
        f"of them ({worst['teacher_seed']}) brought {_percent(worst['mastered'])} to mastery, "
        f"with an area of {worst['area']['iqm']:.3f}."
    ]


def _training(summary: Summary, name: str) -> list[str]:
    compute = summary["teachers"][name]["training_cost"]["compute"]
    if compute <= 0:
        return []
    cost = f"Making it cost {number(compute)} training-example equivalents per seed"
    if summary["teachers"][name]["other_course"]:
        return [f"{cost}, on another course: what it saves here is in other units."]
    payback = summary["payback_students"].get(name) or {}
    labels = {other: summary["teachers"][other]["label"] for other in payback}
    saves = {
        entry["baseline"]
        for entry in summary["versus"]
        if (entry["teacher"], entry["metric"]) == (name, "cost_to_mastery")
        and entry["students"] >= FEWEST_STUDENTS
        and entry["difference_ci95"][1] < 0
    }
    paybacks = [
        f"after {number(math.ceil(students))} students against {labels[other]}"
        for other, students in payback.items()
        if students is not None and other in saves
    ]
    never = [labels[other] for other, students in payback.items() if students is None]
    unsure = [labels[other] for other in payback if other not in saves and payback[other]]
    parts = ["paid back " + ", ".join(paybacks)] if paybacks else []
    parts += [f"never paid back against {' or '.join(never)}"] if never else []
    parts += [f"not shown to pay against {' or '.join(unsure)}"] if unsure else []
    return [", ".join([cost, *parts]) + "."]


def _percent(value: float) -> str:
    return percent(value).replace("%", " %")


def _interval(estimate: Summary, style: str) -> str:
    return _range(estimate["ci95"], style)


def _range(interval: list[float], style: str) -> str:
    low, high = (styled(end, style) for end in interval)
    return f"{low} to {high}".replace("%", " %")
