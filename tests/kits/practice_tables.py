"""Tables of what guards are worth, from stored results, with every student's value."""

import numpy as np
from goal_tables import measured, summary_of
from markdown_tables import table

ALIKE = 0.01
"""Scores at the end that are no further apart count as the same."""


def stopping(name, reference="milestones"):
    """What each way to end a lifetime costs in all, and which score it ends with.

    Means over all lifetimes: interquartile means would leave out those that ended too early.
    """
    teachers = summary_of(name)["teachers"]
    rows = []
    for each in sorted(teachers, key=lambda one: mean(teachers, one, "total_cost")[0]):
        cost, score = (mean(teachers, each, what) for what in ("total_cost", "final_score"))
        gap = apart(teachers, each, reference)
        rows.append(
            (
                f"`{each}`",
                f"{cost[0]:,.0f} [{cost[1]:,.0f}, {cost[2]:,.0f}]",
                f"{score[0]:.3f} [{score[1]:.3f}, {score[2]:.3f}]",
                f"{gap[0]:+.3f} [{gap[1]:+.3f}, {gap[2]:+.3f}]" if each != reference else "",
                f"{teachers[each]['total_cost']['iqm']:,.0f}",
                f"{teachers[each]['final_score']['iqm']:.3f}",
            )
        )
    head = (
        "ends by", "compute in all", "`test` score at the end", f"less that of `{reference}`",
        "compute, interquartile mean", "score, interquartile mean",
    )  # fmt: skip
    return table(head, rows)


def values(teachers, name, what):
    """Of every student, (s,)."""
    return np.array(teachers[name]["students"][what]).mean(axis=0)


def mean(teachers, name, what):
    """Of all students, with its interval."""
    own = values(teachers, name, what)
    return of_mean(own)


def of_mean(own):
    """A mean with its 95 % interval, by its standard error."""
    half = 1.96 * own.std(ddof=1) / len(own) ** 0.5
    return own.mean(), own.mean() - half, own.mean() + half


def apart(teachers, name, other):
    """Score at the end less that of another, over the same students, and its interval."""
    return of_mean(values(teachers, name, "final_score") - values(teachers, other, "final_score"))


def rivals(name):
    """Ways to end by patience that end no worse than milestones do, within `ALIKE`."""
    teachers = summary_of(name)["teachers"]
    return [
        each
        for each in teachers
        if each.startswith("patience") and apart(teachers, each, "milestones")[0] >= -ALIKE
    ]


def stopped(names):
    """Milestones against the cheapest patience that ends with the same score, on each suite."""
    rows = []
    for name in names:
        teachers = summary_of(name)["teachers"]
        best = min(rivals(name), key=lambda one: mean(teachers, one, "total_cost")[0])
        own, other = (values(teachers, one, "total_cost") for one in ("milestones", best))
        cost = ratio_of_means(own, other)
        gap = apart(teachers, "milestones", best)
        rows.append(
            (
                f"`{name}`",
                f"`{best}`",
                f"{cost[0]:.2f} [{cost[1]:.2f}, {cost[2]:.2f}]",
                f"{gap[0]:+.3f} [{gap[1]:+.3f}, {gap[2]:+.3f}]",
            )
        )
    return table(("suite", "cheapest patience", "compute against it", "score less its score"), rows)


def ratio_of_means(own, other):
    """Of the same students, with its 95 % interval, by its linear approximation."""
    ratio = own.mean() / other.mean()
    _, low, high = of_mean((own - ratio * other) / other.mean())
    return ratio, ratio + low, ratio + high


def harm(names):
    """What a guard against harm costs with shares that are good, and with the same in reverse."""
    rows = []
    for name in names:
        teachers = summary_of(name)["teachers"]
        for each in ("tuned", "shortfall", "reversed"):
            found = [
                measured(teachers, f"{each}-guarded", each, "compute_to_mastery"),
                measured(teachers, each, "proportional", "compute_to_mastery"),
                measured(teachers, f"{each}-guarded", "proportional", "compute_to_mastery"),
            ]
            ratios = (f"{one[0]:.2f} [{one[1]:.2f}, {one[2]:.2f}]" for one in found)
            rows.append((f"`{name}`", f"`{each}`", *ratios))
    head = (
        "suite", "shares", "guarded against bare", "bare against shuffling",
        "guarded against shuffling",
    )  # fmt: skip
    return table(head, rows)
