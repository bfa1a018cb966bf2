"""A config as YAML with every key in it, and a line of help above each."""

from collections.abc import Iterator
from typing import Any

from ..common.yaml_values import yaml_text
from .config import Config
from .keys import Key, in_one_line, keys_of
from .sections.section import Section
from .sweeps import Sweep

_WIDTH = 100
_INDENT = "  "


def explained(settings: Config | Sweep) -> str:
    """YAML that reads as the same config again, with the help of each key where it first stands.

    Args:
        settings: a run, or a sweep whose run config stands in it.
    """
    kind = "sweep" if isinstance(settings, Sweep) else "run"
    head = (
        f"# Every key of {settings.name}, with its default where it was left out, and its help at "
        "its first place.\n"
        f"# Save it, change it, and begin it with `lessonplan {kind} FILE.yaml`.\n"
    )
    return "".join([head, *_lines(settings, "", set())])


def _lines(section: Section, indent: str, explained_keys: set[tuple[type, str]]) -> Iterator[str]:
    """Lines of a section; keys whose help is given are added to `explained_keys`."""
    plain = section.model_dump(mode="json", by_alias=True, exclude_none=True)
    keys = keys_of(type(section)).values()
    for attribute, key in zip(type(section).model_fields, keys, strict=True):
        if (type(section), key.name) not in explained_keys:
            explained_keys.add((type(section), key.name))
            yield f"{indent}# {_help(key)}\n"
        value = getattr(section, attribute)
        if isinstance(section, Sweep) and attribute == "config":
            value = section.base
        if isinstance(value, Section):
            yield f"{indent}{key.name}:\n"
            yield from _lines(value, indent + _INDENT, explained_keys)
        elif isinstance(value, list) and value and isinstance(value[0], Section):
            yield f"{indent}{key.name}:\n"
            for one in value:
                yield from _item(one, indent, explained_keys)
        else:
            yield from _yaml(key.name, plain.get(key.name), indent)


def _item(section: Section, indent: str, explained_keys: set[tuple[type, str]]) -> Iterator[str]:
    """Lines of a section that is an item of a list, which stands as deep as the list's key."""
    dash = f"{indent}- "
    for line in _lines(section, indent + _INDENT, explained_keys):
        is_first = dash and not line.lstrip().startswith("#")
        yield dash + line.lstrip() if is_first else line
        dash = "" if is_first else dash


def _help(key: Key) -> str:
    choices = f" ({key.form})" if len(key.choices) > 1 else ""
    return f"{key.field.description}{choices}"


def _yaml(name: str, value: Any, indent: str) -> Iterator[str]:
    """Lines of a key with plain values, those that hold no others in brackets."""
    if not (value and isinstance(value, dict | list)):
        yield f"{indent}{name}: {in_one_line(value)}\n"
        return
    text = yaml_text({name: value}, allow_unicode=True, width=_WIDTH, default_flow_style=None)
    for line in text.splitlines(keepends=True):
        yield indent + line
