"""What a config names must look like it before anything of it is called."""

import sys

import pytest
from own_folder import forgetting, write_modules

from lessonplan.experiments.common.names import named
from lessonplan.experiments.common.own_code import places
from lessonplan.experiments.common.own_code.looks import LOOKS
from lessonplan.experiments.common.trust import agree_to, take_for_strange, trusting

PARTS = """
import functools
import shutil
from dataclasses import dataclass
from shutil import rmtree
from typing import Any
from subprocess import getoutput

from stable_baselines3 import PPO
from torch import nn
from torch.nn import Linear
from lessonplan.student import TaskSuite, parity
from lessonplan.teacher import RULES, Uniform
from lp_beside import Beside

class Rule:
    needs = ()
    def start(self, n, k): ...
    def observe(self, memory, view): ...
    def probabilities(self, memory, view): ...

class Half:
    def start(self, n, k): ...

def made(gate): return RULES["in_order"](gate)
def made_and_said(gate) -> Uniform: ...
def made_of_anything(gate) -> Any: ...
def count() -> int: ...
partly = functools.partial(Rule)

class Net(nn.Module): ...
def net(shape, n_outputs, width=8): ...
class Student:
    def reset(self, seed): ...
    def train(self, batch): ...
    def evaluate(self, batch): ...

def suite(n=2): ...
def suite_and_said(n=2) -> TaskSuite: ...
def suite_of_anything(n=2) -> Any: ...
small = functools.partial(parity, 3, 8)
@functools.lru_cache
def kept(): ...
def score(text, row): ...
def reward(outcome): ...
class Reward:
    def __call__(self, outcome): ...
class Plain: ...
@dataclass(frozen=True)
class Rate:
    low: float = 0.0
    def __call__(self, updates): ...
class Algorithm(PPO): ...
NUMBER = 7
"""
RIGHT = {
    "rule": "Rule made made_and_said made_of_anything partly Uniform Beside",
    "model": "Net net Student",
    "cohort": "Student net",
    "suite": "suite suite_and_said suite_of_anything small kept parity",
    "reward": "reward Reward score",
    "score": "score",
    "schedule": "Rate reward",
    "algorithm": "Algorithm",
}
WRONG = {
    "rule": "Half Net count NUMBER shutil",
    "model": "Plain reward NUMBER shutil",
    "cohort": "Plain reward",
    "suite": "Net count NUMBER shutil Rule",
    "reward": "Plain kept NUMBER",
    "score": "reward Plain Reward NUMBER",
    "schedule": "NUMBER shutil",
    "algorithm": "Rule reward",
}
SHELL = {"suite": "rmtree getoutput", "model": "rmtree Linear", "score": "rmtree"}


def cases(table):
    return [(kind, name) for kind, names in table.items() for name in names.split()]


@pytest.fixture(autouse=True)
def folder(tmp_path):
    beside = "from lessonplan.teacher import Uniform\nclass Beside(Uniform): ..."
    write_modules(tmp_path / "own", lp_parts=PARTS, lp_beside=beside)
    with forgetting():
        agree_to(tmp_path / "own")
        yield str(tmp_path / "own")


def test_every_kind_has_its_cases():
    assert set(RIGHT) == set(WRONG) == set(LOOKS)


@pytest.mark.parametrize(("kind", "name"), cases(RIGHT))
def test_what_looks_like_it_is_taken(kind, name, folder):
    assert callable(named(kind, f"lp_parts:{name}", {}, [folder]))


@pytest.mark.parametrize(("kind", "name"), cases(WRONG))
def test_what_does_not_look_like_it_is_refused(kind, name, folder):
    with pytest.raises(ValueError, match=f"and a {kind} is a .*; it was not called"):
        named(kind, f"lp_parts:{name}", {}, [folder])
    with trusting(), pytest.raises(ValueError, match="it was not called"):
        named(kind, f"lp_parts:{name}", {}, [folder])


@pytest.mark.parametrize(("kind", "name"), cases(SHELL))
def test_what_is_merely_imported_from_elsewhere_must_be_open_to_configs_itself(kind, name, folder):
    words = "it is imported there from [a-z.]+: [a-z.]+ is installed and does not say that"
    with pytest.raises(ValueError, match=words):
        named(kind, f"lp_parts:{name}", {}, [folder])
    with trusting():
        assert named(kind, f"lp_parts:{name}", {}, [folder])


def test_ours_may_be_named_where_they_say_what_they_are():
    assert named("rule", "lessonplan.teacher:Uniform", {})
    assert named("suite", "lessonplan.student:parity", {})
    with pytest.raises(ValueError, match="and a suite is a function that returns a TaskSuite"):
        named("suite", "lessonplan.teacher:load_teacher", {})


def test_nothing_is_imported_to_see_where_a_module_lies(tmp_path, folder):
    evil = "raise SystemExit('imported')"
    (tmp_path / "elsewhere" / "lp_pack").mkdir(parents=True)
    write_modules(tmp_path / "elsewhere" / "lp_pack", __init__=evil, inner=evil)
    for places_to_look in ([str(tmp_path / "elsewhere")], [folder]):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "path", [*sys.path, str(tmp_path / "elsewhere")])
            with pytest.raises(ValueError, match=r"lp_pack/inner\.py would be imported"):
                named("rule", "lp_pack.inner:Rule", {}, places_to_look)


def install(folder, name, group="lessonplan", opened=None):
    """An installed distribution with a package that opens itself, or a part of it, to configs."""
    package = folder / name
    package.mkdir(parents=True)
    source = "from lessonplan.teacher import Uniform\nclass Mine(Uniform): ...\n"
    write_modules(package, __init__=source, inner=source)
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[{group}]\nmine = {opened or name}\n")


def test_an_installed_package_that_says_so_may_be_named(tmp_path, monkeypatch):
    site = tmp_path / "site-packages"
    install(site, "lp_open")
    install(site, "lp_half", opened="lp_half.inner")
    install(site, "lp_shut", group="other")
    # What merely lies where modules are looked for has installed nothing.
    install(tmp_path / "looked-in", "lp_fake")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site), str(tmp_path / "looked-in")])
    monkeypatch.setattr(places, "_declared", places._declared.__wrapped__)
    for name in ("lp_open:Mine", "lp_open.inner:Mine", "lp_half.inner:Mine"):
        assert callable(named("rule", name, {}))
    for name in ("lp_half:Mine", "lp_shut:Mine", "lp_shut.inner:Mine"):
        with pytest.raises(ValueError, match=r"is installed and does not say .*'lessonplan'"):
            named("rule", name, {})
    with pytest.raises(ValueError, match=r"lp_fake/__init__\.py would be imported"):
        named("rule", "lp_fake:Mine", {})


def test_a_directory_that_was_handed_in_stays_strange_inside_one_that_was_agreed_to(
    folder, tmp_path
):
    inner = tmp_path / "own" / "theirs"
    write_modules(inner, lp_theirs=PARTS)
    (tmp_path / "own" / "lp_link.py").symlink_to(inner / "lp_theirs.py")
    assert named("rule", "theirs.lp_theirs:Rule", {}, [folder])
    take_for_strange(inner)
    for name in ("theirs.lp_theirs:Rule", "lp_link:Rule"):
        with pytest.raises(ValueError, match="lies in a directory that was handed in"):
            named("rule", name, {}, [folder])
    with pytest.raises(ValueError, match="lies in a directory that was handed in"):
        named("rule", "lp_theirs:Rule", {}, [str(inner)])
