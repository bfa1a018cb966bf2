"""What the teacher sees: progress, rewards, the classroom and its faces."""

from .budget import Budget
from .classroom import Classroom, Lesson
from .columns import COLUMNS, PROGRESS_SIGNALS
from .env import CurriculumEnv
from .facts import MASTERY_MARGIN, next_streak, passes
from .joined import JoinedVecEnv, Part
from .make import IDS, make_classroom, register_ids
from .rewards import REWARDS
from .trainer import TaughtMixin, taught
from .tutor import Tutor
from .vec_env import CurriculumVecEnv
from .vector_env import CurriculumVectorEnv

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
    "Part",
    "TaughtMixin",
    "Tutor",
    "make_classroom",
    "next_streak",
    "passes",
    "register_ids",
    "taught",
]

register_ids()
