"""Checks that a cohort keeps its contract, for people who wrote one or brought single students.

Each check raises a ``ValueError`` that says in a sentence what is wrong; `check_cohort` stops at
the first one, from the basic to the subtle. "The same" is to the bit.

Legend: n students, k tasks, r rows named in a call.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..states import plain_state, restored_state
from .cohort import Cohort, NotShownError, Outcomes, Training, takes
from .tasks import SPLITS

MakeCohort = Callable[[int], Cohort]
"""Makes a cohort of n members; it is called many times, always for the same kind of students."""
_N, _STEPS = 3, 2


def check_cohort(make_cohort: MakeCohort, *, can_diverge: bool = True) -> None:
    """Check everything that the contract of a cohort promises.

    Cohorts of 1 and 3 members are made and trained for a few steps each, about twenty times.

    Args:
        make_cohort: makes a cohort of n members, on the CPU.
        can_diverge: whether students can have a loss that is not finite. It is brought about by
            a state in which one member's tensors are NaN.

    Raises:
        ValueError: for the first promise that is broken.
    """
    for check in COHORT_CHECKS.values():
        check(make_cohort)
    if can_diverge:
        check_divergence(make_cohort)


def check_attributes(make_cohort: MakeCohort) -> None:
    """The attributes that a classroom reads."""
    for n in (1, _N):
        cohort: Any = make_cohort(n)
        if not isinstance(cohort, Cohort):
            names = [name for name in dir(Cohort) if not name.startswith("_")]
            names += list(Cohort.__annotations__)
            missing = [name for name in names if not hasattr(cohort, name)]
            raise ValueError(f"{type(cohort).__name__} has no {', '.join(missing)}")
        if cohort.n != n:
            raise ValueError(f"make_cohort({n}) made a cohort of n = {cohort.n}")
        for name in ("batch_size", "evaluation_size"):
            if getattr(cohort, name) < 1:
                raise ValueError(f"{name} must be at least 1, is {getattr(cohort, name)}")
        flags = np.asarray(cohort.diverged)
        if flags.shape != (n,) or flags.dtype != bool or flags.any():
            raise ValueError(f"diverged of a new cohort must be (n,) = ({n},) False, is {flags}")


def check_training(make_cohort: MakeCohort) -> None:
    """What `train` returns, and which lessons it refuses."""
    cohort = make_cohort(_N)
    k = len(cohort.suite)
    for rows in (None, np.array([2, 0])):
        count = _N if rows is None else 2
        brought = cohort.train(np.full((count, k), 1 / k), _STEPS, rows, fresh=True)
        if not isinstance(brought, Training):
            raise ValueError(f"train must return a Training, got {type(brought).__name__}")
        for name, values in brought.figures.items():
            if np.shape(values) != (count,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} of a training of {count} members must be ({count},) finite numbers, "
                    f"is {values}"
                )
    for wrong, mixture in (
        ("two rows", np.full((2, k), 1 / k)),
        ("rows that sum to 2", np.full((_N, k), 2 / k)),
        ("a NaN", np.full((_N, k), np.nan)),
    ):
        try:
            cohort.train(mixture, _STEPS)
        except ValueError:
            continue
        raise ValueError(f"train of {_N} members must refuse a mixture with {wrong}")


def check_evaluation(make_cohort: MakeCohort) -> None:
    """Shapes and bounds of what `evaluate` returns, and that parts are parts of the whole."""
    cohort = make_cohort(_N)
    k = len(cohort.suite)
    _teach(cohort)
    rows, tasks = np.array([2, 0]), np.array([k - 1, 0])
    for split in SPLITS:
        whole, part = cohort.evaluate(split), cohort.evaluate(split, tasks=tasks, rows=rows)
        for name, values in vars(whole).items():
            high = np.inf if name == "loss" else 1.0
            one = getattr(part, name)
            if np.shape(values) != (_N, k) or np.shape(one) != (2, 1):
                raise ValueError(
                    f"{name} on {split!r} must be (n, k) = {(_N, k)}, and (2, 1) for one task of "
                    f"two members; is {np.shape(values)} and {np.shape(one)}"
                )
            if not (np.isfinite(values).all() and (values >= 0).all() and (values <= high).all()):
                raise ValueError(f"{name} on {split!r} must be finite in [0, {high}], is {values}")
            if not np.allclose(one[:, 0], values[rows, tasks], rtol=1e-4, atol=1e-6):
                raise ValueError(
                    f"{name} on {split!r} of one task alone is {one[:, 0]}, among all tasks "
                    f"{values[rows, tasks]}"
                )


def check_evaluation_size(make_cohort: MakeCohort) -> None:
    """Evaluating on the first examples only, where `evaluate` knows of it."""
    cohort = make_cohort(_N)
    if not takes(cohort.evaluate, "size"):
        return
    _teach(cohort)
    rows, size = np.array([2, 0]), max(1, cohort.evaluation_size // 2)
    whole, most = cohort.evaluate("probe"), cohort.evaluate("probe", size=10**6)
    first = cohort.evaluate("probe", size=size)
    part = cohort.evaluate("probe", rows=rows, size=size)
    for name, values in vars(whole).items():
        if not np.array_equal(values, getattr(most, name)):
            raise ValueError(f"{name} on more examples than there are must be that on all")
        if not np.array_equal(getattr(first, name)[rows], getattr(part, name)):
            raise ValueError(f"{name} on the first {size} examples depends on who else is asked")
    try:
        cohort.evaluate("probe", size=0)
    except ValueError:
        return
    raise ValueError("evaluate must refuse a size of 0")


def check_evaluating(make_cohort: MakeCohort) -> None:
    """Evaluating changes nothing: not the figures, not what is learned afterwards."""
    looked, plain = make_cohort(_N), make_cohort(_N)
    for _ in range(2):
        first, second = _seen(looked), _seen(looked)
        if first != second:
            raise ValueError("two evaluations of the same students differ")
        if _teach(looked) != _teach(plain):
            raise ValueError(
                "students that were evaluated learn otherwise than those that were not: evaluate "
                "must leave weights, running statistics, training mode and random streams alone"
            )


def check_fresh_examples(make_cohort: MakeCohort) -> None:
    """Asking for losses on fresh examples changes nothing else."""
    other, plain = make_cohort(_N), make_cohort(_N)
    _teach(other, fresh=True)
    _teach(plain)
    if _seen(other) != _seen(plain):
        raise ValueError("train with fresh=True teaches otherwise than without")


def check_outcomes(make_cohort: MakeCohort) -> None:
    """What the examples of each task showed, where students can say: sound, and for nothing."""
    other, plain, solo = make_cohort(_N), make_cohort(_N), make_cohort(1)
    if not takes(other.train, "by_task"):
        return
    for cohort, row in ((other, _N - 1), (plain, _N - 1), (solo, 0)):
        cohort.reset(np.array([row]), np.array([77]))
    k = len(other.suite)
    for lesson in (np.eye(k)[0], np.full(k, 1 / k)):
        try:
            asked = other.train(np.tile(lesson, (_N, 1)), _STEPS, by_task=True).by_task
        except NotShownError:
            return
        plain.train(np.tile(lesson, (_N, 1)), _STEPS)
        alone = solo.train(lesson[None], _STEPS, by_task=True).by_task
        if not isinstance(asked, Outcomes) or not isinstance(alone, Outcomes):
            raise ValueError(
                f"train with by_task=True must bring Outcomes, got {type(asked).__name__}"
            )
        _check_sums(asked, lesson, _N)
        if any((x[-1] != y[0]).any() for x, y in zip(_sums(asked), _sums(alone), strict=True)):
            raise ValueError(f"examples of a member of {_N} show otherwise than of the same alone")
    if _seen(other) != _seen(plain):
        raise ValueError("train with by_task=True teaches otherwise than without")


def _check_sums(outcomes: Outcomes, lesson: np.ndarray, count: int) -> None:
    """Shapes and bounds of the outcomes of so many members in this lesson, (k,)."""
    shape = count, len(lesson)
    for name, values in vars(outcomes).items():
        if np.shape(values) != shape or not np.isfinite(values).all():
            raise ValueError(f"{name} by task must be (r, k) = {shape} finite numbers, is {values}")
        if values[:, lesson == 0].any():
            raise ValueError(f"{name} by task of tasks that were not taught must be 0, is {values}")
    if (outcomes.right < 0).any() or (outcomes.right > outcomes.count).any():
        raise ValueError(f"right by task must be in [0, count], is {outcomes.right}")


def _sums(outcomes: Outcomes) -> list[np.ndarray]:
    return [outcomes.count, outcomes.right, outcomes.loss]


def check_solo(make_cohort: MakeCohort) -> None:
    """A member learns what it would learn alone."""
    solo, cohort = make_cohort(1), make_cohort(_N)
    solo.reset(np.array([0]), np.array([77]))
    cohort.reset(np.array([_N - 1]), np.array([77]))
    if _teach(solo)[0] != _teach(cohort)[_N - 1] or _seen(solo)[0] != _seen(cohort)[_N - 1]:
        raise ValueError(
            f"student 77 learns otherwise as the last of {_N} members than alone: what it draws "
            "may depend on its own seed only"
        )


def check_neighbours(make_cohort: MakeCohort) -> None:
    """Other members' lessons and resets change nothing, nor do trainings without a member."""
    quiet, busy = make_cohort(_N), make_cohort(_N)
    k, middle = len(quiet.suite), np.array([1])
    for step in range(3):
        lesson = np.eye(k)[[step % k] * _N]
        quiet.train(lesson, _STEPS)
        other = np.roll(lesson, step + 1, axis=1)
        busy.train(np.where(np.arange(_N)[:, None] == 1, lesson, other), _STEPS)
        busy.reset(np.array([0]), np.array([100 + step]))
        before = _seen(busy)
        busy.train(other[[2]], _STEPS, np.array([2]))
        if _seen(busy)[:2] != before[:2]:
            raise ValueError("members that are not among the rows of a training change in it")
    if _seen(busy)[1] != _seen(quiet)[1]:
        raise ValueError("a member learns otherwise when other members are taught or reset")
    if _teach(busy, rows=middle) != _teach(quiet, rows=middle):
        raise ValueError("a member goes on otherwise after other members were taught or reset")


