"""Lifts a rule into a Stable-Baselines3 algorithm.

What the rule has learned in a lifetime travels in the `state` of `predict`, as an LSTM's does in
`RecurrentPPO`: it keeps adapting under `evaluate_policy`, each row has its own, and a new lifetime
starts afresh.

Legend: n students, k tasks, f columns.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback
from stable_baselines3.common.vec_env import VecEnv

from .files import read_teacher, save_teacher, see_that_methods_stay
from .identity import rule_number
from .last_call import LastCall, key_of
from .mixture import mixture_logits
from .pickles import NamedByFace
from .rules import Asks, Looks, Memory, Rule, View, chances, remembered

State = dict[str, np.ndarray]
"""What `predict` hands on: `last` (n,), `decision` (n,), the `probabilities` (n, k) that the last
choice was drawn from, the number of the `rule` (n,), and the rule's memory under `memory.*`; of a
rule that `Asks` also what it asks of whoever leads the lifetime, under `ask.*`. Every array has a
leading axis n."""
ASKED = "ask."

_PREFIX = "memory."


class RulePolicy(BasePolicy, metaclass=NamedByFace):
    """A rule as a policy with a memory."""

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        rule: Rule,
        columns: tuple[str, ...],
        seed: int,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.rule, self.columns, self.teacher_seed = rule, columns, seed
        self._number = rule_number(rule)
        self._last_call = LastCall()

    def predict(  # type: ignore[override]  # SB3 has tuples as states, a rule has a dict
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State]:
        """Choose the next task.

        Args:
            observation: (n, k, f), or (k, f) for one student.
            state: what the previous call returned; None at the beginning. Without it the memory of
                the last call that had none either goes on, with one warning, in the rows that still
                show the same student by `key`.
            episode_start: rows whose lifetime begins now, (n,) bool.
            deterministic: ignored; a rule's randomness is part of the rule.

        Returns:
            The tasks, (n,), or where a mixture is wanted the logits of the probabilities, (n, k);
            and the new state.

        Raises:
            ValueError: for other columns than the teacher's, and without `state` where no `key`
                tells one student from the next.
        """
        batch = np.asarray(observation)
        single = batch.ndim == 2
        batch = batch[None] if single else batch
        if batch.shape[2] != len(self.columns):
            raise ValueError(
                f"this teacher was made for the columns {', '.join(self.columns)}, "
                f"got an observation with {batch.shape[2]} columns"
            )
        start = np.zeros(1, bool) if episode_start is None else np.asarray(episode_start)
        is_new = np.broadcast_to(start.reshape(-1), len(batch))
        passed = state is not None
        if not passed:
            state, is_new = self._last_state(batch, is_new)
        answer, after = self._choose(batch, state, is_new)
        if passed:
            self._last_call.forget()
        else:
            self._last_call.keep(after, key_of(batch, self.columns), batch.shape[:2])
        return (answer[0] if single else answer), after

    def _choose(
        self, batch: np.ndarray, state: State | None, is_new: np.ndarray
    ) -> tuple[np.ndarray, State]:
        """Actions and the state after them, in the rows (n,) that begin now without the old one."""
        memory, last, decision = self._resume(state, is_new, batch.shape[:2])
        view = View(batch, self.columns, last, decision, self.teacher_seed)
        memory = remembered(self.rule, memory, view)
        if isinstance(self.rule, Looks):
            memory = self.rule.look(memory, view)
        chosen_from = chances(self.rule, memory, view)
        lots = view.uniform(stream=-1, count=1)
        actions = np.minimum(
            (np.cumsum(chosen_from, axis=1) <= lots).sum(axis=1),
            # Rounding can leave the sum just below a lot of almost 1.
            chosen_from.shape[1] - 1 - (chosen_from[:, ::-1] > 0).argmax(axis=1),
        )
        after = {f"{_PREFIX}{name}": value for name, value in memory.items()}
        after |= {"last": actions, "decision": decision + 1, "probabilities": chosen_from}
        # A state of an earlier version does not say whose it is, nor do those that come of it.
        if state is None or "rule" in state:
            after["rule"] = np.full(len(batch), self._number)
        if isinstance(self.rule, Asks):
            asked = self.rule.asks(memory, view)
            after |= {f"{ASKED}{name}": np.asarray(value) for name, value in asked.items()}
        mixes = isinstance(self.action_space, spaces.Box)
        return (mixture_logits(chosen_from) if mixes else actions), after

    def _last_state(self, batch: np.ndarray, is_new: np.ndarray) -> tuple[State | None, np.ndarray]:
        """The state after the last call, as none is passed, and the rows that begin anew, (n,)."""
        if is_new.all():
            return None, is_new
        return self._last_call.resume(key_of(batch, self.columns), batch.shape[:2], is_new)

    def _resume(
        self, state: State | None, is_new: np.ndarray, shape: tuple[int, ...]
    ) -> tuple[Memory, np.ndarray, np.ndarray]:
        """Memory, last task and decision count, fresh in the rows that start."""
        if state is not None and "rule" in state:
            self._check_rule(state["rule"][~is_new])
        if state is not None and not is_new.any():
            values = {a.removeprefix(_PREFIX): b for a, b in state.items() if a.startswith(_PREFIX)}
            return values, state["last"], state["decision"]
        n, k = shape
        memory = self.rule.start(n, k)
        last, decision = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
        if state is not None and not is_new.all():
            going = ~is_new
            last[going], decision[going] = state["last"][going], state["decision"][going]
            for name, fresh in memory.items():
                rows = going.reshape(-1, *[1] * (fresh.ndim - 1))
                memory[name] = np.where(rows, state[_PREFIX + name], fresh)
        return memory, last, decision

    def _check_rule(self, numbers: np.ndarray) -> None:
        """Refuse the memory of another rule, by the numbers (n,) of the rules that made it."""
        if (numbers != self._number).any():
            raise ValueError(
                f"this state was made by another rule than this {type(self.rule).__name__}, or "
                "with other parameters; pass the state that this teacher returned, or None"
            )

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        batch = observation.cpu().numpy()
        actions, _ = self._choose(batch, None, np.ones(len(batch), bool))
        return torch.as_tensor(actions)


class RuleTeacher(BaseAlgorithm):
    """A rule with everything that an SB3 algorithm has: predict, evaluate, save, load, callbacks.

    `learn` runs lifetimes and logs them, and keeps nothing: what a rule learns, it learns within
    one lifetime.

    Args:
        rule: an object with the three functions of `Rule`.
        env: an environment whose columns include what the rule `needs`, and `key`.
        seed: of the rule's own random choices.
        verbose: as in SB3.
        tensorboard_log: as in SB3.
        device: rules run on the CPU; accepted for SB3's sake.
        policy: for SB3's `load`.
        _init_setup_model: for SB3's `load`.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"RulePolicy": RulePolicy}

    def __init__(
        self,
        rule: Rule | None = None,
        env: GymEnv | None = None,
        *,
        seed: int = 0,
        verbose: int = 0,
        tensorboard_log: str | None = None,
        device: torch.device | str = "cpu",
        policy: type[BasePolicy] = RulePolicy,
        _init_setup_model: bool = True,
    ) -> None:
        if rule is not None:
            _ask_for_columns(rule, env)
        super().__init__(
            policy=policy,
            env=env,
            learning_rate=0.0,
            verbose=verbose,
            tensorboard_log=tensorboard_log,
            device="cpu",
            support_multi_env=True,
            monitor_wrapper=False,
            seed=seed,
            supported_action_spaces=(spaces.Discrete, spaces.Box),
        )
        self.rule, self.columns = rule, columns_of(self.env) if self.env else ()
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        if self.rule is None:
            raise ValueError("RuleTeacher needs a rule")
        if self.env is not None:
            self.columns = columns_of(self.env)
        elif not self.columns:
            raise ValueError("RuleTeacher needs an environment, to know the columns that it shows")
        check_needs(self.rule, self.columns)
        self.policy = RulePolicy(
            self.observation_space, self.action_space, self.rule, self.columns, self.seed or 0
        )

    def set_env(self, env: GymEnv, force_reset: bool = True) -> None:
        """Teach in another environment from now on, as in SB3."""
        super().set_env(env, force_reset)
        self._setup_model()

    def save(
        self,
        path: str | Path | io.BufferedIOBase,
        exclude: Iterable[str] | None = None,
        include: Iterable[str] | None = None,
    ) -> None:
        """As in SB3, but without pickles: a rule is written as its name and parameters.

        One that can't be made again of plain parameters is pickled, and needs `trust` to be loaded.
        """
        save_teacher(self, path, exclude, include)

    @classmethod
    def load(
        cls,
        path: str | Path | io.BufferedIOBase,
        env: GymEnv | None = None,
        device: torch.device | str = "auto",
        custom_objects: dict[str, Any] | None = None,
        print_system_info: bool = False,
        force_reset: bool = True,
        *,
        trust: bool = False,
        **kwargs: Any,
    ) -> Self:
        """As in SB3, but nothing is unpickled without `trust`; see `load_teacher`."""
        exact, known = not force_reset, custom_objects or {}
        saved = read_teacher(path, trust=trust, exact=exact, known=known)
        objects = dict(saved.attributes)
        if "rule" not in objects:
            raise ValueError(f"{path} holds no rule; load it with load_teacher")
        if env is not None:
            _ask_for_columns(objects["rule"], env)
            # A rule finds columns by name: those of the environment may be others than when saved.
            objects |= {"observation_space": env.observation_space}
        see_that_methods_stay(objects, cls, path)
        zipped = saved.zipped
        return super().load(zipped, env, device, objects, print_system_info, force_reset, **kwargs)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str = "rule",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "RuleTeacher":
        """Run and log `total_timesteps` decisions, counted over all rows, in new lifetimes.

        Arguments are those of SB3; `log_interval` counts lifetimes that have ended.
        """
        if self.env is None:
            raise ValueError("RuleTeacher.learn needs an environment: call set_env first")
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callback.on_training_start(locals(), globals())
        callback.on_rollout_start()
        self._live(self.env, total_timesteps, callback, log_interval)
        callback.on_rollout_end()
        callback.on_training_end()
        # What was remembered of unfinished lifetimes is gone: the next call begins others.
        self._last_obs = None
        return self

    def _live(
        self, env: VecEnv, total_timesteps: int, callback: BaseCallback, log_interval: int
    ) -> None:
        """Decision after decision, until there were enough or the callback says so."""
        observation: Any = self._last_obs
        state: Any = None
        dones, logged = np.ones(env.num_envs, dtype=bool), self._episode_num
        while self.num_timesteps < total_timesteps:
            actions, state = self.policy.predict(observation, state, dones)
            observation, rewards, dones, infos = env.step(actions)
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                break
            self._update_info_buffer(infos, dones)
            self._episode_num += int(dones.sum())
            if log_interval and self._episode_num - logged >= log_interval:
                logged = self._episode_num
                self._log(float(rewards.mean()))

    def _log(self, reward: float) -> None:
        self.logger.record("rollout/decision_reward_mean", reward)
        self.logger.record("time/episodes", self._episode_num, exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(step=self.num_timesteps)


def asked_for(state: Any) -> dict[str, np.ndarray]:
    """What a rule asks for in a state that `predict` returned, by the names of `Asks`."""
    if not isinstance(state, dict):
        return {}
    return {n.removeprefix(ASKED): value for n, value in state.items() if n.startswith(ASKED)}


def columns_of(env: Any) -> tuple[str, ...]:
    """Names of the columns that an environment shows."""
    names: tuple[str, ...] = env.get_attr("columns")[0]
    return tuple(names)


def _missing(rule: Rule, columns: tuple[str, ...]) -> list[str]:
    return [column for column in dict.fromkeys((*rule.needs, "key")) if column not in columns]


def _ask_for_columns(rule: Rule, env: Any) -> None:
    """Have an environment that can show more columns, such as a tutor's, show what a rule needs."""
    show = getattr(env, "show", None)
    if show is not None:
        show(_missing(rule, columns_of(env)))


def check_needs(rule: Rule, columns: tuple[str, ...]) -> None:
    """Refuse a rule that would not be shown what it needs.

    Raises:
        ValueError: naming the columns to add to `observe`.
    """
    missing = _missing(rule, columns)
    if missing:
        raise ValueError(
            f"{type(rule).__name__} needs the columns {', '.join(missing)}, which the environment "
            f"does not show; add them to observe={list(columns)}"
        )
