"""From a sweep to its pairs: each is one teacher, one teacher seed, and its students."""

import itertools
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..assembly.students import without_devices_of_others
from ..common.nearest import did_you_mean
from ..common.watch import Progress, nowhere
from ..config.config import Config, GuardedSection, LearnedSection, ReplaySection
from ..config.loading import make_config
from ..config.overrides import set_key
from ..config.sections.section import BEGUN
from ..config.stored_teachers import TRAINING_KEYS
from ..config.sweeps import Distribution, Sweep
from ..trial.checking import check
from ..trial.units import plan
from .candidates import first_draws
from .naming import Names, cut

Assignment = Mapping[str, Any]
"""Values of dotted keys."""

TEACHER_SEEDS = "seeds.teacher"
_VARIED = ("suite", "student", "lifetime", "seeds", "tuning")
"""Sections of a run config that a space may name, teachers aside."""


@dataclass(frozen=True)
class Pair:
    """One teacher, one teacher seed, and its students.

    Attributes:
        name: of the pair and of its run directory.
        setting: what of students and suite it has, in words; pairs with the same are compared.
        config: of its run; it holds one teacher.
    """

    name: str
    setting: str
    config: Config

    @property
    def teacher(self) -> str:
        """Name of the teacher."""
        return self.config.teachers[0].name

    @property
    def seed(self) -> int:
        """The only teacher seed."""
        return self.config.seeds.teacher

    @property
    def weight(self) -> float:
        """Rough share of the whole work."""
        return sum(unit.weight for unit in plan(self.config))


def pairs_of(sweep: Sweep) -> list[Pair]:
    """All pairs of a sweep, the longest first.

    Raises:
        ValueError: for a space that is impossible, in one sentence.
    """
    base = sweep.base.model_dump(mode="json")
    whole = sweep.model_copy(update={"config": base, "overrides": {}})
    return list(_pairs_of(json.dumps(whole.model_dump(mode="json")), sweep.has_begun))


@lru_cache(maxsize=1)
def _pairs_of(text: str, begun: bool) -> tuple[Pair, ...]:
    """The pairs of a sweep in JSON; the command, the sweep and its report ask for the same ones."""
    sweep = Sweep.model_validate(json.loads(text), context={BEGUN: begun})
    base = sweep.base
    _check_teachers(sweep, base)
    _check_keys(sweep)
    if sweep.purpose == "tune":
        _check_tuning(sweep)
    # Candidates of a tuning are what the optimiser of all tuning asks for first.
    drawn = first_draws if sweep.purpose == "tune" else _draws
    listed = {key: values for key, values in sweep.space.items() if isinstance(values, list)}
    samples = [{key: (listed | one)[key] for key in sweep.space} for one in drawn(sweep)]
    names = Names(samples)
    pairs: dict[str, Pair] = {}
    for values in samples:
        for setting in _grid(values, lambda key: not _is_of_teacher(key) and key != TEACHER_SEEDS):
            for name in sweep.teachers:
                mine = f"teachers.{name}."
                for variant in _grid(values, lambda key, mine=mine: key.startswith(mine)):
                    for seed in _seeds(values, base, name, sweep.purpose == "tune"):
                        pair = _pair(sweep, base, name, setting, variant, seed, names)
                        pairs.setdefault(pair.name, pair)
    return tuple(sorted(pairs.values(), key=lambda pair: -pair.weight))


def check_pairs(pairs: Sequence[Pair], gpu: float = 0.0, progress: Progress = nowhere) -> None:
    """Build one of everything that the pairs name, so that mistakes show before work starts.

    Args:
        pairs: all of the sweep.
        gpu: what each is given of one.
        progress: told how far the loading of suites is.

    Raises:
        ValueError: in one sentence.
    """
    for together in by_setting(pairs).values():
        config = merged_config(together)
        if config.student.device.startswith("cuda") and not gpu:
            raise ValueError(
                f"student.device is {config.student.device}, but pairs are given no GPU; give each "
                "a part of one with -o resources.gpu=0.5"
            )
        # Where a sweep is begun need not be where its pairs run.
        check(without_devices_of_others(config), progress)


