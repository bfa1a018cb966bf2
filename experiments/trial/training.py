"""Training a learned teacher over many lifetimes, and selecting among its checkpoints."""

import io
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from lessonplan.student import TaskSuite
from lessonplan.teacher import (
    LearnerStreams,
    global_state,
    keep_card,
    load_teacher,
    save_teacher,
)
from lessonplan.teacher.learners import CMAES, beside_zip, load_beside_zip

from ..assembly.belonging import own_checkpoint, taking_up, teacher_belongs_to
from ..assembly.build import build_learner
from ..assembly.courses import courses_of, most_tasks
from ..assembly.taken_teachers import course_digest
from ..assembly.training_envs import training_env
from ..common.files import write_checkpoint, write_whole
from ..common.trust import is_trusted
from ..common.watch import Tell, nowhere
from ..config.config import Config, LearnedSection
from ..config.sections.course import looks_of
from ..store.cards import Cost
from ..store.layout import RunDir, unit_name
from ..store.learned_schedules import LearnedSchedules
from ..store.training_log import TrainingLog
from .candidates import Judge, best_candidate
from .tuning import Lives, choose_best, choose_over_prior
from .watching import LifetimeMeans, Pupils

_PARTS = ("zip", "beside", "env", "streams", "seconds", "curve")
"""Of a checkpoint, in all versions."""


