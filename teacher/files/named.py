"""Classes and rules by their names, as files have them: `module:Name`, and what is looked up when.

A module that nobody imported is imported for a file only where whoever reads it trusts the file.
"""

import pkgutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

FACE = __name__.rpartition(".files")[0]
"""The room, where its own classes are found wherever they lie."""
_VERBS = ("needs", "start", "observe", "probabilities")
_RULE = ":rule:"
"""Key of a rule that is a parameter of another, as the one that a guard is around."""


def face_name(value: type) -> str | None:
    """Name of a class of this room; None for others."""
    own = getattr(sys.modules.get(FACE), value.__name__, None) is value
    return f"{FACE}:{value.__name__}" if own else None


def class_named(name: str, trust: bool = False, libraries: Sequence[str] = ()) -> type:
    """The class of this name.

    Args:
        name: `module:Name`.
        trust: whether a module that was not imported yet may be.
        libraries: beginnings of the names of modules that may be in any case.

    Raises:
        ValueError: if there is none, or it may not be looked up.
    """
    module, _, path = name.partition(":")
    if module == FACE or module.startswith(f"{FACE}."):
        # Files of earlier versions name modules that may have moved.
        found = getattr(sys.modules[FACE], path, None)
    else:
        if module not in sys.modules:
            if not (trust or f"{module}.".startswith(tuple(libraries))):
                raise ValueError(
                    f"{name} lies in a module that was not imported; import {module} first"
                )
            try:
                import_module(module)
            except ImportError as error:
                raise ValueError(f"{name} can't be imported ({error})") from error
        try:
            found = pkgutil.resolve_name(f"{module}:{path}") if path else None
        except (AttributeError, ValueError):
            found = None
    if not isinstance(found, type):
        raise ValueError(f"there is no class {name} here")
    return found


def is_rule(value: Any) -> bool:
    """Whether a value has what a rule must have."""
    return not isinstance(value, type) and all(hasattr(value, verb) for verb in _VERBS)


def written_rule(rule: Any) -> dict[str, Any] | None:
    """Name and parameters of a rule that can be made again of them; None for any other.

    One of this room has its bare name, one's own `module:Name`: a dataclass, or an object of a
    class without `__init__` that keeps nothing to itself; and of this room one that says itself
    what it is made of, as `Sampled` does. Rules that it is around are written so too.
    """
    kind = type(rule)
    own = face_name(kind)
    if own is not None and hasattr(kind, "from_written"):
        return {"name": kind.__name__, "parameters": rule.written()}
    if not (is_dataclass(kind) or (_takes_nothing(kind) and not getattr(rule, "__dict__", {}))):
        return None
    if own is None and (kind.__module__ == "__main__" or "<" in kind.__qualname__):
        return None
    name = kind.__name__ if own else f"{kind.__module__}:{kind.__qualname__}"
    parameters = parameters_of(rule) if is_dataclass(rule) else {}
    within = {key: written_rule(each) for key, each in parameters.items() if is_rule(each)}
    if None in within.values():
        return None
    return {"name": name, "parameters": parameters | {k: {_RULE: w} for k, w in within.items()}}


def made_rule(written: dict[str, Any], trust: bool = False) -> Any:
    """The rule that `written_rule` wrote.

    Raises:
        ValueError: if there is no such rule, or it may not be looked up.
    """
    name, parameters = str(written["name"]), dict(written["parameters"])
    kind = class_named(name if ":" in name else f"{FACE}:{name}", trust)
    if ":" not in name and hasattr(kind, "from_written"):
        return kind.from_written(trust, **parameters)
    has = {*dir(kind), *getattr(kind, "__dataclass_fields__", ())}
    missing = [verb for verb in _VERBS if verb not in has]
    if missing or not (is_dataclass(kind) or _takes_nothing(kind)):
        raise ValueError(f"{name} is no rule: it has no {', '.join(missing or ['parameters'])}")
    parameters = {
        key: made_rule(each[_RULE], trust) if _is_written_rule(each) else each
        for key, each in parameters.items()
    }
    if ":" not in name and "of" in parameters and not is_rule(parameters["of"]):
        raise ValueError(f"{name} is around no rule, but {parameters['of']!r:.40}")
    maker: Callable[..., Any] = kind
    if ":" in name:
        return maker(**parameters)
    # Rules were once made with it; in a file nobody can leave it out.
    parameters.pop("feedback", None)
    return maker(**{key: _hashable(value) for key, value in parameters.items()})


def _is_written_rule(value: Any) -> bool:
    """Whether a parameter is a rule that `written_rule` wrote within another."""
    inner = value.get(_RULE) if isinstance(value, dict) and len(value) == 1 else None
    return isinstance(inner, dict) and inner.keys() == {"name", "parameters"}


def _takes_nothing(kind: type) -> bool:
    """Whether objects of a class are made without arguments, by no code of its own."""
    own = {name for each in kind.__mro__[:-1] for name in vars(each)}
    return own.isdisjoint(("__init__", "__new__"))


def parameters_of(rule: Any) -> dict[str, Any]:
    """What a rule that is a dataclass was made with."""
    return {each.name: getattr(rule, each.name) for each in fields(rule) if each.init}


def _hashable(value: Any) -> Any:
    """Files of earlier versions have lists where parameters are tuples."""
    return tuple(_hashable(each) for each in value) if isinstance(value, list) else value
