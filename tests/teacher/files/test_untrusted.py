"""Files of strangers run nothing when they are read, whatever is in them; with trust they do."""

import json
import random
import warnings
import zipfile

import numpy as np
import pytest
from fake_cohort import fake_room
from poisoned_files import evil_weights, members_of, poisoned, write_zip
from rule_rooms import rule_named
from rule_rooms import vec_env as rule_env
from stable_baselines3 import A2C
from stranger_kit import Strangers

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.teacher import (
    LearnerStreams,
    RuleTeacher,
    TaskwisePolicy,
    load_teacher,
    make_learner,
    save_teacher,
    stored_teacher,
)

OBSERVE = ("progress", "score")
ALGORITHMS = ("ppo", "dqn", "recurrent_ppo", "qrdqn")


def vec_env():
    env = CurriculumVecEnv(fake_room(n=4, k=3, observe=OBSERVE, budget="9-steps"))
    env.seed(1)
    return env


def save(path, algorithm="ppo"):
    """A learner in a file as SB3 writes it."""
    with LearnerStreams(0).running():
        model = make_learner(algorithm, vec_env(), seed=0, width=4)
        model.save(path)
    return model


@pytest.fixture
def strangers(tmp_path):
    return Strangers(tmp_path / "strangers")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_learner_teaches_as_it_did_and_no_pickle_of_its_file_is_opened(
    algorithm, tmp_path, strangers
):
    model = save(tmp_path / "own.zip", algorithm)
    file = poisoned(tmp_path / "own.zip", tmp_path / "teacher.zip", strangers)
    env = vec_env()
    seen = env.reset()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        loaded = load_teacher(file, env)
    # Some have nothing in pickles alone but what is worked out anew.
    assert len(said) == (algorithm != "recurrent_ppo")
    assert all("as pickles, which were not opened" in str(one.message) for one in said)
    chosen = [one.predict(seen, deterministic=True)[0] for one in (loaded, model)]
    np.testing.assert_array_equal(*chosen)
    assert strangers.left == []


def test_neither_a_tutor_nor_what_is_stored_opens_one(tmp_path, strangers):
    save(tmp_path / "own.zip", "ppo")
    file = poisoned(tmp_path / "own.zip", tmp_path / "teacher.zip", strangers)
    stored = stored_teacher(file)
    with pytest.warns(UserWarning, match="pickles, which were not opened"):
        stored.make(vec_env())
    with pytest.warns(UserWarning, match="pickles, which were not opened"):
        assert Tutor(["add", "times"], teacher=file).choose() in ("add", "times")
    assert strangers.left == []


@pytest.mark.parametrize("name", ["policy_kwargs", "observation_space", "action_space"])
def test_what_a_teacher_can_not_be_made_without_is_named_in_one_sentence(name, tmp_path, strangers):
    save(tmp_path / "own.zip", "a2c")
    members = members_of(tmp_path / "own.zip")
    data = json.loads(members["data"])
    # What stands beside the pickle is nothing that can be read.
    data[name] = {":type:": "<class 'object'>", ":serialized:": "", "width": "__import__('os')"}
    bare = write_zip(tmp_path / "bare.zip", members | {"data": json.dumps(data)})
    file = poisoned(bare, tmp_path / "teacher.zip", strangers, {name})
    for use in (
        lambda trust: load_teacher(file, vec_env(), trust=trust),
        lambda trust: stored_teacher(file, trust).make(vec_env()),
        lambda trust: Tutor(["a", "b"], teacher=file, observe=OBSERVE, action="task", trust=trust),
    ):
        with pytest.raises(ValueError, match=f"teacher.zip holds {name} as a pickle.*add --trust"):
            use(False)
        assert strangers.left == []
        with pytest.raises(ValueError, match=f"damaged: what it holds as {name} is none"):
            use(True)
        assert strangers.left == [f"{name} was unpickled"]
        strangers.forget()


