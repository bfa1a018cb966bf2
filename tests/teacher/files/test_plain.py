"""Teachers are written without a pickle, and are worth the same read back."""

import io
import json
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from gymnasium import spaces
from learner_cases import CASES, OFF_POLICY, learner
from marked_tasks import MarkedTasks
from poisoned_files import members_of
from rule_rooms import rule_named, vec_env
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule, LinearSchedule

from lessonplan.teacher import (
    RULES,
    UCB1,
    Replay,
    ReplayMixtures,
    RuleTeacher,
    load_teacher,
    save_teacher,
)
from lessonplan.teacher.files import read_values, write_values
from lessonplan.teacher.files.plain import NotPlainError, encoded

FEW = {"n_steps": 8, "batch_size": 16}


def begun(name, action):
    """A learner after 96 decisions."""
    few = {"learning_starts": 32, "train_freq": 2} if name in OFF_POLICY else FEW
    few = {"n_steps": 8} if name == "a2c" else few
    model, streams = learner(name, MarkedTasks(n=4, k=3, places=4, action=action), seed=3, **few)
    with streams.running():
        return model.learn(96)


def pickles_in(path):
    """Names of what is pickled in a zip, members included."""
    members = members_of(path)
    data = json.loads(members["data"])
    inside = [name for name, one in data.items() if ":serialized:" in json.dumps(one)]
    texts = ("data", "weights.json", "_stable_baselines3_version", "system_info.txt")
    return inside + [name for name in members if name not in (*texts, "tensors.safetensors")]


@pytest.mark.parametrize(("name", "action"), CASES)
def test_a_learner_is_written_without_a_pickle_with_all_that_sb3_keeps(name, action, tmp_path):
    model = begun(name, action)
    save_teacher(model, tmp_path / "teacher")
    assert pickles_in(tmp_path / "teacher.zip") == []
    sb3 = io.BytesIO()
    model.save(sb3)
    assert (
        json.loads(members_of(tmp_path / "teacher.zip")["data"]).keys()
        == json.loads(members_of(sb3)["data"]).keys()
    )
    loaded = load_teacher(tmp_path / "teacher", model.env, force_reset=False)
    for attribute in ("_last_obs", "_last_episode_starts", "gamma", "num_timesteps", "_n_updates"):
        np.testing.assert_equal(getattr(loaded, attribute), getattr(model, attribute))
    assert loaded.ep_info_buffer == model.ep_info_buffer
    assert loaded.ep_info_buffer.maxlen == model.ep_info_buffer.maxlen
    assert str(loaded.lr_schedule) == str(model.lr_schedule)
    assert getattr(loaded, "train_freq", None) == getattr(model, "train_freq", None)
    assert str(getattr(loaded, "clip_range", None)) == str(getattr(model, "clip_range", None))
    assert str(loaded.action_noise) == str(model.action_noise)
    assert loaded.policy_kwargs == model.policy_kwargs


@pytest.mark.parametrize(("name", "action"), CASES)
def test_of_sb3s_own_zip_json_words_and_weights_say_how_it_is_trained_on(name, action):
    model = begun(name, action)
    sb3 = io.BytesIO()
    model.save(sb3)
    loaded = load_teacher(sb3, model.env)
    assert type(loaded) is type(model)
    for own, other in zip(loaded.policy.parameters(), model.policy.parameters(), strict=True):
        assert torch.equal(own, other)
    assert loaded.policy_kwargs == model.policy_kwargs
    assert getattr(loaded, "train_freq", None) == getattr(model, "train_freq", None)
    for schedule in ("clip_range", "lr_schedule", "exploration_schedule"):
        assert str(getattr(loaded, schedule, None)) == str(getattr(model, schedule, None))
    assert str(loaded.action_noise) == str(model.action_noise)
    with pytest.raises(ValueError, match=r"holds _last_obs, .* as a pickle.*trust=True"):
        load_teacher(sb3, model.env, force_reset=False)
    exact = load_teacher(sb3, model.env, force_reset=False, trust=True)
    np.testing.assert_array_equal(exact._last_obs, model._last_obs)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_written_without_a_pickle(name, tmp_path):
    rule = rule_named(name)
    RuleTeacher(rule, vec_env(rule), seed=4).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == []
    assert type(RuleTeacher.load(tmp_path / "rule").rule) is type(rule)


def test_recorded_schedules_are_too(tmp_path):
    rule = Replay([[0, 1, 2], [2, 2, -1]], [0.25, 0.5], shuffled=True)
    RuleTeacher(rule, vec_env(rule)).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == []
    loaded = RuleTeacher.load(tmp_path / "rule").rule
    np.testing.assert_array_equal(loaded.schedules, rule.schedules)
    np.testing.assert_array_equal(loaded.keys, rule.keys)
    assert loaded.shuffled


def test_recorded_mixtures_are_too(tmp_path):
    rule = ReplayMixtures([[[0.25, 0.75], [1.0, 0.0]]], [0.25], shuffled=True)
    RuleTeacher(rule, vec_env(rule)).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == []
    loaded = RuleTeacher.load(tmp_path / "rule").rule
    np.testing.assert_array_equal(loaded.mixtures, rule.mixtures)
    np.testing.assert_array_equal(loaded.rows, rule.rows)
    assert loaded.shuffled


@dataclass
class Paced:
    """One's own rule with parameters."""

    pace: float = 0.5
    stages: tuple[int, ...] = (1, 2)
    weights: dict[str, list[float]] = field(default_factory=lambda: {"a": [0.5]})
    helper: object = None
    needs = ("share",)

    def start(self, n, k):
        return {}

    def observe(self, memory, view):
        return memory

    def probabilities(self, memory, view):
        return np.full(view.present.shape, self.pace)


