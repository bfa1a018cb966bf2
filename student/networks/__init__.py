"""What students are made of: networks from nothing, and pretrained models."""

from .lstm import LSTM
from .models import MLP, MODELS, Decoder
from .pretrained import PRETRAINED, CausalLM, EncoderClassifier
from .sources import PACKAGED, check_source
from .tokenizers import load_tokenizer

__all__ = [
    "LSTM",
    "MLP",
    "MODELS",
    "PACKAGED",
    "PRETRAINED",
    "CausalLM",
    "Decoder",
    "EncoderClassifier",
    "check_source",
    "load_tokenizer",
]
