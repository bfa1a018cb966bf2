"""Tables across suites: what learning is worth, and what free feedback is.

All come from stored results; ratios are of interquartile means over the report students.
"""

import json

import numpy as np
from markdown_tables import interval, table
from places import ROOT

from lessonplan.experiments.analysis.statistics import Sample, holm, ratio

RESULTS = ROOT / "experiments" / "results"
OWN_RULE = "weighted-shortfall-tuned"
"""What we added to the rules of others: shortfall with tuned weights of tasks."""


def summary_of(name):
    """What is stored of a config."""
    return json.loads((RESULTS / name / "summary.json").read_text())


def learning(names, ordered):
    """What a trained teacher is worth in each of several stored results, and what was there to win.

    Ratios of compute with own probes. The best opponent does not see the order; it was chosen on
    the selection students. The mean is of suites that have an order.
    """
    found, rows = {}, []
    for name in names:
        stored = summary_of(name)
        found[name] = learned_against(stored)
    adjusted = holm({name: each["best"]["p"] for name, each in found.items()})
    for name, each in found.items():
        best, hardest, prior, ceiling = (each[key] for key in ("best", "hardest", "prior", "room"))
        ends = max(hardest["ci95"]), hardest["baseline"]
        rows.append(
            (
                f"`{name}`",
                f"`{each['learned']}`",
                f"`{best['baseline']}` {best['ratio']:.2f} {interval(best, '.2f')}",
                "< 0.01" if adjusted[name] < 0.01 else f"{adjusted[name]:.2f}",
                f"{ends[0]:.2f} (`{ends[1]}`)",
                beside_own_rule(name, each["learned"]),
                f"{prior['ratio']:.2f} {interval(prior, '.2f')}",
                f"{ceiling['ratio']:.2f} {interval(ceiling, '.2f')}" if ceiling else "",
            )
        )
    total = geometric_mean(
        [(found[name]["prior"]["ratio"], *found[name]["prior"]["ci95"]) for name in ordered]
    )
    head = (
        "suite", "learned", "against the best opponent", "p, Holm", "highest upper bound of all",
        "against the best of others' rules", "against its prior", "ceiling against shortfall",
    )  # fmt: skip
    return table(
        head, [*rows, ("geometric mean of those with an order", "", "", "", "", "", total, "")]
    )


def learned_against(stored):
    """The learned teacher of a summary, and its comparisons with opponents, prior and ceiling."""
    name = next(
        name
        for name, entry in stored["teachers"].items()
        if entry["kind"] == "learned" and name in stored["hardest_opponents"]
    )
    versus = {
        each["baseline"]: each
        for each in stored["versus"]
        if each["teacher"] == name and each["metric"] == "compute_to_mastery"
    }
    return {
        "learned": name,
        "best": versus[stored["baselines"]["best_opponent"]],
        "hardest": stored["hardest_opponents"][name],
        "prior": versus[stored["baselines"]["prior"]],
        "room": next(iter(stored["room"]), None),
    }


def beside_own_rule(name, learned):
    """Against the best that others published, chosen on the selection students."""
    stored = summary_of(name)
    ceilings = {row["teacher"] for row in stored["room"]}
    costs = {
        each: entry["selection_cost"]
        for each, entry in stored["teachers"].items()
        if entry["kind"] in ("rule", "bandit", "static")
        and not entry["sees_order"]
        and each not in {OWN_RULE, *ceilings}
    }
    best = min(costs, key=costs.get)
    found = measured(stored["teachers"], learned, best, "compute_to_mastery")
    return f"`{best}` {found[0]:.2f} [{found[1]:.2f}, {found[2]:.2f}]"


def geometric_mean(estimates):
    """Of (ratio, low, high) of several suites, whose students are not the same, as text."""
    logs = np.log(estimates)
    # Variances of independent logarithms add up.
    half = np.sqrt((((logs[:, 2] - logs[:, 1]) / 2) ** 2).sum()) / len(logs)
    middle = logs[:, 0].mean()
    mean = {"ci95": np.exp([middle - half, middle + half])}
    return f"**{np.exp(middle):.2f}** {interval(mean, '.2f')}"


def free_feedback(names):
    """What the shortfall rule needs that hears from training examples, in each of several suites.

    Student steps against the same rule with a probe of every task after each decision, and compute
    with own probes against shuffling.
    """
    rows, every = [], []
    for name in names:
        teachers = summary_of(name)["teachers"]
        ratios = [
            measured(teachers, "shortfall", "shortfall-probed", "steps_to_mastery"),
            measured(teachers, "shortfall", "proportional", "compute_to_mastery"),
        ]
        every.append(ratios)
        rows.append(
            (f"`{name}`", *(f"{one[0]:.2f} [{one[1]:.2f}, {one[2]:.2f}]" for one in ratios))
        )
    total = [geometric_mean([ratios[i] for ratios in every]) for i in range(2)]
    head = ("suite", "steps against full probing", "compute against `proportional`")
    return table(head, [*rows, ("geometric mean", *total)])


def choice_of_a_rule():
    """What each rule gains over shuffling in area where budgets end early, by their least gain."""
    gains = json.loads((RESULTS / "rule-choice.json").read_text())["gains"]
    least = {
        rule: min(of_rules[rule]["difference"] for of_rules in gains.values())
        for rule in next(iter(gains.values()))
    }
    rows = [
        (
            f"`{rule}`",
            f"{least[rule]:+.3f}",
            *(f"{gains[s][rule]['difference']:+.3f}" for s in gains),
        )
        for rule in sorted(least, key=lambda rule: -least[rule])
    ]
    return table(("rule", "least of all", *(f"`{name}`" for name in gains)), rows)


def measured(teachers, name, baseline, metric):
    """The ratio of two teachers with the same students, and its interval."""
    samples = [Sample(np.array(teachers[one]["students"][metric])) for one in (name, baseline)]
    found = ratio(*samples)
    return found.value, *found.ci95
