"""Guards: rules around a rule, which change its choice where something would go wrong."""

from .bring_back import BringBack
from .floors import Floors
from .guard import Guard
from .harm import AgainstHarm
from .milestones import Milestones
from .overfitting import AgainstOverfitting
from .patience import Patience
from .reframe import Reframe
from .review import Review

__all__ = [
    "AgainstHarm",
    "AgainstOverfitting",
    "BringBack",
    "Floors",
    "Guard",
    "Milestones",
    "Patience",
    "Reframe",
    "Review",
]
