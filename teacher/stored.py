"""Teachers in files: which there are in a folder, what each says of itself, and how it is used.

A file that `save` wrote says what it was trained on; one that a run stored holds a card besides,
with what is known of it there. Files that earlier versions stored have the card of their name
beside them. Nothing is unpickled, unless a file is trusted when its teacher is made.

Legend: k tasks, f columns.
"""

import json
import re
import shutil
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from .adapter import RuleTeacher, columns_of
from .files import MOST_COLUMNS, zip_data
from .learners import Sampled
from .learners.make import load_for_spaces, load_teacher

_CARD = "card.json"
"""In the zip."""
_MOST_CARD = 10_000_000
"""Bytes of it; more is unpacked by nobody."""
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class StoredTeacher:
    """A teacher in a file; what it is comes from the file itself.

    `dataclasses.replace(stored, deterministic=False)` has it draw its tasks.
    """

    path: Path
    columns: tuple[str, ...]
    """That it was trained on; empty where the file does not say."""
    action: str
    """What it chooses: `task` or `mixture`."""
    deterministic: bool = True
    """Whether it is to teach with its likeliest task, or with tasks drawn from its policy."""
    algorithm: str = ""
    """Name of the learner; empty where the file does not say, and for a rule."""
    prior: str = ""
    """Rule that a leaning policy begins at; empty for others."""
    lean_on: tuple[str, ...] = ()
    """Rules that it leans on."""
    tasks: int = 0
    """Places that it was trained with; a taskwise policy teaches any number."""
    seed: int = 0
    """Of the streams that tasks are drawn from."""
    is_rule: bool = False
    looking: Mapping[str, Any] = field(default_factory=dict)
    """How it looked at the students that it was trained on: `feedback`, `probe_every`,
    `probe_size`, `probe_uncertainty` and `half_life`; without what the file does not say."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """What a run knew of it: `name`, `seed`, `training` (its cost), `selection_cost` and more."""
    why: str = ""
    """Why it was taken among the several of a folder."""
    trust: bool = False
    """Whether pickles in the file may be opened to make the teacher, which can run any code."""

    @property
    def draws(self) -> bool:
        """Whether its tasks are drawn; of a mixture there is nothing to draw."""
        return not (self.deterministic or self.is_rule or self.action == "mixture")

    @property
    def observe(self) -> tuple[str, ...]:
        """What an environment has to show it."""
        return tuple(dict.fromkeys((*self.columns, "key"))) if self.draws else self.columns

    @property
    def half_life(self) -> float | None:
        """Of what training examples told it, in decisions; None if it went by probes alone."""
        hears = self.looking.get("feedback") == "training"
        return float(self.looking.get("half_life", 1.0)) if hears else None

    def make(self, env: VecEnv) -> BaseAlgorithm:
        """The teacher itself, ready to teach in an environment that shows `observe`.

        Raises:
            ValueError: if it shows other columns or wants another action, or the file has to be
                trusted.
        """
        if not self.draws:
            return load_teacher(self.path, env, trust=self.trust)
        shown, own = columns_of(env), self.columns or columns_of(env)
        missing = [column for column in (*own, "key") if column not in shown]
        if missing:
            raise ValueError(
                f"the teacher in {self.path} draws its tasks and needs the columns "
                f"{', '.join(self.observe)}, of which the environment does not show "
                f"{', '.join(missing)}; add them to observe="
            )
        narrow = _of_columns(env.observation_space, [shown.index(column) for column in own])
        learner = load_for_spaces(self.path, narrow, env.action_space, own, trust=self.trust)
        return RuleTeacher(Sampled(learner, own), env, seed=self.seed)

    def copy(self, target: Path) -> None:
        """Copy its file, with the card that an earlier version left beside it inside."""
        shutil.copyfile(self.path, target)
        if self.card and not _own_card(self.path):
            keep_card(target, self.card)


def _of_columns(space: spaces.Space[Any], places: list[int]) -> spaces.Box:
    """The space of some columns of an observation, (k, f)."""
    assert isinstance(space, spaces.Box)
    return spaces.Box(space.low[:, places], space.high[:, places])


def stored_teacher(path: str | Path, trust: bool = False) -> StoredTeacher:
    """The teacher in a file, or the one of a run directory.

    Of several in a folder it is the one that took its selection students the least to mastery, and
    the first by name and seed of those that took as little; where that is not known of all, the
    first seed if they have one name.

    Args:
        path: a zip that `save` wrote or a run stored, or a folder with stored ones in it or one
            folder below.
        trust: whether pickles in the file may be opened when its teacher is made.

    Raises:
        ValueError: if there is none, or none of several is before the others; with their files.
    """
    place = Path(path)
    if place.is_dir():
        return replace(_first_of(stored_teachers(place), place), trust=trust)
    file = place if place.exists() else place.with_name(f"{place.name}.zip")
    if not file.exists():
        raise ValueError(
            f"there is no teacher {str(path)!r}; give a run directory, or a file that `save` wrote"
        )
    return replace(_read(file), trust=trust)


def stored_teachers(folder: str | Path) -> list[StoredTeacher]:
    """The teachers that a run stored in a folder or one folder below, by name and seed."""
    files = [*Path(folder).glob("*.zip"), *Path(folder).glob("*/*.zip")]
    teachers = [_read(file) for file in files if _card_of(file)]
    return sorted(teachers, key=lambda one: (str(one.card.get("name", "")), one.seed))


def keep_card(file: Path, card: Mapping[str, Any]) -> None:
    """Put what a run knows of a teacher into its file."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo(_CARD), json.dumps(dict(card), indent=1))


