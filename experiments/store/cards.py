"""What is known of a teacher as reported: `teachers/NAME.json`, written and read here alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..common.files import read_object, write_json
from ..common.yaml_values import config_text, plain_values
from .layout import RunDir

_TOO_MUCH = 1e300
KINDS = ("learned", "bandit", "rule", "order", "static", "ceiling")
"""The last is no opponent: an estimate of what there is to win."""


@dataclass(frozen=True)
class Cost:
    """What training or tuning took, of one teacher seed.

    Attributes:
        lifetimes: that were lived.
        compute: training-example equivalents, probing included.
        student_steps: of all students together.
        wall_seconds: of one process.
    """

    lifetimes: float = 0.0
    compute: float = 0.0
    student_steps: float = 0.0
    wall_seconds: float = 0.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Cost":
        """The cost that a unit returned, or a card holds, among other things."""
        return cls(**{one.name: values.get(one.name) or 0 for one in fields(Cost)})

    @staticmethod
    def mean(costs: Sequence["Cost"]) -> "Cost | None":
        """The mean over teacher seeds; None of none."""
        if not costs:
            return None
        return Cost(
            **{one.name: _mean([getattr(cost, one.name) for cost in costs]) for one in fields(Cost)}
        )

    def __add__(self, other: "Cost") -> "Cost":
        """What both pieces of work took together."""
        return Cost(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(Cost)}
        )


@dataclass(frozen=True)
class TuningCost(Cost):
    """What tuning took.

    Attributes:
        stopped: why it ended before its lifetimes were spent; empty where it did not.
    """

    stopped: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "TuningCost":
        """The same with why it stopped."""
        return cls(**asdict(Cost.of(values)), stopped=str(values.get("stopped") or ""))


@dataclass(frozen=True)
class TeacherCard:
    """What is known of one teacher as reported.

    `training` and `tuning` are None where nothing was trained or tuned.
    """

    name: str
    kind: str
    label: str = ""
    tuned: bool = False
    published: bool = False
    mixes: bool = False
    needs: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    sees_order: bool = False
    training: Cost | None = None
    tuning: TuningCost | None = None
    replay_of: str | None = None
    deterministic: bool = False
    """Whether a learned teacher was selected and reported with its likeliest task."""
    guard_of: str | None = None
    """The teacher that it is with guards around it."""
    sampled_twin_of: str | None = None
    """The learned teacher that this one is, reported a second time with sampled tasks."""
    selection_cost: float | None = None
    """Mean compute to mastery of the selection students, by `probe`, with the probes that it uses,
    over teacher seeds; None where it did not live with them."""
    selection_area: float | None = None
    """Mean score of theirs so far, by `probe`."""
    feedback: str = ""
    """What it is told by, `full`, `bandit` or `training`; empty where an earlier version wrote the
    card, which did not say, nor any of the following."""
    looks: bool = True
    """Whether it reads anything that is measured of students; who does not pays for no probes."""
    probe_every: int = 0
    """Decisions from one of its probes to the next; 0 is each, and with `training` none."""
    probe_size: int = 0
    """Examples of a task in them; 0 is all."""
    probe_uncertainty: float = 0.0
    """Standard error of a score above which the task is probed too; 0 is never."""
    half_life: float = 1.0
    """Decisions after which what training told it counts half."""
    chosen: str = ""
    """How it was chosen among candidates, where their costs did not tell."""
    other_course: bool = False
    """Whether it was trained, and selected, on another course than the reported one."""
    origin: str = ""
    """The file that it was taken from instead of trained; empty where it was trained."""
    fingerprint: str = ""
    """SHA-256 of that file as it lies in the run directory."""

    @property
    def shuffled(self) -> bool:
        """Whether it replays another teacher's counts shuffled in time."""
        return self.replay_of is not None and bool(self.parameters.get("shuffled"))

    @property
    def title(self) -> str:
        """Its label, or its name where it has none, and whether it mixes tasks in a batch."""
        title = self.label or self.name
        return f"{title}, mixed in batches" if self.mixes and "mixed" not in title else title

    @property
    def looking(self) -> str:
        """What it looks at and how often, in words; empty where that is not known.

        >>> TeacherCard("a", "rule", feedback="full", probe_every=10, probe_size=32).looking
        'probes of 32 examples of each task every 10 decisions'
        >>> TeacherCard("a", "rule", feedback="training", probe_uncertainty=0.1).looking
        'its training examples, and probes where a score is uncertain by more than 0.1'
        """
        if not self.feedback:
            return ""
        if not self.looks:
            return "nothing"
        size = f" of {self.probe_size:,} examples" if self.probe_size else ""
        of = "what was trained on" if self.feedback == "bandit" else "each task"
        often = "after each decision"
        if self.probe_every > 1:
            often = f"every {self.probe_every:,} decisions"
        hears = self.feedback == "training"
        parts = ["its training examples"] if hears else []
        parts += [f"probes{size} of {of} {often}"] if self.probe_every or not hears else []
        if self.probe_uncertainty:
            where = f"where a score is uncertain by more than {self.probe_uncertainty:g}"
            parts.append(where if self.probe_every or not hears else f"probes{size} {where}")
        return ", and ".join(parts)

    @property
    def short_origin(self) -> str:
        """The end of the path of the file that it was taken from: run directory, folder, file."""
        return "/".join(Path(self.origin).parts[-3:])

    @property
    def training_known(self) -> bool:
        """Whether what it cost to train is known, also where that is nothing."""
        return self.training is not None or not self.origin

    @property
    def making(self) -> Cost:
        """What training and tuning took together."""
        return sum((cost for cost in (self.training, self.tuning) if cost), Cost())

    def summarized(self) -> dict[str, Any]:
        """What `summary.json` says of it."""
        return {
            "label": self.title,
            "kind": self.kind,
            "tuned": self.tuned,
            "chosen": self.chosen,
            "published": self.published,
            "deterministic": self.deterministic,
            "sampled_twin_of": self.sampled_twin_of,
            "sees_order": self.sees_order,
            "needs": list(self.needs),
            "replay_of": self.replay_of,
            "guard_of": self.guard_of,
            "selection_cost": self.selection_cost,
            "selection_area": self.selection_area,
            "feedback": self.feedback,
            "looking": self.looking,
            "other_course": self.other_course,
            "origin": self.origin,
            "training_known": self.training_known,
        }


