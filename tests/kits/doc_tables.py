"""Tables of the documentation, made from what is registered and its docstrings.

Run this file to write them into the pages, between the lines that mark them, and figures inside of
sentences too.
"""

import inspect
import json
import re
import sys
from functools import partial

from doc_figures import with_figures
from goal_tables import choice_of_a_rule, free_feedback, learning
from markdown_tables import interval, table
from places import ROOT
from practice_tables import harm, stopped, stopping
from stable_baselines3.common.base_class import BaseAlgorithm

from lessonplan.envs import REWARDS
from lessonplan.envs.classroom.progress import ESTIMATORS
from lessonplan.experiments.config.config import Config, Course
from lessonplan.experiments.config.keys import in_one_line, keys_of
from lessonplan.experiments.config.sweeps import Sweep
from lessonplan.teacher import ALGORITHMS, GUARDS, RULES

DOCS, RESULTS = ROOT / "docs", ROOT / "experiments" / "results"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
NAME = r"[A-Z][\w\-]+"
CITATION = re.compile(rf"{NAME}(?:,? and {NAME}|, {NAME})*(?: et al\.)?,? \(?(?:19|20)\d\d\)?")
"""Authors and a year, as in `Auer, Cesa-Bianchi, Fischer 2002` or `Graves et al. (2017)`."""


def rules():
    """Name, first line and source of every rule."""
    rows = [
        (f"`{name}`", without_source(first_line(rule)), source(rule))
        for name, rule in RULES.items()
    ]
    return table(("rule", "what it does", "source"), rows)


def guards():
    """Name, first line, parameters and columns of every guard."""
    rows = []
    for name, guard in GUARDS.items():
        values = inspect.signature(guard).parameters.values()
        left_out = ("of", "prerequisites", "names", "at", "below_start")
        own = [
            f"`{in_one_line({x.name: x.default})[1:-1]}`" for x in values if x.name not in left_out
        ]
        sees = [f"`{column}`" for column in guard.sees]
        rows.append((f"`{name}`", first_line(guard), ", ".join(own), ", ".join(sees)))
    return table(("guard", "what it does", "parameters", "what it is shown"), rows)


def learners():
    """Name, line, actions and class of every learner."""
    rows = [
        (f"`{name}`", each.summary, " or ".join(each.actions), published(each.algorithm))
        for name, each in ALGORITHMS.items()
    ]
    return table(("learner", "what it does", "chooses", "source"), rows)


def estimators():
    """Every estimator of progress, as it is asked for."""
    rows = []
    for parameters, estimator in ESTIMATORS.items():
        defaults = inspect.signature(estimator).parameters
        options = [
            f"{name}={defaults[name].default:g}" if name in defaults else name
            for name in sorted(parameters)
        ]
        column = ":".join(filter(None, ["progress", ",".join(options)]))
        rows.append((f"`{column}`", first_line(estimator)))
    return table(("column", "what it estimates"), rows)


def rewards():
    """Every reward."""
    rows = [(f"`{name}`", first_line(reward)) for name, reward in REWARDS.items()]
    return table(("reward", "what is paid after a decision"), rows)


def own_costs(name, short=False):
    """What every teacher of a stored result cost with the probes that it uses, the best first.

    In short, what they cost and what that is against shuffling.
    """
    stored = json.loads((RESULTS / name / "summary.json").read_text())
    teachers, ratio = stored["teachers"], against_shuffling(stored, "compute_to_mastery")
    rows = []
    for each in sorted(teachers, key=lambda name: teachers[name]["compute_to_mastery"]["iqm"]):
        entry = teachers[each]
        own, steps = entry["compute_to_mastery"], entry["steps_to_mastery"]
        lived = entry["training_cost"]["lifetimes"]
        rows.append(
            (
                worded(each, entry),
                f"{entry['mastered']:.0%}",
                f"{own['iqm']:,.0f} {interval(own, ',.0f')}",
                f"{ratio[each]['ratio']:.2f} {interval(ratio[each], '.2f')}"
                if each in ratio
                else "",
                f"{entry['equal_compute_to_mastery']['iqm']:,.0f}",
                f"{steps['iqm']:,.0f}",
                f"{lived:,.0f}" if lived else "",
            )
        )
    head = (
        "teacher", "mastered", "compute to mastery, own probes", "against proportional",
        "with equal probes", "student steps", "lifetimes of tuning or training",
    )  # fmt: skip
    shown = (0, 2, 3) if short else range(len(head))
    return table([head[i] for i in shown], [[row[i] for i in shown] for row in rows])


def areas(name):
    """What every teacher of a stored result reached where nobody masters all, best area first."""
    stored = json.loads((RESULTS / name / "summary.json").read_text())
    teachers = stored["teachers"]
    difference = against_shuffling(stored, "area")
    rows = []
    for each in sorted(teachers, key=lambda name: -teachers[name]["area"]["iqm"]):
        entry = teachers[each]
        gap = difference.get(each)
        ends = [f"{end:+.3f}" for end in gap["difference_ci95"]] if gap else []
        rows.append(
            (
                worded(each, entry),
                f"{entry['area']['iqm']:.3f} {interval(entry['area'], '.3f')}",
                f"{gap['difference']:+.3f} [{', '.join(ends)}]" if gap else "",
                f"{entry['final_score']['iqm']:.2f} {interval(entry['final_score'], '.2f')}",
            )
        )
    head = ("teacher", "area", "area less that of proportional", "mean score at the end")
    return table(head, rows)


