"""Orders that are fixed before the first decision, and what pays heed to scores by hand."""

from .hand import HandCombined, HandMixed, HandNaive, SpacedReview
from .plain import (
    HighestUnmastered,
    InOrder,
    Learnability,
    Proportional,
    RandomPacing,
    Reverse,
    StaticMixture,
    TemperatureScaled,
    Uniform,
)
from .replay import Replay

__all__ = [
    "HandCombined",
    "HandMixed",
    "HandNaive",
    "HighestUnmastered",
    "InOrder",
    "Learnability",
    "Proportional",
    "RandomPacing",
    "Replay",
    "Reverse",
    "SpacedReview",
    "StaticMixture",
    "TemperatureScaled",
    "Uniform",
]
