"""`action="mixture"`: logits of all places as actions, in the classroom and its three faces.

Legend: n students, k tasks, t places.
"""

import gymnasium as gym
import numpy as np
import pytest
from fake_cohort import begun, fake_room, fake_suite
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_env_as_sb3

from lessonplan.envs import CurriculumEnv, CurriculumVecEnv, CurriculumVectorEnv, make_classroom

TINY = {
    "suite_options": {"n_tasks": 3, "n_signs": 8}, "model_options": {"hidden": (8,)},
    "evaluation_size": 8, "batch_size": 4, "steps_per_decision": 1, "budget": "12-steps",
    "action": "mixture",
}  # fmt: skip


def test_a_mixture_is_trained_charged_and_recorded_in_shares():
    suite = fake_suite(3, cost=[1.0, 10.0, 2.0])
    options = {"observe": ("progress", "share", "recency"), "steps_per_decision": 5}
    room = begun(fake_room(suite=suite, n=2, **options))
    room.step(np.array([2, 0]))
    lesson = room.step(np.array([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_array_equal(room.cohort.mixtures[1], [[0.25, 0.75, 0], [0, 1, 0]])
    np.testing.assert_array_equal(lesson.task, [1, 1])
    # 5 steps of 4 examples: 20 at 2 then at 0.25 + 7.5, and 20 at 1 then at 10.
    np.testing.assert_allclose(room.facts.spending.tokens, [40 + 155, 20 + 200])
    np.testing.assert_allclose(lesson.observation[:, :, 1], [[0.125, 0.375, 0.5], [0.5, 0.5, 0]])
    np.testing.assert_allclose(lesson.observation[:, :, 2], [[0, 0, 1], [1, 0, 2]])


def mixing(n=1, **options):
    return begun(fake_room(n=n, action="mixture", **options))


def test_logits_become_the_mixture_that_is_trained_on_and_recorded():
    room = mixing(2)
    logits = np.log([[0.2, 0.3, 0.5], [0.25, 0.5, 0.25]])
    lesson = room.step(room.decode(logits + 3.0))
    wanted = [[0.2, 0.3, 0.5], [0.25, 0.5, 0.25]]
    np.testing.assert_allclose(room.cohort.mixtures[0], wanted)
    np.testing.assert_allclose(lesson.shares, wanted)
    np.testing.assert_allclose(room.facts.chosen, wanted)
    np.testing.assert_array_equal(lesson.task, [2, 1])


def test_places_without_a_task_get_nothing_and_shuffled_tasks_get_their_own():
    room = mixing(40, max_tasks=5, shuffle_tasks=True, observe=("progress", "task"))
    places = room.observation(np.arange(40))[:, :3, 1].astype(int)
    logits = np.tile([0.0, 1.0, 2.0, 9.0, 9.0], (40, 1))
    lesson = room.step(room.decode(logits))
    shares = np.exp([0.0, 1.0, 2.0]) / np.exp([0.0, 1.0, 2.0]).sum()
    found = np.take_along_axis(lesson.shares, places, axis=1)
    np.testing.assert_allclose(found, np.tile(shares, (40, 1)))
    assert len(np.unique(lesson.task)) == 3


def test_the_ends_of_the_box_are_all_and_nothing():
    room = mixing(observe=("progress", "recency"))
    lesson = room.step(room.decode(np.array([[10.0, -10.0, -10.0]])))
    assert lesson.shares.tolist() == [[1, 0, 0]]
    assert room.facts.recency.tolist() == [[0, 1, 1]]


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (3, 4), elements=st.floats(-10, 10, width=32)))
def test_any_point_of_the_box_is_a_mixture(logits):
    room = mixing(3, max_tasks=4)
    weights = room.decode(logits)
    assert (weights >= 0).all()
    assert (weights[:, 3] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    order = np.argsort(logits[:, :3], axis=1)
    assert (np.diff(np.take_along_axis(weights, order, axis=1)) >= 0).all()
    room.step(weights)


def test_a_rule_s_probabilities_are_taken_as_they_are_and_places_too():
    room = mixing(2)
    probabilities = np.array([[0.125, 0.875, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(room.step(probabilities).shares, probabilities)
    np.testing.assert_array_equal(
        room.step(room.decode(np.array([2, 0]))).shares, np.eye(3)[[2, 0]]
    )


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        ([[0.0, np.nan, 0.0]], "logits of the places must be finite, got"),
        ([[0.0, np.inf, 0.0]], "logits of the places must be finite, got"),
        ([[0.0, 0.0]], r"logits of the places must be \(1, 3\), got \(1, 2\)"),
    ],
)
def test_what_is_no_logit_is_refused_in_one_sentence(logits, words):
    with pytest.raises(ValueError, match=words):
        mixing().decode(np.array(logits))


def small(**options):
    """A classroom of real students in three parities."""
    sizes = {"evaluation_size": 8, "batch_size": 4, "model_options": {"hidden": (8,)}}
    return make_classroom(
        "parity", suite_options={"n_tasks": 3, "n_signs": 8}, action="mixture", feedback="bandit",
        **(sizes | options),
    )  # fmt: skip


def test_with_bandit_feedback_every_task_that_an_example_was_drawn_of_is_measured_and_charged():
    room = begun(
        small(n=6, budget="400-compute", steps_per_decision=1, observe=("progress", "measured"))
    )
    shares, before = np.tile([0.6, 0.4, 0.0], (6, 1)), room.cohort._drawn.copy()
    measured = []
    for _ in range(6):
        lesson, probing = room.step(shares), room.facts.spending.probing.copy()
        drawn = room.cohort._drawn > before
        np.testing.assert_array_equal(room.facts.seen, drawn)
        np.testing.assert_array_equal(lesson.observation[:, :, 1], drawn)
        # The first look at everything, and a third of eight examples for each task since.
        measured.append(drawn.sum(axis=1))
        np.testing.assert_allclose(probing, (24 + 8 * sum(measured)) / 3)
        before = room.cohort._drawn.copy()
        for row, task in np.argwhere(drawn):
            known = room.cohort.evaluate("probe", np.array([task]), np.array([row])).score
            assert room.facts.score[row, task] == known[0, 0]
    # Four examples a decision: sometimes of one task, mostly of both.
    assert set(np.ravel(measured)) == {1, 2}


def test_rehearsal_alone_is_not_measured_under_bandit_feedback():
    room = begun(small(n=2, budget="400-steps", steps_per_decision=9, rehearsal=0.5))
    lesson = room.step(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]))
    assert (room.cohort._drawn > 0).all()
    assert room.facts.seen.tolist() == [[True, False, False], [True, True, False]]
    np.testing.assert_array_equal(lesson.task, [0, 0])


def test_a_mixture_under_bandit_feedback_ends_a_lifetime_as_with_full_feedback():
    ends = []
    for feedback in ("full", "bandit"):
        room = begun(fake_room(k=3, n=2, steps_per_decision=20, feedback=feedback))
        while not room.finished.all():
            rows = np.flatnonzero(~room.finished)
            lesson = room.step(np.full((len(rows), 3), 1 / 3), rows)
        ends.append(room.facts.decisions.tolist())
        assert lesson.terminated.all()
    assert ends[0] == ends[1]


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized:UserWarning")
def test_a_mixing_environment_passes_the_checks_of_gymnasium_and_sb3():
    env = gym.make("lessonplan/Parity-v0", **TINY)
    assert env.action_space == gym.spaces.Box(-10, 10, (3,), np.float32)
    check_env(env.unwrapped)
    check_env_as_sb3(gym.make("lessonplan/Parity-v0", **TINY))
    vector = gym.make_vec("lessonplan/Parity-v0", num_envs=2, **TINY)
    assert vector.action_space.shape == (2, 3)


def test_the_faces_do_the_same_with_the_same_logits():
    options = {"action": "mixture", "budget": "4-steps", "shuffle_tasks": True}
    options["observe"] = ("progress", "share", "score")
    logits = np.random.default_rng(0).uniform(-10, 10, (9, 3, 3)).astype(np.float32)
    singles = [CurriculumEnv(fake_room(n=1, **options)) for _ in range(3)]
    sb3, vector = (
        face(fake_room(n=3, **options)) for face in (CurriculumVecEnv, CurriculumVectorEnv)
    )
    sb3.seed(4)
    first = np.stack([env.reset(seed=4 + i)[0] for i, env in enumerate(singles)])
    np.testing.assert_array_equal(sb3.reset(), first)
    np.testing.assert_array_equal(vector.reset(seed=4)[0], first)
    for chosen in logits:
        rows = []
        for env, action in zip(singles, chosen, strict=True):
            observation, _, terminated, truncated, _ = env.step(action)
            rows.append(env.reset()[0] if terminated or truncated else observation)
        np.testing.assert_array_equal(sb3.step(chosen)[0], rows)
        np.testing.assert_array_equal(vector.step(chosen)[0], rows)
    np.testing.assert_array_equal(sb3.room.facts.chosen, vector.room.facts.chosen)


@pytest.mark.slow
def test_ppo_learns_to_give_everything_to_the_one_task_that_can_be_learned():
    def one(rows, seeds, decision, counts):
        return np.minimum(room.facts.chosen[rows] * np.array([0.0, 1.0, 0.0]) / 5, 1.0)

    room = fake_room(
        one, n=8, action="mixture", budget="5-steps", reward="total_progress",
        suite=fake_suite(3, importance=[1e-3, 1.0, 1e-3]),
    )  # fmt: skip
    env = CurriculumVecEnv(room)
    model = PPO("MlpPolicy", env, n_steps=20, batch_size=40, learning_rate=3e-3, gamma=0.9, seed=0,
                device="cpu")  # fmt: skip
    env.seed(0)
    model.learn(2400)
    actions, _ = model.predict(env.reset(), deterministic=True)
    assert (room.decode(actions)[:, 1] > 0.5).all()