def test_a_policy_that_only_a_pickle_knows_needs_trust_and_then_its_code_runs(tmp_path, strangers):
    A2C(TaskwisePolicy, vec_env(), device="cpu").save(tmp_path / "own.zip")
    assert type(load_teacher(tmp_path / "own.zip", vec_env())) is A2C
    file = poisoned(tmp_path / "own.zip", tmp_path / "a.zip", strangers, {"policy_class"})
    with pytest.raises(ValueError, match=r"a\.zip holds policy_class as a pickle"):
        load_teacher(file, vec_env())
    assert strangers.left == []
    with pytest.raises((ValueError, TypeError)):
        load_teacher(file, vec_env(), trust=True)
    assert strangers.left == ["policy_class was unpickled"]


def test_a_rule_that_only_a_pickle_knows_needs_trust_and_then_its_code_runs(tmp_path, strangers):
    rule = rule_named("uniform")
    RuleTeacher(rule, rule_env(rule)).save(tmp_path / "own.zip")
    file = poisoned(tmp_path / "own.zip", tmp_path / "rule.zip", strangers, {"rule"})
    for use in (
        lambda trust: RuleTeacher.load(file, trust=trust),
        lambda trust: load_teacher(file, rule_env(rule), trust=trust),
        lambda trust: Tutor(["a", "b"], teacher=file, trust=trust),
    ):
        with pytest.raises(ValueError, match="holds rule as a pickle"):
            use(False)
        assert strangers.left == []
        with pytest.raises((ValueError, AttributeError)):
            use(True)
        assert strangers.left == ["rule was unpickled"]
        strangers.forget()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("os:system", "there is no class os:system"),
        ("subprocess:Popen", "subprocess:Popen is no rule: it has no needs, start"),
        ("lp_evil:Part", "lies in a module that was not imported; import lp_evil first"),
        ("nowhere:Rule", "import nowhere first"),
        ("lessonplan.teacher:RuleTeacher", "is no rule"),
        ("View", "is no rule"),
    ],
)
def test_a_rule_by_its_name_is_a_rule_of_a_module_that_was_imported(
    name, words, tmp_path, strangers, monkeypatch
):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "code"))
    rule = rule_named("uniform")
    RuleTeacher(rule, rule_env(rule)).save(tmp_path / "own.zip")
    members = members_of(tmp_path / "own.zip")
    data = json.loads(members["data"])
    data["rule"] = {"name": name, "parameters": strangers.shell}
    file = write_zip(tmp_path / "rule.zip", members | {"data": json.dumps(data)})
    with pytest.raises(ValueError, match=words):
        RuleTeacher.load(file)
    assert strangers.left == []


def test_with_trust_the_module_of_a_rule_is_imported(tmp_path, strangers, monkeypatch):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "code"))
    rule = rule_named("uniform")
    RuleTeacher(rule, rule_env(rule)).save(tmp_path / "own.zip")
    members = members_of(tmp_path / "own.zip")
    data = json.loads(members["data"])
    data["rule"] = {"name": "lp_evil:Part", "parameters": {}}
    file = write_zip(tmp_path / "rule.zip", members | {"data": json.dumps(data)})
    with pytest.raises(ValueError, match="is no rule: it has no parameters"):
        RuleTeacher.load(file, trust=True)
    assert strangers.left == ["lp_evil was imported"]


@pytest.mark.parametrize("trust", [False, True])
def test_weights_are_weights_alone_trusted_or_not(trust, tmp_path, strangers):
    save(tmp_path / "own.zip")
    members = members_of(tmp_path / "own.zip")
    for name in ("policy.pth", "policy.optimizer.pth", "pytorch_variables.pth"):
        for content in (evil_weights(strangers, name), strangers.pickle(name), b"cos\nsystem\n."):
            file = write_zip(tmp_path / "teacher.zip", members | {name: content})
            with pytest.raises(ValueError, match=f"{name} holds more than weights, or is damaged"):
                load_teacher(file, vec_env(), trust=trust)
    assert strangers.left == []


