"""The classroom as Gymnasium and Stable-Baselines3 know environments."""

from .env import CurriculumEnv
from .joined import JoinedVecEnv, Part
from .seeding import TRAINING_SEEDS
from .vec_env import CurriculumVecEnv
from .vector_env import CurriculumVectorEnv

__all__ = [
    "TRAINING_SEEDS",
    "CurriculumEnv",
    "CurriculumVecEnv",
    "CurriculumVectorEnv",
    "JoinedVecEnv",
    "Part",
]
