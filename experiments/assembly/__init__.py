"""Where configs become objects: suites, students, classrooms, teachers, Ray actors."""

from .build import build_learner, build_room, build_rule, build_suite
from .students import build_cohort

__all__ = ["build_cohort", "build_learner", "build_room", "build_rule", "build_suite"]
