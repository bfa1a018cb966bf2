"""Configs that ship and small ones, each with one mutation of its text, keys or values."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from bad_input_kit import PPO, TINY
from fuzz import Case

from lessonplan.experiments.config.config import Config
from lessonplan.experiments.config.keys import all_keys
from lessonplan.experiments.config.loading import CONFIGS, read_config
from lessonplan.experiments.trial.checking import check

SHIPPED = ("single-tasks", "graph", "quickstart", "interference")
SMALL = TINY | {"teachers": [PPO, "uniform", "exp3s"]}
NUMBERS = [
    "1000000000000000000",
    "-1",
    ".nan",
    "-.inf",
    "some",
    "[1]",
    "{a: 1}",
    "1e300",
    "2001-01-01",
]
"""What no key of a number takes."""
KEYS = {path: key for path, key in all_keys(Config) if "." not in path or path.count(".") == 1}
OF_NUMBERS = [
    path for path, key in KEYS.items()
    if key.field.annotation in (int, float) and "NAME" not in path and path != "student.clip_norm"
]  # fmt: skip
OF_SWITCHES = [
    path for path, key in KEYS.items() if key.field.annotation is bool and "N" not in path
]
OF_TEACHER = ["width", "students", "decisions", "candidates", "seeds", "actors", "actor_gpus"]
SETTINGS = {
    "ent_coef": ["abc", -1, None], "batch_size": ["x", 0, 10**12, 2.5], "n_steps": [0, "x", 10**12],
    "learning_rate": [-1, "fast", [1]], "gamma": [2, "x"], "gae_lambda": [-1], "n_epochs": [0, "x"],
    "clip_range": [0, "x"], "vf_coef": ["x"], "max_grad_norm": [-1], "target_kl": ["x"],
    "normalize_advantage": [3], "device": ["meta", "nonsense", "cuda:98"], "policy_kwargs": [3],
    "verbose": ["x"], "seed": [1], "n_step": [4], "use_sde": ["x"], "stats_window_size": [0],
}  # fmt: skip
BOMB = "zz: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"z{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@cache
def _texts() -> tuple[str, ...]:
    """Texts of configs: half of all draws are small ones, which take no second."""
    shipped = [(CONFIGS / f"{name}.yaml").read_text() for name in SHIPPED]
    return (*shipped, *[yaml.safe_dump(SMALL, sort_keys=False)] * 2 * len(shipped))


def config_case(random: Random, folder: Path) -> Case:
    """One mutation of one config."""
    text = random.choice(_texts())
    name, (wanted, make) = random.choice(list(MUTATIONS.items()))
    mutated = make(text, random)
    file, overrides = folder / "c.yaml", []
    if isinstance(mutated, tuple):
        mutated, overrides = mutated
    file.write_bytes(mutated if isinstance(mutated, bytes) else mutated.encode("utf-8", "replace"))
    whole = None
    if wanted == "same":
        (folder / "whole.yaml").write_text(text)
        whole = read_config(folder / "whole.yaml")

    def act() -> Config:
        config = read_config(file, overrides)
        # What is the same needs no second look.
        if config != whole:
            check(config)
        return config

    return Case(name, wanted, act, whole)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _top(text: str, random: Random) -> int:
    """A line with a key that nothing stands above."""
    return random.choice([i for i, line in enumerate(_lines(text)) if re.match(r"[a-z_]+:", line)])


def _flip(text: str, random: Random) -> bytes:
    data = bytearray(text.encode())
    for _ in range(random.randint(1, 8)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def _splice(text: str, random: Random) -> str:
    """A part of it somewhere else."""
    begin, to = (random.randrange(len(text)) for _ in range(2))
    part = text[begin : begin + random.randint(1, 60)]
    return text[:to] + part + text[to:]


def _cut(text: str, random: Random) -> str:
    begin = random.randrange(len(text))
    return text[:begin] + text[begin + random.randint(1, 40) :]


def _indent(text: str, random: Random) -> str:
    lines = _lines(text)
    place = random.randrange(len(lines))
    lines[place] = random.choice([" ", "  ", "\t", "    "]) + lines[place]
    return "".join(lines)


def _key_twice(text: str, random: Random) -> str:
    lines = _lines(text)
    key = lines[_top(text, random)].partition(":")[0]
    return text + f"{key}: 3\n"


def _insert(*parts: str) -> Callable[[str, Random], str]:
    def insert(text: str, random: Random) -> str:
        lines = _lines(text)
        lines.insert(_top(text, random), random.choice(parts))
        return "".join(lines)

    return insert


def _override(keys: Callable[[Random], str]) -> Callable[[str, Random], Any]:
    return lambda text, random: (text, [keys(random)])


def _number(random: Random) -> str:
    return f"{random.choice(OF_NUMBERS)}={random.choice(NUMBERS)}"


def _of_teacher(random: Random) -> str:
    return f"teachers.ppo.{random.choice(OF_TEACHER)}={random.choice(NUMBERS)}"


def _setting(random: Random) -> str:
    name = random.choice(list(SETTINGS))
    return f"teachers.ppo.settings.{name}={json.dumps(random.choice(SETTINGS[name]))}"


def _type(random: Random) -> str:
    section = random.choice(["suite", "student", "lifetime", "seeds"])
    return f"{section}={random.choice(['3', 'text', '[1, 2]', 'true', '1.5'])}"


WRONG = [
    "student.device=meta", "student.device=cuda:98", "student.device=nonsense", "student.device=3",
    "lifetime.budget=5-steps", "lifetime.budget=1e16-steps", "lifetime.budget=-5-steps",
    "lifetime.budget=nan-steps", "lifetime.budget=5", "lifetime.steps_per_decision=100000000",
    "student.options.hidden=[0]", "student.options.hidden=[1000000000000]",
    "student.options.hidden=[-1]", "student.options.hidden=[x]", "student.options.hidden=5",
    "student.options.hidden=[65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536]",
    "seeds.select=1000001", "suite.options.n_tasks=1000000000000", "suite.options.n_tasks=-1",
    "suite.options.n_tasks=.nan", "suite.options.n_tasks=x", "suite.options.n_tasks=1.5",
    "suite.name=../x", "suite.name=[1]", "student.model=nothing", "student.cohort=nothing",
    "name=../x", "name=", "teachers=[]", "teachers=uniform", "teachers=[uniform, uniform]",
    "teachers=[{rule: uniform}]", "teachers=[{name: a/b, rule: uniform}]", "teachers=[[uniform]]",
    "modules=text", "student.schedule={name: nothing}", "student.lora={r: 0}", "lifetime.reward=x",
    "lifetime.feedback=half", "lifetime.targets=[nothing]", "seeds.report=1", "seeds.teacher=-1",
    "seeds.report=010", "lifetime.shuffle_tasks=yes", "student.base=/nowhere", "suite.x.y=3",
    "teachers.ppo.observe=[]", "teachers.ppo.observe=[progress, progress]", "name.x=3", "=3", "x",
    "teachers.ppo.algorithm=nothing", "teachers.ppo.settings.batch_size=100000000",
]  # fmt: skip
MUTATIONS: dict[str, tuple[str, Callable[[str, Random], Any]]] = {
    "bytes flipped": ("any", _flip),
    "a part doubled": ("any", _splice),
    "a part cut out": ("any", _cut),
    "cut off": ("any", lambda text, random: text[: random.randrange(len(text))]),
    "indented": ("any", _indent),
    "a key twice": ("refused", _key_twice),
    "an unknown key": ("refused", _insert("colour: red\n", "seed: 3\n", "'': 1\n", "1: 2\n")),
    "a tag": (
        "refused", _insert("x: !!python/name:os.system\n", "x: !!binary aGk=\n", "x: !y 1\n")
    ),
    "a second document": ("refused", lambda text, random: text + "---\na: 1\n"),
    "references without end": ("refused", lambda text, random: text + BOMB),
    "lists without end": (
        "refused", lambda text, random: text + "z: " + "[" * 3000 + "]" * 3000 + "\n"
    ),
    "a value in itself": ("refused", _insert("z: &z [*z]\n")),
    "a huge number": ("refused", _insert("z: " + "9" * 5000 + "\n")),
    "NUL": ("refused", _insert("z: \0\n")),
    "UTF-16": ("refused", lambda text, random: text.encode("utf-16")),
    "other bytes": (
        "refused", lambda text, random: text.encode() + bytes([random.randint(128, 255)])
    ),
    "10 MB": ("refused", lambda text, random: text + "# " + "x" * 10_000_000),
    "a mark": ("same", lambda text, random: b"\xef\xbb\xbf" + text.encode()),
    "other line ends": ("same", lambda text, random: text.replace("\n", "\r\n")),
    "a comment": ("same", _insert("# a comment: [\n", "\n", "   # x\n")),
    "as JSON": ("same", lambda text, random: json.dumps(yaml.safe_load(text))),
    "a number that is none": ("refused", _override(_number)),
    "a teacher's number": ("refused", _override(_of_teacher)),
    "a setting": ("refused", _override(_setting)),
    "a section": ("refused", _override(_type)),
    "a wrong value": ("refused", _override(lambda random: random.choice(WRONG))),
    "a switch": (
        "refused",
        _override(lambda r: f"{r.choice(OF_SWITCHES)}={r.choice(['3', 'x', '[]', 'no'])}"),
    ),
}  # fmt: skip
