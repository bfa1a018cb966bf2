"""The classroom of one as a Gymnasium environment.

Legend: t task places, f columns.
"""

from typing import Any

import gymnasium as gym
import numpy as np

from ..classroom.classroom import Classroom
from .render import bars_image, bars_text
from .seeding import TRAINING_SEEDS, SeedStream, check_options


class CurriculumEnv(gym.Env[np.ndarray, Any]):
    """One student's lifetime as an episode.

    Observation: `Box` (t, f); action: `Discrete(t)`, the place of the next task, or `Box` (t,), the
    logits of a mixture. `terminated` when every task is mastered, `truncated` when the budget is
    spent.

    Args:
        room: a classroom of one.
        student_seeds: half-open range that each reset draws the next student from.
        render_mode: `ansi` (text) or `rgb_array` (H, W, 3).
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(
        self,
        room: Classroom,
        student_seeds: tuple[int, int] = TRAINING_SEEDS,
        render_mode: str | None = None,
    ) -> None:
        if room.n != 1:
            raise ValueError(f"CurriculumEnv takes a classroom of one, got {room.n} students")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode must be ansi or rgb_array, got {render_mode!r}")
        self.room, self.render_mode = room, render_mode
        self.observation_space = room.board.observation_space
        self.action_space = room.board.action_space
        self._seeds = SeedStream(student_seeds)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the f columns."""
        return self.room.observe

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a lifetime; `options={"student_seed": 7}` names the student.

        Raises:
            ValueError: for another option, and for a seed that is none.
        """
        check_options(options or {}, "student_seed")
        super().reset(seed=seed)
        if seed is not None:
            self._seeds.seed(seed)
        named = (options or {}).get("student_seed")
        student_seed = self._seeds.next() if named is None else int(named)
        observation = self.room.reset(np.array([0]), np.array([student_seed]))
        return observation[0], self._info()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One decision."""
        chosen = np.asarray(action).reshape(1, *self.action_space.shape or ())
        lesson = self.room.step(self.room.decode(chosen))
        return (
            lesson.observation[0],
            float(lesson.reward[0]),
            bool(lesson.terminated[0]),
            bool(lesson.truncated[0]),
            self._info() | {"task": self.room.suite.names[lesson.task[0]]},
        )

    def _info(self) -> dict[str, Any]:
        """Facts under the tasks' canonical order, whatever was shuffled.

        Scores are the referee's, for who watches: a teacher that reads them uses probes that nobody
        is charged for.
        """
        facts = self.room.facts
        return {
            "student_seed": int(facts.student_seed[0]),
            "decision": int(facts.decisions[0]),
            "student_steps": int(facts.spending.steps[0]),
            "compute": float(facts.spending.compute[0]),
            "score": facts.judged[0].astype(np.float32),
        }

    def render(self) -> Any:
        """The student's scores: text for `ansi`, an image for `rgb_array`."""
        if self.render_mode is None:
            gym.logger.warn("render() needs a render_mode: make the environment with one")
            return None
        facts = self.room.facts
        draw = bars_text if self.render_mode == "ansi" else bars_image
        return draw(self.room.suite.names, facts.judged[0], facts.chosen[0])
