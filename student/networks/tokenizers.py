"""Tokenizers of pretrained models, and how many tokens their models tell apart."""

from typing import Any

from .sources import from_source, transformers_library


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
