"""Bad input through the command: one sentence with what came and where, status 2, nothing lost."""

import json
import sys

import pytest
import yaml
from bad_input_kit import TINY, contents, refused

from lessonplan.student import install_hint
from lessonplan.teacher.learners import algorithms

PROMPTS = [{"prompt": f"say {i}", "answer": str(i)} for i in range(24)]
"""Enough for one task."""


def teacher(**facts):
    return "teachers=" + json.dumps([{"name": "a", **facts}])


def learned(**facts):
    return teacher(type="learned", **facts)


def guarded(guard):
    around = {"name": "g", "type": "guarded", "of": "uniform", "guards": [guard]}
    return "teachers=" + json.dumps(["uniform", around])


def replay(of, *others):
    return "teachers=" + json.dumps([*others, {"name": "r", "type": "replay", "of": of}])


OVERRIDES = {
    "unknown key": (["colour=red"], ["no colour", "suite, student, lifetime"]),
    "unknown key, deeper": (["lifetime.budgets=3"], ["no lifetime.budgets", "lifetime.budget?"]),
    "unknown key of a teacher": (["teachers.uniform.tuned=1"], ["uniform.tuned", "uniform.tune?"]),
    "unknown key of a course": (
        [learned(courses=[{"suite": {"nme": "parity"}}])], ["courses.0.suite.nme", "suite.name?"]
    ),
    "unknown kind of teacher": ([teacher(type="magic")], ["'magic'", "rule or learned"]),
    "unknown learner": ([learned(algorithm="pppo")], ["'pppo'", "ppo, a2c"]),
    "learner that can't choose mixtures": (
        [learned(algorithm="dqn", action="mixture")], ["'dqn'", "action='task'"]
    ),
    "unknown action": ([learned(action="both")], ["action", "'both'"]),
    "unknown schedule": (["student.schedule={name: cosin}"], ["'cosin'", "cosine"]),
    "wrong option of a schedule": (
        ["student.schedule={name: cosine, steps: 4}"], ["'cosine'", "'steps'"]
    ),
    "impossible schedule": (
        ["student.schedule={name: cosine, total_steps: 0}"], ["total_steps", "at least 1", "got 0"]
    ),
    "unknown estimator": ([learned(observe=["progress:emma=3"])], ["emma", "progress:ema=0.9"]),
    "estimator of text": ([learned(observe=["progress:ema=x"])], ["'progress:ema=x'", "number"]),
    "estimator of nothing": ([learned(observe=["progress:ema=nan"])], ["[0, 1)", "nan"]),
    "unknown signal": (
        [learned(observe=["progress:ema=0.5,signal=luck"])], ["'luck'", "score, loss"]
    ),
    "unknown column": ([learned(observe=["progress", "scor"])], ["'scor'"]),
    "unknown option of a column": (
        [learned(observe=["progress", "score:floor=1"])], ["'score:floor=1'", "scale and max"]
    ),
    "column twice": ([learned(observe=["progress", "score", "score"])], ["'score'", "twice"]),
    "impossible discount": (
        [learned(settings={"n_steps": 4, "batch_size": 8, "gamma": 2})], ["gamma", "[0, 1]", "2"]
    ),
    "tasks in one text": (
        ["suite={name: reasoning, options: {tasks: chain_sum@0}}"], ["list", "'chain_sum@0'"]
    ),
    "unknown reward": (["lifetime.reward=fame"], ["'fame'", "mean_score"]),
    "unknown target": (
        ["lifetime.reward=target_tasks", "lifetime.targets=[nope]"], ["nope", "parity"]
    ),
    "unknown feedback": (["lifetime.feedback=half"], ["feedback", "'half'"]),
    "rate that is no number": (["student.learning_rate=.nan"], ["student.learning_rate", "nan"]),
    "infinite rate": (["student.learning_rate=.inf"], ["student.learning_rate", "inf"]),
    "rate in words": (["student.learning_rate=fast"], ["student.learning_rate", "'fast'"]),
    "no batch": (["student.batch_size=0"], ["student.batch_size", "got 0"]),
    "no steps": (["lifetime.steps_per_decision=0"], ["steps_per_decision", "got 0"]),
    "only rehearsal": (["lifetime.rehearsal=1"], ["rehearsal", "got 1"]),
    "negative budget": (["lifetime.budget=-5-steps"], ["budget", "'-5-steps'"]),
    "no budget": (["lifetime.budget=0-steps"], ["positive", "got 0"]),
    "budget in hours": (["lifetime.budget=5-hours"], ["steps, tokens, compute", "'hours'"]),
    "budget that is no number": (["lifetime.budget=1.2.3-steps"], ["number", "'1.2.3'"]),
    "infinite budget": (["lifetime.budget=1e400-steps"], ["amount of a budget", "inf"]),
    "impossible gate": (
        [teacher(rule="in_order", parameters={"gate": 2})], ["gate", "2"]
    ),
    "impossible gate to try": (
        [teacher(rule="in_order", tune=True, grid={"gate": [0.5, 5]})], ["gate", "5"]
    ),
    "too few weights": (
        [teacher(rule="static_mixture", parameters={"weights": [1]})], ["weights"]
    ),
    "negative weight": (
        [teacher(rule="static_mixture", parameters={"weights": [1, -1, 1]})], ["weights", "-1"]
    ),
    "weights of nothing": (
        [teacher(rule="static_mixture", parameters={"weights": [0, 0, 0]})], ["weights", "0"]
    ),
    "wrong parameter of a rule": (
        [teacher(rule="exp3s", parameters={"speed": 2})], ["'exp3s'", "'speed'"]
    ),
    "unknown rule": ([teacher(rule="unform")], ["'unform'", "uniform"]),
    "unknown suite": (["suite.name=x"], ["'x'", "parity"]),
    "wrong option of a suite": (["suite.options.n_task=3"], ["'parity'", "'n_task'"]),
    "number in words": (["suite.options.n_tasks=three"], ["parity", "three"]),
    "unknown model": (["student.model=x"], ["'x'", "mlp"]),
    "wrong option of a model": (["student.options.depth=3"], ["'mlp'", "'depth'"]),
    "one's own that is not there": (["suite.name=json:nothing"], ["the module json", "--trust"]),
    "two teachers of one name": (["teachers=[uniform,uniform]"], ["same name: uniform"]),
    "replay of nobody": ([replay("nobody", "uniform")], ["'nobody'", "uniform"]),
    "unknown guard": ([guarded("reviw")], ["'g'", "'reviw'", "did you mean 'review'"]),
    "wrong parameter of a guard": (
        [guarded({"guard": "review", "parameters": {"shre": 0.1}})], ["'shre'", "'share'", "growth"]
    ),
    "a guard's rule in its parameters": (
        [guarded({"guard": "review", "parameters": {"of": "uniform"}})], ["'review'", "'of'"]
    ),
    "wrong value of a guard": (
        [guarded({"guard": "review", "parameters": {"share": 2}})], ["'review'", "[0, 1]", "2"]
    ),
    "floor of a task that is not there": (
        [guarded({"guard": "floors", "parameters": {"at": {"parity-9": 0.5}}})],
        ["'floors'", "'parity-9'", "parity-1"],
    ),
    "text for a number of a guard": (
        [guarded({"guard": "review", "parameters": {"share": "x"}})], ["'review'", "'x'"]
    ),
    "override without a value": (["seeds"], ["key=value", "'seeds'"]),
    "override of nobody": (["teachers.nobody.tune=1"], ["'nobody'", "uniform, exp3s"]),
    "override below a value": (["name.x=1"], ["'x'", "'tiny'"]),
    "no base weights": (["student.base=nowhere"], ["nowhere", "lessonplan pretrain"]),
    "network for simulated students": (
        ["suite={name: simulated}", "student={model: mlp}"], ["student.model", "'mlp'"]
    ),
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a good config and an older run's folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "older.txt").write_text("mine")
    return tmp_path


def check_refusal(here, monkeypatch, capsys, arguments, words):
    before = contents(here)
    sentence = refused(monkeypatch, capsys, *arguments)
    for word in words:
        assert word in sentence
    assert contents(here) == before


@pytest.mark.parametrize("kind", OVERRIDES)
def test_a_config_that_cannot_be_used_is_refused_in_one_sentence(kind, here, monkeypatch, capsys):
    overrides, words = OVERRIDES[kind]
    flags = [part for override in overrides for part in ("-o", override)]
    check_refusal(here, monkeypatch, capsys, ["run", "tiny.yaml", *flags], words)


FILES = {
    "no config": (None, ["c.yaml", "No such file"]),
    "broken YAML": (b"teachers: [uniform\nseeds: 3", ["c.yaml", "line 2"]),
    "a list": (b"- uniform", ["c.yaml", "list"]),
    "nothing": (b"", ["c.yaml", "keys and values"]),
    "other bytes": (b"name: \xff\xfe", ["c.yaml", "UTF-8"]),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_config_is_refused_by_name(kind, here, monkeypatch, capsys):
    data, words = FILES[kind]
    if data is not None:
        (here / "c.yaml").write_bytes(data)
    check_refusal(here, monkeypatch, capsys, ["run", "c.yaml"], words)


def lines(*more):
    return "\n".join(json.dumps(line) for line in (*PROMPTS, *more)) + "\n"


def one(**facts):
    return lines({"prompt": "p", "answer": "a", **facts})


DATA = {
    "broken JSON": (lines() + '{"prompt": "p", "answer"\n', ["line 25", "column", "not valid"]),
    "a list": (lines() + "[1, 2]\n", ["line 25", "must be an object", "[1, 2]"]),
    "no prompt": (lines({"answer": "a"}), ["line 25", "among answer", "{prompt: COLUMN"]),
    "no answer": (lines({"prompt": "p"}), ["line 25", "'answer' is missing", "on_bad=skip"]),
    "empty answer": (one(answer=""), ["line 25", "'answer' is missing"]),
    "a threshold above one": (one(threshold=3), ["line 25", "'threshold' must be", "got 3"]),
    "unknown split": (one(split="holdout"), ["line 25", "train", "probe", "'holdout'"]),
    "a control character": (one(prompt="\x02"), ["line 25", "control character", "remove it"]),
    "nothing": ("", ["d.jsonl", "no examples"]),
    "too few": ("".join(lines().splitlines(True)[:5]), ["line 1", "'d'", "5 different prompts"]),
    "unknown prerequisite": (one(task="d", prerequisites=["x"]), ["line 25", "'x'", "tasks are d"]),
    "a circle": (one(task="d", prerequisites=["d"]), ["line 25", "circle", "d needs d"]),
    "two descriptions": (
        lines({"prompt": "p", "answer": "a", "importance": 1},
              {"prompt": "q", "answer": "a", "importance": 2}),
        ["line 26", "'importance'", "line 25"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DATA)
def test_data_that_cannot_be_read_is_refused_with_file_and_line(kind, here, monkeypatch, capsys):
    text, words = DATA[kind]
    (here / "d.jsonl").write_text(text)
    check_refusal(
        here, monkeypatch, capsys, ["run", "--data", "d.jsonl"], [str(here / "d.jsonl"), *words]
    )


def test_data_that_is_not_there_is_refused_by_its_path(here, monkeypatch, capsys):
    (here / "empty").mkdir()
    for path, words in {"nowhere": "does not exist", "empty": "no files"}.items():
        check_refusal(here, monkeypatch, capsys, ["run", "--data", path], [str(here / path), words])
    (here / "latin.jsonl").write_bytes(b'{"prompt": "\xe9", "answer": "a"}')
    check_refusal(here, monkeypatch, capsys, ["run", "--data", "latin.jsonl"], ["latin", "UTF-8"])


def test_a_suite_whose_library_is_missing_says_how_to_install_it(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    flags = ["-o", "suite={name: reasoning}", "-o", "student={}"]
    check_refusal(
        here, monkeypatch, capsys, ["run", "tiny.yaml", *flags],
        ["reasoning-gym", install_hint("reasoning")],
    )  # fmt: skip


def test_a_learner_whose_library_is_missing_says_how_to_install_it(here, monkeypatch, capsys):
    # Another dictionary: what is taken out and put back comes last.
    own = {name: learner for name, learner in algorithms.ALGORITHMS.items() if name != "trpo"}
    monkeypatch.setattr(algorithms, "ALGORITHMS", own)
    check_refusal(
        here, monkeypatch, capsys, ["run", "tiny.yaml", "-o", learned(algorithm="trpo")],
        ["'trpo'", "sb3-contrib", 'pip install "sb3-contrib>=2.7,<3"'],
    )  # fmt: skip
