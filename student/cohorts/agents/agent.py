"""A student that is an agent: a Stable-Baselines3 algorithm on a list of Gymnasium environments.

Legend: k tasks, b environments side by side, e episodes.
"""

import importlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv

from ..loop import Batch, Step
from .rows import Row, make_environment
from .tasks import EnvironmentSuite, episode_seeds

OURS = ("policy", "env", "n_steps", "seed", "device", "verbose", "_init_setup_model")
"""Arguments of an algorithm that the cohort sets."""

_COUNTERS = (
    "num_timesteps", "_total_timesteps", "_num_timesteps_at_start", "_episode_num",
    "_current_progress_remaining", "_n_updates", "_n_calls", "exploration_rate",
)  # fmt: skip
"""Numbers that SB3's and sb3-contrib's algorithms count on; each has some of them. The class of
another library's algorithm names its own in an attribute `counters`."""
_REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
"""Arrays of a replay buffer."""


def algorithm_named(name: str) -> type[BaseAlgorithm]:
    """An algorithm of Stable-Baselines3, or another library's as `module:name`.

    Raises:
        ValueError: if there is none.
    """
    module, _, attribute = name.rpartition(":")
    try:
        library = importlib.import_module(module) if module else stable_baselines3
        algorithm = getattr(library, attribute)
    except (ImportError, AttributeError):
        algorithm = None
    if not (isinstance(algorithm, type) and issubclass(algorithm, BaseAlgorithm)):
        raise ValueError(
            f"there is no algorithm {name!r} in Stable-Baselines3; name one of its classes (PPO, "
            "A2C, DQN, ...), or another library's as module:name"
        )
    return algorithm


