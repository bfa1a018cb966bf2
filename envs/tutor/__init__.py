"""The classroom inside out, for people who own the training loop."""

from .tutor import Tutor

__all__ = ["Tutor"]
