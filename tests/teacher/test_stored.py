"""Teachers in files say what they are, and teach as they did where they were stored."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fake_cohort import fake_room
from rule_rooms import vec_env as rule_env
from stable_baselines3 import A2C

from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import (
    RULES,
    LearnerStreams,
    RuleTeacher,
    Sampled,
    TaskwisePolicy,
    action_probabilities,
    keep_card,
    make_learner,
    stored_teacher,
)

OBSERVE = ("progress", "score")


def vec_env(n=4, k=3, observe=OBSERVE, **options):
    env = CurriculumVecEnv(fake_room(n=n, k=k, observe=observe, budget="9-steps", **options))
    env.seed(1)
    return env


def save(path, algorithm="ppo", action="task", card=None, seed=0, **settings):
    """A learner in a file, with a card in it where one is given."""
    path.parent.mkdir(exist_ok=True)
    with LearnerStreams(seed).running():
        model = make_learner(algorithm, vec_env(action=action), seed=seed, width=4, **settings)
        model.save(path)
    if card is not None:
        keep_card(path, card)
    return model


def test_a_file_that_was_saved_by_hand_says_what_it_is(tmp_path):
    save(tmp_path / "a.zip", "dqn", seed=3, deterministic=False)
    stored = stored_teacher(tmp_path / "a")
    assert (stored.columns, stored.action, stored.algorithm) == (OBSERVE, "task", "dqn")
    assert (stored.deterministic, stored.tasks, stored.seed) == (False, 3, 3)
    assert stored.card == {}
    assert not stored.is_rule
    save(tmp_path / "b.zip", "ppo", "mixture")
    mixer = stored_teacher(tmp_path / "b.zip")
    assert (mixer.action, mixer.deterministic, mixer.draws) == ("mixture", True, False)


def test_one_that_was_made_by_hand_says_what_it_was_made_for_and_teaches(tmp_path):
    model = A2C(TaskwisePolicy, vec_env(), seed=0, device="cpu")
    model.save(tmp_path / "teacher.zip")
    stored = stored_teacher(tmp_path / "teacher.zip")
    assert (stored.columns, stored.action, stored.algorithm) == (OBSERVE, "task", "")
    # Weights are the same for any number of tasks.
    env, few = vec_env(k=5), vec_env()
    assert type(stored.make(env)) is A2C
    observation = few.reset()
    np.testing.assert_array_equal(
        stored.make(few).predict(observation, deterministic=True)[0],
        model.predict(observation, deterministic=True)[0],
    )


def test_the_likeliest_task_is_played_or_one_is_drawn_as_the_file_says(tmp_path):
    model = save(tmp_path / "teacher.zip")
    stored = stored_teacher(tmp_path / "teacher.zip")
    env = vec_env(n=6)
    observation = env.reset()
    np.testing.assert_array_equal(
        stored.make(env).predict(observation, deterministic=True)[0],
        model.predict(observation, deterministic=True)[0],
    )
    drawn = replace(stored, deterministic=False)
    assert drawn.observe == (*OBSERVE, "key")
    wide = vec_env(n=2000, observe=("progress", "key", "score"))
    teacher = drawn.make(wide)
    assert isinstance(teacher, RuleTeacher)
    assert isinstance(teacher.rule, Sampled)
    observation = wide.reset()
    actions, _ = teacher.predict(observation)
    wanted = action_probabilities(model, observation[:, :, [0, 2]], None).mean(axis=0)
    shares = np.bincount(actions, minlength=3) / len(actions)
    np.testing.assert_allclose(shares, wanted, atol=4 * (0.25 / len(actions)) ** 0.5)
    with pytest.raises(ValueError, match=r"draws its tasks.*does not show key; add them to obs"):
        drawn.make(env)


def test_a_rule_in_a_file_teaches_too(tmp_path):
    rule = RULES["in_order"]()
    RuleTeacher(rule, rule_env(rule)).save(tmp_path / "rule")
    stored = stored_teacher(tmp_path / "rule.zip")
    assert stored.is_rule
    assert set(rule.needs) < set(stored.observe)
    env = rule_env(rule, n=2)
    assert stored.make(env).predict(env.reset())[0].tolist() == [0, 0]


def test_other_columns_and_another_action_are_refused(tmp_path):
    save(tmp_path / "teacher.zip")
    stored = stored_teacher(tmp_path / "teacher.zip")
    with pytest.raises(ValueError, match="trained on the columns progress, score, but"):
        stored.make(vec_env(observe=("progress", "loss")))
    with pytest.raises(ValueError, match="trained to choose a task and the environment wants"):
        stored.make(vec_env(action="mixture"))


def test_a_folder_stands_for_the_teacher_that_cost_its_selection_students_least(tmp_path):
    for seed, cost in enumerate((30.0, 10.0, 20.0)):
        card = {"name": "ppo", "seed": seed, "selection_cost": cost, "deterministic": seed != 1}
        save(tmp_path / "teachers" / f"ppo-{seed}.zip", card=card, seed=seed)
    save(tmp_path / "teachers" / "unfinished.zip")
    stored = stored_teacher(tmp_path)
    assert stored.path == tmp_path / "teachers" / "ppo-1.zip"
    assert (stored.seed, stored.deterministic) == (1, False)
    words = "of teachers/ppo-0.zip, teachers/ppo-1.zip, teachers/ppo-2.zip in "
    assert stored.why.startswith(words)
    assert stored.why.endswith(", teachers/ppo-1.zip is taken, which took its selection students "
                               "the least to mastery")  # fmt: skip
    assert stored_teacher(tmp_path / "teachers" / "ppo-2.zip").why == ""
    assert stored_teacher(tmp_path / "teachers").path == stored.path


def test_of_those_that_cost_as_little_the_first_is_taken_and_the_reason_says_so(tmp_path):
    for name, cost in (("mix", 400.0), ("ppo", 400.0), ("slow", 500.0)):
        card = {"name": name, "seed": 0, "selection_cost": cost}
        save(tmp_path / f"{name}-0.zip", card=card)
    stored = stored_teacher(tmp_path)
    assert stored.path.name == "mix-0.zip"
    assert stored.why.endswith("mix-0.zip is taken, which is the first by name and seed of 2 that "
                               "are level on the selection students")  # fmt: skip


def test_where_the_cost_is_not_known_one_name_stands_for_its_first_seed_and_two_for_none(tmp_path):
    for seed in (1, 0):
        save(tmp_path / f"ppo-{seed}.zip", card={"name": "ppo", "seed": seed})
    stored = stored_teacher(tmp_path)
    assert stored.path.name == "ppo-0.zip"
    assert stored.why.endswith("ppo-0.zip is taken, which is the first")
    save(tmp_path / "dqn-0.zip", "dqn", card={"name": "dqn", "seed": 0})
    words = "holds several teachers: name the file of one, dqn-0.zip, ppo-0.zip, ppo-1.zip"
    with pytest.raises(ValueError, match=words):
        stored_teacher(tmp_path)


def test_costs_of_different_courses_are_not_compared(tmp_path):
    for name, other in (("ppo", False), ("dqn", True)):
        card = {"name": name, "seed": 0, "selection_cost": 1.0, "other_course": other}
        save(tmp_path / f"{name}-0.zip", name, card=card)
    with pytest.raises(ValueError, match="holds several teachers"):
        stored_teacher(tmp_path)


def test_an_earlier_version_left_the_card_beside_the_file(tmp_path):
    save(tmp_path / "my-ppo-2.zip")
    assert stored_teacher(tmp_path / "my-ppo-2.zip").card == {}
    cost = {"compute": 5.0}
    card = {"kind": "learned", "needs": list(OBSERVE), "deterministic": False, "training": cost,
            "sampled_twin_of": None, "selection_cost": 3.0}  # fmt: skip
    (tmp_path / "my-ppo.json").write_text(json.dumps(card))
    stored = stored_teacher(tmp_path)
    assert (stored.path.name, stored.seed, stored.deterministic) == ("my-ppo-2.zip", 2, False)
    assert stored.card["training"] == cost
    # It is the mean over seeds there.
    assert stored.card["selection_cost"] is None
    stored.copy(tmp_path / "copy.zip")
    assert stored_teacher(tmp_path / "copy.zip").card == stored.card


def test_a_card_of_the_first_versions_does_not_tell_whether_tasks_are_drawn(tmp_path):
    save(tmp_path / "ppo-0.zip")
    (tmp_path / "ppo.json").write_text(json.dumps({"kind": "learned", "deterministic": True}))
    with pytest.warns(UserWarning, match="does not say whether its tasks are to be drawn"):
        assert stored_teacher(tmp_path / "ppo-0.zip").deterministic


def test_a_card_in_a_file_leaves_the_teacher_as_it_is(tmp_path):
    model = save(tmp_path / "teacher.zip", card={"name": "mine", "seed": 4})
    stored = stored_teacher(tmp_path / "teacher.zip")
    assert (stored.card["name"], stored.seed) == ("mine", 4)
    env = vec_env()
    observation = env.reset()
    np.testing.assert_array_equal(
        stored.make(env).predict(observation, deterministic=True)[0],
        model.predict(observation, deterministic=True)[0],
    )
    stored.copy(tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").read_bytes() == (tmp_path / "teacher.zip").read_bytes()


def test_what_holds_no_teacher_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=re.escape("there is no teacher 'nowhere'; give a run")):
        stored_teacher("nowhere")
    with pytest.raises(ValueError, match="holds no stored teacher; give the directory of a run"):
        stored_teacher(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "b")
    with pytest.raises(ValueError, match="holds no teacher: give a file that its `save` wrote"):
        stored_teacher(tmp_path / "other.zip")
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(ValueError, match=r"text\.zip is no zip, as the files of teachers are"):
        stored_teacher(tmp_path / "text.zip")
