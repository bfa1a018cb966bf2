"""Environments as tasks: scores, episodes and their seeds, and which ones are refused."""

import itertools

import numpy as np
import pytest
import torch
from hall_kit import Hall, agents, halls

from lessonplan.student import RLCohort, check_suite, environments, parity
from lessonplan.student.cohorts.agents.tasks import Environment, episode_seeds


def always(cohort, action):
    """The same cohort, whose first agent now always takes this action."""
    policy = cohort.students[0].model.policy
    with torch.no_grad():
        for part in policy.parameters():
            part.zero_()
        policy.action_net.bias[action] = 1.0
    return cohort


def test_a_score_is_the_return_between_its_bounds_and_the_loss_what_is_missing():
    right, left = (always(agents(), action).evaluate("probe") for action in (1, 0))
    np.testing.assert_allclose(right.score, [[1.0, 0.4]])
    np.testing.assert_allclose(right.loss, [[0.0, 0.6]], rtol=1e-6)
    assert left.score.tolist() == [[0.0, 0.0]]
    assert left.loss.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("success", "wanted"), [("is_success", [1.0, 1.0]), (5.0, [1.0, 0.0]), (2.0, [1.0, 1.0])]
)
def test_a_score_is_the_share_of_successes_where_success_is_named(success, wanted):
    cohort = always(agents(halls(success=success)), 1)
    assert cohort.evaluate("test").score[0].tolist() == wanted
    assert cohort.evaluate("test").loss[0].tolist() == pytest.approx([0.0, 0.6])


def test_stress_changes_the_environment_and_the_other_splits_do_not():
    suite = halls(starts=(0,), stress={"kwargs": {"start": 2}, "options": {"further": 1}})
    cohort = always(agents(suite), 1)
    scores = [cohort.evaluate(split).score.item() for split in ("probe", "test", "stress")]
    assert scores == pytest.approx([1.0, 1.0, 0.4])


def test_an_episode_is_cut_off_at_its_horizon():
    cohort = always(agents(halls(starts=(-20,), low=0, high=20)), 1)
    assert cohort.evaluate("test").score.item() == 0.5


def test_episodes_of_different_splits_and_of_training_never_share_a_seed():
    ranges = {}
    for split in ("train", "probe", "test", "stress"):
        seeds = episode_seeds(split, np.arange(40)[:, None], np.arange(500))
        ranges[split] = seeds.min(), seeds.max()
        assert len(np.unique(seeds)) > 0.999 * seeds.size
    bounds = sorted(ranges.values())
    assert all(a[1] < b[0] for a, b in itertools.pairwise(bounds))
    assert bounds[0][0] >= 0
    assert bounds[-1][1] < 2**31

    log = []
    cohort = agents(halls(log), n=2)
    log.clear()
    cohort.train(np.eye(2), 2)
    trained = set(log)
    held_out = []
    for split in ("probe", "test", "stress"):
        log.clear()
        cohort.evaluate(split)
        held_out.append(set(log))
    assert len(trained) > 20
    assert all(ranges["train"][0] <= seed <= 2**29 for seed in trained)
    for i, seeds in enumerate(held_out):
        assert seeds
        assert not seeds & trained
        assert not seeds & set().union(*held_out[:i])


def test_a_student_step_is_so_many_steps_of_so_many_environments_on_the_tasks_drawn():
    log = []
    cohort = agents(halls(log, starts=(0, 3)))
    agent = cohort.students[0]
    cohort.train(np.array([[0.0, 1.0]]), 3)
    assert agent.model.num_timesteps == 3 * 16 * 4
    assert [row.task for row in agent.rows] == [1] * 4
    assert all(row.episodes[0] == 0 and row.episodes[1] > 5 for row in agent.rows)
    cohort.train(np.array([[0.5, 0.5]]), 3)
    assert {row.task for row in agent.rows} <= {0, 1}
    assert sum(row.episodes[0] for row in agent.rows) > 0


def test_an_episode_goes_on_in_the_next_step_where_the_task_stays():
    class Endless(Hall):
        def step(self, action):
            return (*super().step(0)[:2], False, False, {})

    suite = environments(
        [{"name": "endless", "id": Endless, "low": 0, "high": 1, "horizon": 1000}], n_steps=8
    )
    cohort = agents(suite, settings={"n_epochs": 1, "batch_size": 16})
    cohort.train(np.ones((1, 1)), 5)
    assert [len(row.actions) for row in cohort.students[0].rows] == [40] * 4
    assert [row.episodes.tolist() for row in cohort.students[0].rows] == [[1]] * 4