CLASSES = ("os:system", "subprocess:Popen", "lp_evil:Part", "builtins:eval", "logging:FileHandler")


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_a_file_names_is_a_policy_a_buffer_a_network_or_an_optimizer(
    name, tmp_path, strangers, monkeypatch
):
    monkeypatch.syspath_prepend(strangers.plant(strangers.folder / "code"))
    model = make_learner("a2c", vec_env(), seed=0, width=4)
    save_teacher(model, tmp_path / "own.zip")
    members = members_of(tmp_path / "own.zip")
    data = json.loads(members["data"])
    data["policy_kwargs"]["optimizer_class"]["name"] = name
    file = write_zip(tmp_path / "teacher.zip", members | {"data": json.dumps(data)})
    with pytest.raises(ValueError, match=r"teacher.zip: its policy_kwargs can't be read"):
        load_teacher(file, vec_env())
    assert strangers.left == []


OTHERS = {
    "a list": [], "keys": {"a": {"b": [1]}}, "text": "x", "nothing": None, "below 0": -1,
    "a trillion": 10**12, "a number of 31 digits": 10**30, "lists": [[1]],
    "noise for a trillion": {":kind:": "noise", "mean": [0.0], "sigma": [1.0], "rows": 10**12},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OTHERS)
def test_each_key_with_another_value_is_read_or_refused_in_a_sentence(kind, tmp_path):
    save(tmp_path / "own.zip")
    members, env = members_of(tmp_path / "own.zip"), vec_env()
    data, refused = json.loads(members["data"]), []
    for key in data:
        text = json.dumps(data | {key: OTHERS[kind]})
        file = write_zip(tmp_path / "teacher.zip", members | {"data": text})
        try:
            load_teacher(file, env)
        except ValueError:
            refused.append(key)
    assert "observation_space" in refused


@pytest.mark.parametrize("part", ["data", "card.json", "more"])
def test_a_small_zip_that_holds_much_is_not_unpacked(part, tmp_path, monkeypatch):
    save(tmp_path / "own.zip")
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(tmp_path / "own.zip").items():
            if name != part:
                archive.writestr(name, content)
        archive.writestr(part, b" " * 70_000_000)
    read = []
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda archive, name: read.append(name))
    with pytest.raises(ValueError, match=r"packed.zip is a small zip that holds 70,\d+,\d+ bytes"):
        load_teacher(packed, vec_env())
    with pytest.raises(ValueError, match=r"packed.zip is (a small zip|damaged)"):
        stored_teacher(packed)
    assert read == []


def broken(value, chance):
    """A value of JSON with something else in one of its places."""
    others = (None, -1, 10**30, 0.5, "", "x" * 50, [], {}, [[1]], {":kind:": "array"}, True)
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(sorted(value))
        return value | {name: broken(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        i = chance.randrange(len(value))
        return [*value[:i], broken(value[i], chance), *value[i + 1 :]]
    return chance.choice(others)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["save", "save_teacher"])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_whatever_is_changed_in_a_file_it_is_read_or_refused_in_a_sentence(
    way, algorithm, tmp_path
):
    model = make_learner(algorithm, vec_env(), seed=0, width=4)
    model.save(tmp_path / "own.zip") if way == "save" else save_teacher(model, tmp_path / "own.zip")
    members = members_of(tmp_path / "own.zip")
    texts = [name for name in ("data", "weights.json") if name in members]
    refused = 0
    for seed in range(60):
        chance = random.Random(seed)
        part = chance.choice(texts)
        text = json.dumps(broken(json.loads(members[part]), chance))
        file = write_zip(tmp_path / "teacher.zip", members | {part: text})
        try:
            stored_teacher(file).make(vec_env())
        except ValueError:
            refused += 1
    assert refused > 5
