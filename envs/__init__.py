"""What the teacher sees: progress, rewards, the classroom and its faces."""

from .budget import Budget
from .classroom import Classroom, Lesson
from .columns import COLUMNS, SIGNALS
from .env import CurriculumEnv
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
    "REWARDS",
    "SIGNALS",
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
    "register_ids",
    "taught",
]

register_ids()
