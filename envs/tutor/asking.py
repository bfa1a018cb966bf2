"""What a teacher asks of a tutor's user, by the names of tasks."""

from typing import Any

import numpy as np

from lessonplan.teacher import asked_for

from ..classroom.board import Board


def asked_by_name(memory: Any, board: Board) -> dict[str, Any]:
    """What a teacher asked for in the state that it returned; without what it does not ask for.

    Args:
        memory: that state.
        board: of one student.
    """
    asked, row = asked_for(memory), np.array([0])
    by_place = {name: asked[name] for name in ("keep",) if name in asked}
    if "go_back" in asked:
        by_place["go_back"] = np.arange(board.n_places) == asked["go_back"][:, None]
    found: dict[str, Any] = {}
    for name, values in by_place.items():
        canonical = board.to_canonical(np.asarray(values, dtype=float), row)[0]
        found[name] = [board.suite.names[i] for i in np.flatnonzero(canonical)]
    if "go_back" in found:
        found["go_back"] = next(iter(found["go_back"]), None)
    found |= {name: bool(asked[name][0]) for name in ("restart", "stop") if name in asked}
    return {name: value for name, value in found.items() if value}
