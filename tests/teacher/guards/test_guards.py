"""Guards keep the contract of rules, stack in any order, and change nothing where nothing is wrong.

Legend: n students, k tasks.
"""

import itertools
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_rooms import rule_named, vec_env
from rule_views import check_rule, make_view, play, random_lifetime

from lessonplan.teacher import (
    GUARDS,
    RULES,
    AgainstHarm,
    AgainstOverfitting,
    BringBack,
    Floors,
    LearnerStreams,
    Milestones,
    Patience,
    Proportional,
    Reframe,
    Review,
    RuleTeacher,
    Sampled,
    Shortfall,
    check_teacher,
    identity_of,
    load_teacher,
    make_learner,
)
from lessonplan.teacher.adapter import columns_of
from lessonplan.teacher.rules import chances


def stack(rule, names):
    """A rule with guards around it, the first the innermost."""
    for name in names:
        rule = GUARDS[name](rule)
    return rule


@pytest.mark.parametrize("names", [*((name,) for name in GUARDS), tuple(GUARDS)])
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5), st.booleans(),
    st.sampled_from(["full", "bandit"]),
)  # fmt: skip
def test_the_contract_of_rules_is_kept(names, seed, n, k, padded, feedback):
    check_rule(stack(Shortfall(), names), seed, n, k, padded, feedback)


@pytest.mark.parametrize("name", RULES)
def test_every_guard_around_every_rule_passes_the_check_of_teachers(name):
    rule = rule_named(name)
    for guard in GUARDS.values():
        guarded = guard(rule)
        assert guarded.needs[: len(rule.needs)] == tuple(rule.needs)
        check_teacher(guarded, vec_env(guarded, n=3, k=3), new_process=False)


@pytest.mark.parametrize("names", list(itertools.permutations(GUARDS, 2)))
def test_guards_stack_in_any_order(names):
    guarded = stack(Shortfall(), names)
    check_teacher(guarded, vec_env(guarded, n=3, k=3), new_process=False)
    assert guarded.depth == len(names)


def test_a_stack_of_guards_is_saved_loaded_and_goes_on_in_another_process(tmp_path):
    guarded = stack(Shortfall(power=2.0), GUARDS)
    env = vec_env(guarded, n=2)
    check_teacher(guarded, env)
    teacher = RuleTeacher(guarded, env, seed=4)
    teacher.save(tmp_path / "teacher")
    again = load_teacher(tmp_path / "teacher.zip", env)
    assert again.rule == guarded
    assert identity_of(again) == identity_of(teacher)
    other = RuleTeacher(stack(Shortfall(power=1.0), GUARDS), env, seed=4)
    assert identity_of(other) != identity_of(teacher)


class Mine:
    """One's own rule, which is no dataclass and keeps what it is made with."""

    needs = ("score",)

    def __init__(self, weight):
        self.weight = weight

    def start(self, n, k):
        return {}

    def observe(self, memory, view):
        return memory

    def probabilities(self, memory, view):
        return view.present * self.weight


def test_around_a_rule_that_is_no_plain_value_it_has_to_be_trusted(tmp_path):
    guarded = Review(Mine(2.0))
    env = vec_env(guarded, n=2)
    RuleTeacher(guarded, env).save(tmp_path / "mine")
    with pytest.raises(ValueError, match="trust"):
        load_teacher(tmp_path / "mine.zip", env)
    again = load_teacher(tmp_path / "mine.zip", env, trust=True)
    assert again.rule.of.weight == 2.0


def test_a_rule_that_gives_no_probabilities_is_named_and_not_its_guard():
    columns = {"score": [[0.0, 0.0]], "threshold": [[0.9, 0.9]], "last_share": [[0.0, 0.0]]}
    guarded = Review(Mine(-1.0))
    with pytest.raises(ValueError, match=r"Mine\.probabilities must return"):
        guarded.probabilities(guarded.start(1, 2), make_view(columns))


