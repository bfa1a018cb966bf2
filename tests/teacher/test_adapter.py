"""Rules as SB3 algorithms: memory, callbacks, refusals."""

import csv

import numpy as np
import pytest
import torch
from fake_cohort import fake_room
from rule_rooms import teach, vec_env
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecMonitor

from lessonplan.envs import CurriculumEnv, CurriculumVecEnv
from lessonplan.teacher import RULES, RuleTeacher
from lessonplan.teacher.adapter import RulePolicy, check_needs
from lessonplan.teacher.rules import View


class Witness:
    """Compares what it is told with what the environment shows, in lifetimes of 10 decisions."""

    needs = ("remaining", "recency", "share")

    def start(self, n, k):
        return {"observed": np.zeros(n)}

    def observe(self, memory, view):
        assert (view.last >= 0).any()
        return {"observed": memory["observed"] + 1}

    def probabilities(self, memory, view):
        np.testing.assert_allclose(view.remaining[:, 0], 1 - view.decision / 10, atol=1e-6)
        np.testing.assert_array_equal(memory["observed"], view.decision)
        np.testing.assert_array_equal(view.last < 0, view.decision == 0)
        rows = np.flatnonzero(view.last >= 0)
        assert (view.recency[rows, view.last[rows]] == 0).all()
        np.testing.assert_array_equal(view["share"].any(axis=1), view.decision > 0)
        return np.ones(view.present.shape)


def test_memory_adapts_within_a_lifetime_and_is_fresh_in_the_next_under_evaluate_policy(
    least_tried,
):
    # Lifetimes of 5 decisions, or fewer for students that learn fast.
    env = VecMonitor(
        vec_env(
            least_tried, n=3, budget="5-steps",
            script=lambda rows, seeds, decision, counts: np.minimum(
                counts + (seeds[:, None] % 2), 1
            ),
        )
    )  # fmt: skip
    chosen = [[] for _ in range(3)]

    def remember(local, _):
        i = local["i"]
        chosen[i].append(int(local["actions"][i]))
        if local["done"]:
            chosen[i].append(-1)

    _, lengths = evaluate_policy(
        RuleTeacher(least_tried, env), env, n_eval_episodes=30, callback=remember,
        return_episode_rewards=True,
    )  # fmt: skip
    lifetimes = [
        [int(task) for task in lifetime.split()]
        for row in chosen
        for lifetime in " ".join(map(str, row)).split("-1")
        if lifetime.strip()
    ]
    assert len(lifetimes) >= 30
    assert all(lifetime == [0, 1, 2][: len(lifetime)] for lifetime in lifetimes)
    assert set(lengths) == {1, 3}


def test_memory_goes_round_the_tasks_within_one_lifetime(least_tried):
    chosen = teach(least_tried, [4, 5], decisions=7)
    assert chosen.tolist() == [[0, 1, 2, 0, 1, 2, 0]] * 2


@pytest.mark.parametrize("n", [1, 3])
def test_a_rule_is_told_what_the_environment_shows_however_it_is_run(n):
    rule = Witness()
    options = {"budget": "10-steps", "end_after": 10**6}
    env = VecMonitor(vec_env(rule, n=n, **options))
    teacher = RuleTeacher(rule, env)
    # SB3 stops telling a row of its ends once it has had its share of the episodes.
    evaluate_policy(teacher, env, n_eval_episodes=2 * n)
    teacher.learn(25 * n)
    teacher.learn(17 * n, reset_num_timesteps=False)
    assert teacher.num_timesteps == 42 * n
    teacher.set_env(vec_env(rule, n=n, **options))
    teacher.learn(12 * n)
    assert teacher.num_timesteps == 12 * n


def test_a_rule_teaches_a_plain_gymnasium_environment(least_tried):
    env = CurriculumEnv(fake_room(observe=("progress", "share", "key"), budget="6-steps"))
    teacher = RuleTeacher(least_tried, env)
    teacher.learn(6)
    action, state = teacher.predict(env.reset(seed=0)[0])
    assert action == 0
    assert teacher.predict(env.step(action)[0], state)[0] == 1


