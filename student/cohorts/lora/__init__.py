"""Students that are low-rank adapters over one frozen model."""

from .adapters import Adapter, combine_adapters, load_adapter, save_adapter
from .cohort import LoRACohort
from .layers import QUERY_AND_VALUE, LoRA, copy_sharing_weights

__all__ = [
    "QUERY_AND_VALUE",
    "Adapter",
    "LoRA",
    "LoRACohort",
    "combine_adapters",
    "copy_sharing_weights",
    "load_adapter",
    "save_adapter",
]