def against_shuffling(stored, metric):
    """Comparisons with concatenate and shuffle by teacher."""
    return {
        row["teacher"]: row
        for row in stored["versus"]
        if (row["baseline"], row["metric"]) == ("proportional", metric)
    }


def worded(name, entry):
    """A teacher with what a reader must know to compare it."""
    seeds = f", {entry['teacher_seeds']} seeds" if entry["teacher_seeds"] > 1 else ""
    return f"`{name}`{seeds}" + (" (sees the order)" if entry["sees_order"] else "")


def config_keys(root):
    """A table for every section of a run or a sweep, with a heading that says where it stands."""
    courses = [key.sections[0] for key in keys_of(Course).values() if key.sections]
    parts = []
    for folder, section in sections_of(root):
        rows = [
            (f"`{key.name}`", what_it_takes(key), default(key), key.field.description)
            for key in keys_of(section).values()
        ]
        kind = keys_of(section)["type"].choices[0] if "type" in keys_of(section) else ""
        if folder:
            heading = f"### `{folder}`" + (f" with `type: {kind}`" if kind else "")
            also = " Also in each of `teachers.NAME.courses`." if section in courses else ""
            parts.append(f"{heading}\n\n{first_line(section)}{also}")
        parts.append(table(("key", "what it takes", "default", "what it is"), rows))
    return "\n\n".join(parts)


def sections_of(section, folder=""):
    """Sections from the whole inwards, with the keys that lead to each; courses once."""
    yield folder.rstrip("."), section
    for key in keys_of(section).values():
        for inner in key.sections:
            if inner is not Course:
                yield from sections_of(inner, f"{folder}{key.name}.{key.item}")


def what_it_takes(key):
    """The form of a value; an example where the default shows none."""
    shows = key.field.examples and not key.choices
    return f"{key.form}: `{key.example}`" if shows else key.form


def default(key):
    """The default, or that there is none."""
    if key.field.is_required():
        return "has to be written"
    return f"`{key.default}`" if key.default else ""


ORDERED = ("parity", "graph", "distractors")
SUITES = (*ORDERED, "interference", "finite", "flat")
"""Suites on which a search and its opponents had equal lifetimes, those with an order first."""
STOPPING = ("stopping-parity", "stopping-graph")
"""Suites on which lifetimes are ended by milestones and by patience."""
HARM = ("harm-parity", "harm-graph")
"""Suites on which shares that do harm are guarded."""
TABLES = {
    "../README.md": {"quickstart": partial(own_costs, "quickstart", short=True)},
    "comparisons.md": {
        "learning": partial(learning, SUITES, ORDERED),
        "free-feedback": partial(free_feedback, ORDERED),
        **{name: partial(own_costs, name) for name in ("quickstart", *SUITES)},
        "rule-choice": choice_of_a_rule,
        **{
            name: partial(areas, name)
            for name in ("words", "words-lora", "reasoning", "minilm", "smollm2")
        },
    },
    "practice.md": {
        "stopped": partial(stopped, STOPPING),
        **{name: partial(stopping, name) for name in STOPPING},
        "overfitting": partial(stopping, "overfitting", "shortfall-guarded"),
        "harm": partial(harm, HARM),
    },
    "single-tasks.md": {"single-tasks": partial(own_costs, "single-tasks")},
    "configs.md": {"run": partial(config_keys, Config), "sweep": partial(config_keys, Sweep)},
    "teachers.md": {"rules": rules, "learners": learners, "guards": guards},
    "signals.md": {"estimators": estimators, "rewards": rewards},
}
"""Tables by page and mark."""


def first_line(thing):
    """The first line of a docstring, without the shape of a result."""
    line = inspect.getdoc(thing).partition("\n")[0].replace("``", "`")
    return re.sub(r", \(\w+,?\)\.$", ".", line)


def without_source(line):
    """The line without the brackets that name a source."""
    return re.sub(r" \([^()]*\b(?:19|20)\d\d\b[^()]*\)", "", line)


def source(rule):
    """Who published it, as its docstring says, or else that of its file."""
    for text in (inspect.getdoc(rule), inspect.getdoc(inspect.getmodule(rule))):
        names = CITATION.findall(re.sub(r"\s+", " ", text))
        if names:
            return "; ".join(dict.fromkeys(re.sub(r"[()]|(?<=\.),", "", each) for each in names))
    return ""


def published(algorithm):
    """The class behind a learner, and the first paper that its docstring names."""
    theirs = next(
        each for each in algorithm.__mro__ if each.__module__.startswith(("stable_", "sb3_"))
    )
    theirs = algorithm if theirs is BaseAlgorithm else theirs
    package = theirs.__module__.partition(".")[0].replace("_", "-")
    paper = re.search(r"Paper: (https?://[^\s,]+)", inspect.getdoc(theirs) or "")
    line = f"{package} `{theirs.__name__}`"
    return f"{line}, [paper]({paper[1]})" if paper else line


def replaced(page, mark, text):
    """The page with this text between the two lines of a mark."""
    start, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    head, _, rest = page.partition(start)
    _, has_end, tail = rest.partition(end)
    if not has_end:
        raise ValueError(f"the page has no lines {start.strip()} and {end}")
    return f"{head}{start}{text}\n{end}{tail}"


def main():
    """Write all tables into their pages."""
    for name, tables in TABLES.items():
        text = (DOCS / name).read_text()
        for mark, make in tables.items():
            text = replaced(text, mark, make())
        (DOCS / name).write_text(text)
    for page in PAGES:
        page.write_text(with_figures(page.read_text()))


if __name__ == "__main__":
    sys.exit(main())
