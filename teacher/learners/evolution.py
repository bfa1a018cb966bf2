"""A learner that tries weights as they are: CMA-ES as an SB3 algorithm.

A policy gradient asks which noise of single decisions paid, and much of what a lifetime is worth
shows only at its end. Here a candidate is a whole policy, lives for whole lifetimes, and all
candidates of a generation teach the same students, so that what differs is what they do (common
random numbers; Salimans et al. 2017, 1703.03864, and Mania et al. 2018, 1803.07055, search policies
so). The search is the covariance matrix adaptation of Hansen and Ostermeier (2001).

Legend: n rows, k tasks, f columns, d weights, c candidates, m students.
"""

from collections import deque
from typing import Any, ClassVar

import numpy as np
import torch
from cmaes import CMA
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback

from .linear import LinearLeaningPolicy

_REST: dict[str, Any] = {"rest": True}


class _Lineup:
    """Which candidate teaches in which row, and which one after it; rows in a row share a student.

    Args:
        candidates: c.
        students: student seeds, (m,).
        n: rows.
    """

    def __init__(self, candidates: int, students: np.ndarray, n: int) -> None:
        self._students = students
        self._waiting = [deque(range(candidates)) for _ in students]
        self.whose = np.arange(n) // (n // len(students))
        """Which student each row has, (n,)."""
        self.now = np.array([self._next(row) for row in range(n)])
        """Candidate of each row, -1 where it rests, (n,)."""
        self.ahead = np.array([self._next(row) for row in range(n)])
        """That of its next lifetime, (n,)."""

    def _next(self, row: int) -> int:
        queue = self._waiting[self.whose[row]]
        return queue.popleft() if queue else -1

    def move_up(self, rows: np.ndarray) -> None:
        """In these rows a lifetime has ended, and the next has begun."""
        for row in rows:
            self.now[row], self.ahead[row] = self.ahead[row], self._next(row)

    def options(self, candidates: np.ndarray) -> list[dict[str, Any]]:
        """What rows are told for lifetimes of these candidates, (n,)."""
        pairs = zip(self.whose, candidates, strict=True)
        return [
            {"student_seed": int(self._students[student])} if candidate >= 0 else _REST
            for student, candidate in pairs
        ]


