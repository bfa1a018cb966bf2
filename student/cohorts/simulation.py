"""Students without a network: skills on a graph of prerequisites, for studying teachers cheaply.

A student is one level in [0, 1] per task, and a lesson is arithmetic on levels, so a lifetime of
hundreds of decisions costs microseconds. In student step t, with mixture m of the batch,

    effort_i    = rate_i b m_i luck_i(t) + transfer * sum of the efforts of the tasks that need i
    readiness_i = unready + (1 - unready) (lowest level of i's prerequisites)^2
    level_i    <- level_i + min(effort_i, 1) readiness_i (1 - level_i)
    level_i    <- level_i (1 - forgetting (1 - m_i))

so a task is learned fast once what it needs is known, rehearses what it needs, and fades while
other tasks are practised. A measured score is the level with the noise of a test of e questions.

What the examples of a lesson of s steps showed is what such a test shows, with the examples as its
questions: their number is the expected s b m_i, the level is the mean of those before each step,
and with c the chance to guess,

    accuracy_i = c + (1 - c) level_i + noise of s b m_i questions, in [0, 1]

Legend: n students, k tasks, r rows named in a call, c pairs of row and task that are practised.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ..contract.cohort import Outcomes, Rows, Training, check_sizes, checked_mixture, fewer
from ..contract.scoring import Evaluation
from ..contract.streams import stream_key, uniform
from ..contract.tasks import SPLITS, Task, TaskSuite, blank_splits

_TALENT, _LUCK, _LESSON, _EVALUATION = 401, 402, 403, 410
_GUESS = 0.01
"""Probability of the answer at level 0: keeps the loss -log p finite."""


def simulated(n_tasks: int = 12, width: int = 3) -> TaskSuite:
    """Tasks in layers of `width`, each needing one or two of the layer before.

    Task j of a layer needs tasks j and j + 1 (the first after the last) of the layer before: paths
    branch and join. `width=1` is a chain, and `width=n_tasks` is flat. The true order is layer by
    layer.

    Raises:
        ValueError: unless `n_tasks` and `width` are at least 1 and `width` at most `n_tasks`.
    """
    if not 1 <= width <= n_tasks:
        raise ValueError(f"width must be in [1, n_tasks = {n_tasks}], got {width}")
    tasks: list[Task] = []
    for i in range(n_tasks):
        layer, place = divmod(i, width)
        needed = sorted({place, (place + 1) % width}) if layer else []
        tasks.append(
            Task(
                name=f"skill-{layer + 1}.{place + 1}",
                splits=blank_splits(train=1000, probe=128, test=128, stress=128),
                difficulty=float(layer + 1),
                skills=(f"skill-{layer + 1}.{place + 1}",),
                prerequisites=tuple(f"skill-{layer}.{other + 1}" for other in needed),
                category=f"layer-{layer + 1}",
                endless=True,
            )
        )
    return TaskSuite("simulated", tuple(tasks), n_outputs=1, cohort="simulated")


class SimulatedCohort:
    """n students whose levels follow the formulas of this module; none ever diverges.

    Args:
        suite: the tasks; only their prerequisites and sizes are used.
        n: members.
        batch_size: training examples per student step, b.
        evaluation_size: questions per test, e; fewer where a split holds fewer.
        rate: effort of one training example.
        talent: spread of the rates; those of each student and task are drawn from
            rate (1 +- talent).
        luck: spread of the effort of each batch, 1 +- luck.
        transfer: share of a task's effort that also goes to each of its prerequisites.
        forgetting: share of a level that a student step without the task takes away.
        unready: readiness of a task whose prerequisites are not known at all.
    """

    def __init__(
        self,
        suite: TaskSuite,
        n: int,
        *,
        batch_size: int = 32,
        evaluation_size: int = 128,
        rate: float = 5e-4,
        talent: float = 0.3,
        luck: float = 0.5,
        transfer: float = 0.2,
        forgetting: float = 3e-5,
        unready: float = 0.02,
    ) -> None:
        check_sizes(n=n, batch_size=batch_size, evaluation_size=evaluation_size)
        shares = {"rate": rate, "talent": talent, "luck": luck, "transfer": transfer}
        for name, share in {**shares, "forgetting": forgetting, "unready": unready}.items():
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{name} of a simulated student must be in [0, 1], got {share}")
        self.suite, self.n = suite, n
        self.batch_size, self.evaluation_size = batch_size, evaluation_size
        self.diverged = np.zeros(n, dtype=bool)
        self._rate, self._talent, self._luck = rate, talent, luck
        self._transfer, self._forgetting, self._unready = transfer, forgetting, unready
        self._needs, self._helps = _neighbours(suite)
        self._chance = suite.values("chance")
        shape = (n, len(suite))
        self._level, self._rates = np.zeros(shape), np.zeros(shape)
        self._practised = np.zeros(shape, dtype=np.int64)
        self._taken, self._seeds = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.reset(np.arange(n), np.arange(n))

    def reset(self, rows: Rows, seeds: np.ndarray) -> None:
        """Return these members to level 0 with the talents that their seeds draw."""
        self._seeds[rows] = seeds
        self._level[rows], self._practised[rows], self._taken[rows] = 0.0, 0, 0
        self._draw_talents(np.asarray(rows))

    def train(
        self,
        mixture: np.ndarray,
        steps: int,
        rows: Rows | None = None,
        fresh: bool = False,
        by_task: bool = False,
    ) -> Training:
        """See `Cohort.train`; the expected loss of a batch, which is the same on a fresh one."""
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        mixture = checked_mixture(mixture, steps, rows, len(self.suite))
        level = self._level[rows]
        before = _weighted(mixture, _loss(level))
        row, task = np.nonzero(mixture)
        practised = self._practised[rows[row], task]
        key = stream_key(self._seeds[rows[row]], _LUCK, task)
        lots = uniform(key, practised + np.arange(steps)[:, None])  # (steps, c)
        luck = 1.0 + self._luck * (2.0 * lots - 1.0)
        effort = self._rates[rows[row], task] * self.batch_size * mixture[row, task]
        kept = 1.0 - self._forgetting * (1.0 - mixture)
        direct, shown = np.zeros_like(level), np.zeros_like(level)
        for step in range(steps):
            if by_task:
                shown += level
            direct[row, task] = effort * luck[step]
            level += self._effort(direct) * self._readiness(level) * (1.0 - level)
            level *= kept
        count = mixture * steps * self.batch_size
        outcomes = self._shown(rows, count, shown / steps) if by_task else None
        self._level[rows] = level
        self._practised[rows[row], task] = practised + steps
        self._taken[rows] += steps
        brought = Training.of_losses(before, _weighted(mixture, _loss(level)))
        return replace(brought, by_task=outcomes)

    def _shown(self, rows: Rows, count: np.ndarray, level: np.ndarray) -> Outcomes:
        """Outcomes of (r, k) questions at these levels; the noise goes by seed and lesson alone."""
        accuracy = self._chance + (1.0 - self._chance) * level
        key = stream_key(self._seeds[rows, None], _LESSON, np.arange(len(self.suite)))
        lots = uniform(key, self._practised[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = _noise(accuracy, count, lots)
        right = np.where(count > 0, np.clip(accuracy + noise, 0.0, 1.0), 0.0)
        return Outcomes(count, count * right, count * _loss(right))

    def evaluate(
        self,
        split: str,
        tasks: np.ndarray | None = None,
        rows: Rows | None = None,
        size: int | None = None,
    ) -> Evaluation:
        """See `Cohort.evaluate`; on `stress` a student scores the square of its level.

        The noise depends on the student, its step, the split and the task alone.
        """
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        rows = np.arange(self.n) if rows is None else np.asarray(rows)
        task = np.arange(len(self.suite))[None] if tasks is None else np.asarray(tasks)[:, None]
        level = self._level[rows[:, None], task]
        level = level * level if split == "stress" else level
        key = stream_key(self._seeds[rows, None], _EVALUATION + SPLITS.index(split), task)
        lots = uniform(key, self._taken[rows, None])
        most = fewer(self.evaluation_size, size)
        questions = np.minimum(self.suite.sizes(split), most)[task]
        score = np.clip(level + _noise(level, questions, lots), 0.0, 1.0)
        figures = (score, _loss(score), np.abs(score - level))
        return Evaluation(*(figure.astype(np.float32) for figure in figures))

    def state_dict(self) -> dict[str, Any]:
        """Levels and positions of the random streams of all members."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a cohort of the same suite and size."""
        for name, array in self._arrays().items():
            if state[name].shape != array.shape:
                raise ValueError(
                    f"the state holds {name!r} of shape {state[name].shape}, this cohort's is "
                    f"{array.shape}; build it with the same suite and n"
                )
            array[:] = state[name]
        self._draw_talents(np.arange(self.n))

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "level": self._level, "practised": self._practised,
            "taken": self._taken, "seeds": self._seeds,
        }  # fmt: skip

    def _draw_talents(self, rows: Rows) -> None:
        key = stream_key(self._seeds[rows, None], _TALENT, np.arange(len(self.suite)))
        self._rates[rows] = self._rate * (1.0 + self._talent * (2.0 * uniform(key, 0) - 1.0))

    def _effort(self, direct: np.ndarray) -> np.ndarray:
        """Effort on every task when that of the batch itself is `direct`, (r, k)."""
        effort = direct.copy()
        for tasks, helpers in self._helps:
            effort[:, tasks] += self._transfer * direct[:, helpers]
        return np.asarray(np.minimum(effort, 1.0))

    def _readiness(self, level: np.ndarray) -> np.ndarray:
        """How well what each task needs is known, (r, k) in [unready, 1]."""
        lowest = np.ones_like(level)
        for tasks, needed in self._needs:
            lowest[:, tasks] = np.minimum(lowest[:, tasks], level[:, needed])
        return np.asarray(self._unready + (1.0 - self._unready) * lowest * lowest)


