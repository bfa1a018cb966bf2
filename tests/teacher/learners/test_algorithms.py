"""Every learner by name: solves the identity problem, keeps to what exists, says what it needs.

Legend: b batch, k tasks.
"""

import re
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from learner_cases import CASES, answers, distinct, learner, shown
from marked_tasks import COLUMNS, MarkedTasks, mean_reward

from lessonplan.teacher import ALGORITHMS, action_probabilities, load_teacher, make_learner
from lessonplan.teacher.learners.algorithms import CONTRIB, learner_named
from lessonplan.teacher.mixture import mixture_shares

DECISIONS = {"a2c": 6000, "trpo": 6000}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "action"), CASES)
def test_a_learner_finds_the_task_that_pays_among_any_number_of_them(name, action, tmp_path):
    env = MarkedTasks(k=4, places=5, action=action)
    model, streams = learner(name, env)
    before = mean_reward(model, MarkedTasks(k=4, places=5, action=action))
    with streams.running():
        model.learn(DECISIONS.get(name, 3000))
    # Chance is 0.25; the mask of maskable_ppo alone leaves about two and a half tasks.
    after = mean_reward(model, MarkedTasks(k=4, places=5, action=action))
    assert after > 0.9
    assert after > before + 0.05
    model.save(tmp_path / "teacher")
    for k in (2, 9):
        other = MarkedTasks(k=k, action=action)
        assert mean_reward(load_teacher(tmp_path / "teacher", other), other) > 0.85


@pytest.mark.slow
def test_only_a_recurrent_learner_remembers_which_task_was_marked():
    reward = {}
    for name in ("ppo", "recurrent_ppo"):
        room = {"n": 16, "k": 3, "length": 4, "hint": True}
        model, streams = learner(name, MarkedTasks(**room), n_steps=16, batch_size=128)
        with streams.running():
            model.learn(4096)
        reward[name] = mean_reward(model, MarkedTasks(**room))
    # Seen once in four decisions, then guessed among three: a half.
    assert reward["ppo"] < 0.65
    assert reward["recurrent_ppo"] > 0.9


def test_the_literature_is_there_by_name():
    assert {"ppo", "a2c", "dqn", "sac", "td3", "ddpg"} <= set(ALGORITHMS)
    assert set(CONTRIB) == {"recurrent_ppo", "maskable_ppo", "qrdqn", "trpo"}
    assert all(learner.summary for learner in ALGORITHMS.values())


@pytest.mark.parametrize(("name", "action"), CASES)
@pytest.mark.parametrize("seed", [0, 1])
def test_permuted_tasks_get_permuted_answers(name, action, seed):
    model, seen = distinct(name, action, k=5), shown(seed, 6, 5)
    order = np.random.default_rng(seed).permutation(5)
    given = answers(model, seen)
    np.testing.assert_allclose(answers(model, seen[:, :, order]), given[:, :, order], atol=1e-4)
    assert given.std(axis=2).max() > 0.02


@pytest.mark.parametrize(("name", "action"), CASES)
def test_the_same_weights_answer_alike_where_there_are_empty_places(name, action, tmp_path):
    model, seen = distinct(name, action), shown(3, 6, 4)
    model.save(tmp_path / "teacher")
    env = MarkedTasks(n=2, k=4, places=7, action=action)
    padded = load_teacher(tmp_path / "teacher", env)
    rubbish = shown(4, 6, 3) * 5
    rubbish[..., COLUMNS.index("present")] = 0
    given = answers(padded, np.concatenate([seen, rubbish], axis=2))
    np.testing.assert_allclose(given[:, :, :4], answers(model, seen), atol=1e-4)
    lowest = given[:, :, :4].min() if name in ("dqn", "qrdqn") else 0.0
    assert (given[:, :, 4:] <= lowest).all()


@pytest.mark.parametrize(("name", "action"), CASES)
def test_a_place_without_a_task_is_never_chosen_in_training(name, action):
    # Such a choice is an error of the environment.
    env = MarkedTasks(n=8, k=2, places=6, action=action)
    few = {"learning_starts": 80, "exploration_initial_eps": 1.0} if "qn" in name else {}
    model, streams = learner(name, env, **few)
    with streams.running():
        model.learn(200)
    assert model.num_timesteps >= 200


