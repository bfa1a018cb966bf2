"""Values from YAML text and back: plain ones alone, each with one meaning, and never without end.

Words are read as most people mean them, which YAML 1.1 is not: `1e-3` is a number, `1:30` and a
date are texts, and what could be either (`010`, `no`) is refused with both ways to write it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.resolver import Resolver

_LONGEST_TEXT = 500_000
"""Characters of a text; the longest config that ships has 4,000."""
_DEEPEST = 40
"""Lists and keys within each other."""
_MOST_VALUES = 200_000
"""Values of a text, each counted as often as it is referred to."""
_MOST_DIGITS = 300
_LONGEST_REASON = 200
"""Characters of what the parser says; it may quote the whole text."""

_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(
    r"[-+]?(?:0|[1-9][0-9_]*)|[-+]?0b_*[01][01_]*|"
    r"[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*|0o[0-7]+"
)
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SWITCH = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_PADDED = re.compile(r"[-+]?0[0-9_]+")
_TRUE = {"yes", "on"}
_TEXT = "tag:lessonplan:text"
"""Of words that whoever wrote them meant as texts."""
_YAML_1_1 = Resolver()


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either
    """Plain values. The parser of libyaml is several times faster; some PyYAMLs have none."""

    yaml_implicit_resolvers: dict[Any, Any] = {}


class _StoredLoader(_Loader):
    """Of what we wrote: each version put in quotes all that YAML 1.1 takes for no text."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> Any:
        """The tag of a node."""
        if kind is ScalarNode and implicit[0]:
            # PyYAML has no types.
            meant: str = _YAML_1_1.resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
            if meant == _YAML_1_1.DEFAULT_SCALAR_TAG:
                return _TEXT
        return super().resolve(kind, value, implicit)


_StoredLoader.add_constructor(_TEXT, _Loader.construct_yaml_str)


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what either reading would take for something else."""


for _tag, _form, _first in (
    ("bool", _BOOLEAN, "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _NUMBER, "-+0123456789."),
    ("merge", re.compile("<<"), "<"),
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
):
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_form.pattern})$"), list(_first)
        )

_Dumper.add_implicit_resolver(
    "tag:lessonplan:refused", re.compile(f"(?:{_PADDED.pattern})$"), list("-+0")
)


class NoYamlError(ValueError):
    """A text that no reading makes YAML of."""


def plain_values(text: str, where: str, *, stored: bool = False) -> Any:
    """What a text holds: keys with values, lists, texts, numbers, true, false and null.

    Args:
        text: of one document.
        where: it is from, for errors.
        stored: whether this or an earlier version wrote it, so that a word without quotes which
            YAML 1.1 takes for a text, such as `08` and `1e-3`, is one.

    Raises:
        NoYamlError: for what is no YAML, with the line.
        ValueError: for what has no end, several meanings or none, with the line and what to write.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"{where} has {len(text):,} characters, and is read up to {_LONGEST_TEXT:,}"
        )
    loader = None
    try:
        _check_events(text, where)
        loader = _StoredLoader(text) if stored else _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, where)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise NoYamlError(f"{where}{_line(error)} is not valid YAML: {_reason(error)}") from None
    except UnicodeEncodeError:
        raise ValueError(f"{where} is not UTF-8 text") from None
    finally:
        if loader is not None:
            loader.dispose()


def override_value(text: str, where: str) -> Any:
    """The value of an override: what `plain_values` reads, or the text where that is no YAML.

    Raises:
        ValueError: as `plain_values`, also for a list, keys or quotes that are not closed.
    """
    try:
        return plain_values(text, where)
    except NoYamlError:
        if text.lstrip().startswith(("[", "{", "'", '"')):
            raise
        return text


def yaml_text(values: Any, **form: Any) -> str:
    """The text of plain values, in their order, which `plain_values` reads as the same.

    Args:
        values: to be written.
        form: how, as `yaml.dump` takes it.
    """
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, **form)
    return text


def config_text(path: Path) -> str:
    """The text of a config's file, UTF-8 with or without its mark, never of a pipe or a device.

    Raises:
        ValueError: if it can't be read.
    """
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "a pipe or device"
            raise ValueError(f"config {path} is {what}; name a .yaml file")
        with path.open("rb") as file:
            # Each character has at most four bytes; one more shows that there are more.
            data = file.read(4 * _LONGEST_TEXT + 1)
    except OSError as error:
        raise ValueError(f"config {path} can't be read: {error.strerror}") from error
    if len(data) > 4 * _LONGEST_TEXT:
        raise ValueError(
            f"config {path} has {path.stat().st_size:,} bytes, and is read up to "
            f"{_LONGEST_TEXT:,} characters"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"config {path} is not UTF-8 text: {error.reason}; save it as UTF-8"
        ) from error


