"""Students in Ray actors: parts of one environment that live in other processes, on other GPUs.

Legend: n rows, t task places, f columns.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from lessonplan.envs import CurriculumVecEnv, JoinedVecEnv
from lessonplan.student import TaskSuite

from ..cluster.session import ray_session
from ..common.mistakes import own_mistakes
from ..common.own_modules import find_own_modules
from ..common.trust import agreement, take_over
from ..config.config import Course, LearnedSection
from ..config.own_names import own_parts_of
from ..config.sweeps import Resources
from .build import build_suite
from .courses import course_env, most_tasks
from .sharing import is_shared

_SECONDS_TO_BEGIN = 600.0
"""How long an actor may wait for its place; a cluster that grows takes minutes."""
_LOSSES_IN_A_ROW = 5
"""Actors that may die one after the other without a single decision in between."""


class ActorVecEnv(JoinedVecEnv):
    """Students in equal shares in Ray actors, which end with it.

    They are in the session that this process has, in that of the Ray job that it belongs to, or
    else in one that it begins on this machine.

    Args:
        teacher: who learns from them; names the actors and what each of them takes.
        courses: of the teacher; the first actors have students of the first course.

    Raises:
        ValueError: if Ray has no room for the actors.
    """

    def __init__(self, teacher: LearnedSection, courses: list[tuple[Course, TaskSuite]]) -> None:
        cores = os.cpu_count() or 1
        n, share = teacher.students // teacher.actors, teacher.actors // len(courses)
        parts = []
        with ExitStack() as stack:
            stack.enter_context(
                ray_session(None, Resources(cpu=1, gpu=0), cpus=max(teacher.actors, cores))
            )
            _see_that_all_fit(teacher)
            for course, suite in courses:
                shared = _in_rays_store(suite)
                for _ in range(share):
                    parts.append(RemotePart(teacher, course, n, most_tasks(courses), shared))
                    stack.callback(parts[-1].close)
            super().__init__(parts)
            self._open = stack.pop_all()

    def close(self) -> None:
        """End the actors, and the session if it began here."""
        self._open.close()


def _see_that_all_fit(teacher: LearnedSection) -> None:
    import ray

    ray_untyped: Any = ray
    there = ray_untyped.cluster_resources()
    needs = {"CPU": teacher.actors, "GPU": teacher.actors * teacher.actor_gpus}
    for name, amount in needs.items():
        if amount > there.get(name, 0.0):
            raise ValueError(
                f"the {teacher.actors} actors of teacher {teacher.name!r} take {amount:g} {name}s, "
                f"and Ray has {there.get(name, 0.0):g}; set fewer actors or smaller actor_gpus"
            )


def _in_rays_store(suite: TaskSuite) -> list[Any]:
    """A reference to a suite that is not made anew by each actor; nothing where it is."""
    import ray

    ray_untyped: Any = ray
    if not is_shared(suite):
        return []
    try:
        return [ray_untyped.put(suite)]
    except TypeError:
        # Of somebody's own classes or functions that do not travel.
        return []


class Host:
    """Lives in an actor: some of the students of a training.

    Args:
        teacher: who learns from them.
        course: of these students.
        n: students.
        max_tasks: places to show.
        shared: Ray's reference to the suite of the course, in a list so that it is opened here,
            where one's own modules can be found; empty where each process makes its own.
        agreed: what the process has agreed to that the actor works for.
    """

    def __init__(
        self,
        teacher: LearnedSection,
        course: Course,
        n: int,
        max_tasks: int,
        shared: Sequence[Any],
        agreed: Mapping[str, Any],
    ) -> None:
        take_over(agreed)
        find_own_modules(course.modules)
        # The last bit of a product depends on the threads.
        torch.set_num_threads(1)
        suite = self._opened(shared[0]) if shared else build_suite(course)
        parts = own_parts_of(course.model_dump(mode="json"))
        self._own = partial(own_mistakes, "an actor", course.modules, parts)
        with self._own():
            self.env: CurriculumVecEnv = course_env(teacher, course, suite, n, max_tasks)

    @staticmethod
    def _opened(reference: Any) -> TaskSuite:
        import ray

        ray_untyped: Any = ray
        suite: TaskSuite = ray_untyped.get(reference)
        return suite

    def signature(self) -> tuple[tuple[str, ...], spaces.Space[Any], spaces.Space[Any]]:
        """Columns, and the spaces of observations and actions."""
        return self.env.columns, self.env.observation_space, self.env.action_space

    def reset(self, seed: int | None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a lifetime in every row, with new generators if there is a seed."""
        if seed is not None:
            self.env.seed(seed)
        with self._own():
            return self.env.reset(), self._account()

    def step(self, actions: np.ndarray) -> tuple[VecEnvStepReturn, dict[str, Any]]:
        """One decision in every row."""
        with self._own():
            return self.env.step(actions), self._account()

    def state_dict(self) -> dict[str, Any]:
        """What the environment goes on from."""
        with self._own():
            return self.env.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the state of an environment that was built alike."""
        with self._own():
            self.env.load_state_dict(state)

    def _account(self) -> dict[str, Any]:
        """What is known of the lifetimes if this process should be gone a moment later."""
        facts = self.env.room.facts
        return {
            "spent": self.env.spent(),
            "student_seed": facts.student_seed.copy(),
            "decisions": facts.decisions.copy(),
        }


class RemotePart:
    """An environment whose students live in a Ray actor.

    When the actor dies it is replaced: its rows end as truncated with `lost` in their infos, and
    begin new lifetimes with students of their own.

    Args:
        teacher: who learns from the students; says how many GPUs they take.
        course: of these students.
        n: students.
        max_tasks: places to show.
        shared: Ray's reference to the suite of the course in a list, or nothing.
    """

    def __init__(
        self,
        teacher: LearnedSection,
        course: Course,
        n: int,
        max_tasks: int,
        shared: Sequence[Any] = (),
    ) -> None:
        import ray

        self._ray: Any = ray
        # The actor itself, or with its node an answer that was not fetched yet.
        self._death_errors = (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError)
        self._arguments = (teacher, course, n, max_tasks, shared, agreement())
        self._gpus = teacher.actor_gpus
        self.num_envs = n
        self._seed: int | None = None
        self._seed_at_reset: int | None = None
        nothing: dict[str, float] = {"lifetimes": 0, "compute": 0, "student_steps": 0}
        self._lost_spent = nothing
        self._last: dict[str, Any] = {"spent": dict(nothing)}
        self._observation: np.ndarray = np.zeros(0)
        self._pending: Any = None
        self._losses, self._in_a_row = 0, 0
        self._lost = False
        """Whether the actor is a new one, whose rows are not those that the teacher saw."""
        self.actor = self._new_actor()
        self.columns, self.observation_space, self.action_space = self._ask("signature")

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Row i starts over with seed + i at the next reset."""
        self._seed = self._seed_at_reset = seed
        return [None if seed is None else seed + i for i in range(self.num_envs)]

    def reset(self) -> np.ndarray:
        """Begin a lifetime in every row; returns (n, t, f)."""
        seed, self._seed_at_reset = self._seed_at_reset, None
        self._observation, self._last = self._ask("reset", seed)
        self._lost = False
        return self._observation.copy()

    def step_async(self, actions: np.ndarray) -> None:
        """Let the actor begin a decision."""
        self._pending = None if self._lost else self.actor.step.remote(np.asarray(actions))

    def step_wait(self) -> VecEnvStepReturn:
        """What came of it, or the end of all rows if the actor is gone."""
        if self._pending is not None:
            try:
                answer: tuple[VecEnvStepReturn, dict[str, Any]] = self._fetched(self._pending)
            except self._death_errors as error:
                self._replace(error)
            else:
                self._in_a_row = 0
                results, self._last = answer
                self._observation = np.asarray(results[0])
                return results
        return self._end_of_rows()

    def spent(self) -> dict[str, float]:
        """`lifetimes`, `compute` and `student_steps` so far, those of lost actors included."""
        return {name: loss + self._last["spent"][name] for name, loss in self._lost_spent.items()}

    def state_dict(self) -> dict[str, Any]:
        """The environment in the actor and what is known of it here."""
        return {"env": self._ask("state_dict")} | {name: getattr(self, name) for name in _KEPT}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in this actor."""
        self._ask("load_state_dict", state["env"])
        for name in _KEPT:
            setattr(self, name, state[name])

    def close(self) -> None:
        """End the actor and the students in it."""
        self._ray.kill(self.actor)

    def _new_actor(self) -> Any:
        remote = self._ray.remote(num_cpus=1, num_gpus=self._gpus)(Host)
        actor = remote.remote(*self._arguments)
        began, _ = self._ray.wait([actor.signature.remote()], timeout=_SECONDS_TO_BEGIN)
        try:
            self._fetched(began)
        except self._death_errors as error:
            if getattr(error, "actor_init_failed", False):
                reason = str(error).strip().splitlines()[-1]
                raise ValueError(f"a Ray actor with students can't begin: {reason}") from error
        if not began:
            self._ray.kill(actor)
            raise RuntimeError(
                f"Ray found no place for an actor with students in {_SECONDS_TO_BEGIN:.0f} s; "
                "others hold the cores or GPUs: look with `ray status`, and go on with --resume"
            )
        return actor

    def _fetched(self, reference: Any) -> Any:
        """The answer behind a reference; a sentence in the actor is the same sentence here."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ValueError):
                raise error.cause from error
            raise

    def _ask(self, method: str, *arguments: Any) -> Any:
        """The answer of the actor, or of the one that replaces it."""
        while True:
            try:
                return self._fetched(getattr(self.actor, method).remote(*arguments))
            except self._death_errors as error:
                self._replace(error)

    def _replace(self, error: Exception) -> None:
        """A new actor in place of one that is gone."""
        self._losses += 1
        self._in_a_row += 1
        if self._in_a_row > _LOSSES_IN_A_ROW:
            raise RuntimeError(
                f"{self._in_a_row} Ray actors with students died one after the other; look for "
                "memory and the driver of the GPU in Ray's logs, and go on with --resume"
            ) from error
        for name, value in self._last["spent"].items():
            self._lost_spent[name] += value
        self._last["spent"] = dict.fromkeys(self._lost_spent, 0)
        self.actor = self._new_actor()
        self._lost = True

    def _end_of_rows(self) -> VecEnvStepReturn:
        """The end of every row, and the beginning of the next lifetimes."""
        infos = [
            {
                "terminal_observation": observation.copy(),
                "TimeLimit.truncated": True,
                "lost": True,
                "student_seed": int(self._last["student_seed"][row]),
                "decisions": int(self._last["decisions"][row]),
            }
            for row, observation in enumerate(self._observation)
        ]
        # Other students than those that were lost, and again the same ones in a repetition.
        entropy = np.random.SeedSequence([self._seed or 0, self._losses])
        self._observation, self._last = self._ask("reset", int(entropy.generate_state(1)[0]))
        self._lost = False
        n = self.num_envs
        return self._observation.copy(), np.zeros(n, np.float32), np.ones(n, bool), infos


_KEPT = (
    "_seed", "_seed_at_reset", "_lost_spent", "_last", "_observation", "_losses", "_lost",
)  # fmt: skip
