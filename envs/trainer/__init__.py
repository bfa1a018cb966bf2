"""A tutor inside the trainers of Hugging Face and TRL."""

from ..tutor import Tutor
from .mixin import TaughtMixin, taught

__all__ = ["TaughtMixin", "Tutor", "taught"]