def _check_events(text: str, where: str) -> None:
    """Refuse, before anything is built of it, what is too deep, marked with a type, or several."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        fault = ""
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            fault = "a second document begins; write one, without ---" if documents > 1 else ""
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            fault = f"lists and keys lie deeper in each other than {_DEEPEST}"
            fault = fault if depth > _DEEPEST else ""
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if mark := getattr(event, "tag", None):
            tag = str(mark).replace("tag:yaml.org,2002:", "!!")
            fault = f"{tag:.60} marks a type; write the value without it, a text in quotes"
        if fault:
            raise ValueError(f"{_place(event, where)}: {fault}")


def _check_nodes(root: Node, where: str) -> None:
    """Refuse what refers to itself or grows without end, and words with two meanings."""
    measured: dict[int, tuple[int, int]] = {}
    values, depth = _measure(root, measured, set(), where)
    if values > _MOST_VALUES:
        raise ValueError(
            f"{where} holds more than {_MOST_VALUES:,} values, as references (*name) repeat what "
            "they refer to"
        )
    if depth > _DEEPEST:
        raise ValueError(f"{where}: references (*name) lie deeper in each other than {_DEEPEST}")


def _measure(
    node: Node, measured: dict[int, tuple[int, int]], open_: set[int], where: str
) -> tuple[int, int]:
    """Values of a node with all that are in it, and how deep they lie; each is looked at once."""
    key = id(node)
    if key in open_:
        raise ValueError(f"{_place(node, where)}: a value holds itself; write it without a loop")
    if key not in measured:
        open_.add(key)
        if isinstance(node, ScalarNode):
            _check_word(node, where)
        elif isinstance(node, MappingNode):
            _check_keys(node, where)
        inner = [_measure(one, measured, open_, where) for one in _inside(node)]
        # More is refused anyway, and a bomb's own number would have no end either.
        values = min(1 + sum(size for size, _ in inner), _MOST_VALUES + 1)
        measured[key] = values, 1 + max((height for _, height in inner), default=0)
        open_.remove(key)
    return measured[key]


def _inside(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif not isinstance(node, ScalarNode):
        yield from node.value


def _check_keys(node: MappingNode, where: str) -> None:
    """Refuse a key that is there twice, of which the last would win, and one that is no word."""
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            raise ValueError(f"{_place(key, where)}: a key must be a word, and is a list or keys")
        if key.value in seen:
            raise ValueError(
                f"{_place(key, where)}: the key {key.value!r:.60} was there before, in line "
                f"{seen[key.value]}; keep one of them"
            )
        seen[key.value] = key.start_mark.line + 1


def _check_word(node: ScalarNode, where: str) -> None:
    """Refuse a word without quotes that some read as one thing and some as another."""
    word = node.value
    if node.style or node.tag == _TEXT:
        return
    if not (_PADDED.fullmatch(word) or _SWITCH.fullmatch(word) or _is_huge(word)):
        return
    place = _place(node, where)
    if _SWITCH.fullmatch(word):
        meant = "true" if word.lower() in _TRUE else "false"
        raise ValueError(f"{place}: {word} may be a word or {meant}; write {meant}, or '{word}'")
    if _is_huge(word):
        raise ValueError(f"{place}: a number has {len(word):,} digits")
    number = word.replace("_", "").lstrip("+-0") or "0"
    raise ValueError(
        f"{place}: {word:.60} begins with 0, which some read as an octal number; write "
        f"{number:.60}, or '{word:.60}' for a text"
    )


def _is_huge(word: str) -> bool:
    return len(word) > _MOST_DIGITS and _INTEGER.fullmatch(word) is not None


def _place(node: Node | yaml.Event, where: str) -> str:
    mark: Any = node.start_mark
    return f"{where}, line {mark.line + 1}"


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f", line {mark.line + 1}," if mark is not None else ""


def _reason(error: yaml.YAMLError) -> str:
    """What the parser says, without the places in it, which name no file."""
    words = [getattr(error, "context", None), getattr(error, "problem", None)]
    text = ": ".join(one for one in words if one) or getattr(error, "reason", None) or str(error)
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
