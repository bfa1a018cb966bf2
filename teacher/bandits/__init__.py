"""Rules that learn within one lifetime, as published."""

from .exp3 import EXP3, EXP3S
from .learning_progress import ALPProportional, BidirectionalProgress
from .mastering import MasteringRate
from .odm import ODM, ODMExp3, ODMMixed
from .tscl import TSCLNaive, TSCLOnline, TSCLSampling, TSCLWindow
from .ucb import UCB1, DiscountedUCB, Thompson
from .values import DUMP, SEC

__all__ = [
    "DUMP",
    "EXP3",
    "EXP3S",
    "ODM",
    "SEC",
    "UCB1",
    "ALPProportional",
    "BidirectionalProgress",
    "DiscountedUCB",
    "MasteringRate",
    "ODMExp3",
    "ODMMixed",
    "TSCLNaive",
    "TSCLOnline",
    "TSCLSampling",
    "TSCLWindow",
    "Thompson",
]
