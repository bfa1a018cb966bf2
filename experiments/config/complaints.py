"""What is wrong in a config, in sentences: the key, what came, and what to write instead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import ValidationError

from ..common.nearest import nearest_of
from .config import Config
from .keys import Key, all_keys, form_of, in_one_line, is_section, keys_of, members
from .sections.section import Section

_SYNONYMS = {
    "agents": ("teachers",),
    "algo": ("algorithm",),
    "alpha": ("lora_alpha",),
    "batch": ("batch_size",),
    "bs": ("batch_size",),
    "columns": ("observe",),
    "cuda": ("device",),
    "data": ("suite",),
    "dataset": ("suite",),
    "epochs": ("budget", "decisions"),
    "gpu": ("device", "gpu", "actor_gpus"),
    "gpus": ("device", "gpu", "actor_gpus"),
    "lr": ("learning_rate",),
    "max_grad_norm": ("clip_norm",),
    "max_steps": ("budget", "decisions"),
    "n_jobs": ("workers",),
    "num_workers": ("workers",),
    "optimizer": ("learning_rate",),
    "processes": ("workers",),
    "rank": ("r",),
    "seed": ("seed", "seeds"),
    "steps": ("budget", "decisions"),
    "tasks": ("suite",),
    "timesteps": ("budget", "decisions"),
    "total_timesteps": ("budget", "decisions"),
    "wd": ("weight_decay",),
}
"""What keys are called elsewhere, with ours: the first that there is in a section is meant."""
_GONE = {
    "tuning_candidates": "a rule is tuned by lifetimes, 16 for each setting that is tried: write "
    "tuning: {lifetimes: 5000}, or fewer for a first look",
}
"""Keys of earlier versions, with what is written in their place."""
_OF_SECTIONS = "function-wrap[_as_begun()]"
"""What pydantic calls a section where something else could stand: by the validator of all."""
_MOST = 300
"""Characters of a complaint; of mistakes that would make it longer only the keys are named."""
_MOST_SHOWN = 60
"""Characters of a value that came, and of a list of keys that there are."""


class _Place(NamedTuple):
    """Where a mistake was made."""

    path: tuple[str, ...]
    """Keys, and names or numbers of items, as an override writes them."""
    section: type[Section]
    """What the last key stands in."""
    key: Key | None = None
    """The last of the path; None for an item, and for what is no key of the section."""
    kind: Any = None
    """The type of what stands there; None where it is not known."""
    others: tuple[type[Section], ...] = ()
    """Sections of which one could have stood in the place of the section."""
    branch: tuple[tuple[str, ...], str] | None = None
    """Path of the last value on the way that has several forms, and the form it was taken for."""


def complaint(
    error: ValidationError, root: type[Section], values: Mapping[str, Any], source: str
) -> str:
    """All that is wrong, in one line.

    Args:
        error: of the validation.
        root: what the values should be of: a run config, a sweep.
        values: as they were written.
        source: the file, or what else they are from.
    """
    details = [(_place(root, one["loc"], values), one) for one in error.errors()]
    meant = dict(place.branch for place, _ in details if place.branch)
    sentences: dict[str, str] = {}
    for place, one in details:
        # A value of several forms has a mistake for each; the last says what is meant.
        if not place.branch or meant[place.branch[0]] == place.branch[1]:
            sentences.setdefault(".".join(place.path), _sentence(place, one, root))
    return f"{source}: {_joined(sentences)}"


def _joined(sentences: Mapping[str, str]) -> str:
    if len(sentences) == 1:
        return next(iter(sentences.values()))
    text = f"{len(sentences)} mistakes:"
    for number, sentence in enumerate(sentences.values(), start=1):
        if number > 1 and len(text) + len(sentence) > _MOST:
            rest = list(sentences)[number - 1 :]
            return f"{text}; also wrong: {', '.join(rest)}"
        text += f" ({number}) {sentence}"
    return text


def _place(root: type[Section], loc: Sequence[int | str], values: Any) -> _Place:
    """What pydantic's `loc` leads to, without the marks of unions in it."""
    place = _Place((), root, kind=root)
    for i, part in enumerate(loc):
        kinds = members(place.kind)
        if len(kinds) > 1:
            branch = place.path, str(part)
            place = place._replace(branch=branch, others=tuple(filter(is_section, kinds)))
            chosen = [one for one in place.others if _is_called(one, str(part))]
            if not chosen or i == len(loc) - 1:
                return place
            place = place._replace(kind=chosen[0])
            continue
        further = _inside(place, kinds[0], part, values)
        if further is place:
            break
        place, values = further, _part(values, part)
    return place