class CMAES(BaseAlgorithm):
    """Evolution of the weights of a `LinearLeaningPolicy` by what whole lifetimes return.

    A generation is a population of candidates around the mean of the search, each of which teaches
    the same students, which are new in each generation. Candidates are ranked by their mean return
    (undiscounted). The policy has the mean of the search, averaged over the latest generations: in
    the one the luck of single candidates is averaged, in the other that of single generations
    (Polyak and Juditsky 1992). Paper: https://arxiv.org/abs/1604.00772

    Args:
        policy: a `LinearLeaningPolicy`.
        env: whose rows take `student_seed` and `rest` as options, as those of `CurriculumVecEnv`.
        population_size: candidates of a generation; by default 4 + 3 log(d), rounded down.
        n_eval_episodes: students that each candidate teaches; a divisor of the rows.
        sigma: deviation of every weight in the first generation.
        tail: share of the generations, the latest ones, that the policy is the average of; 0 is
            the last one alone.
        policy_kwargs: as in SB3.
        verbose: as in SB3.
        seed: of the candidates and of the students.
        device: accepted for SB3's sake; the few weights are on the CPU.
        tensorboard_log: as in SB3.
        stats_window_size: as in SB3.
        _init_setup_model: for SB3's `load`.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {}
    policy: Any

    def __init__(
        self,
        policy: type[LinearLeaningPolicy],
        env: GymEnv | None,
        population_size: int | None = None,
        n_eval_episodes: int = 4,
        sigma: float = 0.3,
        tail: float = 0.25,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        tensorboard_log: str | None = None,
        stats_window_size: int = 100,
        _init_setup_model: bool = True,
    ) -> None:
        super().__init__(
            policy=policy,
            env=env,
            learning_rate=0.0,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device="cpu",
            support_multi_env=True,
            monitor_wrapper=False,
            seed=seed,
            supported_action_spaces=(spaces.Box,),
        )
        self.population_size, self.n_eval_episodes = population_size, n_eval_episodes
        self.sigma, self.tail = sigma, tail
        self.ranks: list[list[float]] = []
        """What the search was told of each generation; all else of it follows from the seed."""
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        self.set_random_seed(self.seed)
        self.policy = self.policy_class(
            self.observation_space, self.action_space, None, **self.policy_kwargs
        )

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "cma_es",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "CMAES":
        """Search until `total_timesteps` decisions are spent, to the end of a generation.

        Arguments are those of SB3; `log_interval` counts generations. The callback's rollouts are
        generations.

        Raises:
            ValueError: if the rows of the environment can't be told whom to teach, or are no
                multiple of the students of a candidate.
        """
        env: Any = self.env
        self._check_rows(env)
        # SB3 begins with a reset; no lifetime is to begin before there are candidates.
        env.set_options(_REST)
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callback.on_training_start(locals(), globals())
        try:
            self._generations(env, total_timesteps, callback, log_interval)
        finally:
            # What rows were told is of this search; whoever resets them next has students of all.
            env.set_options()
        callback.on_training_end()
        return self

    def _generations(
        self, env: Any, total_timesteps: int, callback: Any, log_interval: int | None
    ) -> None:
        """Search until the decisions are spent, or a callback ends it."""
        search, means = self._search_so_far()
        while self.num_timesteps < total_timesteps:
            callback.on_rollout_start()
            candidates = np.array([search.ask() for _ in range(search.population_size)])
            returns = self._live(env, candidates, callback)
            if returns is None:
                return
            callback.on_rollout_end()
            worths = returns.mean(axis=1)
            # By rank, so that what is kept of it says all; those that are level share theirs.
            self.ranks.append([float((worths > worth).sum()) for worth in worths])
            search.tell(list(zip(candidates, self.ranks[-1], strict=True)))
            means.append(search.mean.copy())
            self._take(means)
            if log_interval is not None and len(self.ranks) % log_interval == 0:
                self._log(search, worths)

    def _check_rows(self, env: Any) -> None:
        if not hasattr(env, "student_seeds"):
            raise ValueError(
                "cma_es names the students of each row, which this environment does not take; make "
                "it with make_vec, and in a config leave out actors"
            )
        if self.n_envs % self.n_eval_episodes:
            raise ValueError(
                f"n_eval_episodes must be a divisor of the {self.n_envs} students in lockstep, got "
                f"{self.n_eval_episodes}"
            )

    def _search_so_far(self) -> tuple[CMA, list[np.ndarray]]:
        """The search after what it was told, and its mean after each generation.

        The same questions are asked again, and answered as they were.
        """
        seed = 0 if self.seed is None else self.seed
        search = CMA(self._start(), self.sigma, seed=seed, population_size=self.population_size)
        means = []
        for ranks in self.ranks:
            search.tell([(search.ask(), rank) for rank in ranks])
            means.append(search.mean.copy())
        return search, means

    def _start(self) -> np.ndarray:
        """Where the search begins: the weights of a policy before its training, (d,)."""
        policy = self.policy_class(
            self.observation_space, self.action_space, None, **self.policy_kwargs
        )
        weights: Any = policy.weights
        start: np.ndarray = weights.numpy().astype(np.float64)
        return start

    def _take(self, means: list[np.ndarray]) -> None:
        """Have the policy be the average of the latest means."""
        latest = means[-max(1, round(self.tail * len(means))) :]
        with torch.no_grad():
            self.policy.weights.copy_(torch.as_tensor(np.mean(latest, axis=0)))

    def _live(self, env: Any, candidates: np.ndarray, callback: Any) -> np.ndarray | None:
        """What each candidate returns with each student, (c, m); None where a callback ends it.

        Rows in a row have the same student, one candidate after the other.
        """
        generator = np.random.default_rng([self.seed or 0, len(self.ranks)])
        lowest, end = env.student_seeds
        students = generator.integers(lowest, end, self.n_eval_episodes)
        lineup = _Lineup(len(candidates), students, self.n_envs)
        now, whose = lineup.now, lineup.whose
        weights = torch.as_tensor(candidates, dtype=torch.float32)
        returns = np.zeros((len(candidates), len(students)))
        env.set_options(lineup.options(now))
        observation = env.reset()
        env.set_options(lineup.options(lineup.ahead))
        while (now >= 0).any():
            actions = self._actions(observation, weights, now)
            observation, rewards, dones, infos = env.step(actions)
            busy = now >= 0
            self.num_timesteps += int(busy.sum())
            callback.update_locals(locals())
            if not callback.on_step():
                return None
            self._update_info_buffer(infos, dones)
            returns[now[busy], whose[busy]] += rewards[busy]
            if dones.any():
                lineup.move_up(np.flatnonzero(dones))
                env.set_options(lineup.options(lineup.ahead))
        return returns

    def _actions(self, observation: np.ndarray, weights: torch.Tensor, now: np.ndarray) -> Any:
        """Logits of each row by the candidate that teaches there, (n, k); 0 where it rests."""
        actions = np.zeros(observation.shape[:2], np.float32)
        busy = np.flatnonzero(now >= 0)
        with torch.no_grad():
            columns = torch.as_tensor(observation[busy], dtype=torch.float32)
            actions[busy] = self.policy.logits(columns, weights[now[busy]]).numpy()
        space: Any = self.action_space
        return np.clip(actions, space.low, space.high)

    def _log(self, search: CMA, worths: np.ndarray) -> None:
        """Where the search is, and what the candidates of the generation returned, (c,)."""
        self.logger.record("train/mean_return", float(worths.mean()))
        self.logger.record("train/best_return", float(worths.max()))
        self.logger.record("train/sigma", float(search._sigma))
        self.logger.record("train/weights_norm", float(np.linalg.norm(search.mean)))
        self.logger.record("time/generations", len(self.ranks))
        self.logger.dump(self.num_timesteps)
