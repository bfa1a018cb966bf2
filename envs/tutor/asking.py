"""What a teacher asks of a tutor's user, by the names of tasks."""

from typing import Any

import numpy as np

from lessonplan.teacher import asked_for

from ..classroom.board import Board

BEST = "(best)"
"""What the place of no task in particular is called."""


def asked_by_name(memory: Any, board: Board) -> dict[str, Any]:
    """What a teacher asked for in the state that it returned; without what it does not ask for.

    Args:
        memory: that state.
        board: of one student.
    """
    asked = asked_for(memory)
    names = [*(board.suite.names[i] if i >= 0 else "" for i in board.places[0]), BEST]
    found: dict[str, Any] = {}
    if "keep" in asked:
        found["keep"] = [names[place] for place in np.flatnonzero(asked["keep"][0])]
    if "go_back" in asked and asked["go_back"][0] >= 0:
        found["go_back"] = names[asked["go_back"][0]]
    found |= {name: bool(asked[name][0]) for name in ("restart", "stop") if name in asked}
    return {name: value for name, value in found.items() if value}
