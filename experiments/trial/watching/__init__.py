"""What is seen of a teacher while it is trained, beside what SB3 logs of itself."""

from .lifetime_means import LifetimeMeans
from .pupils import Pupils

__all__ = ["LifetimeMeans", "Pupils"]
