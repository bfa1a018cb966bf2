"""The pieces of work of a trial: each leaves one file when it is done, in any process.

A unit that was killed is done again from its last checkpoint; a unit whose file is there is never
done twice. So a trial is resumed by doing what is missing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lessonplan.envs.classroom import check_belonging
from lessonplan.student import TaskSuite
from lessonplan.teacher import RULES

from ..assembly.belonging import teacher_belongs_to
from ..common.files import write_json
from ..common.mistakes import own_mistakes
from ..common.watch import Tell, nowhere
from ..config.config import Config, GuardedSection, LearnedSection, ReplaySection, RuleSection
from ..config.own_names import own_parts_of
from ..store.damage import DamagedError, read_unit, see_that_it_is_whole
from ..store.layout import RunDir, unit_name
from .candidates import select_prior
from .evaluation import evaluate
from .training import TeacherTraining
from .tuning import begun_at, select, tune


@dataclass(frozen=True)
class Unit:
    """One piece of work.

    Attributes:
        kind: `tune`, `select` (what is not tuned lives with the selection students, as does the
            prior of a teacher that was trained elsewhere), `train` or `evaluate`.
        teacher: name as reported.
        seed: of the teacher.
        after: names of the units that must be done before.
        weight: rough share of the whole work, for ordering.
        belongs_to: what its file belongs to; where that is not said, any is taken.
    """

    kind: str
    teacher: str
    seed: int
    after: tuple[str, ...] = ()
    weight: float = 1.0
    belongs_to: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Name of the unit and of its file."""
        return unit_name(self.kind, self.teacher, self.seed)

    def file(self, run_dir: Path) -> Path:
        """What is there when the unit is done."""
        return RunDir(run_dir).unit(self.name)

    def result(self, run_dir: Path) -> dict[str, Any] | None:
        """What the unit returned; None if it is not done, or its file is damaged.

        Raises:
            ValueError: if its file is of another run.
        """
        path = self.file(run_dir)
        try:
            value = read_unit(RunDir(run_dir), self.kind, self.teacher, self.seed)
        except DamagedError:
            return None
        # Earlier versions did not write what a file belongs to.
        if value is not None and "belongs_to" in value:
            check_belonging(
                value["belongs_to"],
                self.belongs_to,
                what=path.name,
                whose="this run",
                way_out=f"delete {path}, and --resume does this unit again",
            )
        return value

    def damage(self, run_dir: Path) -> str:
        """What is damaged of all that the unit left, in words; empty if nothing is.

        Raises:
            ValueError: if its file is of another run.
        """
        self.result(run_dir)
        try:
            see_that_it_is_whole(RunDir(run_dir), self.kind, self.teacher, self.seed)
        except DamagedError as error:
            return str(error)
        return ""

    def is_done(self, run_dir: Path) -> bool:
        """Whether nothing is left to do: all that it leaves is there, and whole."""
        return not self.damage(run_dir) and self.result(run_dir) is not None


def plan(config: Config) -> list[Unit]:
    """All units of a trial, the longest first among those that can begin."""
    units: list[Unit] = []
    first = config.seeds.teacher
    for teacher in config.teachers:
        if isinstance(teacher, RuleSection):
            needs: tuple[str, ...] = ()
            if teacher.tune:
                weight = _weight_of_tuning(teacher, config)
                units.append(Unit("tune", teacher.name, first, weight=weight))
                needs = (units[-1].name,)
            elif not _is_ceiling(teacher):
                units.append(Unit("select", teacher.name, first))
            units.append(Unit("evaluate", teacher.name, first, needs))
        elif isinstance(teacher, LearnedSection):
            units += _learned(teacher, first)
    for teacher in config.teachers:
        if isinstance(teacher, GuardedSection):
            units += _guarded(teacher, config, units)
    for teacher in config.teachers:
        if isinstance(teacher, ReplaySection):
            units += [
                Unit("evaluate", teacher.name, unit.seed, (unit.name,))
                for unit in list(units)
                if unit.kind == "evaluate" and unit.teacher == teacher.of
            ]
    names = {unit.teacher for unit in units}
    belongs_to = {name: teacher_belongs_to(config, config.teacher(name)) for name in names}
    whole = [replace(unit, belongs_to=belongs_to[unit.teacher]) for unit in units]
    return sorted(whole, key=lambda unit: -unit.weight)


def _learned(teacher: LearnedSection, first: int) -> list[Unit]:
    """Units of a learned teacher and its twins, whose first seed is this."""
    units: list[Unit] = []
    for seed in range(first, first + teacher.seeds):
        tuned = (unit_name("tune", teacher.begin_at, first),) * bool(teacher.begin_at)
        train = Unit("train", teacher.name, seed, tuned, weight=100.0)
        # One that comes from a file is not trained again.
        units += [] if teacher.origin else [train]
        before = () if teacher.origin else (train.name,)
        units.append(Unit("evaluate", teacher.name, seed, before, 2.0))
        # With its learned part off it is the same whatever it has learned.
        twins = [one for one in teacher.twins if seed == first or one != teacher.prior_name]
        units += [Unit("evaluate", twin, seed, before) for twin in twins]
        if teacher.prior_name in twins and (teacher.origin or teacher.courses):
            # Training on the course of the experiment tells of its prior what this does.
            units.append(Unit("select", teacher.prior_name, seed, before))
    return units