def test_callbacks_checkpoints_progress_bar_and_logger_work(least_tried, tmp_path, monkeypatch):
    env = VecMonitor(vec_env(least_tried, n=2, budget="5-steps"))
    teacher = RuleTeacher(least_tried, env)
    teacher.set_logger(configure(str(tmp_path / "log"), ["csv"]))
    watched = EvalCallback(
        VecMonitor(vec_env(least_tried, n=2, budget="5-steps")), n_eval_episodes=4, eval_freq=10,
        log_path=str(tmp_path), verbose=0,
    )  # fmt: skip
    kept = CheckpointCallback(save_freq=10, save_path=str(tmp_path / "kept"))
    teacher.learn(40, callback=[watched, kept])
    teacher.logger.close()
    assert watched.evaluations_timesteps == [20, 40]
    assert np.isfinite(watched.best_mean_reward)
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "rl_model_20_steps.zip", "rl_model_40_steps.zip",
    }  # fmt: skip
    with (tmp_path / "log" / "progress.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    # Both rows end a lifetime after 5, 10, ... decisions each.
    logged = [row for row in rows if row["time/episodes"]]
    assert [int(row["time/total_timesteps"]) for row in logged][-1] == 40
    assert [int(row["time/episodes"]) for row in logged] == [2, 4, 6, 8]


@pytest.mark.filterwarnings("ignore::tqdm.TqdmExperimentalWarning")
def test_a_progress_bar_can_be_shown(least_tried, capsys):
    RuleTeacher(least_tried, vec_env(least_tried)).learn(20, progress_bar=True)
    assert "20/20" in capsys.readouterr().out


def test_a_callback_can_stop_it(least_tried):
    teacher = RuleTeacher(least_tried, vec_env(least_tried, n=2))
    teacher.learn(100, callback=lambda local, _: local["self"].num_timesteps < 6)
    assert teacher.num_timesteps == 6


def test_learn_keeps_nothing(least_tried):
    env = vec_env(least_tried, n=2)
    taught, fresh = RuleTeacher(least_tried, env), RuleTeacher(least_tried, env)
    taught.learn(10)
    observation = env.reset()
    for one, other in zip(taught.predict(observation), fresh.predict(observation), strict=True):
        np.testing.assert_equal(one, other)
    assert taught._last_obs is None


def test_a_rule_that_is_not_shown_what_it_needs_is_refused_with_the_columns_to_add():
    env = CurriculumVecEnv(fake_room(observe=("progress", "score")))
    words = "InOrder needs the columns order, threshold, key, which the environment does not show"
    with pytest.raises(ValueError, match=words):
        RuleTeacher(RULES["in_order"](), env)
    check_needs(RULES["uniform"](), ("progress", "key"))
    with pytest.raises(ValueError, match="Uniform needs the columns key"):
        check_needs(RULES["uniform"](), ("progress",))


def test_a_teacher_without_a_rule_or_an_environment_is_refused_in_one_sentence(least_tried):
    with pytest.raises(ValueError, match="RuleTeacher needs a rule"):
        RuleTeacher(None, vec_env(least_tried))
    with pytest.raises(ValueError, match="RuleTeacher needs an environment"):
        RuleTeacher(least_tried)


def test_a_column_that_was_not_asked_for_is_refused_by_name(least_tried):
    columns = ("progress", "key")
    view = View(np.zeros((1, 2, 2)), columns, np.array([-1]), np.array([0]), 0)
    with pytest.raises(KeyError, match="is not shown 'score', only progress, key"):
        view["score"]
    with pytest.raises(AttributeError, match="is not shown 'score'; name it in its `needs`"):
        _ = view.score


def test_an_observation_with_other_columns_is_refused(least_tried):
    env = vec_env(least_tried)
    teacher = RuleTeacher(least_tried, env)
    with pytest.raises(ValueError, match="made for the columns progress, share, key, got an obs"):
        teacher.predict(np.zeros((1, 3, 2)))


def test_a_policy_is_a_torch_policy_too():
    rule = RULES["uniform"]()
    env = vec_env(rule, n=3)
    policy = RuleTeacher(rule, env).policy
    assert isinstance(policy, RulePolicy)
    observation = env.reset()
    actions = policy._predict(torch.as_tensor(observation))
    np.testing.assert_array_equal(actions.numpy(), policy.predict(observation)[0])
