"""The verdict of a run: one paragraph of plain text, made from its summary and nothing else."""

import math
from typing import Any

import numpy as np

from .headlines import FEWEST_STUDENTS, headline, is_measurable, subject
from .opponents import BASELINE_ROLES, COST, HARDLY
from .wording import amount_in_words, count, number, percent, spaced, span, with_remarks

Summary = dict[str, Any]

LITTLE = 0.05
"""Part of a cost below which there is hardly anything to win."""


def verdict(summary: Summary) -> str:
    """One paragraph that is true whatever the numbers are; the headline is its beginning."""
    start = "" if summary["complete"] else "This run is not complete, and its numbers may change. "
    return " ".join([start + headline(summary), *details(summary)])


def details(summary: Summary) -> list[str]:
    """The sentences of the verdict behind its headline."""
    if not summary["teachers"]:
        return []
    if summary.get("damaged"):
        return [_setting(summary)]
    name = subject(summary)
    return [
        _setting(summary),
        _result(summary, name),
        *_comparisons(summary, name),
        *_order(summary, name),
        *_worst(summary, name),
        *_training(summary, name),
        *_opponents(summary, name),
        *_room(summary),
    ]


def _setting(summary: Summary) -> str:
    budget, suite = summary["budget"], summary["suite"]
    who = "One student" if summary["students"] == 1 else f"Each of {summary['students']:,} students"
    return (
        f"{who} had a budget of {amount_in_words(budget)} for "
        f"{'the ' if len(suite['tasks']) > 1 else ''}{count(len(suite['tasks']), 'task')} "
        f"of {suite['name']}.{_tests(summary)}"
    )


def _tests(summary: Summary) -> str:
    """How often students were tested, where that was not after every decision."""
    every = summary["test_every"]
    if every == 1:
        return ""
    return (
        f" It was tested every {every:,} decisions (and after the first and the last), so steps to "
        f"mastery are known to {every:,} decisions."
    )


def _result(summary: Summary, name: str) -> str:
    teacher = summary["teachers"][name]
    lead = teacher["label"]
    seeds = teacher["teacher_seeds"]
    if teacher["kind"] == "learned":
        # One training run says nothing about the next.
        note = f"{seeds} seeds" if seeds > 1 else "one teacher; students only"
        lead = with_remarks(lead, note)
    area, score = teacher["area"], teacher["final_score"]
    worth = f"its area was {area['iqm']:.3f} ({span(area['ci95'], '.3f')})"
    if summary["compared_by"] == "area":
        worth += f" and its score at the end {score['iqm']:.3f} ({span(score['ci95'], '.3f')})"
    if not teacher["mastered"]:
        return f"{lead} brought no student to mastery of all tasks; {worth}."
    brought = (
        f"{lead} brought {spaced(percent(teacher['mastered']))} of its "
        f"{count(teacher['lifetimes'], 'lifetime')} to mastery of all tasks"
    )
    if teacher["mastered"] < HARDLY:
        return f"{brought} within the budget; {worth}."
    steps = teacher["steps_to_mastery"]
    rest = "" if teacher["mastered"] == 1 else ", the others counted at the whole budget"
    return (
        f"{brought}, after {number(steps['iqm'])} student steps (interquartile mean{rest}; "
        f"95 % interval {span(steps['ci95'], ',.0f')}); {worth}."
    )


