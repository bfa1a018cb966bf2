"""Tuning rules: one space, one optimiser, and candidates that live side by side."""

from .beginning import begun_at
from .choosing import Choice, best_first, choose_best, choose_over_prior, has_gained
from .parameters import Category, Parameter, Range
from .population import Lives, lives_of
from .search import Search
from .selecting import select
from .space import Setting, Space, example_settings, space_of
from .tuning import NOTHING_TO_TUNE, most_lifetimes, tune

__all__ = [
    "NOTHING_TO_TUNE", "Category", "Choice", "Lives", "Parameter", "Range", "Search", "Setting",
    "Space", "begun_at", "best_first", "choose_best", "choose_over_prior", "example_settings",
    "has_gained", "lives_of", "most_lifetimes", "select", "space_of", "tune",
]  # fmt: skip
