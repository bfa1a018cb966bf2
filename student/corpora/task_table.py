"""What a config says of single tasks of people's own data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .reading.notices import Notices
from .reading.places import Place, listed, shortened
from .records import DESCRIPTIONS, Written, described
from .suite import Score

_KEYS = (*DESCRIPTIONS, "score")
_LONGEST_LIST = 120


class TaskTable:
    """Descriptions and scores of tasks, by name; they come before what the data say.

    Args:
        tasks: by task, some of `threshold`, `importance`, `category`, `skills`, `difficulty`,
            `prerequisites` and `score`.

    Raises:
        ValueError: for another key, or a value of the wrong kind.
    """

    def __init__(self, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        self.scores: dict[str, Score] = {}
        self._descriptions: dict[str, dict[str, Any]] = {}
        for name, values in _checked(tasks).items():
            if "score" in values:
                self.scores[name] = values["score"]
            place = Place(Path("tasks"), len(self._descriptions) + 1, "entry")
            self._descriptions[name] = {
                key: described(place, key, value) for key, value in values.items() if key != "score"
            }

    def describe(self, tasks: Mapping[str, Written], notices: Notices) -> None:
        """Write the descriptions to the tasks.

        Raises:
            ValueError: for a name that no task has.
        """
        for name, description in self._descriptions.items():
            if name not in tasks:
                names = listed(tasks, len(tasks), _LONGEST_LIST)
                raise ValueError(
                    f"tasks: there is no task {shortened(repr(name))}; the tasks are {names}"
                )
            written = tasks[name]
            for key, value in description.items():
                written.unsettled.discard(key)
                written.places.setdefault(key, written.place)
                written.description[key] = value
        for name, written in tasks.items():
            for key in sorted(written.unsettled):
                notices.say(
                    f"{key!r} differs among the rows of task {shortened(repr(name))}, so it says "
                    f"nothing of the task; task_column={key} makes tasks of it"
                )


def _checked(tasks: Any) -> dict[str, Mapping[str, Any]]:
    """The table by names of tasks, which may be written as numbers.

    Raises:
        ValueError: if it is none, or has another key.
    """
    if not isinstance(tasks, Mapping):
        came = shortened(repr(tasks))
        raise ValueError(f"tasks must be like {{TASK: {{threshold: 0.9}}}}, got {came}")
    for name, values in tasks.items():
        strange = values
        if isinstance(values, Mapping):
            strange = [key for key in values if key not in _KEYS]
        if strange or not isinstance(values, Mapping):
            raise ValueError(
                f"tasks: {shortened(repr(name), 40)} may have the keys {', '.join(_KEYS)}, "
                f"got {shortened(repr(strange))}"
            )
    return {str(name): values for name, values in tasks.items()}