def check_reset(make_cohort: MakeCohort) -> None:
    """A member that is reset starts like a new one, optimizer and streams included."""
    used, new = make_cohort(_N), make_cohort(_N)
    _teach(used)
    for cohort in (used, new):
        cohort.reset(np.array([1]), np.array([9]))
    if _seen(used)[1] != _seen(new)[1]:
        raise ValueError("a member that was reset is not what a new one with its seed is")
    if _teach(used)[1] != _teach(new)[1] or _seen(used)[1] != _seen(new)[1]:
        raise ValueError(
            "a member that was reset learns otherwise than a new one: something of its optimizer, "
            "its counters or its random streams was kept"
        )


def check_resume(make_cohort: MakeCohort) -> None:
    """A saved state is a copy, can be stored, and goes on as if nothing had happened."""
    cohort, other = make_cohort(_N), make_cohort(_N)
    cohort.reset(np.arange(_N), np.arange(20, 20 + _N))
    _teach(cohort)
    at_saving, state, file = _seen(cohort), cohort.state_dict(), io.BytesIO()
    torch.save(plain_state(state, "state_dict()"), file)
    learned, after = _teach(cohort), _seen(cohort)
    other.load_state_dict(state)
    if _seen(other) != at_saving:
        raise ValueError(
            "a state that was saved before a training is not what it was then: state_dict must "
            "return copies, and load_state_dict take up all of them"
        )
    file.seek(0)
    other.load_state_dict(restored_state(torch.load(file, weights_only=True)))
    if _teach(other) != learned or _seen(other) != after:
        raise ValueError(
            "a loaded cohort learns otherwise than one that never stopped: something that training "
            "depends on is missing in state_dict"
        )