def test_ones_own_rule_is_its_name_and_parameters_where_its_module_was_imported(tmp_path):
    rule = Paced(0.1 + 0.2, (3,), {"b": [1.0, 2.5]})
    RuleTeacher(rule, vec_env(rule)).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == []
    loaded = RuleTeacher.load(tmp_path / "rule").rule
    assert loaded == rule
    assert (type(loaded), type(loaded.weights["b"])) == (Paced, list)


def test_one_that_holds_anything_else_is_pickled_and_needs_trust(tmp_path):
    rule = Paced(helper=slice(1, 2))
    RuleTeacher(rule, vec_env(rule)).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == ["rule"]
    with pytest.raises(ValueError, match=r"rule.* holds rule as a pickle.*add --trust \(in Pyth"):
        RuleTeacher.load(tmp_path / "rule")
    assert RuleTeacher.load(tmp_path / "rule", trust=True).rule == rule


class Kept(UCB1):
    """Keeps more than the fields of its base."""

    def __init__(self, exploration=1.0, absolute=True, scale=2.0):
        super().__init__(exploration, absolute)
        object.__setattr__(self, "scale", scale)


class Renamed(UCB1):
    """Is made of other things than its base."""

    def __init__(self, width=1.0):
        super().__init__(width)


class Slotted:
    """Is made of nothing, and keeps something all the same."""

    __slots__ = ("gate",)
    needs = ()
    start, observe, probabilities = Paced.start, Paced.observe, Paced.probabilities


@dataclass
class Counted(Paced):
    """Its own `__init__` stays, and changes what it is given."""

    def __init__(self, pace=0.5):
        super().__init__(2 * pace)


@dataclass
class Drawn(Paced):
    """Draws when it is made."""

    def __post_init__(self):
        self.drawn = float(np.random.random())


def slotted():
    rule = Slotted()
    rule.gate = 3
    return rule


@pytest.mark.parametrize(
    "rule",
    [Kept(0.5, True, 7.0), Renamed(0.5), slotted(), Counted(0.25), Drawn(),
     Paced(weights=defaultdict(list, a=[1.0])), Paced(weights=OrderedDict(a=[1.0]))],
    ids=lambda rule: type(rule).__name__,
)  # fmt: skip
def test_one_that_would_come_back_as_another_is_pickled_whole(rule, tmp_path):
    from lessonplan.teacher.files.remaking import _kept

    teacher, state = RuleTeacher(rule, vec_env(rule)), np.random.get_state()
    teacher.save(tmp_path / "rule")
    np.testing.assert_equal(np.random.get_state(), state)
    assert pickles_in(tmp_path / "rule.zip") == ["rule"]
    loaded = RuleTeacher.load(tmp_path / "rule", trust=True).rule
    assert repr(_kept(loaded)) == repr(_kept(rule))


def test_one_that_adds_methods_alone_is_its_name_and_parameters(tmp_path):
    class_rule = Widened(0.5)
    RuleTeacher(class_rule, vec_env(class_rule)).save(tmp_path / "rule")
    assert pickles_in(tmp_path / "rule.zip") == []
    assert RuleTeacher.load(tmp_path / "rule").rule == class_rule


class Widened(UCB1):
    """Keeps what its base does."""

    def widened(self):
        return 2 * self.exploration


VALUES = {
    "array": np.linspace(0, 1, 5, dtype=np.float32).reshape(1, 5),
    "scalar": np.float32(0.1),
    "no axes": np.array(7, dtype=np.uint64),
    "flags": np.array([True, False]),
    "tensor": torch.arange(4, dtype=torch.float64)[::2],
    "tuple": (1, (2.5, None), [True, "a"]),
    "map": {0: {"step": 3.0}, "b": {}},
    "ordered": OrderedDict(b=1, a=2),
    "deque": deque([{"r": 0.5}], maxlen=3),
    "nothing": deque(),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_what_they_were(name, tmp_path):
    value = VALUES[name]
    write_values(tmp_path / "values", {"x": value})
    read = read_values(tmp_path / "values")["x"]
    if isinstance(value, torch.Tensor):
        assert torch.equal(read, value)
        return
    np.testing.assert_equal(read, value)
    assert type(read) is (dict if isinstance(value, dict) else type(value))
    assert getattr(read, "dtype", None) == getattr(value, "dtype", None)
    assert getattr(read, "maxlen", None) == getattr(value, "maxlen", None)


def test_spaces_schedules_noise_and_classes_are_too(tmp_path):
    for value in (
        spaces.Box(np.float32([-1.0, 0.1]), np.float32([1.0, np.inf])),
        spaces.Discrete(5, start=2),
        torch.optim.RMSprop,
        torch.nn.Tanh,
    ):
        write_values(tmp_path / "values", value)
        assert read_values(tmp_path / "values") == value
    schedules = (ConstantSchedule(0.2), LinearSchedule(1.0, 0.05, 0.3))
    noise = NormalActionNoise(np.zeros(3), np.full(3, 1 / 3))
    for value in (*schedules, *map(FloatSchedule, schedules), noise):
        write_values(tmp_path / "values", value)
        assert str(read_values(tmp_path / "values")) == str(value)
    write_values(tmp_path / "values", noise)
    assert read_values(tmp_path / "values")._sigma.tolist() == [1 / 3] * 3


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1},
        lambda: 0,
        np.array(["a"]),
        np.array([None]),
        OrnsteinUhlenbeckActionNoise(np.zeros(1), np.ones(1)),
        defaultdict(float, a=1.0),
        dict,
    ],
)
def test_what_is_of_no_known_kind_is_no_plain_value(value):
    with pytest.raises(NotPlainError):
        encoded(value, {})
