"""Writes the report of one or several stored runs: one HTML file, its figures and its numbers.

Nothing is trained here: everything comes from run directories.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..analysis.comparisons import Measured
from ..analysis.headlines import FEWEST_STUDENTS, headline
from ..analysis.summary import (
    ENOUGH_FOR_WORST,
    ONE_TEACHER,
    measure_teachers,
    summarize,
    write_summary,
)
from ..analysis.summary_csv import write_summary_csv
from ..analysis.verdicts import details, verdict
from ..analysis.wording import amount_in_words, count, name_of_order
from ..common.files import read_json, write_whole
from ..store.layout import RunDir
from ..store.runs import StoredRun, read_run
from .data import data_section
from .figures import ReportFigure, draw_figures
from .html import contents, folded, heading, page, paragraph, picture, preformatted, table, warning
from .tables import (
    comparison,
    learning_table,
    main_table,
    mastery_table,
    more_numbers,
    needs_table,
    opponents_table,
    versus_table,
)
from .training import training_section

_HOW_TO_READ = (
    "Every number comes from test data that no teacher saw. Values are interquartile means over "
    "lifetimes (the mean of the middle half; a lifetime is one student from its start to its "
    "mastery or the end of its budget) with 95 % intervals in brackets: students are resampled, "
    "the same ones for every teacher, and where a teacher has several seeds their spread is added "
    "with Student's t. Area is the mean test score over the whole budget."
)
_OF_SEVERAL = (
    " Measurably: the 95 % interval of the difference excludes zero. The best is picked by the "
    "results shown here, which favours it."
)
_OF_MASTERY = (
    " A lifetime that never mastered every task counts at the whole budget, which hides part of "
    "how far behind it is; ≥ marks a number in which more than half of the lifetimes do. The table "
    "is sorted by compute to mastery, in training-example equivalents; below 1 a ratio means less."
)
_OF_AREA = " The table is sorted by area."
_OF_ONE_TEACHER = (
    " What was trained once is marked: its intervals say nothing of what another training would "
    "have come to."
)
_COSTS = {
    "own": (
        " Compute is that of training and of the probes that the teacher used, with the checks for "
        "the end of a lifetime, which are the same for all; with equal probes everybody pays for "
        "those of all tasks after each decision."
    ),
    "equal": (
        " This run is of a version that charged every teacher for the probes of all tasks after "
        "each decision: what each would have paid for its own is not known."
    ),
}
_FEW_FOR_WORST = (
    "The worst tenth is the mean of the tenth of the lifetimes that cost most, or came to least. "
    "Of fewer than {enough} students, as here, that is a handful, and its interval is too narrow."
)
_BASELINES = (
    "The percentage behind a comparison is the paired probability of improvement: how often the "
    "teacher did better on the same student, ties counting half (that of rliable compares all with "
    "all). An opponent is not told the {order}, and is no learned teacher, no replay and no "
    "ceiling."
)
_MOST_LETTERS = 80
"""Of the name of a folder."""
_FEW = " With fewer than {fewest} students a percentage of 100 proves nothing."


def write_report(
    run_dirs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    refresh: int = 0,
) -> dict[str, Any]:
    """Write `report.html`, `figures/`, `summary.json` and `summary.csv`; several runs are compared.

    Args:
        run_dirs: one run directory or several; of a sweep those that
            `lessonplan.experiments.sweep.run_dirs_of` gives.
        out: a directory or the path of the HTML file; by default the run's own directory.
        refresh: seconds after which a browser loads the page again; 0 for a page that stays. Of a
            page that is loaded again only the page and its figures are written: the run goes on,
            and whoever works on it may be writing its last numbers.

    Returns:
        What is in `summary.json`: the summary of the run, or `runs` with one for each of several;
        in both cases with the `verdict` in words.

    Raises:
        ValueError: if one of them is not a run directory or has lost what was recorded, or several
            are to be compared in no folder or in that of a run, whose own report would be lost.
    """
    paths = [run_dirs] if isinstance(run_dirs, str | Path) else list(run_dirs)
    if len(paths) == 1 and out is None:
        out = Path(paths[0])
    if not paths:
        raise ValueError("a report needs at least one run directory, got none")
    if len(paths) > 1 and (out is None or RunDir(Path(out)).has_begun):
        raise ValueError(
            "a comparison of several runs needs a folder of its own: name it with --out"
        )
    assert out is not None
    try:
        return _write(_by_name([_read(path) for path in paths]), Path(out), refresh)
    except MemoryError as error:
        raise ValueError(
            "the report takes more memory than there is; nothing is lost of what was recorded, and "
            f"`lessonplan report {' '.join(map(str, paths))}` writes it where there is more, or "
            "once other programs have ended"
        ) from error


def _write(runs: dict[str, StoredRun], target: Path, refresh: int) -> dict[str, Any]:
    """All files of a report, and what is in `summary.json`."""
    html = target if target.suffix.lower() in (".html", ".htm") else RunDir(target).report
    html.parent.mkdir(parents=True, exist_ok=True)
    summaries: dict[str, dict[str, Any]] = {}
    sections: dict[str, list[str]] = {}
    slugs, single = _slugs(runs), len(runs) == 1
    for name, run in runs.items():
        teachers = measure_teachers(run)
        summaries[name] = summarize(run, teachers)
        summaries[name]["verdict"] = verdict(summaries[name])
        figures = RunDir(html.parent).figures / ("" if single else slugs[name])
        sections[name] = _section(run, teachers, summaries[name], figures)
    verdicts = "\n".join(f"{name}: {summary['verdict']}" for name, summary in summaries.items())
    numbers = summaries[next(iter(runs))] if single else {"verdict": verdicts, "runs": summaries}
    if not refresh:
        write_summary(numbers, RunDir(html.parent).summary)
        write_summary_csv(summaries, RunDir(html.parent).summary_csv)
    body = _single(runs, sections) if single else _several(summaries, sections)
    text = page(" and ".join(runs), body, refresh)
    write_whole(html, lambda aside: aside.write_text(text, encoding="utf-8"))
    return numbers


def _read(path: str | Path) -> StoredRun:
    """A run that there is something to report of, or whose report has nothing to lose yet."""
    run, files = read_run(path), RunDir(Path(path))
    if not run.lifetimes and read_json(files.summary).get("teachers"):
        raise ValueError(
            f"{path} has the numbers of a report ({files.summary.name}), but nothing of what was "
            f"recorded ({files.schedule.name}/) to make one of; it is left as it is: run its "
            f"{files.config.name} again into another folder"
        )
    return run


def _by_name(runs: list[StoredRun]) -> dict[str, StoredRun]:
    """Runs by a name of their own: that of the config, with the folder's where two are alike."""
    names = [run.name for run in runs]
    by_name: dict[str, StoredRun] = {}
    for run in runs:
        folder = run.path.resolve().name
        name = run.name if names.count(run.name) == 1 else f"{run.name} ({folder})"
        base, copy = name, 2
        while name in by_name:
            name, copy = f"{base} {copy}", copy + 1
        by_name[name] = run
    return by_name