def _comparisons(summary: Summary, name: str) -> list[str]:
    """One sentence for each outcome (better, worse, tied, not decided) with its baselines.

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


def _opponents(summary: Summary, name: str) -> list[str]:
    """How the best opponent was chosen, and what no choice of one would make look better."""
    choice, hardest = summary["best_opponent"], summary["hardest_opponents"].get(name)
    if choice is None or hardest is None or hardest["opponents"] < 2:
        return []
    what = "area" if choice["by"] == "selection_area" else "compute"
    how = f"by its {what} on the selection students, before these results"
    if choice["by"] == "report":
        missing = count(len(choice["unknown"]), "opponent")
        how = (
            "by the results shown here, which favours it, as it is not known what "
            f"{missing} came to on the selection students"
        )
    sentences = [f"The best opponent was chosen {how}."]
    if not hardest["tied"]:
        who = with_remarks(summary["teachers"][hardest["baseline"]]["label"])
        lead = f"Over all {hardest['opponents']} opponents, whichever is chosen, the"
        if hardest["metric"] == "area":
            low = hardest["difference_ci95"][0]
            sentences.append(f"{lead} lowest bound of its gain in area is {low:+.3f}, over {who}.")
        else:
            high = hardest["ci95"][1]
            sentences.append(f"{lead} largest upper bound of the ratio is {high:.2f}, to {who}.")
    return sentences


def _room(summary: Summary) -> list[str]:
    """What a schedule that was tuned for this suite alone came to."""
    sentences = []
    for entry in summary["room"]:
        ceiling, other = (
            with_remarks(summary["teachers"][entry[who]]["label"])
            for who in ("teacher", "baseline")
        )
        sentences.append(
            f"{ceiling}, a schedule tuned for this suite and an estimate of what is there to win, "
            f"came to {_worth_against(entry)} of {other}.{_little_room(summary, entry)}"
        )
    return sentences


def _little_room(summary: Summary, entry: Summary) -> str:
    """Whether a ceiling is too low, as somebody came to less, or leaves hardly anything to win."""
    if entry["metric"] == "area" or entry["ratio"] is None:
        return ""
    best = summary["best"]["teacher"]
    costs = [summary["teachers"][who][COST]["iqm"] for who in (best, entry["teacher"])]
    if best != entry["teacher"] and costs[0] < costs[1]:
        label = with_remarks(summary["teachers"][best]["label"])
        return f" But {label} came to less, so there is more to win than that."
    return (
        f" That leaves less than {spaced(percent(LITTLE))} to win."
        if entry["ratio"] > 1 - LITTLE
        else ""
    )


def _worth_against(entry: Summary) -> str:
    if entry["metric"] == "area" or entry["ratio"] is None:
        gap = span(entry["difference_ci95"], "+.3f")
        return (
            f"a difference of {entry['difference']:+.3f} (95 % interval {gap}) to the {_of(entry)}"
        )
    between = f" (95 % interval {span(entry['ci95'], '.2f')})" if entry["ci95"] else ""
    return f"{entry['ratio']:.2f} times{between} the {_of(entry)}"


def _of(entry: Summary) -> str:
    return "area" if entry["metric"] == "area" else "compute"


def _role(summary: Summary, role: str, baseline: str) -> str:
    if role == "proportional" and baseline != "proportional":
        return "uniform sampling"
    if role == "true_order":
        tuned = "tuned " if summary["teachers"][baseline]["tuned"] else ""
        return f"the {tuned}{summary['suite']['order']}"
    return BASELINE_ROLES[role]


def _comparison(summary: Summary, name: str, baseline: str, title: str) -> tuple[str, str] | None:
    """The outcome and the baseline with the numbers; by area where hardly anybody mastered."""
    mine, other = summary["teachers"][name], summary["teachers"][baseline]
    by_cost = max(mine["mastered"], other["mastered"]) >= HARDLY
    key = (name, baseline, COST if by_cost else "area")
    for entry in summary["versus"]:
        if (entry["teacher"], entry["baseline"], entry["metric"]) == key:
            who = title if other["label"].lower() in title.lower() else f"{title}, {other['label']}"
            evidence = "" if entry["tied"] else f" ({_evidence(summary, entry)})"
            return _judgement(entry), f"{who}{evidence}"
    return None


def _judgement(entry: Summary) -> str:
    if entry["tied"]:
        return "It tied with"
    if entry["students"] < FEWEST_STUDENTS:
        return "It stood against"
    if not is_measurable(entry):
        return "It did not differ measurably from"
    better = (entry["difference"] > 0) == (entry["metric"] == "area")
    return "It was better than" if better else "It was worse than"


def _evidence(summary: Summary, entry: Summary) -> str:
    chance = entry["probability_of_improvement"]
    words = f"paired probability of improvement {spaced(percent(chance))}"
    if entry["students"] < FEWEST_STUDENTS or not is_measurable(entry):
        words += ", no proof" if abs(chance - 0.5) >= 0.25 else ""
    cost = "compute to mastery"
    if entry["metric"] != "area" and entry["ratio"] is not None:
        between = f", 95 % interval {span(entry['ci95'], '.2f')}" if entry["ci95"] else ""
        return f"{entry['ratio']:.2f} times the {cost}{between}, {words}"
    what, style = ("area", "+.3f") if entry["metric"] == "area" else (cost, "+,.0f")
    gap = span(entry["difference_ci95"], style)
    return f"difference in {what} {entry['difference']:{style}}, 95 % interval {gap}, {words}"


def _order(summary: Summary, name: str) -> list[str]:
    share = summary["order_share"].get(name)
    if share is None:
        return []
    # Where many lifetimes stand at the budget, steps to mastery can't tell the three apart.
    names = (name, share["shuffled"], share["baseline"])
    by_steps = min(summary["teachers"][one]["mastered"] for one in names) >= 0.75
    prefix = "" if by_steps and share["ci95"] else "area_"
    value, interval = share[prefix + "share"], share[prefix + "ci95"]
    baseline = with_remarks(summary["teachers"][share["baseline"]]["label"])
    if value is None or interval is None:
        return [f"It gained too little over {baseline} to tell order from proportions."]
    sentence = (
        f"Shuffling its choices in time loses {spaced(percent(value))} of its gain over {baseline}"
    )
    sentence += " in area" if prefix else " in steps to mastery"
    sentence += f" (95 % interval {span(interval, '.0%')})"
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
    if summary["compared_by"] == "area":
        areas = ", ".join(f"{seed['area']['iqm']:.3f}" for seed in each)
        return [f"Its {count(len(each), 'seed')} came to areas of {areas}."]
    steps = ", ".join(number(seed["steps_to_mastery"]["iqm"]) for seed in each)
    median = number(float(np.median([seed["steps_to_mastery"]["iqm"] for seed in each])))
    share = spaced(percent(worst["mastered"]))
    return [
        f"Its {count(len(each), 'seed')} took {steps} student steps (median {median}); the worst "
        f"of them ({worst['teacher_seed']}) brought {share} to mastery, with an area of "
        f"{worst['area']['iqm']:.3f}."
    ]


def _training(summary: Summary, name: str) -> list[str]:
    compute = summary["teachers"][name]["training_cost"]["compute"]
    if not summary["teachers"][name]["training_known"]:
        return ["What it cost to train it is not known: the file that it was taken from says none."]
    if compute <= 0:
        return []
    cost = f"Making it cost {number(compute)} training-example equivalents per seed"
    if summary["teachers"][name]["other_course"]:
        return [f"{cost}, on another course: what it saves here is in other units."]
    if summary["compared_by"] == "area":
        return [cost + "."]
    payback = summary["payback_students"].get(name) or {}
    labels = {other: with_remarks(summary["teachers"][other]["label"]) for other in payback}
    saves = {
        entry["baseline"]
        for entry in summary["versus"]
        if (entry["teacher"], entry["metric"]) == (name, COST)
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
