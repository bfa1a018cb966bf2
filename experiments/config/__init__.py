"""What people write: the sections of a config, read from YAML, names and overrides."""

from .config import Config
from .loading import make_config, read_config
from .sweeps import Sweep, read_sweep

__all__ = ["Config", "Sweep", "make_config", "read_config", "read_sweep"]
