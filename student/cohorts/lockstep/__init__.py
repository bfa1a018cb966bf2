"""Networks trained in lockstep: one module stacked n times, a row a student."""

from .base_weights import load_base
from .learning_rates import LEARNING_RATES, Constant, Cosine, Cyclical, RateSchedule, WarmUp
from .optimizer import Adam
from .stacked import StackedCohort

__all__ = [
    "LEARNING_RATES",
    "Adam",
    "Constant",
    "Cosine",
    "Cyclical",
    "RateSchedule",
    "StackedCohort",
    "WarmUp",
    "load_base",
]
