"""Help and mistakes in what was typed come at once: nothing heavy is imported for them."""

import json
import os
import resource
import statistics
import subprocess
import sys

import pytest

HEAVY = (
    "torch", "ray", "matplotlib", "wandb", "stable_baselines3", "gymnasium", "numpy", "pyarrow",
)  # fmt: skip
COMMAND = "from lessonplan.experiments.cli import main; main()"
ANSWERS = f"""
import contextlib, io, json, sys
from lessonplan.experiments.cli import main

def answer(words):
    sys.argv, text, status = ["lessonplan", *words.split()], io.StringIO(), 0
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            main()
        except SystemExit as end:
            status = end.code
    return status, text.getvalue(), [name for name in {HEAVY} if name in sys.modules]

print(json.dumps({{words: answer(words) for words in sys.argv[1:]}}))
"""
PARTS = "import pydantic, typer, rich, yaml"
"""What the command is made of: its pages and complaints may take twice the time of this line."""
HELP = [
    "-h", "run -h", "config -h", "sweep -h", "submit -h", "report -h", "list -h", "jobs -h",
    "jobs status -h", "--version",
]  # fmt: skip
MISTAKES = {
    "run quickstart --colour red": "No such option",
    "run nope": "there is no config 'nope'",
    "config nope": "there is no config 'nope'",
    "run quikstart": "did you mean 'quickstart'?",
    "run quickstart -o student.lr=1 -o seeds.report=x": "did you mean student.learning_rate? (2) ",
    "run nope.yaml": "nope.yaml can't be read",
    "run broken.yaml": "is not valid YAML",
    "run": "name a config",
    "run quickstart -o seeds": "an override reads key=value",
    "run quickstart -o teachers.x.tune=1": "there is no item 'x'",
    "run quickstart -o colour=red": "there is no colour",
    "run quickstart -o student.lora.r=0": "student.lora.r: write a whole number",
    "run quickstart -o student.lora.r=4 -o colour=red": "there is no colour",
    "run smollm2 -o seeds.report=x": "seeds.report: write a whole number",
    "run --resume here -o seeds.report=4": "--resume goes on with a run as it was begun",
    "run --resume here": "can't be read",
    "run --model smollm2": "--model fine-tunes a model on --data",
    "run quickstart-sweep": "is a sweep; begin it with",
    "sweep nope": "is no sweep;",
    "sweep quickstart": "is a run; begin it with",
    "sweep quickstart-sweep -o samples=x": "samples: write a whole number",
    "sweep quickstart-sweep -o colour=red": "there is no colour",
    "sweep --resume here": "holds no sweep.yaml",
    "submit": "Missing argument",
    "submit run quickstart": "name the dashboard of the cluster",
    **{
        f"submit --{verb} some-job --address http://here:8265": "type lessonplan jobs status ID"
        for verb in ("status", "follow", "stop", "fetch", "resume")
    },
    "jobs follow": "Missing argument",
    "jobs status": "name the dashboard of the cluster",
    "jobs fetch some-job --address nonsense": "is the URL of the cluster's dashboard",
    "submit run quickstart-sweep --address http://here:8265": "`lessonplan submit sweep quickstart",
    "submit run nope --address http://here:8265": "there is no config 'nope'",
    "run words --budget many": "a budget reads like '4000-steps'",
    "run smollm2 -o lifetime.budget=5-hours": "the unit of a budget must be one of",
    "sweep quickstart-sweep -o lifetime.budget=0-steps": "the amount of a budget must be positive",
    "run --data missing.jsonl": "does not exist; give a .jsonl file",
    "submit run quickstart --address nonsense": "is the URL of the cluster's dashboard",
    "report nowhere": "is not a run directory",
    "dashboard project": "say where the workspace goes",
    "pretrain nope --out base": "there is no config 'nope'",
    "suite parity --out a.png -o n_tasks": "an override reads key=value",
}


def python(code, *arguments, cwd):
    """A process of its own, and the seconds that it computed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
        # Compiled files are kept for the next turn, whatever is set and written outside.
        env=os.environ | {
            "COLUMNS": "200", "TERM": "dumb",
            "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cwd / "compiled"),
        },
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("light")
    (path / "broken.yaml").write_text("teachers: [")
    return path


@pytest.fixture(scope="module")
def answers(folder):
    """Status, text and heavy imports after each command, one after the other in one process."""
    done, _ = python(ANSWERS, *HELP, *MISTAKES, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("words", [*HELP, *MISTAKES])
def test_help_and_mistakes_in_arguments_import_nothing_heavy(words, answers):
    status, text, heavy = answers[words]
    start = "lessonplan" if words == "--version" else "Usage"
    assert MISTAKES.get(words, start) in " ".join(text.split())
    assert status == (2 if words in MISTAKES else 0)
    assert heavy == []


TIMED = [
    "-h",
    "run -h",
    "submit -h",
    "jobs -h",
    "--version",
    "run quickstart --colour red",
    "run nope",
    "run broken.yaml",
    "run --resume here",
    "run quickstart -o colour=red",
    "run quickstart -o student.lr=1 -o seeds.report=x",
    "config nope",
    "run smollm2 -o lifetime.budget=5-hours",
    "run --data missing.jsonl",
    "sweep quickstart-sweep -o samples=x",
    "jobs status",
    "report nowhere",
    "suite parity --out a.png -o n_tasks",
]
"""One of every kind: pages, options that Typer, a config or a sweep refuses, files, other words."""


@pytest.mark.slow
@pytest.mark.timing
def test_they_take_at_most_twice_the_time_of_importing_what_the_command_is_made_of(folder):
    ratios, slow = {words: [] for words in TIMED}, TIMED
    # Where a busy machine put one above the limit, more turns of it decide.
    for _ in range(3):
        for _ in range(7):
            parts = python(PARTS, cwd=folder)[1]
            for words in slow:
                ratios[words].append(python(COMMAND, *words.split(), cwd=folder)[1] / parts)
        medians = {words: round(statistics.median(turns), 2) for words, turns in ratios.items()}
        slow = [words for words in TIMED if medians[words] > 2.0]
        if not slow:
            break
    print(f"times {PARTS}: {medians}")
    assert slow == [], medians
