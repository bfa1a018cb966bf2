"""Suites by name."""

from collections.abc import Callable

from .parity import parity
from .tasks import TaskSuite

SUITES: dict[str, Callable[..., TaskSuite]] = {"parity": parity}
