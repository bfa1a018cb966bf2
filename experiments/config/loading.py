"""Configs from names, files and `-o key=value`, with errors in one sentence."""

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..common.nearest import did_you_mean
from ..common.trust import agree_to
from ..common.yaml_values import config_text, plain_values, yaml_text
from ..store.layout import RunDir
from .config import Config
from .overrides import merge, set_key
from .own_names import agree_to_code, module_folders
from .sections.section import BEGUN

CONFIGS = Path(__file__).parents[1] / "configs"
_DEEPEST = 60
"""Lists and keys within each other, with those of overrides."""
_LONGEST_PATH = 4000
"""Characters of a path; no system has longer ones."""
_LONGEST_NAME = 255
"""Characters of the name of a file or a folder."""
_HUB_ID = re.compile(r"[\w-]+/[\w-]+")


def config_names() -> dict[str, str]:
    """Configs of runs that ship, with the first line of each as help."""
    sweeps = sweep_names()
    return {name: line for name, line in _shipped().items() if name not in sweeps}


def sweep_names() -> dict[str, str]:
    """Sweeps that ship, with the first line of each as help."""
    return {
        name: line
        for name, line in _shipped().items()
        if re.search(r"^config:", (CONFIGS / f"{name}.yaml").read_text(), re.MULTILINE)
    }


def _shipped() -> dict[str, str]:
    return {
        path.stem: path.read_text().splitlines()[0].lstrip("# ")
        for path in sorted(CONFIGS.glob("*.yaml"))
    }


def is_sweep(values: Mapping[str, Any]) -> bool:
    """Whether these are the values of a sweep, which names the config of its runs."""
    return "config" in values


def read_config(
    config: str | Path,
    overrides: Sequence[str] = (),
    *,
    begun: bool = False,
    trust: bool = False,
) -> Config:
    """A config by name or path, with overrides merged before it is checked.

    To name a config is to agree that this process imports the modules in its folder which it names,
    as it may those in the working directory. Nothing is imported here.

    Paths of data in the file are relative to the file, those in overrides to the working
    directory; in the config they are absolute. A teacher `from` a file is looked for in both.

    Args:
        config: a name that `lessonplan list` shows, or a YAML file.
        overrides: `dotted.key=value`; the value is read as YAML, and an item of a list is named
            by its place or, for teachers, by its name (`teachers.ppo.decisions=1000`).
        begun: whether it is that of a run, whose names have their folders and files already, and
            whose folder is not agreed to.
        trust: agree to all modules that it names, wherever they lie.

    Raises:
        ValueError: for what can't be found, read or accepted, in one sentence.
    """
    path = config_file(config)
    if not begun and path.parent != CONFIGS:
        agree_to(path.resolve().parent)
    settings = config_of_file(path, overrides, begun=begun)
    if trust:
        agree_to_code(settings.model_dump(mode="json"))
    return settings


def config_file(config: str | Path) -> Path:
    """The file of a config, by its path or by a name that ships.

    Raises:
        ValueError: for a name that there is not.
    """
    path = Path(config)
    if path.suffix not in (".yaml", ".yml"):
        named = CONFIGS / f"{config}.yaml"
        if not named.exists():
            raise ValueError(
                f"there is no config {str(config)!r}; {did_you_mean(str(config), config_names())}"
                f"choose one of {', '.join(config_names())}, or give the path of a .yaml file"
            )
        path = named
    return path


def config_of_file(path: Path, overrides: Sequence[str] = (), *, begun: bool = False) -> Config:
    """The config in a file that nobody need have named, so that its folder is not agreed to.

    Raises:
        ValueError: as `read_config`.
    """
    values = read_yaml(path, stored=begun)
    if is_sweep(values):
        name = path.stem if path.parent == CONFIGS else path
        raise ValueError(
            f"{path.name} is a sweep; begin it with `lessonplan sweep {name}`, as a job with "
            f"`lessonplan submit sweep {name}`"
        )
    folder = path.resolve().parent
    _anchor(values, folder)
    return make_config(values, overrides, path.name, code_folders(folder), begun)


def code_folders(folder: Path) -> list[Path]:
    """The folder of a config, where modules of its owner may lie: none of ours, and of no run."""
    return [] if folder == CONFIGS or RunDir(folder).environment.exists() else [folder]


def read_yaml(path: Path, *, stored: bool = False) -> dict[str, Any]:
    """Keys and plain values of a YAML file.

    Args:
        path: of the file.
        stored: whether we wrote it, as `plain_values` takes it.

    Raises:
        ValueError: if it can't be read or holds something else.
    """
    values = plain_values(config_text(path), f"config {path}", stored=stored)
    if not isinstance(values, dict):
        raise ValueError(f"config {path} must hold keys and values, got {type(values).__name__}")
    return _copy(values, path.name)