class _Exploration(BaseCallback):
    """Lets SB3's exploration run over a lifetime, not over each call to `learn`."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def _on_training_start(self) -> None:
        self.model._total_timesteps = self._steps

    def _on_step(self) -> bool:
        return True


@dataclass
class Agents:
    """What the agents of a cohort have in common."""

    suite: EnvironmentSuite
    algorithm: type[BaseAlgorithm]
    policy: str
    n_rows: int
    exploration_steps: int
    settings: dict[str, Any]
    rooms: dict[tuple[int, bool], list[Any]] = field(default_factory=dict)
    """Environments to be tested in, by task and whether it is under stress."""

    def build(self, rows: DummyVecEnv, seed: int) -> BaseAlgorithm:
        """A new agent; draws its weights from the global streams."""
        ours = [name for name in OURS if name in self.settings]
        if ours:
            raise ValueError(f"{ours[0]} of an agent is not among its settings: the cohort sets it")
        own: dict[str, Any] = self.settings
        if issubclass(self.algorithm, OnPolicyAlgorithm):
            own = own | {"n_steps": self.suite.n_steps}
        try:
            agent = self.algorithm(self.policy, rows, seed=seed, device="cpu", **own)
        except (TypeError, ValueError, AssertionError, KeyError) as error:
            raise ValueError(
                f"an agent of {self.algorithm.__name__} can't be made with these settings: "
                f"{' '.join(str(error).split())}"
            ) from error
        if hasattr(agent, "_last_lstm_states"):
            raise ValueError("an agent with a recurrent policy can't be a student yet")
        agent.set_logger(Logger(None, []))
        return agent

    def tested_in(self, task: int, split: str, count: int) -> list[Any]:
        """Environments of a task in a split to be tested in, `count` of them."""
        envs = self.rooms.setdefault((task, split == "stress"), [])
        envs += [make_environment(self.suite, task, split) for _ in range(count - len(envs))]
        return envs[:count]


class Agent:
    """One agent as a `SingleStudent`."""

    model: Any

    def __init__(self, shared: Agents) -> None:
        self._shared = shared
        self.rows = [Row(shared.suite, row) for row in range(shared.n_rows)]
        self._env = DummyVecEnv([partial(_same, row) for row in self.rows])
        self._regret = 1.0

    def reset(self, seed: int) -> None:
        """A new agent, and environments that begin anew."""
        for row in self.rows:
            row.begin(seed)
        self.model = self._shared.build(self._env, seed % 2**31)
        self._regret = 1.0

    def train(self, batch: Batch) -> Step:
        """One update phase; its loss is the mean regret of the episodes that ended in it.

        Where none did, the last that is known, 1 at first; NaN once a weight is not finite. What
        the examples showed are these episodes, played as the algorithm explores.
        """
        self._place(batch.tasks)
        model, steps = self.model, self._shared.suite.n_steps * len(self.rows)
        model.action_space.seed(int(np.random.randint(2**31)))
        try:
            model.learn(
                steps,
                _Exploration(self._shared.exploration_steps),
                log_interval=None,
                reset_num_timesteps=False,
            )
        except (ValueError, RuntimeError):
            # What torch says of probabilities that are NaN is no news to the cohort.
            if self._finite():
                raise
        ended = [episode for row in self.rows for episode in row.ended]
        tasks, credits, regrets = np.array(ended, dtype=np.float64).reshape(-1, 3).T
        self._regret = float(np.mean(regrets.copy())) if ended else self._regret
        loss = self._regret if self._finite() else np.nan
        return Step(loss, credits, regrets, tasks=tasks.astype(np.int64))

    def evaluate(self, batch: Batch) -> tuple[float, float]:
        """Score and mean regret of one episode for each example, by the likeliest actions."""
        if not self._finite():
            return 0.0, 1.0
        task = int(batch.tasks[0])
        place = self._shared.suite.environments[task]
        totals, successes = self._play(task, batch)
        regrets = place.regret(totals)
        if place.success is None:
            return float(1.0 - regrets.mean()), float(regrets.mean())
        return float(place.credit(totals, successes).mean()), float(regrets.mean())

    def _play(self, task: int, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Return of each episode, and whether its environment calls it a success, (e,) each."""
        envs = self._shared.tested_in(task, batch.split, len(batch))
        options = self._shared.suite.environments[task].in_split("options", batch.split)
        seeds = episode_seeds(batch.split, task, batch.index)
        observations = np.stack(
            [
                env.reset(seed=int(seed), options=options)[0]
                for env, seed in zip(envs, seeds, strict=True)
            ]
        )
        totals, successes = np.zeros(len(envs)), np.zeros(len(envs), dtype=bool)
        going = np.arange(len(envs))
        while len(going):
            actions, _ = self.model.predict(observations[going], deterministic=True)
            over = np.zeros(len(going), dtype=bool)
            for i, (episode, action) in enumerate(zip(going, actions, strict=True)):
                observations[episode], reward, ended, cut, info = envs[episode].step(action)
                totals[episode] += float(reward)
                over[i] = ended or cut
                successes[episode] = bool(info.get("is_success", False))
            going = going[~over]
        return totals, successes

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers, counters, replay buffer, and where each episode is."""
        model = self.model
        _, variables = model._get_torch_save_params()
        names = (*_COUNTERS, *getattr(type(model), "counters", ()))
        return {
            "parameters": model.get_parameters(),
            "variables": {name: getattr(model, name).detach() for name in variables},
            "counters": {name: getattr(model, name) for name in names if hasattr(model, name)},
            "buffer": _buffer_state(model),
            "rows": [row.state_dict() for row in self.rows],
            "regret": self._regret,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up such a state; unfinished episodes are played again."""
        model = self.model
        model.set_parameters(state["parameters"], device="cpu")
        for name, value in state["variables"].items():
            getattr(model, name).data.copy_(value)
        for name, value in state["counters"].items():
            setattr(model, name, value)
        _load_buffer(model, state["buffer"])
        observations = [
            row.replay(row_state) for row, row_state in zip(self.rows, state["rows"], strict=True)
        ]
        model._last_obs = np.stack(observations) if self.rows[0].task >= 0 else None
        self._regret = state["regret"]

    def _place(self, tasks: np.ndarray) -> None:
        """Put each row on its task; where that is another one, an episode begins."""
        observations = self.model._last_obs
        observations = [None] * len(tasks) if observations is None else list(observations)
        for i, (row, task) in enumerate(zip(self.rows, tasks, strict=True)):
            row.ended = []
            if row.task != task:
                row.task = int(task)
                observations[i] = row.reset()[0]
        self.model._last_obs = np.stack(observations)
        self.model._last_episode_starts = np.array([not row.actions for row in self.rows])

    def _finite(self) -> bool:
        parameters = self.model.policy.parameters()
        return all(bool(torch.isfinite(part).all()) for part in parameters)


def _same(row: Row) -> Row:
    return row


def _buffer_state(model: Any) -> dict[str, Any]:
    """What a replay buffer holds so far; nothing where there is none."""
    if not isinstance(model, OffPolicyAlgorithm):
        return {}
    buffer: Any = model.replay_buffer
    count = buffer.buffer_size if buffer.full else buffer.pos
    # Without `next_observations` where the buffer saves memory.
    names = [name for name in _REPLAYED if hasattr(buffer, name)]
    arrays = {name: getattr(buffer, name)[:count] for name in names}
    return {"pos": buffer.pos, "full": buffer.full, "arrays": arrays}


def _load_buffer(model: Any, state: dict[str, Any]) -> None:
    if state:
        buffer = model.replay_buffer
        buffer.pos, buffer.full = state["pos"], state["full"]
        for name, values in state["arrays"].items():
            getattr(buffer, name)[: len(values)] = values
