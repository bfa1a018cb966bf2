"""What a config says of single tasks of people's own data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .reading.notices import Notices
from .reading.places import Place
from .records import DESCRIPTIONS, Written, described
from .suite import Score

_KEYS = (*DESCRIPTIONS, "score")


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
        for name, values in tasks.items():
            if not isinstance(values, Mapping) or (strange := set(values) - set(_KEYS)):
                came = sorted(strange) if isinstance(values, Mapping) else values
                raise ValueError(
                    f"tasks: {name!r} may have the keys {', '.join(_KEYS)}, got {came!r}"
                )
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
                raise ValueError(
                    f"tasks: there is no task {name!r}; the tasks are {', '.join(tasks)}"
                )
            written = tasks[name]
            for key, value in description.items():
                written.unsettled.discard(key)
                written.places.setdefault(key, written.place)
                written.description[key] = value
        for name, written in tasks.items():
            for key in sorted(written.unsettled):
                notices.say(
                    f"{key!r} differs among the rows of task {name!r}, so it says nothing of the "
                    f"task; task_column={key} makes tasks of it"
                )
