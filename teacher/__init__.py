"""Who chooses: rules, bandits, fixed orders and the taskwise policy."""

from .adapter import RulePolicy, RuleTeacher
from .algorithms import ALGORITHMS
from .checks import check_teacher
from .exp3 import EXP3, EXP3S
from .hand import HandCombined, HandMixed, HandNaive, SpacedReview
from .learners import action_probabilities, load_teacher, make_learner
from .learning_progress import ALPProportional, BidirectionalProgress
from .mastering import MasteringRate
from .odm import ODM, ODMExp3, ODMMixed
from .orders import (
    HighestUnmastered,
    InOrder,
    Learnability,
    Proportional,
    RandomPacing,
    Reverse,
    StaticMixture,
    TemperatureScaled,
    Uniform,
)
from .pickles import name_face
from .replay import Replay
from .rules import Memory, Rule, View
from .sampled import Sampled
from .streams import LearnerStreams
from .taskwise import TaskwisePolicy
from .timing import decision_seconds
from .tscl import TSCLNaive, TSCLOnline, TSCLSampling, TSCLWindow
from .ucb import UCB1, DiscountedUCB, Thompson
from .values import DUMP, SEC

RULES: dict[str, type[Rule]] = {
    "proportional": Proportional,
    "temperature": TemperatureScaled,
    "uniform": Uniform,
    "static_mixture": StaticMixture,
    "in_order": InOrder,
    "reverse": Reverse,
    "hand_naive": HandNaive,
    "hand_mixed": HandMixed,
    "hand_combined": HandCombined,
    "spaced_review": SpacedReview,
    "highest_unmastered": HighestUnmastered,
    "learnability": Learnability,
    "random_pacing": RandomPacing,
    "tscl_online": TSCLOnline,
    "tscl_naive": TSCLNaive,
    "tscl_window": TSCLWindow,
    "tscl_sampling": TSCLSampling,
    "ucb1": UCB1,
    "discounted_ucb": DiscountedUCB,
    "thompson": Thompson,
    "exp3": EXP3,
    "exp3s": EXP3S,
    "odm": ODM,
    "odm_mixed": ODMMixed,
    "odm_exp3": ODMExp3,
    "sec": SEC,
    "dump": DUMP,
    "alp_proportional": ALPProportional,
    "bidirectional_progress": BidirectionalProgress,
    "mastering_rate": MasteringRate,
}
"""Rules by the names that configs use."""

__all__ = [
    "ALGORITHMS",
    "DUMP",
    "EXP3",
    "EXP3S",
    "ODM",
    "RULES",
    "SEC",
    "UCB1",
    "ALPProportional",
    "BidirectionalProgress",
    "DiscountedUCB",
    "HandCombined",
    "HandMixed",
    "HandNaive",
    "HighestUnmastered",
    "InOrder",
    "Learnability",
    "LearnerStreams",
    "MasteringRate",
    "Memory",
    "ODMExp3",
    "ODMMixed",
    "Proportional",
    "RandomPacing",
    "Replay",
    "Reverse",
    "Rule",
    "RulePolicy",
    "RuleTeacher",
    "Sampled",
    "SpacedReview",
    "StaticMixture",
    "TSCLNaive",
    "TSCLOnline",
    "TSCLSampling",
    "TSCLWindow",
    "TaskwisePolicy",
    "TemperatureScaled",
    "Thompson",
    "Uniform",
    "View",
    "action_probabilities",
    "check_teacher",
    "decision_seconds",
    "load_teacher",
    "make_learner",
]

# Policies are here by name too: a saved teacher names this face as the place of its own.
_POLICIES = {learner.policy.__name__: learner.policy for learner in ALGORITHMS.values()}
globals().update(_POLICIES)
name_face([RulePolicy, Replay, *_POLICIES.values(), *RULES.values()])
