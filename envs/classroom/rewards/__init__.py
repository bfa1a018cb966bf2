"""What a learning teacher is paid after a decision, and the check of one's own."""

from .checks import REWARD_CHECKS, check_amounts, check_reward
from .rewards import REWARDS, Outcome, Pay, Reward

__all__ = [
    "REWARDS",
    "REWARD_CHECKS",
    "Outcome",
    "Pay",
    "Reward",
    "check_amounts",
    "check_reward",
]