def check_divergence(make_cohort: MakeCohort) -> None:
    """A member whose loss is not finite is flagged and frozen, and the others go on."""
    cohort, calm = make_cohort(_N), make_cohort(_N)
    state = cohort.state_dict()
    _poison(state, 1)
    cohort.load_state_dict(state)
    losses, calm_losses = _teach(cohort), _teach(calm)
    if np.asarray(cohort.diverged).tolist() != [False, True, False]:
        raise ValueError(
            f"after the weights of member 1 of 3 became NaN and it was trained, diverged must be "
            f"[False, True, False], is {np.asarray(cohort.diverged).tolist()}"
        )
    scores, calm_scores = _seen(cohort), _seen(calm)
    same = [losses[i] for i in (0, 2)] == [calm_losses[i] for i in (0, 2)]
    if not same or scores[::2] != calm_scores[::2]:
        raise ValueError("other members learn otherwise when one diverges")
    for name, values in vars(cohort.evaluate("probe")).items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} of a cohort with a diverged member is not finite: {values}")
    _teach(cohort)
    if _seen(cohort)[1] != scores[1]:
        raise ValueError("a diverged member must be frozen, but it changes when it is trained")
    cohort.reset(np.array([1]), np.array([1]))
    if np.asarray(cohort.diverged).any():
        raise ValueError("a diverged member that was reset is still flagged")