def write_card(run_dir: Path, card: TeacherCard) -> None:
    """Write the card of a teacher."""
    write_json(RunDir(run_dir).card(card.name), asdict(card))


def read_card(file: Path) -> TeacherCard:
    """The card of a teacher that a file holds.

    Raises:
        ValueError: if it is damaged, or its kind is none of `KINDS`.
    """
    values = {"name": file.stem, "kind": ""} | read_object(file)
    if fault := _fault(values, file.stem):
        raise ValueError(f"{file}: {fault}; write the run again")
    if "sampled_twin_of" not in values and values["kind"] == "learned":
        # Older versions wrote `deterministic` for every learned teacher but the sampled twin.
        twin = not values.get("deterministic")
        values["sampled_twin_of"] = values["name"].removesuffix("-sampled") if twin else None
        values["deterministic"] = not twin and not _is_sampled(file, values["name"])
    for work, kind in _WORKS.items():
        if values.get(work):
            values[work] = kind.of(values[work])
    values["needs"] = tuple(values.get("needs", ()))
    own = {one.name for one in fields(TeacherCard)}
    return TeacherCard(**{name: value for name, value in values.items() if name in own})


_WORKS: dict[str, type[Cost]] = {"training": Cost, "tuning": TuningCost}
_TEXTS = ("label", "chosen", "origin", "fingerprint", "feedback")
_TEXTS_OR_NONE = ("replay_of", "guard_of", "sampled_twin_of")
_YES_OR_NO = (
    "tuned", "published", "mixes", "sees_order", "deterministic", "other_course", "looks",
)  # fmt: skip
_NUMBERS_OR_NONE = ("selection_cost", "selection_area")
_NUMBERS = ("probe_every", "probe_size", "probe_uncertainty", "half_life")