def masks(scores, thresholds):
    """Observations (b, k, f) with these scores and thresholds."""
    seen = shown(0, len(scores), len(scores[0]), times=1)[0]
    seen[:, :, COLUMNS.index("score")] = scores
    seen[:, :, COLUMNS.index("threshold")] = thresholds
    return seen


def test_maskable_ppo_never_chooses_a_mastered_task_while_there_are_others():
    model = distinct("maskable_ppo", "task", k=3)
    scores = [[0.95, 0.2, 0.9], [0.0, 0.9, 0.1], [0.9, 0.9, 1.0]]
    seen = masks(scores, 0.9)
    chances = action_probabilities(model, seen, None)
    np.testing.assert_array_equal(chances[:2] > 0, [[False, True, False], [True, False, True]])
    # With everything mastered everything is allowed.
    assert (chances[2] > 0).all()
    many = np.repeat(seen, 200, axis=0)
    drawn, _ = model.predict(many, deterministic=False)
    assert set(drawn[:200]) == {1}
    assert set(drawn[200:400]) <= {0, 2}


def test_maskable_ppo_heeds_a_mask_that_is_handed_to_it_besides():
    model = distinct("maskable_ppo", "task", k=3)
    seen = np.repeat(masks([[0.95, 0.2, 0.1]], 0.9), 100, axis=0)
    drawn, _ = model.predict(seen, action_masks=np.tile([True, False, True], (100, 1)))
    assert set(drawn) == {2}
    drawn, _ = model.predict(seen, action_masks=np.tile([True, False, False], (100, 1)))
    assert set(drawn) == {0}


def test_maskable_ppo_learns_from_the_probabilities_that_it_chose_from():
    model, streams = learner("maskable_ppo", MarkedTasks(n=8, k=4), n_steps=16)
    with streams.running():
        model._setup_learn(1)
        callback = model._init_callback(None)
        model.collect_rollouts(model.env, callback, model.rollout_buffer, 16, use_masking=False)
        batch = next(model.rollout_buffer.get(None))
        _, log_chance, _ = model.policy.evaluate_actions(
            batch.observations, batch.actions.long().flatten(), action_masks=batch.action_masks
        )
    np.testing.assert_allclose(log_chance.detach(), batch.old_log_prob, atol=1e-5)


def test_shares_are_the_softmax_of_the_logits_where_there_is_a_task():
    shares = mixture_shares(
        np.log([[1.0, 3.0, 4.0], [1.0, 3.0, 4.0]]), np.array([[1, 1, 0]] * 2) > 0
    )
    np.testing.assert_allclose(shares, [[0.25, 0.75, 0.0]] * 2)
    np.testing.assert_allclose(mixture_shares(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def test_a_mistake_is_one_sentence(monkeypatch):
    task, mixture = MarkedTasks(n=1), MarkedTasks(n=1, action="mixture")
    with pytest.raises(
        ValueError, match=r"there is no algorithm 'pop'; did you mean 'ppo'\? choose one of ppo"
    ):
        make_learner("pop", task, seed=0)
    with pytest.raises(ValueError, match="'dqn' chooses a task, but the environment wants a mixtu"):
        make_learner("dqn", mixture, seed=0)
    with pytest.raises(ValueError, match="make it with action='mixture'"):
        make_learner("sac", task, seed=0)
    with pytest.raises(ValueError, match="leave out use_sde"):
        make_learner("sac", mixture, seed=0, use_sde=True)
    task.columns = ("progress", "mark", "score", "limit", "present")
    with pytest.raises(
        ValueError, match="'maskable_ppo' needs the column threshold, which the env"
    ):
        make_learner("maskable_ppo", task, seed=0)
    own = {name: one for name, one in ALGORITHMS.items() if name != "trpo"}
    monkeypatch.setattr("lessonplan.teacher.learners.algorithms.ALGORITHMS", own)
    declared = ConfigParser()
    declared.read(Path(__file__).parents[3] / "setup.cfg")
    contrib = declared["options.extras_require"]["contrib"].strip()
    with pytest.raises(ValueError, match=re.escape(f'run pip install "{contrib}"')):
        learner_named("trpo")


def test_a_teacher_of_mixtures_is_refused_where_tasks_are_wanted(tmp_path):
    model, _ = learner("ppo", MarkedTasks(action="mixture"))
    model.save(tmp_path / "teacher")
    with pytest.raises(ValueError, match="trained to choose a mixture and the environment wants"):
        load_teacher(tmp_path / "teacher", MarkedTasks())
