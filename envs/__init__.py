"""What the teacher sees: progress, rewards, the classroom and its faces."""

from .classroom import (
    COLUMNS,
    MASTERY_MARGIN,
    PROGRESS_SIGNALS,
    REWARDS,
    Budget,
    Classroom,
    Lesson,
    Outcome,
    check_reward,
    next_streak,
    passes,
)
from .faces import CurriculumEnv, CurriculumVecEnv, CurriculumVectorEnv, JoinedVecEnv, Part
from .make import IDS, make_classroom, register_ids
from .trainer import TaughtMixin, taught
from .tutor import Tutor

__all__ = [
    "COLUMNS",
    "IDS",
    "MASTERY_MARGIN",
    "PROGRESS_SIGNALS",
    "REWARDS",
    "Budget",
    "Classroom",
    "CurriculumEnv",
    "CurriculumVecEnv",
    "CurriculumVectorEnv",
    "JoinedVecEnv",
    "Lesson",
    "Outcome",
    "Part",
    "TaughtMixin",
    "Tutor",
    "check_reward",
    "make_classroom",
    "next_streak",
    "passes",
    "register_ids",
    "taught",
]

register_ids()