COHORT_CHECKS: dict[str, Callable[[MakeCohort], None]] = {
    "attributes": check_attributes,
    "training": check_training,
    "evaluation": check_evaluation,
    "evaluating": check_evaluating,
    "evaluation size": check_evaluation_size,
    "fresh examples": check_fresh_examples,
    "outcomes": check_outcomes,
    "solo": check_solo,
    "neighbours": check_neighbours,
    "reset": check_reset,
    "resume": check_resume,
}
"""The checks that every cohort passes, by name; `check_divergence` comes on top."""


def _teach(cohort: Cohort, rows: np.ndarray | None = None, fresh: bool = False) -> list[bytes]:
    """Three lessons; what each member reported of them."""
    k = len(cohort.suite)
    reports = []
    for lesson in (np.eye(k)[0], np.full(k, 1 / k), np.eye(k)[k - 1]):
        mixture = np.tile(lesson, (cohort.n if rows is None else len(rows), 1))
        training = cohort.train(mixture, _STEPS, rows, fresh)
        reports.append([training.loss_before, training.loss_after, training.gradient_norm])
    return [part.tobytes() for part in np.moveaxis(np.array(reports), 2, 0)]


def _seen(cohort: Cohort) -> list[bytes]:
    """All figures of each member."""
    evaluations = [vars(cohort.evaluate(split)).values() for split in SPLITS]
    figures = np.stack([values for split in evaluations for values in split])
    return [part.tobytes() for part in np.moveaxis(figures, 1, 0)]


def _poison(state: Any, row: int) -> None:
    """Make NaN, in place, all that is a member's own among the floats of a state."""
    parts = state.values() if isinstance(state, dict) else state
    for part in parts:
        if isinstance(part, list) and len(part) == _N and isinstance(part[row], dict):
            _fill(part[row])
        elif isinstance(part, dict | list | tuple):
            _poison(part, row)
        elif isinstance(part, torch.Tensor) and part.is_floating_point() and part.ndim:
            part[row] = torch.nan
        elif isinstance(part, np.ndarray) and part.dtype.kind == "f" and part.ndim:
            part[row] = np.nan


def _fill(own: Any) -> None:
    """Make every floating-point tensor NaN, in place."""
    for part in own.values() if isinstance(own, dict) else own:
        if isinstance(part, dict | list | tuple):
            _fill(part)
        elif isinstance(part, torch.Tensor) and part.is_floating_point():
            part.fill_(torch.nan)