def by_setting(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The pairs that are compared with each other, sorted by name, by their setting."""
    settings: dict[str, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.setting, pair.teacher, pair.seed)):
        settings.setdefault(pair.setting, []).append(pair)
    return settings


def merged_config(pairs: Sequence[Pair]) -> Config:
    """One run config with the teachers of all, for pairs of one setting."""
    first = pairs[0].config
    seeds: dict[str, int] = {}
    for pair in pairs:
        seeds[pair.teacher] = seeds.get(pair.teacher, 0) + 1
    teachers = {pair.teacher: pair.config.model_dump(mode="json")["teachers"][0] for pair in pairs}
    for name, teacher in teachers.items():
        if teacher["type"] == "learned":
            teacher["seeds"] = seeds[name]
    values = first.model_dump(mode="json")
    values["name"] = f"{first.name} {pairs[0].setting}".strip()
    values["teachers"] = list(teachers.values())
    values["seeds"]["teacher"] = min(pair.seed for pair in pairs)
    # Its teachers are those of pairs, each of which was checked.
    return make_config(values, source="sweep", begun=True)


def _check_teachers(sweep: Sweep, base: Config) -> None:
    types = {teacher.name: teacher for teacher in base.teachers}
    for name in sweep.teachers:
        teacher = types.get(name)
        if teacher is None:
            raise ValueError(
                f"sweep {sweep.name!r} names the teacher {name!r}, which its config does not have; "
                f"{did_you_mean(name, types)}choose among {', '.join(types)}"
            )
        if isinstance(teacher, LearnedSection) and teacher.origin:
            _check_no_training(sweep, teacher)
        if isinstance(teacher, LearnedSection) and teacher.begin_at:
            raise ValueError(
                f"teacher {name!r} begins at {teacher.begin_at!r}, which another pair tunes; leave "
                "out begin_at, or train it with `lessonplan run`"
            )
        if isinstance(teacher, GuardedSection):
            raise ValueError(
                f"teacher {name!r} guards {teacher.of!r}, which another pair makes; leave it out "
                "of the sweep, or compare the two with `lessonplan run`"
            )
        if isinstance(teacher, ReplaySection):
            raise ValueError(
                f"teacher {name!r} replays the schedules of {teacher.of!r}, which another pair "
                "records; leave it out of the sweep, or compare the two with `lessonplan run`"
            )


def _check_no_training(sweep: Sweep, teacher: LearnedSection) -> None:
    """Pairs that differ in the training of a teacher from a file would all be the same."""
    untrained = f"teacher {teacher.name!r} comes from {teacher.origin} and is not trained, so "
    if sweep.purpose == "tune":
        raise ValueError(f"{untrained}there is nothing to tune; leave out from")
    owner = f"teachers.{teacher.name}."
    for key in sweep.space:
        if key.startswith(owner) and key.removeprefix(owner).partition(".")[0] in TRAINING_KEYS:
            raise ValueError(f"space: {untrained}{key!r} changes nothing; leave it out, or from")


def _check_keys(sweep: Sweep) -> None:
    for key, values in sweep.space.items():
        first, _, rest = key.partition(".")
        if first == "teachers":
            _check_teacher_key(sweep, key)
        elif first == "tuning_candidates" and sweep.has_begun:
            # Earlier versions had it.
            continue
        elif first not in _VARIED or not rest:
            raise ValueError(
                f"space: {key!r} can't vary between pairs; a key is one of teachers.NAME. and more "
                f"or begins with {', '.join(_VARIED)}"
            )
        if key == TEACHER_SEEDS:
            whole = isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)
            if not whole:
                raise ValueError(f"space: {key} must be a list of whole numbers from 0 on")


def _check_teacher_key(sweep: Sweep, key: str) -> None:
    # A name may hold dots.
    owners = [name for name in sweep.teachers if key.startswith(f"teachers.{name}.")]
    if not owners:
        raise ValueError(
            f"space: {key!r} is of no teacher of the sweep; its teachers are "
            f"{', '.join(sweep.teachers)}, and a key is teachers.NAME.parameters.gate or the like"
        )
    part = key.removeprefix(f"teachers.{owners[0]}.")
    if part in ("name", "type", "seeds", "sampled", "prior_row", "actors"):
        way = "; teacher seeds are listed as seeds.teacher" if part == "seeds" else ""
        raise ValueError(f"space: {key!r} can't vary between pairs{way}")


def _check_tuning(sweep: Sweep) -> None:
    if sweep.wandb:
        raise ValueError("purpose tune reports no lifetimes that W&B could show; leave wandb out")
    if sweep.tensorboard:
        raise ValueError(
            "purpose tune reports no lifetimes that TensorBoard could show; leave tensorboard out"
        )
    if len(sweep.teachers) != 1:
        raise ValueError(
            f"purpose tune looks for the parameters of one teacher, got {len(sweep.teachers)}: "
            f"{', '.join(sweep.teachers)}; name one"
        )
    if not any(_is_of_teacher(key) for key in sweep.space):
        raise ValueError(
            "purpose tune needs parameters to look for in the space: teachers."
            f"{sweep.teachers[0]}.parameters.gate: [0.4, 0.6] or the like"
        )
    others = [
        key
        for key, values in sweep.space.items()
        if not _is_of_teacher(key) and not (isinstance(values, list) and len(values) == 1)
    ]
    if others:
        raise ValueError(
            f"purpose tune varies nothing but its teacher, got {', '.join(others)}; give one value"
        )


def _draws(sweep: Sweep) -> Iterator[dict[str, list[Any]]]:
    """The values of every drawn key in each sample; each key has a stream of its own."""
    for sample in range(sweep.samples):
        yield {
            key: [space.draw(np.random.default_rng([sweep.seed, sample, zlib.crc32(key.encode())]))]
            for key, space in sweep.space.items()
            if isinstance(space, Distribution)
        }


def _grid(values: Mapping[str, list[Any]], mine: Any) -> list[Assignment]:
    keys = [key for key in values if mine(key)]
    every = itertools.product(*(values[key] for key in keys))
    return [dict(zip(keys, one, strict=True)) for one in every]


def _is_of_teacher(key: str) -> bool:
    return key.startswith("teachers.")


def _seeds(values: Mapping[str, list[Any]], base: Config, name: str, tuning: bool) -> Sequence[int]:
    """Teacher seeds of the space, or those that the run config would give the teacher.

    Candidates of a tuning have one seed, or the luckiest of several would win.
    """
    teacher = next(teacher for teacher in base.teachers if teacher.name == name)
    if isinstance(teacher, LearnedSection) and teacher.origin:
        # It has the seed that it was trained with, and comes once.
        return [min(values.get(TEACHER_SEEDS, [base.seeds.teacher]))]
    if TEACHER_SEEDS in values:
        return values[TEACHER_SEEDS]
    count = teacher.seeds if isinstance(teacher, LearnedSection) and not tuning else 1
    return range(base.seeds.teacher, base.seeds.teacher + count)


def _pair(
    sweep: Sweep,
    base: Config,
    name: str,
    setting: Assignment,
    variant: Assignment,
    seed: int,
    names: Names,
) -> Pair:
    suffix = names.of(variant, f"teachers.{name}.")
    place = names.of(setting)
    teacher_name = cut(f"{name}.{suffix}" if suffix else name)
    title = cut(".".join(filter(None, (place, teacher_name)))) + f"-{seed}"
    values = base.model_dump(mode="json")
    values["teachers"] = [one for one in values["teachers"] if one["name"] == name]
    for key, value in setting.items():
        set_key(values, key, value)
    for key, value in variant.items():
        set_key(values["teachers"][0], key.removeprefix(f"teachers.{name}."), value)
    values["teachers"][0]["name"] = teacher_name
    if values["teachers"][0]["type"] == "learned":
        values["teachers"][0]["seeds"] = 1
    elif sweep.purpose == "tune":
        values["teachers"][0]["tune"] = False
    values["seeds"]["teacher"] = seed
    values |= {"name": sweep.name, "workers": 1}
    config = make_config(values, source=f"pair {title}", begun=sweep.has_begun)
    return Pair(title, place.replace("_", " "), config)
