"""Keys of configs as their sections declare them: what each takes, and where it stands."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeGuard, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from ..common.yaml_values import yaml_text
from .config import Course
from .sections.section import Section

_FORMS = {
    str: ("text", "texts"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "values that are true or false"),
    dict: ("keys with values", "keys with values"),
    Any: ("a value", "values"),
}
"""What a type reads like: one of them, and several."""
_BOUNDS = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}


class Key(NamedTuple):
    """A key of a section."""

    name: str
    """As it is written."""
    field: FieldInfo

    @property
    def form(self) -> str:
        """What is written there, in words."""
        bounds = {
            name: f"{limit:,.15g}"
            for one in self.field.metadata
            for name in _BOUNDS
            if isinstance(limit := getattr(one, name, None), int | float)
        }
        words = " and ".join(f"{_BOUNDS[name]} {limit}" for name, limit in bounds.items())
        if bounds.keys() == {"ge", "le"}:
            words = f"from {bounds['ge']} to {bounds['le']}"
        return f"{form_of(self.field.annotation)} {words}".strip()

    @property
    def default(self) -> str:
        """The default as YAML; empty for a section, and where there is none."""
        if self.field.is_required():
            return ""
        default = self.field.get_default(call_default_factory=True)
        return "" if isinstance(default, Section) else in_one_line(default)

    @property
    def example(self) -> str:
        """A value of the right form, as YAML; empty where the form itself shows it."""
        if self.choices or self.field.annotation is bool:
            return ""
        return in_one_line(self.field.examples[0]) if self.field.examples else self.default

    @property
    def choices(self) -> tuple[str, ...]:
        """All that can be written, where that is a choice of words."""
        kind = self.field.annotation
        return get_args(kind) if get_origin(kind) is Literal else ()

    @property
    def sections(self) -> list[type[Section]]:
        """The sections that stand there: one of them, or items of a list or of named values."""
        return list(_sections(self.field.annotation))

    @property
    def item(self) -> str:
        """What stands for an item below the key, where it holds several: `NAME.` or `KEY.`."""
        kinds = {get_origin(one) for one in members(self.field.annotation)}
        return "NAME." if list in kinds else "KEY." if dict in kinds else ""


def keys_of(section: type[Section]) -> dict[str, Key]:
    """The keys of a section by their names, as they are written."""
    keys = (Key(field.alias or name, field) for name, field in section.model_fields.items())
    return {key.name: key for key in keys}


def all_keys(section: type[Section], folder: str = "") -> Iterator[tuple[str, Key]]:
    """Dotted names of all keys with the keys; courses of teachers are not gone into again."""
    for key in keys_of(section).values():
        yield f"{folder}{key.name}", key
        for inner in key.sections:
            if inner is not Course:
                yield from all_keys(inner, f"{folder}{key.name}.{key.item}")


def form_of(annotation: Any, several: bool = False) -> str:
    """What a type reads like in a config, in words."""
    kinds = members(annotation)
    if len(kinds) > 1:
        return " or ".join(dict.fromkeys(form_of(kind, several) for kind in kinds))
    (kind,) = kinds
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is list:
        return f"{'lists' if several else 'a list'} of {form_of(arguments[0], several=True)}"
    if origin is tuple:
        return f"a list of {len(arguments)} {form_of(arguments[0], several=True)}"
    if origin is dict and arguments[1] is not Any:
        return f"keys with {form_of(arguments[1], several=True)}"
    return _FORMS[dict if is_section(kind) else origin][several]


def is_section(kind: Any) -> TypeGuard[type[Section]]:
    """Whether a type is a section of a config."""
    return isinstance(kind, type) and issubclass(kind, Section)


def members(annotation: Any) -> list[Any]:
    """The types of a union without None; of anything else the type alone."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    several = (one for one in get_args(annotation) if one is not NoneType)
    return [member for one in several for member in members(one)]


def _sections(annotation: Any) -> Iterator[type[Section]]:
    for kind in members(annotation):
        if is_section(kind):
            yield kind
        elif get_origin(kind) in (list, dict):
            yield from _sections(get_args(kind)[-1])


def in_one_line(value: Any) -> str:
    """A plain value as YAML in one line."""
    text = yaml_text(value, default_flow_style=True, allow_unicode=True, width=1_000_000)
    return text.strip().removesuffix("\n...")
