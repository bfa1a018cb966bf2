"""The config of a run on one's own data, with a pretrained model where one is named."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from ..common.nearest import nearest_of
from .loading import read_config
from .overrides import merge

_KINDS = {"smollm2": "causal", "minilm": "encoder"}
"""What the models that have a name are; configs of the same names fine-tune such models."""
_CAUSAL = re.compile(r"\w+(ForCausalLM|LMHeadModel)")
_ENCODER = re.compile(r"\w+(ForSequenceClassification|ForMaskedLM|ForPreTraining)")
_BARE_ENCODER = re.compile(r"\w*(Bert|BERT|Roberta|Deberta|Electra|MPNet)\w*Model")
"""Names of architectures in a model's config.json."""


class OwnData(NamedTuple):
    """What a run on one's own data is to do, and what was picked for it."""

    values: dict[str, Any]
    """Of a config."""
    sentence: str
    """To tell the user; empty where nothing was picked."""


def own_data(
    config: str,
    data: str,
    model: str,
    options: Mapping[str, Any],
    overrides: Sequence[str] = (),
) -> OwnData:
    """The values of a config for one's own data.

    A model that can only write answers, or only tell classes apart, reads rows of either kind as
    its own. Where its config.json leaves that open, rows with labels make it an encoder with a
    classifier.

    Args:
        config: whose students and teachers are taken; by default `words`, or with a model
            `smollm2` or `minilm`.
        data: a file or folder.
        model: a name, a folder or a hub id; a small decoder is trained from nothing without one.
        options: further ones of the suite.
        overrides: `dotted.key=value` as they will be merged into the values; rows are looked at
            with them.

    Raises:
        ValueError: if there is no such data or config, or for an override that can't be merged.
    """
    place = Path(data)
    if not place.exists() and place.suffix:
        raise ValueError(f"{place.resolve()} does not exist; {_instead(place)}")
    # What is not there and may be a hub id is for the reader to explain, as it was typed.
    options = {"path": str(place.resolve()) if place.exists() else data, **options}
    sentence = ""
    if model:
        typed = _typed(options, overrides)
        config, picks, sentence = _picked(config, place, model, typed)
        options |= {"tokenizer": model, **picks}
    values = read_config(config or "words").model_dump(mode="json")
    if model:
        values["student"]["options"].pop("source", None)
    values["suite"] = {"name": "jsonl", "options": options}
    values["name"] = _name(place) or "data"
    return OwnData(values, sentence)


def _instead(place: Path) -> str:
    """What to give in place of a file that is not there."""
    names = [path.name for path in place.parent.iterdir()] if place.parent.is_dir() else []
    if near := nearest_of(place.name, names, 0.75):
        return f"did you mean {place.with_name(near)}?"
    return (
        "give a .jsonl file, another file of rows (.json, .csv, .tsv, .parquet, .arrow, each also "
        "as .gz), or a folder of them"
    )


def _typed(options: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Options of the suite with the overrides of them."""
    values: dict[str, Any] = {"suite": {"options": deepcopy(dict(options))}}
    for override in overrides:
        if override.startswith("suite.options"):
            merge(values, override)
    typed = values["suite"]["options"]
    return typed if isinstance(typed, dict) else {}


def _picked(
    config: str, place: Path, model: str, options: Mapping[str, Any]
) -> tuple[str, dict[str, Any], str]:
    """A config that fits model and rows, options of the suite, and a sentence on both."""
    from lessonplan.student.corpora import has_labels
    from lessonplan.student.networks import check_source

    check_source(model)
    labelled = has_labels(place, options.get("columns"), options.get("task_column", ""))
    own_kind = model_kind(model)
    kind = own_kind or ("encoder" if labelled else "causal")
    if config:
        kind = read_config(config).student.model
    rows = "labels" if labelled else "answers"
    picks: dict[str, Any] = {}
    if kind in _KINDS.values() and labelled != (kind == "encoder"):
        picks["classify"] = kind == "encoder"
    if config:
        return config, picks, ""
    (base,) = (name for name, one in _KINDS.items() if one == kind)
    what = "an encoder with a classifier" if kind == "encoder" else "a causal language model"
    reason = f"the rows have {rows}"
    if picks:
        reason += ", which are read as " + ("classes" if kind == "encoder" else "answers")
    return base, picks, f"{model} is taken as {what} (config {base}); {reason}"


def model_kind(model: str) -> str:
    """`causal` or `encoder`, by a model's name or its config.json; empty where neither tells."""
    if model in _KINDS:
        return _KINDS[model]
    file = Path(model).expanduser() / "config.json"
    try:
        names = json.loads(file.read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError, AttributeError):
        # A hub id, or a folder that loading will complain about.
        return ""
    if any(_CAUSAL.fullmatch(str(name)) for name in names):
        return "causal"
    bare = any(_BARE_ENCODER.fullmatch(str(name)) for name in names)
    return "encoder" if bare or any(_ENCODER.fullmatch(str(name)) for name in names) else ""


def _name(place: Path) -> str:
    """Of a folder the whole name, of a file that without its endings."""
    place = place.resolve()
    if place.is_dir():
        return place.name
    return place.name.removesuffix(".gz").rpartition(".")[0] or place.name


def read_columns(text: str) -> dict[str, str]:
    """Columns by our own keys, from `prompt=question,answer=final`.

    Raises:
        ValueError: if it reads otherwise.
    """
    columns = {}
    for part in text.split(","):
        key, equals, column = (piece.strip() for piece in part.partition("="))
        if not (key and equals and column):
            raise ValueError(f"--columns reads like prompt=question,answer=final, got {text!r}")
        columns[key] = column
    return columns