def test_an_agent_learns_to_walk_to_the_end_of_the_hall():
    cohort = agents(n=2, settings={"learning_rate": 0.01})
    before = cohort.evaluate("test").score
    brought = cohort.train(np.eye(2)[[0, 0]], 12)
    assert (cohort.evaluate("test").score[:, 0] == 1.0).all()
    assert before[:, 0].max() < 1.0 or brought.loss_before.max() > brought.loss_after.max()
    assert (brought.loss_after < 0.3).all()


def test_the_suite_by_default_is_a_lake_from_farther_and_farther_away():
    suite = environments()
    check_suite(suite)
    assert suite.cohort == "rl"
    assert suite.order == (0, 1, 2, 3)
    starts = [
        {i for i, field in enumerate("".join(place.kwargs["desc"])) if field == "S"}
        for place in suite.environments
    ]
    assert sum(map(len, starts)) == len(set().union(*starts)) == 64 - 10 - 1
    assert 0 in starts[3]
    assert 62 in starts[0]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"name": "a"}, "task 'a' of environments needs 'high'; its fields are .*horizon"),
        ({"id": Hall}, "needs a name, an id, low and high"),
        ({"reward": 1}, "task 'a' of environments does not know 'reward'"),
        ({"low": 5}, "task 'a' of environments: low must be below high, both finite, got 5, 5"),
        ({"success": "yes"}, "success must be a return or is_success, got 'yes'"),
        ({"horizon": 0}, "horizon must be at least 1, got 0"),
        ({"stress": {"noise": {}}}, "stress takes kwargs and options, got noise"),
        ({"id": "Nowhere-v0"}, "the environment of task 'a' can't be made: .*Nowhere"),
        ({"kwargs": {"size": 3}}, "the environment of task 'a' can't be made: .*size"),
        ({"horizon": None}, "episodes of task 'a' may never end: give it a horizon"),
        ({"prerequisites": ["b"]}, "task 'a' has the unknown prerequisite 'b'"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(task, message):
    whole = {"name": "a", "id": Hall, "low": 0, "high": 5, "horizon": 9}
    if task in ({"name": "a"}, {"id": Hall}):
        whole = {}
    with pytest.raises(ValueError, match=message):
        environments([whole | task])


def test_environments_with_different_spaces_are_refused():
    other = {"name": "b", "id": "CartPole-v1", "low": 0, "high": 500}
    with pytest.raises(
        ValueError, match=r"'a' and 'b' \(train\) differ in their observation_space"
    ):
        environments([{"name": "a", "id": Hall, "low": 0, "high": 5, "horizon": 9}, other])
    with pytest.raises(ValueError, match="needs tasks: a list of name, id, low and high"):
        environments([])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "ppo"}, "no algorithm 'ppo' in Stable-Baselines3; name one of its classes"),
        ({"algorithm": "nowhere:PPO"}, "no algorithm 'nowhere:PPO'"),
        (
            {"algorithm": "SAC", "settings": {}},
            "an agent of SAC can't be made with these settings: .*Discrete",
        ),
        ({"settings": {"speed": 3}}, "agent of PPO can't be made with these settings: .*speed"),
        ({"settings": {"n_steps": 3}}, "n_steps of an agent is not among its settings"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_agents_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        agents(**options)


def test_agents_need_environments():
    with pytest.raises(ValueError, match="suite of environments, and 'parity' is none"):
        RLCohort(parity(2, 8), 1)


def test_the_regret_is_what_is_missing_to_the_best_return():
    place = Environment("CartPole-v1", low=-10, high=30)
    assert place.regret(np.array([-50.0, -10, 0, 30, 99])).tolist() == [1, 1, 0.75, 0, 0]


@pytest.mark.parametrize("success", [None, "is_success"])
def test_episodes_that_end_in_a_training_are_what_its_examples_showed(success):
    suite = halls(success=success)
    cohort = agents(suite, n=2)
    found = cohort.train(np.eye(2)[[0, 1]], 6, by_task=True).by_task
    rows = cohort.students[0].rows
    begun = sum(row.episodes for row in rows)
    # What goes on has not ended.
    assert found.count[0].tolist() == [begun[0] - len(rows), 0]
    assert found.count[1, 0] == 0
    assert (found.right <= found.count).all()
    if success is None:
        np.testing.assert_allclose(found.right[0, 0] + found.loss[0, 0], found.count[0, 0])
    else:
        assert (found.right % 1 == 0).all()