def _fault(values: Mapping[str, Any], name: str) -> str:
    """What is wrong with a card that anybody may have made; empty where nothing is."""
    if values["name"] != name:
        return f"name must be that of the file, {name!r:.80}, got {values['name']!r:.80}"
    if values["kind"] not in KINDS:
        return f"kind must be one of {', '.join(KINDS)}, got {values['kind']!r:.80}"
    costs = [values.get(work) for work in _WORKS]
    fits = (
        *((key, "a text", str) for key in _TEXTS),
        *((key, "a text or null", str | None) for key in _TEXTS_OR_NONE),
        *((key, "true or false", bool) for key in _YES_OR_NO),
        ("parameters", "names with values", dict),
        *((work, "numbers by name, or null", dict | None) for work in _WORKS),
    )
    for key, form, kind in fits:
        if key in values and not isinstance(values[key], kind):
            return f"{key} must be {form}, got {values[key]!r:.80}"
    needs = values.get("needs", ())
    if not isinstance(needs, list | tuple) or not all(isinstance(one, str) for one in needs):
        return f"needs must be a list of texts, got {needs!r:.80}"
    for key in _NUMBERS:
        if not _is_number(values.get(key, 0)):
            return f"{key} must be a number, got {values[key]!r:.80}"
    numbers = [values.get(key) for key in _NUMBERS_OR_NONE]
    numbers += [cost.get(one.name) for cost in costs if cost for one in fields(Cost)]
    if wrong := [one for one in numbers if not (one is None or _is_number(one))]:
        return f"its costs must be numbers, got {wrong[0]!r:.80}"
    return ""


def _is_number(value: Any) -> bool:
    # Whole numbers may be too large for a float.
    return type(value) in (int, float) and abs(value) < _TOO_MUCH


def _is_sampled(card: Path, name: str) -> bool:
    """Whether the config beside an older card says that this teacher's tasks are sampled."""
    config = RunDir(card.parents[1]).config
    try:
        values = plain_values(config_text(config), str(config), stored=True)
    except ValueError:
        return False
    teachers = values.get("teachers") if isinstance(values, dict) else None
    return isinstance(teachers, list) and any(
        isinstance(section, dict)
        and section.get("name") == name
        and section.get("deterministic") is False
        for section in teachers
    )


def read_cards(run_dir: Path) -> dict[str, TeacherCard]:
    """All cards by the name of the teacher, sorted by kind, then name."""
    cards = [read_card(file) for file in RunDir(run_dir).cards()]
    cards.sort(key=lambda card: (KINDS.index(card.kind), card.name))
    return {card.name: card for card in cards}


def mean_card(cards: Mapping[int, TeacherCard]) -> TeacherCard:
    """One card of a teacher from those of its seeds: costs are means, what they agree in stays."""
    first, *_ = each = list(cards.values())
    values = {one.name: getattr(first, one.name) for one in fields(TeacherCard)}
    if any(card.parameters != first.parameters for card in each):
        # Each seed was tuned by itself.
        values["parameters"] = {f"seed {seed}": card.parameters for seed, card in cards.items()}
    values["training"] = Cost.mean([card.training for card in each if card.training])
    values["tuning"] = _mean_tuning([card.tuning for card in each if card.tuning])
    for key in _NUMBERS_OR_NONE:
        numbers = [value for card in each if (value := getattr(card, key)) is not None]
        values[key] = _mean(numbers) if numbers else None
    values["chosen"] = each_once(card.chosen for card in each)
    return TeacherCard(**values)


def _mean_tuning(costs: Sequence[TuningCost]) -> TuningCost | None:
    mean = Cost.mean(costs)
    if mean is None:
        return None
    return TuningCost(**asdict(mean), stopped=each_once(cost.stopped for cost in costs))


def each_once(words: Iterable[str]) -> str:
    """What was said of seeds, each of it once."""
    return "; ".join(dict.fromkeys(filter(None, words)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
