"""Figures inside of sentences of the documentation, made from stored results.

`<!--=parity search/best-->0.89 [0.87, 0.91]<!--=-->` is the ratio of compute with own probes of the
teacher `search` of the result `parity` to its best opponent; in place of `best` may stand another
part of the comparison, as `prior`, or the name of a teacher. `search/shuffled` is the share of the
gain over shuffling that is lost where its choices are shuffled in time. A third word may be
`short`, without the interval, `percent`, what is missing of 1, refused where the interval holds
1, or `area`, the difference of areas instead of the ratio. `doc_tables.py` writes them.
"""

import json
import re

from markdown_tables import interval
from places import ROOT

FIGURE = re.compile(
    r"<!--=([\w-]+) ([\w-]+)/([\w-]+)( short| percent| area)?-->(.*?)<!--=-->", re.DOTALL
)
PARTS = {
    "best": "best_opponent", "prior": "prior", "true-order": "true_order",
    "mixture": "tuned_mixture",
}  # fmt: skip


def with_figures(page):
    """The page with every marked figure as it is stored now."""
    return FIGURE.sub(_written, page)


def _written(found):
    name, teacher, other, form, _ = found.groups()
    stored = json.loads((ROOT / "experiments" / "results" / name / "summary.json").read_text())
    text = _share(stored, teacher) if other == "shuffled" else _ratio(stored, teacher, other, form)
    return f"<!--={name} {teacher}/{other}{form or ''}-->{text}<!--=-->"


def _ratio(stored, teacher, other, form):
    baseline = stored["baselines"].get(PARTS.get(other, ""), other)
    metric = "area" if form == " area" else "compute_to_mastery"
    rows = [
        row
        for row in (*stored["versus"], *stored.get("room", ()))
        if (row["teacher"], row["baseline"], row["metric"]) == (teacher, baseline, metric)
    ]
    if not rows:
        raise ValueError(f"{teacher} is not compared with {other}")
    row = rows[0]
    if form == " area":
        low, high = row["difference_ci95"]
        return f"{row['difference']:+.3f} [{low:+.3f}, {high:+.3f}]"
    if form == " percent":
        if row["ci95"][0] <= 1.0 <= row["ci95"][1]:
            raise ValueError(f"{teacher} is not told apart from {other}, so percent says too much")
        return f"{1.0 - row['ratio']:.0%}".replace("%", " %")
    return f"{row['ratio']:.2f}" + ("" if form else f" {interval(row, '.2f')}")


def _share(stored, teacher):
    share = stored["order_share"][teacher]
    low, high = (f"{100.0 * end:.0f}" for end in share["ci95"])
    return f"{100.0 * share['share']:.0f} % [{low}, {high}]"