def _guarded(teacher: GuardedSection, config: Config, units: Iterable[Unit]) -> list[Unit]:
    """Units of guards around a teacher, which wait for its tuning or training."""
    own = [unit for unit in units if unit.teacher == teacher.of and unit.kind == "evaluate"]
    found = [Unit("evaluate", teacher.name, unit.seed, unit.after, unit.weight) for unit in own]
    if isinstance(config.teacher(teacher.of), RuleSection):
        found += [Unit("select", teacher.name, unit.seed, unit.after) for unit in own]
    return found


def _weight_of_tuning(teacher: RuleSection, config: Config) -> float:
    """Share of the work that tuning a rule is; what trainings wait for comes before all."""
    begun = {one.begin_at for one in config.teachers if isinstance(one, LearnedSection)}
    most = max(3.0, config.tuning.lifetimes / config.seeds.report)
    return 200.0 + most if teacher.name in begun else most


def see_that_it_can_go_on(config: Config, remaining: Iterable[Unit]) -> None:
    """Refuse to tune a rule in a run of an earlier version, which tuned by another optimiser.

    Raises:
        ValueError: naming the first rule that is not tuned yet.
    """
    left = next((unit.teacher for unit in remaining if unit.kind == "tune"), "")
    if left and config.earlier_candidates is not None:
        raise ValueError(
            f"this run was begun by a version that tuned rules otherwise, and {left!r} is not "
            "tuned yet; begin a new run, or report what is done with `lessonplan report`"
        )


def do(unit: Unit, config: Config, suite: TaskSuite, run_dir: Path, tell: Tell = nowhere) -> None:
    """Do one unit and leave its file."""
    parts = own_parts_of(config.model_dump(mode="json"))
    with own_mistakes(unit.name, config.modules, parts):
        result = _WORK[unit.kind](unit, config, suite, run_dir, tell)
    write_json(unit.file(run_dir), result | {"belongs_to": unit.belongs_to})
    RunDir(run_dir).checkpoint(unit.name).unlink(missing_ok=True)


def _is_ceiling(teacher: RuleSection) -> bool:
    """Whether it is no opponent; what one's own rule is, is not looked up for a list of work."""
    return getattr(RULES.get(teacher.rule), "kind", "") == "ceiling"


def _tune(
    unit: Unit, config: Config, suite: TaskSuite, run_dir: Path, tell: Tell
) -> dict[str, Any]:
    teacher = config.teacher(unit.teacher)
    assert isinstance(teacher, RuleSection)
    return tune(config, teacher, suite, RunDir(run_dir).checkpoint(unit.name), tell)


def _select(
    unit: Unit, config: Config, suite: TaskSuite, run_dir: Path, tell: Tell
) -> dict[str, Any]:
    teacher = config.teacher(unit.teacher)
    if isinstance(teacher, LearnedSection):
        file = RunDir(run_dir).teacher_zip(teacher.name, unit.seed)
        return select_prior(config, teacher, unit.seed, suite, file)
    guards = teacher.guards if isinstance(teacher, GuardedSection) else []
    rule = config.teacher(teacher.of) if isinstance(teacher, GuardedSection) else teacher
    assert isinstance(rule, RuleSection)
    parameters = rule.parameters | _tuned(rule.name, config, run_dir)
    return select(config, rule, suite, parameters, guards)


def _train(
    unit: Unit, config: Config, suite: TaskSuite, run_dir: Path, tell: Tell
) -> dict[str, Any]:
    teacher = config.teacher(unit.teacher)
    assert isinstance(teacher, LearnedSection)
    begun = None
    if teacher.begin_at:
        begun = Unit("tune", teacher.begin_at, config.seeds.teacher).result(run_dir)
        rule = config.teacher(teacher.begin_at)
        assert isinstance(rule, RuleSection)
        assert begun is not None
        teacher = begun_at(teacher, rule.parameters | begun["parameters"])
    training = TeacherTraining(config, teacher, unit.seed, suite, run_dir, tell)
    result = training.run()
    if begun is not None:
        # What it begins with was not for nothing.
        result |= {key: result[key] + begun[key] for key in _EXPENSES}
        result["begun_at"] = begun["parameters"]
    training.keep(result.pop("candidate"), result)
    return result


def _evaluate(
    unit: Unit, config: Config, suite: TaskSuite, run_dir: Path, tell: Tell
) -> dict[str, Any]:
    teacher = config.teacher(unit.teacher)
    of = teacher.of if isinstance(teacher, GuardedSection) else unit.teacher
    parameters = _tuned(of, config, run_dir)
    return evaluate(config, suite, run_dir, unit.teacher, unit.seed, parameters, tell)


def _tuned(name: str, config: Config, run_dir: Path) -> dict[str, Any]:
    """Parameters that a rule was tuned to; none where it was not."""
    tuning = Unit("tune", name, config.seeds.teacher).result(run_dir)
    return tuning["parameters"] if tuning else {}


_EXPENSES = ("lifetimes", "compute", "student_steps", "wall_seconds")
"""What tuning and training took, by the names in their files."""
_WORK: dict[str, Callable[[Unit, Config, TaskSuite, Path, Tell], dict[str, Any]]] = {
    "tune": _tune,
    "select": _select,
    "train": _train,
    "evaluate": _evaluate,
}