def _slugs(names: Iterable[str]) -> dict[str, str]:
    """Folders and anchors of runs by their names: letters that any disk takes, each another one."""
    slugs: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:_MOST_LETTERS].strip("-.") or "run"
        slug, copy = base, 2
        # Some disks take no two names that differ in case alone.
        while slug.lower() in taken:
            slug, copy = f"{base}-{copy}", copy + 1
        slugs[name] = slug
        taken.add(slug.lower())
    return slugs


def _single(runs: dict[str, StoredRun], sections: dict[str, list[str]]) -> list[str]:
    ((name, _run),) = runs.items()
    return [heading(name, 1), *sections[name]]


def _several(summaries: dict[str, dict[str, Any]], sections: dict[str, list[str]]) -> list[str]:
    body, slugs = [heading(f"{len(sections)} runs compared", 1)], _slugs(sections)
    body.append(contents([(slugs[name], name) for name in sections]))
    body += [
        paragraph(f"{name}: {headline(summary)}", "verdict") for name, summary in summaries.items()
    ]
    body += [heading("Side by side"), comparison(summaries), opponents_table(summaries)]
    for name, section in sections.items():
        body += [heading(name, 2, slugs[name]), *section]
    return body


def _section(
    run: StoredRun, teachers: dict[str, Measured], summary: dict[str, Any], figures: Path
) -> list[str]:
    """Everything about one run, the headline first."""
    parts = [paragraph(_subtitle(summary), "sub")]
    if not summary["complete"]:
        lead = "This run is not complete. What is here is true of what has finished so far:"
        parts.append(warning(lead, summary["problems"] or ["no teacher has finished anything yet"]))
    parts.append(paragraph(headline(summary), "verdict"))
    if summary["teachers"]:
        by_area = summary["compared_by"] == "area"
        note = _HOW_TO_READ + _OF_SEVERAL * (len(summary["teachers"]) > 1)
        note += _OF_AREA if by_area else _OF_MASTERY + _COSTS[summary["costs"]]
        if any(t["intervals"] == ONE_TEACHER for t in summary["teachers"].values()):
            note += _OF_ONE_TEACHER
        parts += [main_table(summary), paragraph(note, "note")]
        parts += [heading("In more words", 3), paragraph(" ".join(details(summary)))]
        pictures = draw_figures(run, figures, teachers)
        parts += [_picture(one) for one in pictures if not (by_area and one.about_mastery)]
        parts += _versus(summary)
        parts.append(learning_table(summary))
        parts += [heading("All numbers", 3), more_numbers(summary)]
        if summary["students"] < ENOUGH_FOR_WORST:
            parts.append(paragraph(_FEW_FOR_WORST.format(enough=ENOUGH_FOR_WORST), "note"))
        if by_area:
            mastery = [_picture(one) for one in pictures if one.about_mastery]
            parts.append(_folded_mastery(summary, mastery))
        parts += [heading("What each teacher was allowed to see", 3), needs_table(run, summary)]
    parts += training_section(run, figures)
    parts += data_section(run)
    parts += [heading("How this run was made", 3), *_origin(run)]
    return parts


