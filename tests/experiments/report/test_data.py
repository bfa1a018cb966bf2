"""The section on data of a report."""

import json
import re

from synthetic_run import demo_run

from lessonplan.experiments.report.report import write_report

SIZES = {"train": 1200, "probe": 30, "test": 40, "stress": 50}


def report_of(run, **facts):
    """The report of a run whose environment says more of its suite."""
    file = run / "environment.json"
    environment = json.loads(file.read_text())
    environment["suite"].update(facts)
    for task in environment["suite"]["tasks"]:
        task |= {"cost": 20.4, "threshold": 0.9}
        if facts:
            task |= {"examples": SIZES, "score": "exact", "chance": 0.25}
    file.write_text(json.dumps(environment))
    write_report(run, run)
    return (run / "report.html").read_text(encoding="utf-8")


def test_the_report_tells_how_data_was_read_and_what_is_in_each_split(tmp_path):
    run = demo_run(tmp_path / "demo", students=2, decisions=4, k=2)
    text = report_of(run, notes=["'q' was read as <prompt>."], unit="tokens")
    assert "<h3>Data</h3><p>&#x27;q&#x27; was read as &lt;prompt&gt;.</p>" in text.replace("\n", "")
    cells = ["1,200", "30", "40", "50", "exact", "0.25", "0.9", "20"]
    row = text[text.index(">1,200<") :]
    assert re.findall(r">([^<>]+)</td>", row)[: len(cells)] == cells
    assert '<th class="number">mean tokens</th>' in text


def test_a_run_of_an_earlier_version_is_reported_without_it(tmp_path):
    run = demo_run(tmp_path / "demo", students=2, decisions=4, k=2)
    assert "<h3>Data</h3>" not in report_of(run)
