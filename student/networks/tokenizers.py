"""Tokenizers of pretrained models, and how many tokens their models tell apart."""

from typing import Any

from .sources import from_source, transformers_library

_UNLIMITED = 10**9
"""What transformers says where a tokenizer has no limit is far above."""
_BEHIND_PADDING = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")
"""Models that count positions from behind the padding token."""


def load_tokenizer(source: str) -> Any:
    """The tokenizer that belongs to a model.

    Raises:
        ModuleNotFoundError: if a package is missing.
        ValueError: if there is no such model, or it brings no tokenizer.
    """
    return from_source(transformers_library().AutoTokenizer, source)


def vocabulary_size(source: str) -> int:
    """Outputs of a language model, which may be more than its tokenizer has tokens."""
    return int(from_source(transformers_library().AutoConfig, source).get_text_config().vocab_size)


def position_limit(source: str) -> int | None:
    """Most tokens of an input of a model, by its config; None where that does not say."""
    config = from_source(transformers_library().AutoConfig, source).get_text_config()
    most = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if most is None or most < 1:
        return None
    return int(most) - (config.pad_token_id + 1 if config.model_type in _BEHIND_PADDING else 0)


def text_limit(source: str, tokenizer: Any) -> int | None:
    """Most tokens of a text, by the tokenizer or else by the config of the model beside it.

    Returns:
        None where neither says.
    """
    if tokenizer.model_max_length < _UNLIMITED:
        return int(tokenizer.model_max_length)
    if not source:
        return None
    return position_limit(source)
