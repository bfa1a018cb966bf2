"""What `check_teacher` finds: one broken promise at a time, in words; and that ours pass."""

import inspect

import numpy as np
import pytest
from fake_cohort import fake_room
from rule_rooms import rule_named, vec_env

from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import RULES, LearnerStreams, RuleTeacher, check_teacher, make_learner
from lessonplan.teacher.checks import RULE_CHECKS


class Sound:
    """Shares by how often each task was tried, to be broken."""

    needs = ("score",)

    def start(self, n, k):
        return {"tried": np.zeros((n, k))}

    def observe(self, memory, view):
        tried = np.eye(view.present.shape[1])[view.last]
        return {"tried": memory["tried"] + tried * (1 + view.score)}

    def probabilities(self, memory, view):
        weight = view.present / (1 + memory["tried"])
        return weight / weight.sum(axis=1, keepdims=True)


class NoStart(Sound):
    start = property()


class OneNeed(Sound):
    needs = "score"


class NotShown(Sound):
    needs = ("loss",)


class NoDict(Sound):
    def start(self, n, k):
        return np.zeros((n, k))


class NoRows(Sound):
    def start(self, n, k):
        return {"tried": np.zeros(k)}


class Growing(Sound):
    def observe(self, memory, view):
        return {"tried": np.concatenate([memory["tried"], memory["tried"]], axis=1)}


class InPlace(Sound):
    def observe(self, memory, view):
        memory["tried"] += np.eye(view.present.shape[1])[view.last]
        return memory


class Overwrites(Sound):
    def probabilities(self, memory, view):
        memory["tried"] += 1
        return super().probabilities(memory, view)


class Secretive(Sound):
    calls = 0

    def probabilities(self, memory, view):
        self.calls += 1
        return np.tile(np.eye(view.present.shape[1])[self.calls % 2], (len(view.last), 1))


class GlobalChance(Sound):
    def probabilities(self, memory, view):
        weight = np.random.default_rng().random(view.present.shape) * view.present
        return weight / weight.sum(axis=1, keepdims=True)


class Flat(Sound):
    def probabilities(self, memory, view):
        return super().probabilities(memory, view)[0]


class Negative(Sound):
    def probabilities(self, memory, view):
        return super().probabilities(memory, view) - 0.5


class NotNormed(Sound):
    def probabilities(self, memory, view):
        return 2 * super().probabilities(memory, view)


class Everywhere(Sound):
    def probabilities(self, memory, view):
        return np.full(view.present.shape, 1 / view.present.shape[1])


class Averaging(Sound):
    def probabilities(self, memory, view):
        mean = {"tried": memory["tried"].mean(axis=0, keepdims=True) + 0 * memory["tried"]}
        return super().probabilities(mean, view)


BROKEN = {
    NoStart: "NoStart has no start; see teacher.Rule",
    OneNeed: "needs must be a tuple of column names, is 'score'",
    NotShown: "needs the columns loss, which the environment does not show",
    NoDict: "start must return a dict of arrays, got ndarray",
    NoRows: r"memory 'tried' must be an array with a leading axis of n = 3, is \(4,\)",
    Growing: "observe must keep the names, shapes and types of the memory",
    InPlace: "observe of InPlace changes what it was given; it must return new arrays",
    Overwrites: "probabilities of Overwrites changes what it was given",
    Secretive: "what it learns belongs into the memory",
    GlobalChance: "chance comes from view.uniform",
    Flat: r"probabilities must be \(n, k\) = \(3, 4\), got \(4,\)",
    Negative: "probabilities must be finite and at least 0",
    NotNormed: "each row of probabilities must sum to 1, one sums to 2",
    Everywhere: "a place where view.present is False must get probability 0",
    Averaging: "a student alone is taught otherwise than among others",
}


def shown(rule=Sound, **options):
    """Three students and four tasks, shown with what the rule above needs."""
    return vec_env(Sound, n=3, k=4, **options)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_promise_is_found_and_named(broken):
    with pytest.raises(ValueError, match=BROKEN[broken]):
        check_teacher(broken(), shown(), new_process=False)


def test_every_check_of_a_rule_has_a_broken_one():
    words = " ".join(BROKEN.values())
    assert set(RULE_CHECKS) == {"memory", "purity", "probabilities", "absent", "rows"}
    for word in ("of the memory", "new arrays", "must sum to 1", "view.present", "alone"):
        assert word in words


def test_a_class_and_a_single_row_are_refused():
    with pytest.raises(ValueError, match="Sound is a class: check an object of it"):
        check_teacher(Sound, shown(), new_process=False)
    with pytest.raises(ValueError, match="needs an environment of 2 rows, got 1"):
        check_teacher(Sound(), vec_env(Sound, n=1))


def rule_for(name, k):
    """A rule that ships, told of the suite what it has to know."""
    if "prerequisites" in inspect.signature(RULES[name]).parameters:
        return RULES[name](prerequisites=((), *((i,) for i in range(k - 1))))
    return rule_named(name)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("padded", [False, True])
def test_every_rule_that_ships_passes(name, padded):
    rule = rule_for(name, 3)
    options = {"observe": ("present",), "max_tasks": 5} if padded else {}
    check_teacher(rule, vec_env(rule, n=3, k=3, **options), new_process=False)


def test_a_rule_is_checked_as_a_teacher_too():
    env = shown()
    check_teacher(RuleTeacher(Sound(), env), env, new_process=False)


@pytest.mark.slow
def test_a_rule_from_a_file_and_ppo_pass_in_a_new_process(least_tried):
    check_teacher(least_tried, vec_env(least_tried, n=2))
    with LearnerStreams(0).running():
        env = CurriculumVecEnv(fake_room(n=3, k=4))
        check_teacher(make_learner("ppo", env, seed=0, n_steps=4, batch_size=12), env)


@pytest.mark.slow
def test_a_rule_that_nobody_else_can_import_is_found(least_tried, tmp_path):
    (tmp_path / "my_rule.py").unlink()
    with pytest.raises(ValueError, match=r"can't be loaded in a new process: .*my_rule"):
        check_teacher(least_tried, vec_env(least_tried, n=2))


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda seen: np.arange(len(seen)), "predict chooses 0 for a row alone, 1 among others"),
        (lambda seen: np.full(len(seen), 9), "predict chose 9, which is not in Discrete"),
        (lambda seen: np.zeros(1, int), "predict must return n = 3 actions"),
        (lambda seen: np.zeros(len(seen), int) + int(np.add(seen, 1, out=seen).size < 0),
         "predict changes the observation"),
    ],
)  # fmt: skip
def test_a_policy_that_chooses_wrongly_is_found(choose, message, monkeypatch):
    with LearnerStreams(0).running():
        env = CurriculumVecEnv(fake_room(n=3, k=4))
        teacher = make_learner("ppo", env, seed=0, n_steps=4, batch_size=12)
    monkeypatch.setattr(teacher, "predict", lambda seen, *a, **b: (choose(seen), None))
    with pytest.raises(ValueError, match=message):
        check_teacher(teacher, env, new_process=False)
