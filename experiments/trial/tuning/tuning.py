"""Tuning a rule on the selection students, which are never reported.

Legend: c candidates, s students.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from lessonplan.student import TaskSuite

from ...assembly.belonging import own_checkpoint, taking_up, teacher_belongs_to
from ...assembly.build import SELECT_SEEDS, decisions_in_budget
from ...common.files import write_checkpoint
from ...common.watch import Tell, nowhere
from ...config.config import Config, RuleSection
from ..teaching import Worth
from .choosing import best_first, choose_best, has_gained
from .population import Lives, live
from .search import Search
from .space import Setting, Space, space_of

NOTHING_TO_TUNE = "there was a single setting"
"""Why a tuning stopped that was none."""
_Tried = tuple[Setting, Lives]
_VAIN = 20
"""Generations in a row without anything that was not tried before, after which nothing is left."""


def tune(
    config: Config,
    section: RuleSection,
    suite: TaskSuite,
    checkpoint: Path,
    tell: Tell = nowhere,
) -> dict[str, Any]:
    """Look for the parameters of a rule with which the selection students master at least cost.

    Candidates live with the first `tuning.students` of them, the untuned parameters first, until
    `tuning.lifetimes` are spent, or after `tuning.least` where the last fifth brought no gain; a
    space with fewer settings is tried whole. Then the `tuning.finalists` best, and the middle of
    the search, live with all selection students, and the lowest mean cost until mastery by `probe`
    wins. Students that never get there cost their whole lifetime; where nobody gets there, the
    largest area wins.

    Args:
        config: the experiment.
        section: the rule to tune.
        suite: its tasks.
        checkpoint: file to keep finished candidates in.
        tell: told how far it is.

    Returns:
        `parameters`, the `tried` candidates and the `finalists` with what they are worth, the
        `path` of the best so far, why it `stopped` before the lifetimes were spent (empty where it
        did not), how the best was `chosen` in words where costs did not tell, its `selection_cost`
        and `selection_area`, and what the tuning cost (`lifetimes`, `compute`, `student_steps`,
        `wall_seconds`).
    """
    return _Tuner(config, section, suite, checkpoint, tell).tune()


def most_lifetimes(config: Config, section: RuleSection, suite: TaskSuite) -> int:
    """Lifetimes that tuning a rule takes where it does not end early."""
    longest = decisions_in_budget(config, suite)
    size = space_of(section, suite, longest, config.modules).size
    few = min(config.tuning.students, config.seeds.select)
    candidates = int(min(_candidates(config), size + 1))
    finalists = min(config.tuning.finalists, candidates)
    return candidates * few + finalists * (config.seeds.select - few) + config.seeds.select


def _candidates(config: Config) -> int:
    """Candidates that the lifetimes of a tuning are spent on; the last may take some more."""
    return -(-config.tuning.lifetimes // min(config.tuning.students, config.seeds.select))


class _Tuner:
    """A tuning that keeps what every candidate was worth.

    To go on, it does all again: what it kept is looked up in place of being lived.
    """

    def __init__(
        self, config: Config, section: RuleSection, suite: TaskSuite, checkpoint: Path, tell: Tell
    ) -> None:
        self._config, self._section, self._suite = config, section, suite
        self._checkpoint, self._tell = checkpoint, tell
        longest = decisions_in_budget(config, suite)
        self._space: Space = space_of(section, suite, longest, config.modules)
        self._students = SELECT_SEEDS + np.arange(config.seeds.select)
        self._few = min(config.tuning.students, config.seeds.select)
        self._most = _candidates(config)
        """Candidates that the lifetimes are spent on."""
        self._state = self._take_up()
        self._searched: Search | None = None
        self._lifetimes = 0
        self._tried: dict[str, _Tried] = {}
        """What was tried in this tuning by the keys of settings, in the order of trying."""

    def tune(self) -> dict[str, Any]:
        """See `tune`."""
        if every := self._every():
            self._try(every)
            stopped = "" if len(every) == self._most else "every setting was tried"
            stopped = NOTHING_TO_TUNE if len(every) == 1 else stopped
        else:
            stopped = self._search()
        tried = list(self._tried.values())
        worths = [lives.worth for _, lives in tried]
        finalists = [tried[i] for i in best_first(worths)[: self._config.tuning.finalists]]
        ends = self._final([*finalists, *self._middle()])
        choice = choose_best([lives.worth for _, lives in ends])
        parameters, lives = ends[choice.best]
        return {
            "parameters": parameters,
            "tried": [_plain(one) for one in tried],
            "finalists": [_plain(one) for one in ends],
            "path": _path(worths, self._few),
            "stopped": stopped,
            "chosen": choice.sentence,
            "selection_cost": lives.worth.cost,
            "selection_area": lives.worth.area,
            "lifetimes": self._lifetimes,
            "compute": self._state["compute"],
            "student_steps": self._state["steps"],
            "wall_seconds": self._state["seconds"],
        }

    def _every(self) -> list[Setting]:
        """All settings, the untuned one first, where the lifetimes are enough for them."""
        if self._space.size > self._most:
            return []
        untuned = [] if self._space.untuned is None else [self._space.untuned]
        every = [*untuned, *self._space.settings()]
        once = list({self._space.key(one): one for one in reversed(every)}.values())[::-1]
        return once if len(once) <= self._most else []

    def _search(self) -> str:
        """Ask for generations until there is a reason to end; the reason, if it came early."""
        search = self._searched = Search(self._space, self._config.seeds.teacher)
        vain = 0
        least = self._config.tuning.least
        if self._space.untuned is not None:
            self._try([self._space.untuned])
        while vain < _VAIN:
            before, generation = len(self._tried), search.ask()
            self._try(generation)
            if len(self._tried) >= self._most:
                return ""
            lives = [self._tried[self._space.key(setting)][1] for setting in generation]
            search.tell([one.worth for one in lives])
            vain = 0 if len(self._tried) > before else vain + 1
            if len(self._tried) * self._few >= least and not self._has_gained():
                return "the last fifth brought no gain beyond its standard error"
        return "nothing was found any more that was not tried"

    def _has_gained(self) -> bool:
        every = [lives for _, lives in self._tried.values()]
        by_area = not any(lives.mastered.any() for lives in every)
        return has_gained(np.array([-one.areas if by_area else one.costs for one in every]))

    def _try(self, settings: Sequence[Setting]) -> None:
        """Have each setting lived that was not tried, as long as there are lifetimes left."""
        new: dict[str, Setting] = {}
        for setting in settings:
            if self._space.key(setting) not in self._tried:
                new.setdefault(self._space.key(setting), setting)
        new = dict(list(new.items())[: self._most - len(self._tried)])
        lived = self._lived("tried", new, self._students[: self._few])
        # In the order in which they were asked for, which is the same after a kill.
        self._tried.update((key, (setting, lived[key])) for key, setting in new.items())

    def _middle(self) -> list[_Tried]:
        """Where the search has come to, if that is none of the settings that were tried."""
        middle = None if self._searched is None else self._searched.middle
        if middle is None or self._space.key(middle) in self._tried:
            return []
        lived = self._lived("tried", {self._space.key(middle): middle}, self._students[: self._few])
        return [(middle, lives) for lives in lived.values()]

    def _final(self, finalists: Sequence[_Tried]) -> list[_Tried]:
        """The finalists with what they were worth to all selection students."""
        rest = self._students[self._few :]
        if not len(rest):
            return list(finalists)
        settings = {self._space.key(setting): setting for setting, _ in finalists}
        lived = self._lived("finals", settings, rest)
        return [(one, lives + lived[self._space.key(one)]) for one, lives in finalists]

    def _lived(
        self, part: str, settings: Mapping[str, Setting], students: np.ndarray
    ) -> dict[str, Lives]:
        """What settings by their keys are worth to the students: as kept, or lived now."""
        kept: dict[str, list[list[float]]] = self._state[part]
        keys = [key for key in settings if key not in kept]
        new, began = [settings[key] for key in keys], time.perf_counter()
        for some, lives, took in live(self._config, self._section, self._suite, new, students):
            kept.update((keys[i], _kept(one)) for i, one in zip(some, lives, strict=True))
            now = time.perf_counter()
            self._state["compute"] += took.compute
            self._state["steps"] += took.student_steps
            self._state["seconds"] += now - began
            began = now
            write_checkpoint(self._checkpoint, self._state)
            self._say(part)
        self._lifetimes += len(settings) * len(students)
        return {key: _lives(kept[key]) for key in settings}

    def _say(self, part: str) -> None:
        count = len(self._state["tried"])
        share = count / max(1.0, min(self._space.size + 1.0, self._most))
        words = f"candidate {count} of at most {self._most:,}"
        self._tell(min(share, 1.0), words if part == "tried" else "the final of the best")

    def _take_up(self) -> dict[str, Any]:
        """What an interrupted tuning kept; those of earlier versions kept a list of means."""
        belongs_to = teacher_belongs_to(self._config, self._section)
        state = own_checkpoint(self._checkpoint, belongs_to)
        with taking_up(self._checkpoint):
            if state is not None and not isinstance(state["tried"], list):
                every = [*state["tried"].values(), *state["finals"].values()]
                for costs, areas, mastered in map(tuple, every):
                    # Of what is no list of numbers a sum is an error.
                    sum(costs) + sum(areas) + sum(mastered)
                sum([state["compute"], state["steps"], state["seconds"]])
                return state
        start = {"compute": 0.0, "steps": 0, "seconds": 0.0}
        return {"belongs_to": belongs_to, "tried": {}, "finals": {}, **start}


def _kept(lives: Lives) -> list[list[float]]:
    return [np.asarray(values, np.float64).tolist() for values in vars(lives).values()]


def _lives(kept: list[list[float]]) -> Lives:
    costs, areas, mastered = np.array(kept, np.float64)
    return Lives(costs, areas, mastered.astype(bool))


def _plain(one: _Tried) -> dict[str, Any]:
    setting, lives = one
    return {"parameters": setting, **asdict(lives.worth)}


def _path(worths: Sequence[Worth], students: int) -> list[dict[str, float]]:
    """The best so far whenever there was a better one, after how many lifetimes."""
    by_area = choose_best(worths).by_area
    path, lowest = [], np.inf
    for i, worth in enumerate(worths, start=1):
        value = -worth.area if by_area else worth.cost
        if value < lowest:
            lowest = value
            path.append({"lifetimes": i * students, **asdict(worth)})
    return path
