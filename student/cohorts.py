"""Cohorts by name."""

from .agent_cohort import RLCohort
from .cohort import Cohort
from .simulated import SimulatedCohort
from .stacked import StackedCohort

COHORTS: dict[str, type[Cohort]] = {
    "stacked": StackedCohort,
    "simulated": SimulatedCohort,
    "rl": RLCohort,
}
"""Cohorts by the kind that a suite names."""
