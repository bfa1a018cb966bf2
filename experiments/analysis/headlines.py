"""Two sentences that a report begins with: who was best, and where the learned teacher stands."""

from typing import Any

from .opponents import HARDLY
from .wording import count, enumeration, number, percent, spaced, span, with_remarks

FEWEST_STUDENTS = 6
"""With fewer, not even a win on every student is significant at 5 % (sign test: 2 / 2**5)."""
MOST_NAMES = 3
"""Teachers that the sentences list by name; more are counted."""

Summary = dict[str, Any]


def headline(summary: Summary) -> str:
    """Who was best, by how much and whether measurably; where the learned teacher stands.

    Measurably: the 95 % interval of the difference excludes 0.
    """
    if not summary["teachers"]:
        return "There is no teacher with a finished lifetime yet, so there is nothing to say."
    if summary.get("damaged"):
        return (
            "Part of what was recorded is damaged or missing, so no teacher is called the best: "
            f"{'; '.join(summary['damaged'])}."
        )
    return f"{_best(summary)} {_learned(summary)}"


def learned_teachers(summary: Summary) -> dict[str, Summary]:
    """The learned teachers, each once: without its twin where it is also reported as sampled."""
    teachers = {n: t for n, t in summary["teachers"].items() if t["kind"] == "learned"}
    return {n: t for n, t in teachers.items() if t["sampled_twin_of"] is None} or teachers


def subject(summary: Summary) -> str:
    """The teacher that the verdict is about: a learned one, else the best of all.

    Of several learned ones it is picked without a look at the reported students.
    """
    if learners := learned_teachers(summary):
        return min(learners, key=lambda name: selection(learners[name], name))
    return str(summary["best"]["teacher"])


def selection(teacher: Summary, name: str) -> tuple[bool, float, str]:
    """Sorts learned teachers by their cost on the selection students of the reported course.

    That of other courses is in other units: those teachers come last, by name.
    """
    cost = None if teacher["other_course"] else teacher["selection_cost"]
    return cost is None, 0.0 if cost is None else cost, name


def _best(summary: Summary) -> str:
    best, others = summary["best"]["teacher"], summary["best"]["others"]
    ties = [entry["teacher"] for entry in others if entry["tied"]]
    rest = [entry for entry in others if not entry["tied"]]
    n = len(others) + 1
    if not others:
        who = f"the only teacher was {_name(summary, best)}, with"
    elif not rest:
        who = f"{'both' if n == 2 else f'all {n}'} teachers came to the same,"
    elif ties:
        who = f"best of {n} teachers, tied, were {_names(summary, [best, *ties])}, with"
    else:
        who = f"best of {n} teachers was {_name(summary, best)}, with"
    sentence = f"{_lead(summary)}{who} {_worth(summary, summary['teachers'][best])}"
    if rest:
        sentence += f"; {_gap(summary, rest)}{_certainty(summary, rest)}"
    return f"{sentence[0].upper()}{sentence[1:]}."


def _lead(summary: Summary) -> str:
    """What has to be known before any number: few students, or nobody who mastered."""
    parts = []
    if len(summary["teachers"]) > 1 and summary["students"] < FEWEST_STUDENTS:
        parts.append(
            f"With only {count(summary['students'], 'student')} no difference between teachers "
            f"can be shown (it takes at least {FEWEST_STUDENTS})"
        )
    if summary["compared_by"] == "area":
        anybody = any(teacher["mastered"] for teacher in summary["teachers"].values())
        who = "even half of its lifetimes" if anybody else "a student"
        parts.append(
            f"{'no' if parts else 'No'} teacher brought {who} to mastery of all tasks, so areas "
            "(mean test scores over the whole budget) are compared"
        )
    return "; ".join(parts) + ": " if parts else ""


def _worth(summary: Summary, teacher: Summary) -> str:
    if summary["compared_by"] == "area":
        area = teacher["area"]
        return f"an area of {area['iqm']:.3f} (95 % interval {span(area['ci95'], '.3f')})"
    steps = teacher["steps_to_mastery"]
    part = teacher["mastered"]
    who = "" if part == 1 else f" by {spaced(percent(part))} of its lifetimes"
    compute = teacher["compute_to_mastery"]
    equal = "" if summary["costs"] == "own" else ", with the probes of all tasks charged to all"
    return (
        f"mastery of all tasks{who} after {number(steps['iqm'])} student steps, for a compute of "
        f"{number(compute['iqm'])} (95 % interval {span(compute['ci95'], ',.0f')}{equal})"
    )


def _gap(summary: Summary, rest: list[Summary]) -> str:
    """How far the next best is behind, and all that tied with it."""
    entry, places = rest[0], summary["places"]
    names = [one["teacher"] for one in rest]
    level = [name for name in names if places[name] == places[names[0]]]
    who = f"the next, {_names(summary, level)},{' tied,' if len(level) > 1 else ''}"
    if entry["metric"] == "area":
        return f"{who} had {-entry['difference']:.3f} less"
    if entry["ratio"] is None:
        return f"{who} took {number(entry['difference'])} more compute"
    least = "at least " if summary["teachers"][entry["teacher"]]["mastered"] < HARDLY else ""
    return f"{who} took {least}{entry['ratio']:.2f} times the compute"


