"""What teachers of a tutor are made or loaded for: its spaces and columns, without a student.

Legend: t task places, f columns.
"""

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from ..classroom.board import Board
from ..faces.vec_env import SharedVecEnv


class TutorEnv(SharedVecEnv):
    """Spaces and columns of a tutor, as an environment that teachers are made or loaded for."""

    def __init__(self, board: Board) -> None:
        self._board, self.render_mode = board, None
        super().__init__(1, board.observation_space, board.action_space)

    @property
    def columns(self) -> tuple[str, ...]:
        """What it shows."""
        return self._board.observer.observe

    def show(self, columns: Sequence[str]) -> None:
        """Show these columns too, which the rule needs that is made for it.

        Where places are empty it needs to see which.
        """
        if self._board.n_places > len(self._board.suite):
            columns = tuple(dict.fromkeys((*columns, "present")))
        if missing := [column for column in columns if column not in self.columns]:
            self._board.show(missing)
            self.observation_space = self._board.observation_space

    def reset(self) -> np.ndarray:
        """Refused: there is no student in it."""
        self._refuse()

    def step_async(self, actions: np.ndarray) -> None:
        """Refused, as `reset`."""
        self._refuse()

    def step_wait(self) -> VecEnvStepReturn:
        """Refused, as `reset`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ValueError(
            "a tutor's environment has no student, only spaces and columns; "
            "train teachers in a CurriculumVecEnv"
        )
