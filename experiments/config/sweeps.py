"""What a sweep is: a run config, teachers of it, and a space of what varies between pairs."""

import json
import math
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, model_validator

from ..common.files import write_whole
from ..common.nearest import did_you_mean
from ..common.trust import agree_to
from ..common.yaml_values import override_value, yaml_text
from ..store.layout import SweepDir
from .config import Config
from .loading import (
    CONFIGS,
    anchored,
    code_folders,
    config_file,
    config_of_file,
    is_sweep,
    make_config,
    read_yaml,
    sweep_names,
)
from .overrides import merge, set_key
from .own_names import agree_to_code, module_folders
from .sections.section import BEGUN, FolderName, Section, is_begun

if TYPE_CHECKING:
    import numpy as np


_LARGEST = 10**15
"""What bounds of a distribution stay below."""
_MOST_PAIRS = 100_000


class Distribution(Section):
    """A distribution of values; one of its four kinds."""

    uniform: tuple[float, float] | None = Field(
        None, description="between two numbers", examples=[[0.5, 1.0]]
    )
    loguniform: tuple[float, float] | None = Field(
        None,
        description="between two numbers above 0, each order of magnitude alike",
        examples=[[0.001, 0.1]],
    )
    randint: tuple[int, int] | None = Field(
        None,
        description="whole numbers from the first up to, and without, the second",
        examples=[[1, 5]],
    )
    choice: list[Any] | None = Field(
        None, min_length=1, description="one of a list", examples=[["mlp", "decoder"]]
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Distribution":
        kinds = self.model_dump(exclude_none=True)
        if len(kinds) != 1:
            raise ValueError(
                "a distribution is one of uniform, loguniform, randint and choice, got "
                f"{' and '.join(kinds) or 'none'}"
            )
        ((kind, bounds),) = kinds.items()
        if kind != "choice" and not max(map(abs, bounds)) < _LARGEST:
            raise ValueError(f"{kind} needs bounds within +-{_LARGEST:,}, got {list(bounds)}")
        if kind != "choice" and not bounds[0] < bounds[1]:
            raise ValueError(f"{kind} needs a lower bound below the upper one, got {list(bounds)}")
        if kind == "loguniform" and bounds[0] <= 0:
            raise ValueError(f"loguniform needs bounds above 0, got {list(bounds)}")
        return self

    def draw(self, generator: "np.random.Generator") -> Any:
        """One value of the distribution."""
        if self.uniform is not None:
            return float(generator.uniform(*self.uniform))
        if self.loguniform is not None:
            import numpy as np

            return float(np.exp(generator.uniform(*np.log(self.loguniform))))
        if self.randint is not None:
            return int(generator.integers(*self.randint))
        assert self.choice is not None
        return self.choice[int(generator.integers(len(self.choice)))]


class Resources(Section):
    """What a pair occupies while it runs."""

    cpu: float = Field(1.0, gt=0, allow_inf_nan=False, description="cores, or a part of one")
    gpu: float = Field(0.0, ge=0, allow_inf_nan=False, description="GPUs, or a part of one")

    @model_validator(mode="after")
    def _whole_above_one(self) -> "Resources":
        for kind, amount in self.model_dump().items():
            if amount > 1 and amount != int(amount):
                raise ValueError(f"{kind} must be a part of one or a whole number, got {amount:g}")
        return self


class Sweep(Section):
    """A whole sweep; each pair is one teacher, one teacher seed, and its students."""

    name: FolderName = Field(
        "sweep", description="of the sweep, and of its folder where none is given"
    )
    config: str | dict[str, Any] = Field(
        description="the run config that pairs are made from: a name, a .yaml file, or the config",
        examples=["quickstart"],
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="dotted key: value, merged into the run config",
        examples=[{"seeds.report": 32}],
    )
    teachers: list[str] = Field(
        min_length=1,
        description="names of its teachers that take part",
        examples=[["ppo", "proportional"]],
    )
    space: dict[str, list[Any] | Distribution] = Field(
        default_factory=dict,
        description="what varies, dotted key: a list of values, or a distribution of them",
        examples=[{"seeds.teacher": [0, 1], "student.learning_rate": {"uniform": [0.001, 0.01]}}],
    )
    samples: int = Field(1, ge=1, le=100_000, description="draws from each distribution")
    seed: int = Field(0, ge=0, le=2_000_000_000, description="of the draws")
    purpose: Literal["compare", "tune"] = Field(
        "compare",
        description="run every pair whole and compare, or look for the best parameters of one "
        "teacher on the selection students",
    )
    resources: Resources = Field(
        default_factory=Resources,
        description="what a pair occupies while it runs",
        examples=[{"cpu": 1, "gpu": 0}],
    )
    wandb: str = Field(
        "", description="W&B project; nothing is sent without one", examples=["curricula"]
    )
    tensorboard: bool = Field(
        False, description="log each pair for TensorBoard, in its run directory"
    )
    max_failures: int = Field(
        3, ge=0, le=1_000, description="how often a pair whose process died is taken up again"
    )

    _has_begun: bool = PrivateAttr(False)

    @model_validator(mode="after")
    def _note_beginning(self, info: ValidationInfo) -> "Sweep":
        self._has_begun = is_begun(info)
        return self

    @model_validator(mode="after")
    def _check_space(self, info: ValidationInfo) -> "Sweep":
        drawn = [key for key, values in self.space.items() if isinstance(values, Distribution)]
        several = (len(values) for values in self.space.values() if isinstance(values, list))
        count = math.prod(several) * self.samples * len(self.teachers)
        if count > _MOST_PAIRS and not is_begun(info):
            raise ValueError(
                f"the space has {count:,} pairs, and a sweep at most {_MOST_PAIRS:,}; leave out "
                "values, or draw samples from distributions"
            )
        for key, values in self.space.items():
            if isinstance(values, list):
                _check_values(key, values)
        if self.samples > 1 and not drawn:
            raise ValueError(
                f"samples is {self.samples}, but nothing in the space is drawn from a "
                "distribution; leave samples out, or give a key {uniform: [a, b]} or the like"
            )
        twice = sorted({name for name in self.teachers if self.teachers.count(name) > 1})
        if twice:
            raise ValueError(f"teachers names {twice[0]!r} twice")
        return self

    @property
    def has_begun(self) -> bool:
        """Whether it is that of a sweep directory, so that its names have their folders already."""
        return self._has_begun

    @property
    def base(self) -> Config:
        """The run config, overrides merged.

        Raises:
            ValueError: where it can't be read or is none.
        """
        values = self.config
        if isinstance(values, str):
            # Who names a sweep has not named its config, whose folder may be another.
            values = config_of_file(config_file(values)).model_dump(mode="json")
        values = deepcopy(values)
        for key, value in self.overrides.items():
            set_key(values, key, value)
        return make_config(values, source=f"config of sweep {self.name!r}", begun=self.has_begun)


def _check_values(key: str, values: list[Any]) -> None:
    if not values:
        raise ValueError(f"space: {key} has no values; list some, or leave it out")
    texts = [json.dumps(value, sort_keys=True, default=str) for value in values]
    twice = [value for value, text in zip(values, texts, strict=True) if texts.count(text) > 1]
    if twice:
        raise ValueError(f"space: {key} has the value {twice[0]!r} twice")


def read_sweep(config: str | Path, overrides: Sequence[str] = (), *, trust: bool = False) -> Sweep:
    """A sweep by name or path, whole by itself: its run config stands in it, overrides merged.

    To name a sweep is to agree that this process imports the modules in its folder which it and its
    config name, as it may those in the working directory. Nothing is imported here.

    Args:
        config: a name that `lessonplan list` shows, or a YAML file. Paths in it are relative to it.
        overrides: `dotted.key=value`; a key that is not one of a sweep is one of its run config.
        trust: agree to all modules that it names, wherever they lie.

    Raises:
        ValueError: for what can't be found, read or accepted, in one sentence.
    """
    path = Path(config)
    if path.suffix not in (".yaml", ".yml"):
        path = CONFIGS / f"{config}.yaml"
        if str(config) not in sweep_names():
            hint = f"no sweep; {did_you_mean(str(config), sweep_names())}"
            what = "a run; begin it with `lessonplan run`, or " if path.exists() else hint
            raise ValueError(
                f"{str(config)!r} is {what}choose one of the sweeps {', '.join(sweep_names())}, or "
                "give the path of a .yaml file"
            )
    values = read_yaml(path)
    if not is_sweep(values):
        raise ValueError(
            f"{path.name} is no sweep, it has no key config; begin a run with `lessonplan run` "
            "(as a job with `lessonplan submit run`), or name it under config in a sweep"
        )
    folder = path.resolve().parent
    _anchor(values, folder)
    for override in overrides:
        _override(values, override)
    sweep = _checked(values, path.name)
    whole = sweep.base.model_dump(mode="json")
    # What a space names is looked for beside the sweep too.
    places = [*whole["modules"], *code_folders(folder), Path.cwd()]
    whole["modules"] = module_folders([whole, values], places)
    whole = make_config(whole).model_dump(mode="json")
    if folder != CONFIGS:
        agree_to(folder)
    if trust:
        agree_to_code([whole, values])
    return sweep.model_copy(update={"config": whole, "overrides": {}})


def read_stored_sweep(sweep_dir: Path) -> Sweep:
    """The sweep of a sweep directory.

    Raises:
        ValueError: if it is none, or something in it leads out of it.
    """
    files = SweepDir(sweep_dir)
    files.see_that_nothing_leads_out()
    stored = files.sweep
    if not stored.exists():
        raise ValueError(
            f"{sweep_dir} holds no {stored.name}; name a folder that `lessonplan sweep` has written"
        )
    return _checked(read_yaml(stored, stored=True), str(stored), begun=True)


def write_sweep(sweep: Sweep, path: Path) -> None:
    """Every field, defaults included."""
    text = yaml_text(sweep.model_dump(mode="json", exclude_none=True))
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def _checked(values: dict[str, Any], source: str, *, begun: bool = False) -> Sweep:
    try:
        return Sweep.model_validate(values, context={BEGUN: begun})
    except ValidationError as error:
        # Here, since only a mistake needs it.
        from .complaints import complaint

        raise ValueError(complaint(error, Sweep, values, source)) from error


def _anchor(values: dict[str, Any], folder: Path) -> None:
    """Make paths absolute, taken from the folder of the sweep."""
    config = values.get("config")
    if isinstance(config, str) and Path(config).suffix in (".yaml", ".yml"):
        values["config"] = str((folder / config).resolve())
    overrides, space = values.get("overrides"), values.get("space")
    if isinstance(overrides, dict):
        for key, value in overrides.items():
            overrides[key] = anchored(key, value, folder)
    if isinstance(space, dict):
        for key, value in space.items():
            if isinstance(value, list):
                space[key] = [anchored(key, one, folder) for one in value]


def _override(values: dict[str, Any], override: str) -> None:
    """Merge `key=value`; teachers by name, and what a sweep has no key for, go to the run config.

    What goes to the run config has paths that are relative to the working directory.
    """
    key, equals, text = override.partition("=")
    if not equals:
        raise ValueError(f"an override reads key=value, got {override!r}")
    first, _, rest = key.partition(".")
    if first in Sweep.model_fields and not (first == "teachers" and rest):
        if first in ("space", "overrides") and rest:
            values[first] = (values.get(first) or {}) | {
                rest: override_value(text, f"override {key}")
            }
        else:
            merge(values, override)
        _anchor(values, Path.cwd())
        return
    value = anchored(key, override_value(text, f"override {key}"), Path.cwd())
    values["overrides"] = (values.get("overrides") or {}) | {key: value}