def _certainty(summary: Summary, rest: list[Summary]) -> str:
    """Which of the others were measurably worse; nothing where that can't be shown."""
    if summary["students"] < FEWEST_STUDENTS:
        return ""
    close = [entry["teacher"] for entry in rest if not is_measurable(entry)]
    if not close:
        return (
            ", measurably"
            if len(rest) == 1
            else f", and all {len(rest)} others were measurably worse"
        )
    if len(close) == len(rest):
        return (
            ", but nobody was measurably worse"
            if len(rest) > 1
            else ", which is no measurable difference"
        )
    if len(close) <= MOST_NAMES:
        return f", and all but {_names(summary, close)} were measurably worse"
    return f", and {len(rest) - len(close)} of {len(rest)} others were measurably worse"


def is_measurable(entry: Summary) -> bool:
    """Whether the 95 % interval of a difference excludes 0."""
    low, high = entry["difference_ci95"]
    return not low <= 0 <= high


def _learned(summary: Summary) -> str:
    learners = learned_teachers(summary)
    if not summary["best"]["others"]:
        return "It was the only teacher, so nothing can be said about its worth."
    if not learners:
        return "No teacher was learned."
    name = subject(summary)
    label = with_remarks(summary["teachers"][name]["label"])
    who = f"The learned teacher {label}"
    if len(learners) > 1:
        who = f"Of {len(learners)} learned teachers {_picked(learners, name)}, {label},"
    others = summary["best"]["others"]
    entry = next((entry for entry in others if entry["teacher"] == name), None)
    if entry is None or entry["tied"]:
        shares = any(other["tied"] for other in others)
        end = _against_opponent(summary, name)
        return f"{who} is {'among these' if shares else 'this best one'}{end}."
    places = [summary["places"][other["teacher"]] for other in others]
    place = 2 + places.index(summary["places"][name])
    end = _against_opponent(summary, name)
    return f"{who} came {_ordinal(place)} {_distance(summary, entry)}{end}."


def _against_opponent(summary: Summary, name: str) -> str:
    """How it stands to the best opponent, where that is not the best of all that was named."""
    rival = (summary["best_opponent"] or {}).get("name")
    entry = next(
        (
            entry
            for entry in summary["versus"]
            if (entry["teacher"], entry["baseline"]) == (name, rival)
            and entry["metric"] == summary["compared_by"]
        ),
        None,
    )
    best = summary["best"]
    if entry is None or rival is None or (rival == best["teacher"] and name != rival):
        return ""
    whom = f"the best opponent that was not told the order, {_name(summary, rival)}"
    if entry["tied"]:
        return f"; it tied with {whom}"
    if entry["metric"] == "area":
        gap = f"had an area {entry['difference']:+.3f} to that of {whom}"
        interval = span(entry["difference_ci95"], "+.3f")
    elif entry["ci95"] is None:
        return ""
    else:
        gap = f"took {entry['ratio']:.2f} times the compute of {whom}"
        interval = span(entry["ci95"], ".2f")
    if summary["students"] < FEWEST_STUDENTS:
        return f"; it {gap}"
    better = (entry["difference"] > 0) == (entry["metric"] == "area")
    verdict = f"measurably {'better' if better else 'worse'}"
    verdict = verdict if is_measurable(entry) else "no measurable difference"
    return f"; it {gap} (95 % interval {interval}), {verdict}"


def _picked(learners: dict[str, Summary], name: str) -> str:
    """What sets this learned teacher before the others."""
    unknown, cost, _ = selection(learners[name], name)
    if unknown:
        return "the first by name"
    level = [1 for other, one in learners.items() if selection(one, other)[:2] == (False, cost)]
    if len(level) > 1:
        return f"the first by name of {len(level)} that are level on the selection students"
    return "the best on the selection students"


def _distance(summary: Summary, entry: Summary) -> str:
    """How far a teacher is behind the best, and whether measurably."""
    if entry["metric"] == "area":
        gap = f"with an area {-entry['difference']:.3f} below the best"
    elif summary["teachers"][entry["teacher"]]["mastered"] == 0:
        gap = "with no student brought to mastery of all tasks"
    elif entry["ratio"] is None:
        gap = f"with {number(entry['difference'])} more compute than the best"
    else:
        gap = f"at {entry['ratio']:.2f} times the compute of the best"
    if summary["students"] < FEWEST_STUDENTS:
        return gap
    whom = "it" if "the best" in gap else "the best"
    return f"{gap}, {'' if is_measurable(entry) else 'not '}measurably worse than {whom}"


def _names(summary: Summary, names: list[str]) -> str:
    if len(names) > MOST_NAMES:
        return f"{_name(summary, names[0])} and {len(names) - 1} others"
    return enumeration([_name(summary, name) for name in names])


def _name(summary: Summary, name: str) -> str:
    """The label of a teacher, and whether it was told an order that there is."""
    teacher = summary["teachers"][name]
    order = summary["suite"]["order"]
    told = teacher["sees_order"] and order != "listed order"
    return with_remarks(teacher["label"], *([f"told the {order}"] if told else []))


def _ordinal(place: int) -> str:
    """`1st`, `2nd`, `11th`.

    >>> [_ordinal(place) for place in (1, 2, 3, 4, 11, 21)]
    ['1st', '2nd', '3rd', '4th', '11th', '21st']
    """
    teens = 10 < place % 100 < 14
    return f"{place}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"
