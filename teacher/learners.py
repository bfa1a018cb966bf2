"""SB3's own learners: made with random streams of their own, loaded on other suites.

Legend: k tasks.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.vec_env import VecEnv

from .adapter import RuleTeacher, columns_of
from .rules import Memory, View
from .streams import LearnerStreams
from .taskwise import TaskwisePolicy


def taskwise_ppo(env: VecEnv, *, seed: int, width: int = 64, **settings: Any) -> PPO:
    """SB3's PPO with a `TaskwisePolicy` on a curriculum environment.

    Args:
        env: the environment, any number of tasks.
        seed: of the network's weights and the learner's own streams; run it inside
            `LearnerStreams(seed).running()`.
        width: units of every layer of the policy.
        settings: those of SB3's `PPO`.
    """
    columns = columns_of(env)
    present = columns.index("present") if "present" in columns else None
    model = PPO(
        TaskwisePolicy,
        env,
        seed=seed,
        policy_kwargs={"width": width, "present": present},
        device=settings.pop("device", "cpu"),
        **settings,
    )
    # Saved with the model, for `load_teacher` to compare.
    model.columns = columns  # type: ignore[attr-defined]
    return model


def load_teacher(
    path: str | Path | BytesIO,
    env: VecEnv,
    algorithm: type[BaseAlgorithm] = PPO,
    **options: Any,
) -> BaseAlgorithm:
    """Load a saved teacher for an environment that may have another number of tasks.

    SB3's own `load` refuses another action space; a taskwise policy has the same weights for every
    k, so the spaces are bound anew. The file is a pickle: load only what you trust.

    Args:
        path: a zip that `save` wrote.
        env: where it is to teach; must show as many columns as in training.
        algorithm: the class that saved it.
        options: passed on to SB3's `load` (`force_reset=False` goes on where it stopped).

    Raises:
        ValueError: if `env` shows other columns than those that the teacher was trained on.
    """
    # SB3 sows the global streams when it loads; inside streams of its own nobody notices.
    with LearnerStreams(0).running():
        saved: dict[str, Any] = load_from_zip_file(path, device="cpu")[0] or {}
        rebind = None
        if issubclass(algorithm, RuleTeacher) or issubclass(saved["policy_class"], TaskwisePolicy):
            rebind = {
                "observation_space": env.observation_space,
                "action_space": env.action_space,
            }
        if not issubclass(algorithm, RuleTeacher):
            _check_columns(saved, columns_of(env))
        return algorithm.load(path, env=env, device="cpu", custom_objects=rebind, **options)


def _check_columns(saved: dict[str, Any], shown: tuple[str, ...]) -> None:
    """Refuse an environment that does not show what a learned teacher was trained on."""
    trained, count = tuple(saved.get("columns", ())), saved["observation_space"].shape[-1]
    if (trained or shown) != shown or count != len(shown):
        wanted = f"the columns {', '.join(trained)}" if trained else f"{count} columns"
        raise ValueError(
            f"this teacher was trained on {wanted}, but the environment shows "
            f"{', '.join(shown)}; give it the same with observe="
        )


class Sampled:
    """A learned teacher whose tasks are drawn from its probabilities instead of the likeliest.

    As a rule it draws from streams of (teacher seed, student, decision), so its choices do not
    depend on how many students there are.
    """

    kind = "learned"
    sees_order = False

    def __init__(self, teacher: BaseAlgorithm, columns: tuple[str, ...]) -> None:
        self.teacher, self.needs = teacher, columns

    def start(self, n: int, k: int) -> Memory:
        """Nothing to remember."""
        return {}

    def observe(self, memory: Memory, view: View) -> Memory:
        """Nothing to remember."""
        return memory

    def probabilities(self, memory: Memory, view: View) -> np.ndarray:
        """The policy's own, (n, k)."""
        shown = np.stack([view[column] for column in self.needs], axis=2).astype(np.float32)
        return np.asarray(action_probabilities(self.teacher, shown, None), dtype=np.float64)


def action_probabilities(teacher: BaseAlgorithm, observation: Any, state: Any) -> Any:
    """Probabilities of the tasks at the last choice, (n, k) float.

    A rule drew its choice from them. A learned teacher that was asked for its likeliest task drew
    nothing: they are its policy's, and one-hot for a value-based learner, which has no policy.

    Args:
        teacher: any SB3 algorithm.
        observation: what it saw, (n, k, f).
        state: what its `predict` returned.
    """
    if isinstance(state, dict) and "probabilities" in state:
        return state["probabilities"]
    policy: Any = teacher.policy
    with torch.no_grad():
        seen, _ = policy.obs_to_tensor(observation)
        if hasattr(policy, "get_distribution"):
            return policy.get_distribution(seen).distribution.probs.numpy()
        values = policy.q_net(seen)
        return torch.nn.functional.one_hot(values.argmax(dim=1), values.shape[1]).float().numpy()