def _first_of(teachers: Sequence[StoredTeacher], folder: Path) -> StoredTeacher:
    """The one that is taken where a folder is named, with the reason."""
    if not teachers:
        raise ValueError(
            f"{folder} holds no stored teacher; give the directory of a run that trained one, or "
            "the file of a teacher"
        )
    if len(teachers) == 1:
        return teachers[0]
    files = ", ".join(str(one.path.relative_to(folder)) for one in teachers)
    costs: list[Any] = [one.card.get("selection_cost") for one in teachers]
    other = {bool(one.card.get("other_course")) for one in teachers}
    if None not in costs and len(other) == 1:
        first, ties = teachers[costs.index(min(costs))], costs.count(min(costs))
        why = "took its selection students the least to mastery"
        if ties > 1:
            why = (
                f"is the first by name and seed of {ties} that are level on the selection students"
            )
    elif len({one.card.get("name") for one in teachers}) == 1:
        first, why = teachers[0], "is the first"
    else:
        raise ValueError(f"{folder} holds several teachers: name the file of one, {files}")
    name = first.path.relative_to(folder)
    return replace(first, why=f"of {files} in {folder}, {name} is taken, which {why}")


def _read(file: Path) -> StoredTeacher:
    """What a file says of its teacher."""
    data, card = zip_data(file), _card_of(file)
    if "policy_class" not in data:
        raise ValueError(f"{file} holds no teacher: give a file that its `save` wrote")
    try:
        return _of_data(file, data, card)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(
            f"{file} is damaged: what it says of its teacher can't be read ({error}); save it again"
        ) from error


def _of_data(file: Path, data: Mapping[str, Any], card: Mapping[str, Any]) -> StoredTeacher:
    observed, chosen = data.get("observation_space") or {}, data.get("action_space") or {}
    mixes = "Box" in str(chosen.get(":kind:") or chosen.get(":type:"))
    columns = data.get("columns") or observed.get("columns") or card.get("needs") or ()
    settings = card.get("parameters") or {}
    shape = observed.get("_shape") or [0]
    seed = int(card.get("seed", data.get("seed") or 0))
    if not 0 <= seed <= _LARGEST_SEED:
        raise ValueError(f"a seed is from 0 to {_LARGEST_SEED}, got {seed:,.3g}")
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"it has {len(columns):,} columns, and a teacher up to {MOST_COLUMNS:,}")
    looking = card.get("looking") or {}
    if not isinstance(looking, dict) or type(looking.get("half_life", 1.0)) not in (int, float):
        raise ValueError(f"looking must be names with values, got {looking!r:.80}")
    return StoredTeacher(
        path=file,
        columns=tuple(columns),
        action="mixture" if mixes else "task",
        deterministic=bool(card.get("deterministic", data.get("deterministic", True))),
        algorithm=str(data.get("algorithm") or settings.get("algorithm") or ""),
        prior=str(data.get("prior") or ""),
        lean_on=tuple(map(str, data.get("lean_on") or ())),
        tasks=int(shape[0]),
        seed=seed,
        is_rule="rule" in data,
        looking=looking,
        card=card,
    )


def _card_of(file: Path) -> dict[str, Any]:
    """What a run knew of a teacher: in its file, or beside it in those of earlier versions."""
    return _own_card(file) or _card_beside(file)


def _own_card(file: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = [one.file_size for one in archive.infolist() if one.filename == _CARD]
            text = b"" if max(sizes, default=0) > _MOST_CARD else b"{}"
            text = archive.read(_CARD) if sizes and text else text
    except (OSError, zipfile.BadZipFile):
        return {}
    try:
        card: Any = json.loads(text)
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise ValueError(f"{file} is damaged: its {_CARD} is no JSON object; save it again")
    return card


def _card_beside(file: Path) -> dict[str, Any]:
    """Of `NAME-SEED.zip` it is `NAME.json`, which is of all seeds."""
    named = re.fullmatch(r"(.+)-(\d+)", file.stem)
    if named is None:
        return {}
    try:
        card = json.loads(file.with_name(f"{named[1]}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(card, dict) or card.get("kind") != "learned":
        return {}
    if "sampled_twin_of" not in card:
        # The first versions wrote True whatever the config said.
        warnings.warn(
            f"{file} does not say whether its tasks are to be drawn: it plays the likeliest",
            stacklevel=2,
        )
    # The cost of selecting is a mean over seeds there.
    return card | {"name": named[1], "seed": int(named[2]), "selection_cost": None}
