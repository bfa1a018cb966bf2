"""Checks that a teacher keeps its contract, for people who wrote a rule or an algorithm.

Each check raises a ``ValueError`` that says in a sentence what is wrong; `check_teacher` stops at
the first one, from the basic to the subtle.

Legend: n students, k tasks, f columns, d decisions.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from .adapter import RuleTeacher, check_needs, columns_of
from .files import read_values, write_values
from .rules import Looks, Memory, Rule, View

_DECISIONS = 6
_SEED = 5
"""Seed of the teachers that are checked."""
_IN_ANOTHER_PROCESS = """
import importlib, sys
from lessonplan.teacher import RuleTeacher
from lessonplan.teacher.files import read_values, write_values
module, name, folder = sys.argv[1:]
algorithm = getattr(importlib.import_module(module), name)
calls = read_values(f"{folder}/calls")
# The file is of the process that started this one.
trust = {"trust": True} if issubclass(algorithm, RuleTeacher) else {}
teacher = algorithm.load(f"{folder}/teacher.zip", device="cpu", **trust)
chosen = [teacher.predict(*call, deterministic=True)[0] for call in calls]
write_values(f"{folder}/chosen", chosen)
"""


@dataclass(frozen=True)
class Sample:
    """What n students showed after each of d decisions."""

    columns: tuple[str, ...]
    observations: list[np.ndarray]
    """(n, k, f) per decision."""
    last: list[np.ndarray]
    """Task of the decision before, -1 at the first, (n,) per decision."""


def check_teacher(teacher: BaseAlgorithm | Rule, env: VecEnv, *, new_process: bool = True) -> None:
    """Check everything that the contract of a teacher promises.

    Students in the environment are taught for a few decisions, a few times over.

    Args:
        teacher: a rule, or an algorithm of Stable-Baselines3 made for this environment.
        env: a curriculum environment of at least two rows, with the columns that it needs.
        new_process: also load the teacher in a new Python process, which takes seconds.

    Raises:
        ValueError: for the first promise that is broken.
    """
    for _, check in teacher_checks(teacher, env, new_process=new_process):
        check()


def teacher_checks(
    teacher: BaseAlgorithm | Rule, env: VecEnv, *, new_process: bool = True
) -> Iterator[tuple[str, Callable[[], None]]]:
    """All checks of `check_teacher` one by one: what each looks at, and what does it.

    Where the first fails the others need not make sense.
    """
    if env.num_envs < 2:
        raise ValueError(f"check_teacher needs an environment of 2 rows, got {env.num_envs}")
    rule: Any = teacher.rule if isinstance(teacher, RuleTeacher) else teacher
    if not isinstance(rule, BaseAlgorithm):
        yield _about(check_interface), partial(check_interface, rule, env)
        sample = watch(env)
        for check in RULE_CHECKS.values():
            yield _about(check), partial(check, rule, sample)
        yield _about(check_seed), partial(check_seed, rule, env)
        teacher = RuleTeacher(rule, env, seed=_SEED)
    assert isinstance(teacher, BaseAlgorithm)
    yield _about(check_predict), partial(check_predict, teacher, env)
    if new_process:
        yield _about(check_reload), partial(check_reload, teacher, env)


def check_interface(rule: Any, env: VecEnv) -> None:
    """A rule has its three functions and names columns that are shown."""
    missing = [
        name for name in ("needs", "start", "observe", "probabilities") if not hasattr(rule, name)
    ]
    if missing:
        raise ValueError(f"{type(rule).__name__} has no {', '.join(missing)}; see teacher.Rule")
    if isinstance(rule, type):
        raise ValueError(f"{rule.__name__} is a class: check an object of it")
    if isinstance(rule.needs, str) or not all(isinstance(name, str) for name in rule.needs):
        raise ValueError(f"needs must be a tuple of column names, is {rule.needs!r}")
    check_needs(rule, columns_of(env))


def check_memory(rule: Rule, sample: Sample) -> None:
    """Memory is named arrays, a row per student, of shapes that stay."""
    n, k = sample.observations[0].shape[:2]
    memory = rule.start(n, k)
    if not isinstance(memory, dict):
        raise ValueError(f"start must return a dict of arrays, got {type(memory).__name__}")
    for name, value in memory.items():
        if not isinstance(value, np.ndarray) or value.shape[:1] != (n,):
            raise ValueError(
                f"memory {name!r} must be an array with a leading axis of n = {n}, "
                f"is {getattr(value, 'shape', type(value).__name__)}"
            )
    for i in range(1, len(sample.last)):
        after = rule.observe(memory, view_of(sample, i))
        if not isinstance(after, dict):
            raise ValueError(f"observe must return a dict of arrays, got {type(after).__name__}")
        now = {name: (np.shape(x), np.asarray(x).dtype) for name, x in after.items()}
        before = {name: (x.shape, x.dtype) for name, x in memory.items()}
        if now != before:
            raise ValueError(
                f"observe must keep the names, shapes and types of the memory; {before} became "
                f"{now}"
            )
        memory = after


def check_purity(rule: Rule, sample: Sample) -> None:
    """The functions change nothing that they were given, and keep nothing to themselves."""
    n, k = sample.observations[0].shape[:2]
    memory = rule.start(n, k)
    for i in range(len(sample.last)):
        view = view_of(sample, i)
        before = [*_copies(memory), view._shown.copy(), view.last.copy(), view.decision.copy()]
        for verb in ("probabilities", "observe") if i else ("probabilities",):
            getattr(rule, verb)(memory, view)
            now = [*memory.values(), view._shown, view.last, view.decision]
            if not all(
                np.array_equal(a, b, equal_nan=True) for a, b in zip(before, now, strict=True)
            ):
                raise ValueError(
                    f"{verb} of {type(rule).__name__} changes what it was given; it must return "
                    "new arrays"
                )
        memory = rule.observe(memory, view) if i else memory
    if not np.array_equal(play(rule, sample), play(rule, sample)):
        raise ValueError(
            f"{type(rule).__name__} chooses otherwise when the same lifetime comes again: what it "
            "learns belongs into the memory, and chance comes from view.uniform"
        )


def check_probabilities(rule: Rule, sample: Sample) -> None:
    """Each row is a distribution over the tasks."""
    chances = play(rule, sample)
    n, k = sample.observations[0].shape[:2]
    if chances.shape[1:] != (n, k):
        raise ValueError(f"probabilities must be (n, k) = {(n, k)}, got {chances.shape[1:]}")
    if not np.isfinite(chances).all() or (chances < 0).any():
        raise ValueError(
            f"probabilities must be finite and at least 0, got {chances.min()} to {chances.max()}"
        )
    sums = chances.sum(axis=2)
    if not np.allclose(sums, 1.0, atol=1e-6):
        wrong = sums.ravel()[np.abs(sums - 1.0).argmax()]
        raise ValueError(f"each row of probabilities must sum to 1, one sums to {wrong:.6g}")


def check_absent(rule: Rule, sample: Sample) -> None:
    """A place without a task gets nothing."""
    chances = play(rule, with_empty_place(sample))
    if (chances[:, :, -1] != 0).any() or not np.allclose(chances.sum(axis=2), 1.0, atol=1e-6):
        raise ValueError(
            "a place where view.present is False must get probability 0 and the others all of it, "
            f"got {chances[0, 0].round(3).tolist()} where the last place is absent"
        )


def check_rows(rule: Rule, sample: Sample) -> None:
    """What a student is taught does not depend on who is beside it."""
    together, row = play(rule, sample), np.array([1])
    # A network computes in single precision, and rounds otherwise for one row.
    learned = getattr(rule, "kind", "") == "learned"
    rtol, atol = (1e-4, 1e-6) if learned else (1e-9, 1e-12)
    if not np.allclose(play(rule, sample, row), together[:, row], rtol=rtol, atol=atol):
        raise ValueError(
            "a student alone is taught otherwise than among others: rows must be independent"
        )


def check_seed(rule: Rule, env: VecEnv) -> None:
    """The same seed makes the same choices of the same students."""
    sample = watch(env)
    first, second = (
        _choices(RuleTeacher(rule, env, seed=_SEED), sample.observations) for _ in range(2)
    )
    if not np.array_equal(first, second):
        raise ValueError(f"{type(rule).__name__} with one seed chooses two ways")


def check_predict(teacher: BaseAlgorithm, env: VecEnv) -> None:
    """Choices are actions, for one student as among several, and the observation stays."""
    observation = np.asarray(env.reset())
    before = observation.copy()
    actions, _ = teacher.predict(observation, deterministic=True)
    if len(np.atleast_1d(actions)) != len(observation):
        raise ValueError(f"predict must return n = {len(observation)} actions, got {actions}")
    for action in actions:
        if not env.action_space.contains(action):
            raise ValueError(f"predict chose {action}, which is not in {env.action_space}")
    if not np.array_equal(before, observation):
        raise ValueError("predict changes the observation that it was given")
    alone, _ = teacher.predict(observation[1:2], deterministic=True)
    if not np.allclose(alone[0], actions[1], atol=1e-4):
        raise ValueError(f"predict chooses {alone[0]} for a row alone, {actions[1]} among others")
    again, _ = teacher.predict(observation, deterministic=True)
    if not np.array_equal(again, actions):
        raise ValueError("predict with deterministic=True chooses two ways")


def check_reload(teacher: BaseAlgorithm, env: VecEnv) -> None:
    """A saved teacher chooses the same when it is loaded in a new process."""
    observation = np.asarray(env.reset())
    actions, state = teacher.predict(observation, deterministic=True)
    later = np.asarray(env.step(actions)[0])
    fresh = np.ones(len(observation), bool)
    calls = [(observation, None, fresh), (later, state, ~fresh)]
    answers = [teacher.predict(*call, deterministic=True)[0] for call in calls]
    with tempfile.TemporaryDirectory() as folder:
        teacher.save(Path(folder) / "teacher.zip")
        _keep(calls, folder)
        algorithm = type(teacher)
        where = [algorithm.__module__, algorithm.__qualname__, folder]
        process = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _IN_ANOTHER_PROCESS, *where],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            reason = process.stderr.strip().rpartition("\n")[2]
            raise ValueError(f"a saved teacher can't be loaded in a new process: {reason}")
        repeats = read_values(Path(folder) / "chosen")
    if not all(np.allclose(a, b, atol=1e-4) for a, b in zip(repeats, answers, strict=True)):
        raise ValueError("a teacher that was loaded in a new process chooses otherwise")


def _keep(calls: Any, folder: str) -> None:
    try:
        write_values(Path(folder) / "calls", calls)
    except ValueError as error:
        raise ValueError(
            "the state that predict returns must be made of arrays, tensors, numbers and texts in "
            f"dicts, lists and tuples, so that it can be stored; {error}"
        ) from None


RULE_CHECKS: dict[str, Callable[[Rule, Sample], None]] = {
    "memory": check_memory,
    "purity": check_purity,
    "probabilities": check_probabilities,
    "absent": check_absent,
    "rows": check_rows,
}
"""Checks of a rule on what it would be shown, by name."""


def watch(env: VecEnv) -> Sample:
    """What the rows show when they are taught one task after the other, until a lifetime ends."""
    observation = np.asarray(env.reset())
    n, k = observation.shape[:2]
    columns = columns_of(env)
    there = observation[:, :, columns.index("present")] > 0 if "present" in columns else None
    sample = Sample(columns, [observation], [np.full(n, -1)])
    for decision in range(_DECISIONS):
        tasks = (decision + np.arange(n)) % k
        if there is not None:
            tasks = np.where(there[np.arange(n), tasks], tasks, there.argmax(axis=1))
        after, _, dones, _ = env.step(tasks)
        if dones.any():
            break
        sample.observations.append(np.asarray(after))
        sample.last.append(tasks)
    return sample


def play(rule: Rule, sample: Sample, rows: np.ndarray | None = None) -> np.ndarray:
    """Probabilities after each decision of these lifetimes, (d, rows, k)."""
    rows = np.arange(len(sample.last[0])) if rows is None else rows
    memory, chances = rule.start(len(rows), sample.observations[0].shape[1]), []
    for i in range(len(sample.last)):
        view = view_of(sample, i, rows)
        memory = rule.observe(memory, view) if i else memory
        memory = rule.look(memory, view) if isinstance(rule, Looks) else memory
        chances.append(np.asarray(rule.probabilities(memory, view), dtype=np.float64))
    return np.array(chances)


def view_of(sample: Sample, i: int, rows: np.ndarray | None = None) -> View:
    """What a rule sees at decision i, as arrays of its own."""
    rows = np.arange(len(sample.last[0])) if rows is None else rows
    decision = np.full(len(rows), i, dtype=np.int64)
    observation, last = sample.observations[i][rows].copy(), sample.last[i][rows].copy()
    return View(observation, sample.columns, last, decision, _SEED)


def with_empty_place(sample: Sample) -> Sample:
    """The same lifetimes with one more place, where there is no task."""
    columns = sample.columns
    if "present" not in columns:
        columns = (*columns, "present")
    observations = []
    for observation in sample.observations:
        n, k, f = observation.shape
        wider = np.zeros((n, k + 1, len(columns)), dtype=observation.dtype)
        wider[:, :k, f:] = 1.0
        wider[:, :k, :f] = observation
        observations.append(wider)
    return Sample(columns, observations, sample.last)


def _about(check: Callable[..., None]) -> str:
    return (check.__doc__ or "").partition("\n")[0]


def _choices(teacher: RuleTeacher, observations: list[np.ndarray]) -> np.ndarray:
    state, choices = None, []
    for observation in observations:
        actions, state = teacher.predict(observation, state)
        choices.append(actions)
    return np.array(choices)


def _copies(memory: Memory) -> list[np.ndarray]:
    return [value.copy() for value in memory.values()]
