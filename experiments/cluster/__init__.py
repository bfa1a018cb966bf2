"""Ray itself: one's own or a running one, and the rooms as it ships them."""

from .session import ray_session

__all__ = ["ray_session"]
