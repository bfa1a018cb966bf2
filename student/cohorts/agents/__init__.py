"""Students that are agents: they learn in Gymnasium environments."""

from .cohort import RLCohort
from .suite import environments
from .tasks import Environment, EnvironmentSuite

__all__ = ["Environment", "EnvironmentSuite", "RLCohort", "environments"]