def _picture(figure: ReportFigure) -> str:
    if figure.problem:
        lead = "This picture could not be drawn; all numbers are in the tables:"
        return heading(figure.title, 3) + warning(lead, [figure.problem])
    return picture(figure.title, figure.caption, figure.png)


def _versus(summary: dict[str, Any]) -> list[str]:
    """The tables against the baselines, where there are any; those of mastery where it counts."""
    if not summary["versus"]:
        return []
    note = _BASELINES + (_FEW if summary["students"] < FEWEST_STUDENTS else "")
    by_area = summary["compared_by"] == "area"
    metrics = ["area"] if by_area else ["compute_to_mastery", "area"]
    equal = versus_table(summary, "equal_compute_to_mastery")
    return [
        heading("Against the baselines", 3),
        paragraph(note.format(order=summary["suite"]["order"], fewest=FEWEST_STUDENTS), "note"),
        *(versus_table(summary, metric) for metric in metrics),
        *([] if by_area or summary["costs"] == "equal" else [folded("With equal probes", equal)]),
    ]


def _folded_mastery(summary: dict[str, Any], pictures: Sequence[str]) -> str:
    """All about mastery, which hardly anybody reached; one sentence where nobody did."""
    if not pictures:
        return paragraph("No lifetime mastered every task, so nothing is said of mastery.", "note")
    parts = [mastery_table(summary), versus_table(summary, "compute_to_mastery"), *pictures]
    return folded("Mastery, which hardly anybody reached", "".join(parts))


def _subtitle(summary: dict[str, Any]) -> str:
    suite = summary["suite"]
    return (
        f"Suite {suite['name']} with {count(len(suite['tasks']), 'task')}, "
        f"{count(summary['students'], 'student')}, "
        f"{count(len(summary['teachers']), 'teacher')}, a budget of "
        f"{amount_in_words(summary['budget'])} for each student."
    )


def _origin(run: StoredRun) -> list[str]:
    tasks = run.environment["suite"]["tasks"]
    columns = ("name", "category", "difficulty", "prerequisites", "importance", "threshold", "cost")
    rows = [[_text(tasks[i].get(column, "")) for column in columns] for i in run.order]
    settings = {key: value for key, value in run.environment.items() if key != "suite"}
    config = run.config_text or f"no {RunDir(run.path).config.name} was stored"
    versions = json.dumps(settings, indent=2, sort_keys=True)
    return [
        folded(f"Tasks, in the {name_of_order(tasks)}", table(columns, rows)),
        folded("Config", preformatted(config)),
        folded("Versions and settings", preformatted(versions)),
    ]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
