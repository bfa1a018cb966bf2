"""Parts of one's own are known by what they look like, and held to what ships."""

import pytest
from own_folder import PARTS, forgetting, write_modules
from torch import nn

from lessonplan.envs import REWARDS
from lessonplan.experiments.own_parts import check_own_part
from lessonplan.experiments.own_parts.kinds import KINDS, part_kind
from lessonplan.student import COHORTS, MODELS, SUITES, TaskSuite
from lessonplan.teacher import RULES

MORE = '''
import numpy as np
import torch
from torch import nn
from lessonplan.envs import REWARDS
from lessonplan.student import SimulatedCohort, parity
from lp_parts import Mine

class Unequal(Mine):
    def probabilities(self, memory, view):
        return 2.0 * super().probabilities(memory, view)

class Wants(Mine):
    needs = ("scor",)

class Broken(Mine):
    def observe(self, memory, view):
        return memory["what"]

class Tokens(nn.Module):
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.table = nn.Embedding(n_outputs, n_outputs)

    def forward(self, tokens):
        return self.table(tokens)

class Running(nn.Module):
    """Keeps what it has seen of others."""
    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], n_outputs)
        self.layer.bias.data = self.layer.bias.data.double()

    def forward(self, inputs):
        return self.layer(inputs)

class Student:
    def __init__(self, suite, rate=0.1):
        self.suite, self.rate = suite, rate
    def reset(self, seed):
        self.net = nn.Linear(self.suite.input_shape[0], self.suite.n_outputs)
    def _loss(self, batch):
        out, y = self.net(batch.inputs), batch.targets[:, 0]
        return nn.functional.cross_entropy(out, y), (out.argmax(1) == y).float().mean().item()
    def train(self, batch):
        self.net.zero_grad()
        loss, _ = self._loss(batch)
        loss.backward()
        with torch.no_grad():
            for weight in self.net.parameters():
                weight -= self.rate * weight.grad
        return loss.item()
    def evaluate(self, batch):
        loss, score = self._loss(batch)
        return score, loss.item()
    def state_dict(self):
        return self.net.state_dict()
    def load_state_dict(self, state):
        self.net.load_state_dict(state)

class Certain(Student):
    def evaluate(self, batch):
        return 2.0, 0.0

class Simulated(SimulatedCohort):
    pass

def suite(n_tasks=3):
    return parity(n_tasks=n_tasks, n_signs=8)

def pay(outcome):
    return REWARDS["mean_score"](outcome)

def greedy(outcome):
    return outcome.mean(outcome.after)

def same(text, row):
    return float(text == row["answer"])

def of_tests(text, row):
    return float(text in row["tests"])

def half(text, row):
    return 0.5 * (text == row["answer"])

def loose(text, row):
    return len(text)

unknown = 3
'''


@pytest.fixture
def found(tmp_path, monkeypatch):
    """The kind and the problems of a part in the working directory, with how many checks."""
    write_modules(tmp_path, lp_parts=PARTS, lp_beside="WIDTH = 8", lp_more=MORE)
    monkeypatch.chdir(tmp_path)

    def check(name, options=None, **settings):
        kind, findings = check_own_part(f"lp_more:{name}", options, **settings)
        every = list(findings)
        return kind, [one.problem for one in every if one.problem], len(every)

    with forgetting():
        yield check


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("rule", RULES), ("model", MODELS), ("reward", REWARDS),
        ("cohort", {name: cohort for name, cohort in COHORTS.items() if name != "rl"}),
        ("suite", {name: suite for name, suite in SUITES.items() if name not in ("jsonl",)}),
    ],
)  # fmt: skip
def test_what_ships_is_known_by_what_it_looks_like(kind, parts):
    assert {part_kind(part) for part in parts.values()} == {kind}


def network(input_shape, n_outputs, width=3):
    return nn.Linear(input_shape[0], n_outputs)


def read(path):
    return None


def declared(path) -> TaskSuite:
    return None


def four(a, b, c, d):
    return None


class Ranked:
    def __call__(self, text, row):
        return 1.0


def test_functions_are_known_by_their_arguments():
    assert part_kind(network) == "model"
    assert part_kind(read) == "reward"
    assert part_kind(read, ["path"]) == "suite"
    assert part_kind(declared) == "suite"
    assert part_kind(Ranked()) == "score"
    for part in (four, 3, object):
        with pytest.raises(ValueError, match="say which with --kind"):
            part_kind(part)


RIGHT = {
    "Mine": ("rule", {}), "Tokens": ("model", {}), "Student": ("student", {"rate": 0.2}),
    "suite": ("suite", {"n_tasks": 4}), "pay": ("reward", {}), "same": ("score", {"answer": "7"}),
    "of_tests": ("score", {"tests": ["4"]}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_a_part_that_keeps_to_its_kind_has_no_problem(name, found):
    kind, options = RIGHT[name]
    if name == "same":
        options = {"answer": "7"}
    known, problems, count = found(name, options)
    assert (known, problems) == (kind, [])
    assert count > 2


@pytest.mark.slow
def test_a_cohort_is_made_of_the_suite_that_is_named(found):
    kind, problems, _ = found("Simulated", suite="simulated", can_diverge=False)
    assert (kind, problems) == ("cohort", [])
    _, (problem,), _ = found("Simulated", suite="simulated")
    assert "diverged must be [False, True, False]" in problem


WRONG = {
    "Wants": ("rule", "no column 'scor'"),
    "Running": ("model", "numbers (suite parity): "),
    "greedy": ("reward", "it pays for unfinished students"),
    "of_tests": ("score", "it looks for the column 'tests' of the row; give one with -o"),
    "half": ("score", "is judged with 0.5: nobody could master"),
    "loose": ("score", "not in [0, 1]"),
    "Certain": ("student", "returned the score 2.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_part_is_a_sentence(name, found):
    kind, words = WRONG[name]
    known, problems, _ = found(name)
    assert known == kind
    assert words in problems[0]


@pytest.mark.slow
def test_all_that_is_wrong_is_said_and_where(found, tmp_path):
    _, problems, count = found("Unequal")
    assert "each row of probabilities must sum to 1, one sums to 2" in problems[0]
    assert count > len(problems)
    _, problems, _ = found("Broken")
    line = next(i for i, line in enumerate(MORE.splitlines(), 1) if 'memory["what"]' in line)
    assert f"{tmp_path / 'lp_more.py'}, line {line}: KeyError: 'what'" in problems[0]


def test_a_kind_that_there_is_not_and_a_part_of_no_kind_are_refused(found):
    with pytest.raises(ValueError, match=r"no kind 'rul'; choose one of rule, model"):
        found("Mine", kind="rul")
    with pytest.raises(ValueError, match="an object of type int looks like none of"):
        found("unknown")
    assert set(KINDS) == {"rule", "model", "student", "cohort", "suite", "reward", "score"}
