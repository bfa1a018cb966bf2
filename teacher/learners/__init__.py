"""Teachers that are trained: SB3's algorithms with networks for any number of tasks."""

from .algorithms import ALGORITHMS, CONTRIB
from .evolution import CMAES
from .leaning import LEANS_ON, LeaningPolicy
from .make import action_probabilities, beside_zip, load_beside_zip, load_teacher, make_learner
from .sampled import Sampled
from .settings import check_rollout, check_settings
from .taskwise import TaskwisePolicy

__all__ = [
    "ALGORITHMS",
    "CMAES",
    "CONTRIB",
    "LEANS_ON",
    "LeaningPolicy",
    "Sampled",
    "TaskwisePolicy",
    "action_probabilities",
    "beside_zip",
    "check_rollout",
    "check_settings",
    "load_beside_zip",
    "load_teacher",
    "make_learner",
]