def make_config(
    values: dict[str, Any],
    overrides: Sequence[str] = (),
    source: str = "config",
    folders: Sequence[Path] = (),
    begun: bool = False,
    trust: bool = False,
) -> Config:
    """A checked config from plain values, which are left as they are.

    Paths of data are relative to the working directory. Modules that the values name may be
    imported from there, from folders of configs that were named, or with `trust`.

    Args:
        values: of the config.
        overrides: as in `read_config`.
        source: what errors call it.
        folders: where its own modules are looked for before the working directory, unless it
            names folders itself.
        begun: as in `read_config`.
        trust: as in `read_config`.
    """
    values = _copy(values, source)
    for override in overrides:
        merge(values, override)
    _anchor(values, Path.cwd())
    if any(isinstance(teacher, dict) and teacher.get("from") for teacher in _teachers(values)):
        # Here, since only a teacher in a file needs it.
        from .stored_teachers import settle_stored

        settle_stored(_teachers(values))
    _share_modules(values, folders)
    if trust:
        agree_to_code(values)
    try:
        return Config.model_validate(values, context={BEGUN: begun})
    except ValidationError as error:
        # Here, since only a mistake needs it.
        from .complaints import complaint

        raise ValueError(complaint(error, Config, values, source)) from error


def _share_modules(values: dict[str, Any], folders: Sequence[Path]) -> None:
    """One list of folders of modules for all courses, with those that any of them names."""
    several = [course.get("modules") or [] for course in _courses(values)]
    if not all(isinstance(one, list) for one in several):
        # What it is instead is a mistake that validation finds.
        return
    own, *others = several
    more = [one for other in others for one in other]
    modules = list(dict.fromkeys([*own, *more]))
    if not own:
        modules = module_folders(values, [*more, *folders, Path.cwd()])
    for course in _courses(values) if modules else ():
        course["modules"] = modules


def _copy(values: dict[str, Any], source: str) -> dict[str, Any]:
    """The values as they will be read back from a run, with no part in two places."""

    def plain(value: Any) -> str:
        if isinstance(value, Path | datetime.date):
            return str(value)
        raise TypeError(f"{type(value).__name__} is not a plain value")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Of 1 and "1", which are one key in JSON, the last would win.
        if len(dict(pairs)) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"the key {twice!r:.60} is there twice")
        return dict(pairs)

    try:
        text = json.dumps(values, default=plain)
        copied: dict[str, Any] = json.loads(text, object_pairs_hook=once)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{source}: a config holds numbers, texts, lists and keys with values: {error}"
        ) from error
    level, depth = [copied], 0
    while level := [one for value in level for one in _inner(value)]:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"{source}: lists and keys lie deeper in each other than {_DEEPEST}")
    return copied


def _inner(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value
    return [one for one in inner if isinstance(one, dict | list)]


def _anchor(values: dict[str, Any], folder: Path) -> None:
    """Make paths of data, base weights and teachers absolute, taken from the folder."""
    for teacher in _teachers(values):
        origin = teacher.get("from") if isinstance(teacher, dict) else None
        # It may lie in the working directory instead.
        if isinstance(origin, str) and origin and _joined(folder, origin).exists():
            teacher["from"] = str(_joined(folder, origin).resolve())
    for course in _courses(values):
        modules = course.get("modules")
        if isinstance(modules, list):
            course["modules"] = [str(_joined(folder, str(one)).resolve()) for one in modules]
        suite, student = _section(course, "suite"), _section(course, "student")
        data = _section(suite, "options")
        for section, key in (
            (data, "path"),
            (student, "base"),
            (_section(student, "lora"), "start"),
        ):
            if isinstance(section.get(key), str) and section[key]:
                place = _joined(folder, section[key]).resolve()
                # What is no path but may be the id of a dataset is explained where it is read.
                if section is not data or place.exists() or not _HUB_ID.fullmatch(section[key]):
                    section[key] = str(place)
        # These may also be the name of a package or of a hub's model.
        for section, key in (
            (_section(suite, "options"), "tokenizer"),
            (_section(student, "options"), "source"),
        ):
            source = section.get(key)
            if isinstance(source, str) and source and _is_model(_joined(folder, source), source):
                section[key] = str(_joined(folder, source).resolve())


def _joined(folder: Path, path: str) -> Path:
    """A path in the folder; refuse a text that no system takes for one."""
    longest = max(map(len, path.split("/")))
    if "\0" in path or len(path) > _LONGEST_PATH or longest > _LONGEST_NAME:
        raise ValueError(f"{path!r:.60} is no path: it is too long, or has a NUL in it")
    return folder / path


def _courses(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The values themselves, and every course that a teacher is trained on."""
    yield values
    for teacher in _teachers(values):
        courses = teacher.get("courses") if isinstance(teacher, dict) else None
        for course in courses if isinstance(courses, list) else []:
            if isinstance(course, dict):
                yield course


def _teachers(values: dict[str, Any]) -> list[Any]:
    """What is listed as teachers; nothing where that is no list."""
    teachers = values.get("teachers")
    return teachers if isinstance(teachers, list) else []


def _is_model(folder: Path, source: str) -> bool:
    """Whether a source is a model in a folder; the name of a package is that first."""
    if not (folder / "config.json").is_file():
        return False
    from lessonplan.student import PACKAGED

    return source not in PACKAGED


def _section(values: dict[str, Any], key: str) -> dict[str, Any]:
    """The section, or an empty one where there is none."""
    section = values.get(key)
    return section if isinstance(section, dict) else {}


def write_config(config: Config, path: Path) -> None:
    """Every field, defaults included."""
    path.write_text(yaml_text(config.model_dump(mode="json")))


def anchored(key: str, value: Any, folder: Path) -> Any:
    """The value of a dotted key, with paths of data made absolute, taken from the folder."""
    if key.startswith("teachers"):
        return value
    values: dict[str, Any] = {}
    set_key(values, key, value)
    _anchor(values, folder)
    place: Any = values
    for part in key.split("."):
        place = place[part]
    return place
