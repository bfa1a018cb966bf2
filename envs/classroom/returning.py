"""What teachers ask of students besides training: to be kept, to go back, to begin anew.

Legend: r rows named in a call, t task places.
"""

from collections.abc import Mapping

import numpy as np

from lessonplan.student import Cohort
from lessonplan.student.contract import Returning


def return_students(cohort: Cohort, rows: np.ndarray, asked: Mapping[str, np.ndarray]) -> None:
    """Carry out `keep` (r, t + 1), `go_back` (r,) and `restart` (r,), in this order.

    Raises:
        ValueError: if that is asked of students that can't.
    """
    keep, back = asked.get("keep"), asked.get("go_back")
    again = asked.get("restart")
    wanted = [one for one in (keep, again) if one is not None and one.any()]
    if not wanted and (back is None or (back < 0).all()):
        return
    if not isinstance(cohort, Returning):
        raise ValueError(
            f"the teacher has students go back to what they were, which {type(cohort).__name__} "
            "can't (it has no keep, go_back and restart); leave out the guard that asks for it, or "
            "its go_back"
        )
    if keep is not None:
        which, places = np.nonzero(keep)
        cohort.keep(rows[which], places)
    if back is not None:
        gone = back >= 0
        cohort.go_back(rows[gone], back[gone])
    if again is not None:
        cohort.restart(rows[again])
