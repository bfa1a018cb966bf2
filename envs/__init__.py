"""What the teacher sees: progress, rewards, the classroom and its faces."""

from .budget import Budget
from .classroom import Classroom, Lesson
from .columns import COLUMNS
from .env import CurriculumEnv
from .make import IDS, make_classroom, register_ids
from .rewards import REWARDS
from .vec_env import CurriculumVecEnv
from .vector_env import CurriculumVectorEnv

__all__ = [
    "COLUMNS",
    "IDS",
    "REWARDS",
    "Budget",
    "Classroom",
    "CurriculumEnv",
    "CurriculumVecEnv",
    "CurriculumVectorEnv",
    "Lesson",
    "make_classroom",
    "register_ids",
]

register_ids()
