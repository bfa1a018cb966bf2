"""Settings that SB3 takes and fails with in training are refused before a learner is made."""

import pytest
from stable_baselines3.common.noise import NormalActionNoise

from lessonplan.envs import CurriculumVecEnv, make_classroom
from lessonplan.teacher import ALGORITHMS, check_rollout, check_settings, make_learner
from lessonplan.teacher.learners.settings import usable_device

WRONG = {
    "ent_coef": ["abc", float("nan"), None, [1], -1, True],
    "batch_size": ["8", 8.5, 0, -4, 10**12, None],
    "n_steps": ["a", 4.5, 0, -4, 10**12, 10**400],
    "learning_rate": ["fast", "1e-3", -1, float("inf"), None, 10**400],
    "gamma": ["x", -1, 2, float("nan")],
    "gae_lambda": ["x", 2],
    "clip_range": ["x", -1, 0, None],
    "clip_range_vf": ["x", -1],
    "vf_coef": ["x", -1],
    "max_grad_norm": ["x", -1, 0, None],
    "n_epochs": ["x", 0, 2.5, 10**12],
    "normalize_advantage": ["x", 1, None],
    "target_kl": ["x", -1],
    "use_sde": ["x"],
    "sde_sample_freq": ["x", -2],
    "stats_window_size": ["x", 0],
    "tensorboard_log": [3],
    "verbose": ["x", 3],
    "policy_kwargs": [3, {"net_arch": [8]}, {"width": 0}, {"activation_fn": "relu"}],
    "rollout_buffer_class": ["x"],
    "rollout_buffer_kwargs": [3],
    "device": ["meta", "nonsense", "cuda:99", 3.5],
    "seed": [3],
    "policy": ["MlpPolicy"],
    "n_step": [4],
}


@pytest.mark.parametrize("key", WRONG)
def test_a_setting_that_is_none_is_refused_with_what_it_takes(key):
    for value in WRONG[key]:
        with pytest.raises(ValueError, match=rf"{key}|width|net_arch|activation_fn") as error:
            check_settings("ppo", {key: value})
        assert len(str(error.value)) < 400


OTHERS = [
    ("sac", {"ent_coef": "some"}), ("sac", {"ent_coef": "auto_x"}),
    ("sac", {"ent_coef": "auto_inf"}), ("sac", {"ent_coef": "auto_1e999"}),
    ("sac", {"target_entropy": "x"}),
    ("sac", {"train_freq": [1, "week"]}), ("dqn", {"train_freq": 0}), ("dqn", {"buffer_size": 1.5}),
    ("dqn", {"exploration_fraction": 2}), ("dqn", {"gradient_steps": 0}), ("td3", {"tau": -1}),
    ("dqn", {"learning_starts": -1}), ("td3", {"policy_delay": 0}), ("td3", {"action_noise": "x"}),
    ("a2c", {"rms_prop_eps": 0}), ("a2c", {"n_epochs": 3}), ("ppo", {"buffer_size": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), OTHERS, ids=str)
def test_so_it_is_with_every_learner(name, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        check_settings(name, settings)


RIGHT = [
    ("ppo", {"learning_rate": lambda left: left, "clip_range": lambda left: left, "ent_coef": 0}),
    ("ppo", {"clip_range_vf": None, "target_kl": None, "max_grad_norm": 1, "n_steps": 1}),
    ("sac", {"ent_coef": "auto_0.1", "target_entropy": "auto", "train_freq": (1, "step")}),
    ("sac", {"ent_coef": 0.1, "target_entropy": -2.0, "gradient_steps": -1, "train_freq": 4}),
    ("td3", {"action_noise": NormalActionNoise([0.0], [0.1])}), ("td3", {"action_noise": None}),
    ("dqn", {"learning_starts": 0, "exploration_fraction": 0.5, "device": "cpu"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings"), RIGHT, ids=str)
def test_what_sb3_takes_is_taken(name, settings):
    check_settings(name, settings)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_defaults_of_every_learner_are_settings_that_it_takes(name):
    learner = ALGORITHMS[name]
    check_settings(name, learner.settings)
    check_rollout(name, {}, 8, (6, 4))


def test_python_is_told_as_well():
    env = CurriculumVecEnv(make_classroom("parity", n=2, budget="40-steps"))
    with pytest.raises(ValueError, match="ent_coef must be a number of at least 0, got 'abc'"):
        make_learner("ppo", env, seed=0, ent_coef="abc")
    with pytest.raises(ValueError, match="did you mean 'n_steps'"):
        make_learner("ppo", env, seed=0, n_step=8)


def test_a_batch_fits_its_rollout():
    with pytest.raises(ValueError, match="batch_size=64 is more than a rollout has: 4 steps of 8"):
        check_rollout("ppo", {"n_steps": 4, "batch_size": 64}, 8, (6, 4))
    note = check_rollout("ppo", {"n_steps": 4, "batch_size": 24}, 8, (6, 4))
    assert note.endswith("is no multiple of batch_size=24; the last batch has 8")
    assert check_rollout("ppo", {"n_steps": 4, "batch_size": 16}, 8, (6, 4)) == ""


@pytest.mark.parametrize(
    ("name", "settings"), [("ppo", {"n_steps": 10**9}), ("dqn", {"buffer_size": 10**9})]
)
def test_what_no_memory_holds_is_refused_before_it_is_asked_for(name, settings):
    with pytest.raises(ValueError, match=r"keeps .* decisions in .* GB, and this machine has"):
        check_rollout(name, settings, 100, (100, 50))


def test_devices_are_those_of_this_machine():
    assert usable_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="must be one of this machine"):
        usable_device("cuda:77")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("device", ["hpu", "privateuseone", "mkldnn", "opengl", "opencl", "ideep"])
def test_one_that_torch_knows_by_name_alone_is_refused_in_our_words(device):
    with pytest.raises(ValueError, match=r"such as cpu, got '\w+'") as told:
        usable_device(device)
    assert "ASSERT" not in str(told.value)