Slot = tuple[np.ndarray, np.ndarray]
"""Tasks that have so many neighbours, and that neighbour of each, int64 of one shape."""


def _neighbours(suite: TaskSuite) -> tuple[list[Slot], list[Slot]]:
    """What each task needs, and what needs it: the first of each task, the second, and so on."""
    index = {name: i for i, name in enumerate(suite.names)}
    needs = [[index[name] for name in task.prerequisites] for task in suite.tasks]
    helps: list[list[int]] = [[] for _ in needs]
    for task, needed in enumerate(needs):
        for other in dict.fromkeys(needed):
            helps[other].append(task)
    return _slots(needs), _slots(helps)


def _slots(neighbours: list[list[int]]) -> list[Slot]:
    # Slot by slot every number is added in one order, however many students there are.
    slots: list[list[tuple[int, int]]] = [[] for _ in range(max(map(len, neighbours)))]
    for task, others in enumerate(neighbours):
        for slot, other in zip(slots, others, strict=False):
            slot.append((task, other))
    return [(pairs[:, 0], pairs[:, 1]) for pairs in map(np.array, slots)]


def _loss(level: np.ndarray) -> np.ndarray:
    """Cross-entropy of a student that knows an answer with this probability, in nats."""
    return np.asarray(-np.log(_GUESS + (1.0 - _GUESS) * level))


def _noise(p: np.ndarray, questions: np.ndarray, lots: np.ndarray) -> np.ndarray:
    """Error of a test with this probability of the answer, for numbers in [0, 1) drawn."""
    # Uniform numbers between -sqrt(3) and sqrt(3) have a variance of 1.
    return np.asarray(np.sqrt(3.0 * p * (1.0 - p) / questions) * (2.0 * lots - 1.0))


def _weighted(mixture: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Mean loss of the tasks in a mixture, (r, k), (r, k) -> (r,)."""
    return np.asarray((mixture * loss).sum(axis=1))
