"""What happens in a lifetime: what the teacher sees, what it is paid, what is spent."""

from .belonging import check_belonging
from .budget import Budget
from .classroom import Classroom, Lesson
from .columns import COLUMNS, PROGRESS_SIGNALS, student_key
from .facts import MASTERY_MARGIN, next_streak, passes
from .progress import ESTIMATORS
from .rewards import REWARD_CHECKS, REWARDS, Outcome, check_amounts, check_reward

__all__ = [
    "COLUMNS",
    "ESTIMATORS",
    "MASTERY_MARGIN",
    "PROGRESS_SIGNALS",
    "REWARDS",
    "REWARD_CHECKS",
    "Budget",
    "Classroom",
    "Lesson",
    "Outcome",
    "check_amounts",
    "check_belonging",
    "check_reward",
    "next_streak",
    "passes",
    "student_key",
]
