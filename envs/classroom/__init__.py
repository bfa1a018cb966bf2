"""What happens in a lifetime: what the teacher sees, what it is paid, what is spent."""

from .budget import Budget
from .classroom import Classroom, Lesson
from .columns import COLUMNS, PROGRESS_SIGNALS, student_key
from .facts import MASTERY_MARGIN, next_streak, passes
from .progress import ESTIMATORS
from .rewards import REWARDS

__all__ = [
    "COLUMNS",
    "ESTIMATORS",
    "MASTERY_MARGIN",
    "PROGRESS_SIGNALS",
    "REWARDS",
    "Budget",
    "Classroom",
    "Lesson",
    "next_streak",
    "passes",
    "student_key",
]
