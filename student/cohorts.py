"""Cohorts by name."""

from .cohort import Cohort
from .environments import RLCohort
from .simulated import SimulatedCohort
from .stacked import StackedCohort

COHORTS: dict[str, type[Cohort]] = {
    "stacked": StackedCohort,
    "simulated": SimulatedCohort,
    "rl": RLCohort,
}
"""Cohorts by the kind that a suite names."""
