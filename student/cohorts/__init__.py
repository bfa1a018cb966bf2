"""Students of every kind, n at a time."""

from .agents.cohort import RLCohort
from .agents.suite import environments
from .agents.tasks import Environment, EnvironmentSuite
from .lockstep.base_weights import load_base
from .lockstep.learning_rates import (
    LEARNING_RATES,
    Constant,
    Cosine,
    Cyclical,
    RateSchedule,
    WarmUp,
)
from .lockstep.optimizer import Adam
from .lockstep.stacked import StackedCohort
from .loop import Batch, LoopCohort, SingleStudent, Step
from .lora.adapters import Adapter, combine_adapters, load_adapter, save_adapter
from .lora.cohort import LoRACohort
from .lora.layers import QUERY_AND_VALUE, LoRA, copy_sharing_weights
from .simulation import SimulatedCohort, simulated

__all__ = [
    "LEARNING_RATES",
    "QUERY_AND_VALUE",
    "Adam",
    "Adapter",
    "Batch",
    "Constant",
    "Cosine",
    "Cyclical",
    "Environment",
    "EnvironmentSuite",
    "LoRA",
    "LoRACohort",
    "LoopCohort",
    "RLCohort",
    "RateSchedule",
    "SimulatedCohort",
    "SingleStudent",
    "StackedCohort",
    "Step",
    "WarmUp",
    "combine_adapters",
    "copy_sharing_weights",
    "environments",
    "load_adapter",
    "load_base",
    "save_adapter",
    "simulated",
]