class TeacherTraining:
    """One learned teacher from one seed: train, checkpoint, select.

    Args:
        config: the experiment.
        teacher: what to train.
        seed: of the teacher.
        suite: the tasks of the experiment (a teacher may be trained on another course).
        run_dir: for checkpoints, candidates and the training log.
        tell: told how far it is.
    """

    def __init__(
        self,
        config: Config,
        teacher: LearnedSection,
        seed: int,
        suite: TaskSuite,
        run_dir: Path,
        tell: Tell = nowhere,
    ) -> None:
        self.config, self.teacher, self.seed, self.tell = config, teacher, seed, tell
        self.courses = courses_of(config, teacher, suite)
        self.files, self._unit = RunDir(run_dir), unit_name("train", teacher.name, seed)
        self._checkpoint = self.files.checkpoint(self._unit)
        self._belongs_to = teacher_belongs_to(config, teacher)
        self.log = TrainingLog(self.files.training_log(teacher.name, seed))
        self._schedules = LearnedSchedules(self.files.learned_schedules(teacher.name, seed))
        self.means = LifetimeMeans(teacher.students)
        self._pupils: Pupils | None = None
        self.env = training_env(teacher, self.courses)
        self.streams = LearnerStreams(seed)
        self.seconds = 0.0
        self.curve: list[dict[str, float]] = []
        """Mean length and mastered share of the lifetimes that ended in each stretch."""

    def run(self) -> dict[str, Any]:
        """Train to the end, select a candidate and return what it took.

        Returns:
            `candidate` (file), which it is of all (`best`) and how it was `chosen` in words where
            costs did not tell, `selection` (mean cost of each, the prior first where there is one;
            `selection_area` and `selection_mastered` beside it), the learning `curve`, and the
            costs `lifetimes`, `compute`, `student_steps`, `wall_seconds` with selecting included.
            With a prior also whether it was kept, `prior_kept`, and of the first seed what it is
            worth to the selection students, `prior_selection_cost` and `prior_selection_area`.
        """
        try:
            return self._select([0] * bool(self.teacher.prior) + self._train())
        finally:
            self.env.close()

    def keep(self, candidate: str, result: Mapping[str, Any]) -> None:
        """Put a candidate where the run has its teachers, with what is known of it in its file.

        Args:
            candidate: name of its file.
            result: what `run` returned.
        """
        source, teacher = self.files.checkpoints / candidate, self.teacher
        sizes = [len(suite) for _, suite in self.courses]
        card = {
            "name": teacher.name,
            "seed": self.seed,
            "deterministic": teacher.deterministic,
            "parameters": {"algorithm": teacher.algorithm, "width": teacher.width}
            | teacher.settings,
            "tasks": [min(sizes), max(sizes)],
            "courses": [course_digest(course) for course, _ in self.courses],
            "other_course": bool(teacher.courses),
            "looking": self._looking(),
            "selection_cost": result["selection"][best_candidate(result)],
            "training": asdict(Cost.of(result)),
        }

        def write(aside: Path) -> None:
            shutil.copyfile(source, aside)
            keep_card(aside, card)

        write_whole(self.files.teacher_zip(teacher.name, self.seed), write)

    def _looking(self) -> dict[str, Any]:
        """How it looks at its students, without what is another in some of its courses."""
        first, *others = (looks_of(course.lifetime, self.teacher) for course, _ in self.courses)
        return {key: x for key, x in first.items() if all(other[key] == x for other in others)}

    def _train(self) -> list[int]:
        """Train what is left; returns the training decisions after which candidates were kept."""
        model = self._resume() or self.begin()
        places = self.places(model)
        total = places[-1]
        if model.num_timesteps < total:
            self._clock = time.perf_counter()
            keeper = _Checkpoints(self, places)
            with self.streams.running():
                model.learn(
                    total - model.num_timesteps,
                    callback=keeper,
                    log_interval=self._log_interval(model),
                    reset_num_timesteps=model.num_timesteps == 0,
                )
            self.log.end(model)
            for place in (one for one in places if one > keeper.boundary):
                self.save_candidate(model, place)
            if self.teacher.watch:
                self.look(model)
            self.save(model, self.streams.state)
        return places

    def candidate_path(self, decisions: int) -> Path:
        """File of the candidate that had had this many training decisions."""
        return self.files.candidate(self._unit, decisions)

    def save_candidate(self, model: BaseAlgorithm, place: int) -> None:
        """Keep the teacher as it is now, as the candidate of this place."""

        # Through a handle: a name would be given an ending.
        def write(aside: Path) -> None:
            with aside.open("wb") as handle:
                save_teacher(model, handle)

        write_whole(self.candidate_path(place), write)

    def save(self, model: BaseAlgorithm, streams: dict[str, Any]) -> None:
        """Write the checkpoint: the teacher's zip, what is beside it, environment and streams.

        To be called at the boundary of a rollout.
        """
        now = time.perf_counter()
        self.seconds += now - self._clock
        self._clock = now
        zipped = io.BytesIO()
        save_teacher(model, zipped)
        write_checkpoint(
            self._checkpoint,
            {
                "belongs_to": self._belongs_to,
                "zip": zipped.getvalue(),
                "beside": beside_zip(model),
                "env": self.env.state_dict(),
                "streams": streams,
                "seconds": self.seconds,
                "curve": self.curve,
                "log": self.log.state_dict(),
                "means": self.means.state_dict(),
                "schedules": self._schedules.state,
            },
        )

    def begin(self) -> BaseAlgorithm:
        """The teacher before its training, on students of its own, with an empty log."""
        model = build_learner(self.teacher, self.env, self.streams, self.seed)
        # SB3's constructor has given row i the seed of the teacher plus i; two teachers would meet
        # nearly the same students.
        self.env.seed(self.seed * self.teacher.students)
        self.log.begin(model)
        self._schedules.begin()
        if self.teacher.prior:
            # As its prior it is a candidate too: what was learned must be worth it.
            self.save_candidate(model, 0)
        return model

    def _resume(self) -> BaseAlgorithm | None:
        state = own_checkpoint(self._checkpoint, self._belongs_to, *_PARTS)
        if state is None:
            return None
        with taking_up(self._checkpoint):
            return self._taken_up(state)

    def _taken_up(self, state: dict[str, Any]) -> BaseAlgorithm:
        zipped = io.BytesIO(state["zip"])
        model = load_teacher(zipped, self.env, force_reset=False, trust=is_trusted())
        self.log.begin(model, state.get("log"))
        self._schedules.begin(state.get("schedules", ()))
        if "means" in state:
            self.means.load_state_dict(state["means"])
        load_beside_zip(model, state["beside"])
        self.env.load_state_dict(state["env"])
        self.streams.state = state["streams"]
        self.seconds, self.curve = state["seconds"], state["curve"]
        return model

    def look(self, model: BaseAlgorithm) -> None:
        """Write down what the teacher, as it is now, gives its pupils.

        It takes no part in the training, and is not counted in what that took.
        """
        began = time.perf_counter()
        if self._pupils is None:
            course, suite = self.courses[0]
            places = most_tasks(self.courses)
            self._pupils = Pupils(self.teacher, course, suite, places, self.seed)
        schedule = self._pupils.taught(model)
        self._schedules.add(schedule)
        self.log.add(schedule.decisions, schedule.numbers)
        self._clock += time.perf_counter() - began

    def stretch(self, model: BaseAlgorithm) -> int:
        """Training decisions between the boundaries where things are kept.

        Whole rollouts of a policy gradient, or whole turns of collecting and replaying; several of
        them where they are shorter than a hundredth of the training. A search by whole lifetimes
        ends its generations where it may, and keeps things at the first end after a boundary.
        """
        learner: Any = model
        if isinstance(model, CMAES):
            return max(1, self.teacher.decisions // 100)
        rollout = learner.n_steps
        if isinstance(model, OffPolicyAlgorithm):
            rollout, unit = learner.train_freq
            if unit.value != "step":
                raise ValueError(
                    f"train_freq of teacher {self.teacher.name!r} must be a number of steps, got "
                    f"{rollout} {unit.value}s"
                )
        decisions = int(rollout) * self.teacher.students
        return decisions * max(1, self.teacher.decisions // (100 * decisions))

    def _log_interval(self, model: BaseAlgorithm) -> int:
        """How often SB3 dumps its log: every stretch, or every four lifetimes of a value learner.

        SB3 counts a policy gradient's rollouts from where `learn` was called: only if every stretch
        ends with a dump does a resumed training dump where an undisturbed one does.
        """
        if isinstance(model, OffPolicyAlgorithm):
            return 4
        learner: Any = model
        if isinstance(model, CMAES):
            return 1
        return self.stretch(model) // (int(learner.n_steps) * self.teacher.students)

    def places(self, model: BaseAlgorithm) -> list[int]:
        """Training decisions after which candidates are kept: the end, and tenths before it."""
        stretch = self.stretch(model)
        stretches = math.ceil(self.teacher.decisions / stretch)
        tenth = max(1, stretches // 10)
        places = {max(1, stretches - tenth * i) for i in range(self.teacher.candidates)}
        return [stretch * place for place in sorted(places)]

    def looks(self, model: BaseAlgorithm, total: int) -> set[int]:
        """Training decisions after which the teacher is looked at: the first, and even ones.

        The last look, at the end, is not among them.
        """
        stretch, count = self.stretch(model), self.teacher.watch
        stretches = total // stretch
        return {stretch * (stretches * i // count) for i in range(count)}

    def _select(self, places: list[int]) -> dict[str, Any]:
        """Let each candidate teach the selection students; the best wins, as among settings."""
        began, expenses = time.perf_counter(), self.env.spent()
        judge = Judge(self.config, self.teacher, self.seed, self.courses, expenses)
        every: list[Lives] = []
        for place in places:
            self.tell(1.0, f"selecting: candidate {len(every) + 1} of {len(places)}")
            every.append(judge.lives(self.candidate_path(place)))
            self.log.add(place, {"selection/cost": every[-1].worth.cost})
        worths = [lives.worth for lives in every]
        choice = choose_over_prior(every) if self.teacher.prior else choose_best(worths)
        return {
            "candidate": self.candidate_path(places[choice.best]).name,
            "best": choice.best,
            "chosen": choice.sentence,
            "selection": [worth.cost for worth in worths],
            "selection_area": [worth.area for worth in worths],
            "selection_mastered": [worth.mastered for worth in worths],
            **self._prior(places, choice.best),
            "curve": self.curve,
            **expenses,
            "wall_seconds": self.seconds + time.perf_counter() - began,
        }

    def _prior(self, places: list[int], best: int) -> dict[str, Any]:
        """Whether it was kept, and what it is worth to the selection students; no training cost."""
        teacher = self.teacher
        if not teacher.prior:
            return {}
        kept = {"prior_kept": places[best] == 0}
        if self.seed != self.config.seeds.teacher or teacher.courses:
            return kept
        spent = dict.fromkeys(("lifetimes", "compute", "student_steps"), 0.0)
        judge = Judge(self.config, teacher, self.seed, self.courses, spent)
        prior = judge.lives(self.candidate_path(places[0]), learned_part=False).worth
        return kept | {"prior_selection_cost": prior.cost, "prior_selection_area": prior.area}


class _Checkpoints(BaseCallback):
    """Where stretches end: learning curve, candidates, checkpoints, progress."""

    def __init__(self, training: TeacherTraining, places: list[int]) -> None:
        super().__init__()
        self.training, self.places = training, places
        self._last_save = time.perf_counter()
        self._has_begun = False
        self._lifetimes: list[dict[str, Any]] = []
        self._looks: set[int] = set()
        self.boundary = 0
        """Training decisions when things were last kept."""

    def _on_training_start(self) -> None:
        self.boundary = self.num_timesteps
        self._looks = self.training.looks(self.model, self.places[-1])

    def _on_step(self) -> bool:
        self._lifetimes += [
            info
            for info in self.locals["infos"]
            if "decisions" in info and not info.get("lost", False)
        ]
        means = self.training.means
        seen = self.locals
        for name, mean in means.step(seen["rewards"], seen["dones"], seen["infos"]).items():
            self.logger.record(name, mean)
        return True

    def _on_rollout_start(self) -> None:
        """What was collected has been learned from; nothing of the next rollout has happened."""
        training = self.training
        if not self._has_begun:
            self._has_begun = True
            if self.num_timesteps == 0 in self._looks:
                training.look(self.model)
            return
        before, now = self.boundary, self.num_timesteps
        stretch = training.stretch(self.model)
        if now // stretch == before // stretch:
            return
        self.boundary = now
        if self._lifetimes:
            training.curve.append(
                {
                    "decisions": float(self.num_timesteps),
                    "length": float(np.mean([info["decisions"] for info in self._lifetimes])),
                    "mastered": float(
                        np.mean([not info["TimeLimit.truncated"] for info in self._lifetimes])
                    ),
                }
            )
        self._lifetimes = []
        for place in self.places:
            if before < place <= now:
                training.save_candidate(self.model, place)
        if any(before < place <= now for place in self._looks):
            training.look(self.model)
        if time.perf_counter() - self._last_save > training.config.checkpoint_seconds:
            training.save(self.model, global_state())
            self._last_save = time.perf_counter()
        training.tell(self.num_timesteps / self.places[-1], self._words())

    def _words(self) -> str:
        curve = self.training.curve
        return f"lifetimes of {curve[-1]['length']:.0f} decisions" if curve else "training"