def _inside(place: _Place, kind: Any, part: int | str, values: Any) -> _Place:
    """One key or item further; the place itself where there are none."""
    if is_section(kind):
        key = keys_of(kind).get(str(part))
        inner = key.field.annotation if key else None
        others = tuple(one for one in place.others if kind in place.others and one is not kind)
        return _Place((*place.path, str(part)), kind, key, inner, others, place.branch)
    inner = get_args(kind)[-1] if get_origin(kind) in (list, dict) else None
    if inner is None:
        return place
    name = _item_name(_part(values, part), part)
    return place._replace(path=(*place.path, name), key=None, kind=inner)


def _is_called(section: type[Section], label: str) -> bool:
    """Whether a section is what pydantic calls so: by its `type`, its class or what all have."""
    return section.__name__ in label or label in _types(section) or _OF_SECTIONS in label


def _types(section: type[Section]) -> tuple[str, ...]:
    field = section.model_fields.get("type")
    return get_args(field.annotation) if field else ()


def _part(values: Any, part: int | str) -> Any:
    """What stands below a key or at a place; None where nothing does."""
    if isinstance(values, Mapping):
        return values.get(part)
    return values[part] if isinstance(values, list) and isinstance(part, int) else None


def _item_name(item: Any, part: int | str) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and name else str(part)


def _sentence(place: _Place, error: Mapping[str, object], root: type[Section]) -> str:
    path, got = ".".join(place.path), f", got {_shown(error['input'])}"
    message = str(error["msg"]).removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden" if path in _GONE:
            return f"there is no {path} any more; {_GONE[path]}"
        case "extra_forbidden":
            return f"there is no {path}; {_hint(place, root, error['input'])}"
        case "union_tag_invalid":
            types = " or ".join(name for one in members(place.kind) for name in _types(one))
            return f"{path}.type: write {types}, got {_shown(_part(error['input'], 'type'))}"
        case "missing":
            return f"{path} is missing; {_form(place)}"
        case "value_error":
            got = "" if ", got " in message else got
            return f"{path}: {message}{got}" if path else message
    return f"{path}: {message if place.kind is None else _form(place)}{got}"


def _form(place: _Place) -> str:
    """What to write there."""
    form = place.key.form if place.key else form_of(place.kind)
    example = place.key.example if place.key else ""
    return f"write {form}" + (f", such as {example}" if example not in ("", "''", "null") else "")


def _shown(value: object) -> str:
    return _cut(repr(value) if isinstance(value, str) else in_one_line(value))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def _hint(place: _Place, root: type[Section], value: object) -> str:
    """What to write instead of a key that there is not."""
    *folder, name = place.path
    keys = keys_of(place.section)
    if close := _close(name, keys):
        inner = keys[close].sections if not (keys[close].item or isinstance(value, dict)) else []
        below = f", which has {', '.join(keys_of(inner[0]))}" if inner else ""
        return f"did you mean {'.'.join([*folder, close])}{below}?"
    for other in place.others:
        if name in keys_of(other) and _types(other):
            return f"that is for teachers with type: {_types(other)[0]}"
    elsewhere = " or ".join(_elsewhere(name, root))
    if place.section.arguments:
        key, what = place.section.arguments
        also = f"; there is also {elsewhere}" if elsewhere else ""
        return f"arguments of {what} go under {'.'.join([*folder, key])}{also}"
    return f"did you mean {elsewhere}?" if elsewhere else f"there are {', '.join(keys)}"


def _close(name: str, names: Iterable[str]) -> str:
    """The name that is meant; empty where none is like it."""
    # Of words this short every other is like `r`.
    near = nearest_of(name, names, 0.7) if len(name) > 2 else ""
    synonyms = _SYNONYMS.get(name.lower())
    if near or synonyms is None:
        return near or (nearest_of(name, names) if len(name) > 4 else "")
    return next((one for one in synonyms if one in names), "")


def _elsewhere(name: str, root: type[Section]) -> Iterator[str]:
    """Dotted keys of that name, or else of what is called so elsewhere, two at most."""
    places = {path: key.name for path, key in all_keys(root)}
    if root is not Config:
        places |= {f"overrides: {{{path}: ...}}": key.name for path, key in all_keys(Config)}
    wanted = [name, *_SYNONYMS.get(name.lower(), ()), nearest_of(name, places.values(), 0.8)]
    for one in wanted:
        paths = [path for path, last in places.items() if last == one]
        if paths:
            yield from paths[:2]
            return
