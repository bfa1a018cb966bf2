"""A tutor inside the trainers of Hugging Face and TRL."""

from .mixin import TaughtMixin, Tutor, taught

__all__ = ["TaughtMixin", "Tutor", "taught"]
