"""Reporting a teacher: the report students live one recorded lifetime each under it.

Legend: m students, k tasks, d decisions.
"""

import time
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from lessonplan.envs import Classroom
from lessonplan.envs.classroom import student_key
from lessonplan.student import TaskSuite
from lessonplan.teacher import Replay, ReplayMixtures, Rule

from ..assembly.belonging import own_checkpoint, taking_up, teacher_belongs_to
from ..assembly.build import build_rule, learned_teacher, report_students, rule_teacher
from ..assembly.guarding import with_guards
from ..assembly.natures import mixes_tasks
from ..common.files import write_checkpoint
from ..common.watch import Tell, nowhere
from ..config.config import Config, GuardedSection, LearnedSection, ReplaySection, RuleSection
from ..store.damage import see_that_parts_are_there
from ..store.layout import RunDir, unit_name
from ..store.schedule import recorded_mixtures, recorded_schedules
from .recorder import Recorder
from .teaching import Teaching


def evaluate(
    config: Config,
    suite: TaskSuite,
    run_dir: Path,
    name: str,
    teacher_seed: int,
    parameters: dict[str, Any],
    tell: Tell = nowhere,
) -> dict[str, Any]:
    """Record one lifetime of every report student.

    Args:
        config: the experiment.
        suite: its tasks.
        run_dir: where the parts go and where trained teachers and schedules are.
        name: of the teacher as reported.
        teacher_seed: its seed.
        parameters: tuned ones of a rule.
        tell: told how far it is.

    Returns:
        The number of `lifetimes` and `decisions` that were recorded.
    """
    students = report_students(config.seeds)
    teacher, room = make_teacher(
        config, suite, run_dir, name, teacher_seed, parameters, len(students)
    )
    teaching, files = Teaching(teacher, room, students), RunDir(run_dir)
    belongs_to = teacher_belongs_to(config, config.teacher(name))
    recorder = Recorder(
        files.schedule, name, teacher_seed, room.n, belongs_to, config.lifetime.test_every
    )
    checkpoint = files.checkpoint(unit_name("evaluate", name, teacher_seed))
    state = own_checkpoint(checkpoint, belongs_to, "lifetimes", "recorder")
    with taking_up(checkpoint):
        if state is not None:
            see_that_parts_are_there(files, name, teacher_seed, state["recorder"]["parts"])
            teaching.load_state_dict(state["lifetimes"])
        recorder.resume(state["recorder"] if state else None)
    last_save = time.perf_counter()
    while len(teaching.running):
        recorder.record(room, teaching.step())
        if time.perf_counter() - last_save > config.checkpoint_seconds:
            recorder.flush()
            now = {"lifetimes": teaching.state_dict(), "recorder": recorder.state_dict()}
            write_checkpoint(checkpoint, {"belongs_to": belongs_to} | now)
            last_save = time.perf_counter()
        over = 1.0 - len(teaching.running) / room.n
        used = 1.0 - float(room.facts.spending.remaining.min())
        tell(max(over, used), f"{room.facts.judged.mean():.2f} mean score")
    recorder.flush()
    return {"lifetimes": room.n, "decisions": int(room.facts.decisions.sum())}


def make_teacher(
    config: Config,
    suite: TaskSuite,
    run_dir: Path,
    name: str,
    teacher_seed: int,
    parameters: dict[str, Any],
    n: int,
) -> tuple[BaseAlgorithm, Classroom]:
    """A teacher that is ready to be reported, and a classroom of n that shows it what it needs."""
    teacher = config.teacher(name)
    guards = teacher.guards if isinstance(teacher, GuardedSection) else []
    if isinstance(teacher, GuardedSection):
        teacher = config.teacher(teacher.of)
    if isinstance(teacher, RuleSection):
        rule = build_rule(teacher.rule, teacher.parameters | parameters, config, suite)
        rule = with_guards(rule, guards, suite)
        return rule_teacher(rule, config, suite, n, teacher_seed, teacher.action, looking=teacher)
    if isinstance(teacher, ReplaySection):
        replay = _replay(config, suite, run_dir, teacher, teacher_seed)
        return rule_teacher(replay, config, suite, n, teacher_seed)
    assert isinstance(teacher, LearnedSection)
    path = RunDir(run_dir).teacher_zip(teacher.name, teacher_seed)
    return learned_teacher(
        teacher, path, config, suite, n, teacher_seed,
        deterministic=teacher.deterministic and name != teacher.sampled_name,
        learned_part=name != teacher.prior_name, guards=guards,
    )  # fmt: skip


def _replay(
    config: Config, suite: TaskSuite, run_dir: Path, section: ReplaySection, teacher_seed: int
) -> Rule:
    """The recorded schedules of another teacher, or its mixtures, as a rule."""
    original = config.teacher(section.of)
    belongs_to = teacher_belongs_to(config, original)
    of = run_dir, suite.names, section.of, teacher_seed, belongs_to
    if mixes_tasks(original, config):
        mixtures, students = recorded_mixtures(*of)
        return ReplayMixtures(mixtures, student_key(students), shuffled=section.shuffled)
    schedules, students = recorded_schedules(*of)
    return Replay(schedules, student_key(students), shuffled=section.shuffled)