@pytest.mark.parametrize(
    "guard",
    [
        lambda rule: BringBack(rule, drop=1.0),
        lambda rule: Review(rule, first=1e6),
        lambda rule: Milestones(rule, errors=1e6),
        lambda rule: AgainstHarm(rule, known=0.0, patience=10**6),
        lambda rule: Patience(rule, decisions=1),
        lambda rule: Reframe(rule, decisions=10**6),
        lambda rule: Floors(rule),
        lambda rule: AgainstOverfitting(rule, rise=1e6),
    ],
)
def test_where_nothing_is_wrong_the_rule_goes_through_to_the_bit(guard):
    frames = random_lifetime(3, 4, 5, coarse=False)
    bare = [
        chances(Shortfall(), {}, make_view(columns, last)) for columns, last in frames
    ]  # fmt: skip
    np.testing.assert_array_equal(play(guard(Shortfall()), frames), bare)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BringBack(Proportional(), share=1.5), r"share must be in \[0, 1\], got 1.5"),
        (lambda: BringBack(Proportional(), drop=-0.1), r"drop must be in \[0, 1\]"),
        (lambda: Review(Proportional(), share=0.0), "share must be above 0"),
        (lambda: Review(Proportional(), growth=0.5), "growth must be in"),
        (lambda: Review(Proportional(), first=0.0), "first must be in"),
        (lambda: Milestones(Proportional(), streak=0), "streak must be in"),
        (lambda: Milestones(Proportional(), plateau=2.0), "plateau must be in"),
        (lambda: AgainstHarm(Proportional(), patience=0), "patience must be in"),
        (lambda: AgainstHarm(Proportional(), errors=0.0), "errors must be above 0"),
        (lambda: AgainstHarm(Proportional(), waste=-0.1), "waste must be in"),
        (lambda: Patience(Proportional(), decisions=0), "decisions must be in"),
        (lambda: Reframe(Proportional(), to="x"), "to must be one of everything, easier, prereq"),
        (lambda: Reframe(Proportional(), share=-1.0), "share must be in"),
        (lambda: Floors(Proportional(), at={"a": 2.0}, names=("a",)), "at of 'a' must be in"),
        (
            lambda: Floors(Proportional(), at={"c": 0.2}, names=("a", "b")),
            "none of the tasks: a, b",
        ),
        (lambda: Floors(Proportional(), at={"c": 0.2}), "there are no names"),
        (lambda: AgainstOverfitting(Proportional(), patience=0), "patience must be in"),
        (lambda: AgainstOverfitting(Proportional(), rise=-0.1), "rise must be in"),
        (lambda: Patience(Proportional(), decisions=2.5), "a whole number, got 2.5"),
        (lambda: Milestones(Proportional(), streak="x"), "a whole number, got 'x'"),
        (lambda: Floors(Proportional(), at=("a",)), "at must be names of tasks with a number each"),
        (lambda: Floors(Proportional(), at={"a": "x"}, names=("a",)), "with a number each"),
        (lambda: Floors(Proportional(), rate=0.0), "rate must be above 0"),
    ],
)
def test_parameters_out_of_bounds_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_what_a_guard_stops_is_in_the_state_and_never_in_that_of_a_plain_rule():
    env = vec_env(Patience(Proportional()), n=2)
    observation = env.reset()
    for rule, stops in ((Patience(Proportional(), decisions=1), True), (Proportional(), False)):
        _, state = RuleTeacher(rule, env).predict(observation, None, np.ones(2, bool))
        assert ("ask.stop" in state) == stops
    assert not RuleTeacher(Patience(Proportional()), env).predict(observation)[1]["ask.stop"].any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 5), st.booleans())
def test_floors_keep_the_contract_too(seed, n, k, padded):
    names = tuple(f"task-{i}" for i in range(k))
    floors = {"at": {"task-0": 0.9}, "below_start": {"task-0": 0.1, "task-1": 0.0}}
    check_rule(Floors(Shortfall(), **floors, names=names), seed, n, k, padded)


@pytest.mark.parametrize("to", ["easier", "prerequisites"])
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5), st.booleans())
def test_turning_to_what_the_suite_tells_keeps_the_contract_too(to, seed, n, k, padded):
    graph = tuple(tuple(range(task)) for task in range(k))
    rule = Reframe(Shortfall(), decisions=1, to=to, prerequisites=graph)
    assert rule.sees_order
    assert not Reframe(Shortfall()).sees_order
    check_rule(rule, seed, n, k, padded)


@pytest.mark.parametrize(
    ("action", "likeliest"), [("task", True), ("task", False), ("mixture", True)]
)  # fmt: skip
def test_guards_around_a_learned_teacher_are_checked_and_saved_as_any(action, likeliest, tmp_path):
    columns = ("progress", "score", *AgainstHarm.sees, *Review.sees, "key")
    env = vec_env(Proportional(), n=2, observe=columns, action=action)
    with LearnerStreams(3).running():
        learner = make_learner("ppo", env, seed=3, width=8, n_steps=8, batch_size=8)
    guarded = AgainstHarm(Review(Sampled(learner, columns_of(env), likeliest=likeliest)))
    check_teacher(guarded, env, new_process=action == "mixture")
    teacher = RuleTeacher(guarded, env, seed=4)
    teacher.save(tmp_path / "teacher")
    again = load_teacher(tmp_path / "teacher.zip", env)
    assert identity_of(again) == identity_of(teacher)
    observation, state, other = env.reset(), None, None
    for _ in range(4):
        actions, state = teacher.predict(observation, state)
        same, other = again.predict(observation, other)
        np.testing.assert_array_equal(actions, same)
        observation = env.step(actions)[0]
    # One task alone, or what the policy's mixture is.
    first = RuleTeacher(Sampled(learner, columns_of(env), likeliest=likeliest), env)
    chances_of_tasks = first.predict(observation)[1]["probabilities"]
    assert (np.sort(chances_of_tasks)[:, -1] == 1.0).all() == (likeliest and action == "task")


def test_a_file_whose_guard_is_around_no_rule_is_one_sentence(tmp_path):
    env = vec_env(Review(Proportional()), n=2)
    RuleTeacher(Review(Proportional()), env).save(tmp_path / "teacher")
    with zipfile.ZipFile(tmp_path / "teacher.zip") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(parts["data"])
    data["rule"]["parameters"]["of"] = 3
    parts["data"] = json.dumps(data).encode()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="Review is around no rule, but 3"):
        load_teacher(tmp_path / "other.zip", env)


def test_a_task_with_any_name_has_a_floor_in_a_file_too(tmp_path):
    guard = Floors(Proportional(), at={":rule:": 0.5}, names=("a", "b", ":rule:"))
    assert isinstance(hash(guard), int)
    env = vec_env(guard, n=2)
    RuleTeacher(guard, env).save(tmp_path / "teacher")
    assert load_teacher(tmp_path / "teacher.zip", env).rule == guard
