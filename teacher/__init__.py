"""Who chooses: rules, bandits, fixed orders and the taskwise policy."""

from .adapter import RulePolicy, RuleTeacher
from .bandits import EXP3S, SEC, TSCLSampling, TSCLWindow
from .learners import Sampled, action_probabilities, load_teacher, taskwise_ppo
from .orders import (
    HighestUnmastered,
    InOrder,
    Learnability,
    Proportional,
    RandomPacing,
    StaticMixture,
    Uniform,
)
from .replay import Replay
from .rules import Memory, Rule, View
from .streams import LearnerStreams
from .taskwise import TaskwisePolicy

RULES: dict[str, type[Rule]] = {
    "proportional": Proportional,
    "uniform": Uniform,
    "static_mixture": StaticMixture,
    "in_order": InOrder,
    "highest_unmastered": HighestUnmastered,
    "learnability": Learnability,
    "random_pacing": RandomPacing,
    "tscl_window": TSCLWindow,
    "tscl_sampling": TSCLSampling,
    "exp3s": EXP3S,
    "sec": SEC,
}
"""Rules by the names that configs use."""

__all__ = [
    "EXP3S",
    "RULES",
    "SEC",
    "HighestUnmastered",
    "InOrder",
    "Learnability",
    "LearnerStreams",
    "Memory",
    "Proportional",
    "RandomPacing",
    "Replay",
    "Rule",
    "RulePolicy",
    "RuleTeacher",
    "Sampled",
    "StaticMixture",
    "TSCLSampling",
    "TSCLWindow",
    "TaskwisePolicy",
    "Uniform",
    "View",
    "action_probabilities",
    "load_teacher",
    "taskwise_ppo",
]
