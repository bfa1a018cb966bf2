"""Who chooses: rules, bandits, fixed orders and the taskwise policy."""

from .adapter import RulePolicy, RuleTeacher, asked_for
from .bandits.aioli import Aioli
from .bandits.exp3 import EXP3, EXP3S
from .bandits.learning_progress import ALPProportional, BidirectionalProgress
from .bandits.mastering import MasteringRate
from .bandits.mixing import DoReMi, DynamixSFT
from .bandits.odm import ODM, ODMExp3, ODMMixed
from .bandits.transfer import TAC
from .bandits.tscl import TSCLNaive, TSCLOnline, TSCLSampling, TSCLWindow
from .bandits.ucb import UCB1, DiscountedUCB, Thompson
from .bandits.values import DUMP, SEC
from .checks import check_teacher, teacher_checks
from .files import save_teacher
from .guards import (
    AgainstHarm,
    AgainstOverfitting,
    BringBack,
    Floors,
    Guard,
    Milestones,
    Patience,
    Reframe,
    Review,
)
from .identity import identity_of
from .learners import (
    ALGORITHMS,
    LEANS_ON,
    LeaningPolicy,
    Sampled,
    TaskwisePolicy,
    action_probabilities,
    check_rollout,
    check_settings,
    load_teacher,
    make_learner,
)
from .orders.frontier import Frontier
from .orders.hand import HandCombined, HandMixed, HandNaive, SpacedReview
from .orders.open_loop import OpenLoop
from .orders.plain import (
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
from .orders.replay import Replay, ReplayMixtures
from .orders.shortfall import A5C, BaselineRatio, Deficit, Shortfall, WeightedShortfall
from .rules import Asks, Memory, Rule, View
from .stored import StoredTeacher, keep_card, stored_teacher
from .streams import LearnerStreams, global_state
from .timing import decision_seconds

RULES: dict[str, type[Rule]] = {
    "proportional": Proportional,
    "temperature": TemperatureScaled,
    "uniform": Uniform,
    "static_mixture": StaticMixture,
    "open_loop": OpenLoop,
    "in_order": InOrder,
    "reverse": Reverse,
    "hand_naive": HandNaive,
    "hand_mixed": HandMixed,
    "hand_combined": HandCombined,
    "spaced_review": SpacedReview,
    "highest_unmastered": HighestUnmastered,
    "learnability": Learnability,
    "shortfall": Shortfall,
    "weighted_shortfall": WeightedShortfall,
    "deficit": Deficit,
    "a5c": A5C,
    "baseline_ratio": BaselineRatio,
    "frontier": Frontier,
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
    "dynamix_sft": DynamixSFT,
    "doremi": DoReMi,
    "aioli": Aioli,
    "tac": TAC,
}
"""Rules by the names that configs use."""
GUARDS: dict[str, type[Guard]] = {
    "milestones": Milestones,
    "review": Review,
    "bring_back": BringBack,
    "against_harm": AgainstHarm,
    "against_overfitting": AgainstOverfitting,
    "floors": Floors,
    "reframe": Reframe,
    "patience": Patience,
}
"""Guards by the names that configs use."""

__all__ = [
    "A5C",
    "ALGORITHMS",
    "DUMP",
    "EXP3",
    "EXP3S",
    "GUARDS",
    "LEANS_ON",
    "ODM",
    "RULES",
    "SEC",
    "TAC",
    "UCB1",
    "ALPProportional",
    "AgainstHarm",
    "AgainstOverfitting",
    "Aioli",
    "Asks",
    "BaselineRatio",
    "BidirectionalProgress",
    "BringBack",
    "Deficit",
    "DiscountedUCB",
    "DoReMi",
    "DynamixSFT",
    "Floors",
    "Frontier",
    "Guard",
    "HandCombined",
    "HandMixed",
    "HandNaive",
    "HighestUnmastered",
    "InOrder",
    "LeaningPolicy",
    "Learnability",
    "LearnerStreams",
    "MasteringRate",
    "Memory",
    "Milestones",
    "ODMExp3",
    "ODMMixed",
    "OpenLoop",
    "Patience",
    "Proportional",
    "RandomPacing",
    "Reframe",
    "Replay",
    "ReplayMixtures",
    "Reverse",
    "Review",
    "Rule",
    "RulePolicy",
    "RuleTeacher",
    "Sampled",
    "Shortfall",
    "SpacedReview",
    "StaticMixture",
    "StoredTeacher",
    "TSCLNaive",
    "TSCLOnline",
    "TSCLSampling",
    "TSCLWindow",
    "TaskwisePolicy",
    "TemperatureScaled",
    "Thompson",
    "Uniform",
    "View",
    "WeightedShortfall",
    "action_probabilities",
    "asked_for",
    "check_rollout",
    "check_settings",
    "check_teacher",
    "decision_seconds",
    "global_state",
    "identity_of",
    "keep_card",
    "load_teacher",
    "make_learner",
    "save_teacher",
    "stored_teacher",
    "teacher_checks",
]

# Policies are here by name too: a saved teacher names this face as the place of its own.
globals().update({learner.policy.__name__: learner.policy for learner in ALGORITHMS.values()})
