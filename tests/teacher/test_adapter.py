"""Rules as SB3 algorithms: memory, callbacks, files, random streams, refusals.

Legend: n students, k tasks, d decisions.
"""

import csv
import importlib

import numpy as np
import pytest
import torch
from fake_cohort import fake_room
from new_process import run_python
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import VecMonitor

from lessonplan.envs import COLUMNS, CurriculumEnv, CurriculumVecEnv
from lessonplan.teacher import RULES, RuleTeacher, load_teacher
from lessonplan.teacher.adapter import RulePolicy, check_needs
from lessonplan.teacher.rules import Rule, View

MY_RULE = '''
import numpy as np

class LeastTried:
    """One's own rule in fifteen lines: whatever was tried least so far, first come first served."""

    needs = ("share",)

    def start(self, n, k):
        return {"tried": np.zeros((n, k))}

    def observe(self, memory, view):
        return {"tried": memory["tried"] + np.eye(view.present.shape[1])[view.last]}

    def probabilities(self, memory, view):
        tried = np.where(view.present, memory["tried"], np.inf)
        return np.eye(tried.shape[1])[tried.argmin(axis=1)]
'''


@pytest.fixture
def least_tried(tmp_path, monkeypatch):
    (tmp_path / "my_rule.py").write_text(MY_RULE)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.reload(importlib.import_module("my_rule")).LeastTried()


class Fixed:
    """Returns what it was given, for every student."""

    needs = ()

    def __init__(self, *probabilities):
        self.given = np.array(probabilities)

    def start(self, n, k):
        return {}

    def observe(self, memory, view):
        return memory

    def probabilities(self, memory, view):
        return np.tile(self.given, (len(view.last), 1))


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


def vec_env(rule, n=1, first_seed=0, seed=5, **options):
    columns = dict.fromkeys(("progress", *rule.needs, "key", *options.pop("observe", ())))
    env = CurriculumVecEnv(fake_room(n=n, observe=tuple(columns), **options), (0, 10**6))
    env.seed(seed)
    return env


def rule_named(name):
    return RULES[name](weights=(1, 2, 3)) if name == "static_mixture" else RULES[name]()


def teach(rule, students, decisions=8, seed=0, **options):
    """Places chosen for these student seeds, (n, d), under one teacher seed."""
    env = vec_env(rule, n=len(students), budget="1000-steps", end_after=10**6, **options)
    teacher = RuleTeacher(rule, env, seed=seed)
    observation = env.room.reset(np.arange(len(students)), np.array(students))
    state, chosen = None, []
    for _ in range(decisions):
        actions, state = teacher.predict(observation, state)
        observation = env.step(actions)[0]
        chosen.append(actions)
    return np.array(chosen).T


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


CONTINUE = """
import sys
import torch
from lessonplan.teacher import RuleTeacher
folder = sys.argv[1]
stored = torch.load(f"{folder}/stored.pt", weights_only=False)
answers = {}
for name, (first, second, state) in stored.items():
    teacher = RuleTeacher.load(f"{folder}/{name}.zip")
    answers[name] = teacher.predict(second, state)[0], teacher.predict(first)[0]
torch.save(answers, f"{folder}/answers.pt")
"""


@pytest.mark.slow
def test_every_rule_and_ones_own_choose_the_same_when_loaded_in_a_new_process(
    least_tried, tmp_path
):
    rules = {name: rule_named(name) for name in RULES} | {"my_rule": least_tried}
    stored, wanted = {}, {}
    for name, rule in rules.items():
        env = vec_env(rule, n=40)
        teacher = RuleTeacher(rule, env, seed=8)
        teacher.learn(80)
        first = env.reset()
        actions, state = teacher.predict(first)
        second = env.step(actions)[0]
        stored[name] = first, second, state
        wanted[name] = teacher.predict(second, state)[0], actions
        teacher.save(tmp_path / name)
    torch.save(stored, tmp_path / "stored.pt")
    run_python(CONTINUE, tmp_path, cwd=tmp_path)
    answers = torch.load(tmp_path / "answers.pt", weights_only=False)
    for name in rules:
        np.testing.assert_equal(answers[name], wanted[name])


@pytest.mark.parametrize("name", RULES)
def test_a_choice_depends_on_teacher_seed_student_and_decision_and_on_no_neighbour(name):
    rule, students = rule_named(name), [3, 14, 15, 92, 65]
    together = teach(rule, students)
    assert ((together >= 0) & (together < 3)).all()
    for order in ([0], [4], [2, 0], [4, 3, 2, 1, 0]):
        alone = teach(rule, [students[i] for i in order])
        np.testing.assert_array_equal(alone, together[order])
    np.testing.assert_array_equal(teach(rule, students), together)


DETERMINISTIC = {"in_order"}


@pytest.mark.parametrize("name", sorted(set(RULES) - DETERMINISTIC))
def test_another_teacher_seed_and_another_student_make_other_choices(name):
    rule, students = rule_named(name), np.arange(20)
    chosen = teach(rule, students, seed=0)
    assert (chosen != teach(rule, students, seed=1)).any()
    # Students that learn alike, so that only their random numbers differ.
    same = teach(rule, 7 * students, seed=0)
    assert len(np.unique(same, axis=0)) > 1


@pytest.mark.parametrize("name", RULES)
def test_no_rule_chooses_a_place_where_there_is_no_task(name):
    rule = rule_named(name)
    places = teach(rule, list(range(30)), decisions=12, max_tasks=6, observe=("present",))
    assert set(np.unique(places)) <= {0, 1, 2}
    unpadded = teach(rule, list(range(30)), decisions=12)
    if name in ("in_order", "uniform", "static_mixture", "proportional"):
        np.testing.assert_array_equal(places, unpadded)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_keeps_the_interface_and_declares_columns_that_exist(name):
    rule = rule_named(name)
    assert isinstance(rule, Rule)
    names = {need.partition(":")[0] for need in rule.needs}
    assert names <= set(COLUMNS) | {"progress", "present"}


@pytest.mark.parametrize("name", RULES)
def test_deterministic_prediction_changes_nothing(name):
    rule = rule_named(name)
    env = vec_env(rule, n=20)
    teacher, observation = RuleTeacher(rule, env), env.reset()
    np.testing.assert_equal(
        teacher.predict(observation, deterministic=True), teacher.predict(observation)
    )


def test_tasks_are_drawn_with_the_probabilities_that_the_rule_gives():
    rule = Fixed(0.4, 1.0, 0.0, 0.6)
    env = vec_env(rule, n=4000, k=4)
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    np.testing.assert_allclose(state["probabilities"], np.tile([0.2, 0.5, 0, 0.3], (4000, 1)))
    shares = np.bincount(actions, minlength=4) / 4000
    # Four standard deviations.
    np.testing.assert_allclose(shares, [0.2, 0.5, 0, 0.3], atol=4 * (0.25 / 4000) ** 0.5)
    assert shares[2] == 0


def test_a_rule_that_prefers_a_place_without_a_task_gets_another():
    rule = Fixed(0.1, 0.3, 5.0)
    env = vec_env(rule, n=40, k=2, max_tasks=3, observe=("present",))
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    np.testing.assert_allclose(state["probabilities"], np.tile([0.25, 0.75, 0], (40, 1)))
    assert set(actions) == {0, 1}


def test_a_rule_without_any_preference_chooses_evenly_among_the_tasks_that_exist():
    rule = Fixed(0.0, 0.0, 0.0)
    env = vec_env(rule, k=2, max_tasks=3, observe=("present",))
    _, state = RuleTeacher(rule, env).predict(env.reset())
    assert state["probabilities"].tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize(("lot", "task"), [(0.0, 1), (0.55, 6), (1 - 2**-53, 10)])
def test_the_highest_and_lowest_lots_fall_on_tasks_with_a_chance(lot, task, monkeypatch):
    monkeypatch.setattr(View, "uniform", lambda self, stream=0, count=None: np.full((1, 1), lot))
    rule = Fixed(0.0, *[0.1] * 10, 0.0)
    env = vec_env(rule, k=12)
    actions, state = RuleTeacher(rule, env).predict(env.reset())
    # In floating point ten tenths do not exceed the highest lot.
    assert np.cumsum(state["probabilities"])[-1] <= 1 - 2**-53
    assert actions[0] == task


@pytest.mark.parametrize(
    "bad",
    [
        (np.nan, 0.5, 0.5), (-0.1, 0.6, 0.5), (np.inf, 0.0, 0.0), (0.5, 0.5), (0.25,) * 4,
        (-1e-12, 0.5, 0.5),
    ],
)  # fmt: skip
def test_impossible_probabilities_are_refused_in_one_sentence_that_names_the_rule(bad):
    rule = Fixed(*bad)
    env = vec_env(rule)
    with pytest.raises(ValueError, match=r"Fixed.probabilities must return finite, non-negative"):
        RuleTeacher(rule, env).predict(env.reset())


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


def test_a_loaded_teacher_without_an_environment_predicts_but_has_nothing_to_learn_in(
    least_tried, tmp_path
):
    env = vec_env(least_tried)
    RuleTeacher(least_tried, env).save(tmp_path / "teacher")
    loaded = RuleTeacher.load(tmp_path / "teacher")
    assert loaded.predict(env.reset())[0].tolist() == [0]
    with pytest.raises(ValueError, match="learn needs an environment: call set_env first"):
        loaded.learn(1)


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


def test_columns_are_found_by_name_wherever_another_environment_shows_them(least_tried, tmp_path):
    rule = RULES["highest_unmastered"]()
    env = vec_env(rule, budget="9-steps")
    moved = CurriculumVecEnv(fake_room(observe=("progress", "key", *reversed(rule.needs))))
    assert env.observation_space == moved.observation_space
    teacher = RuleTeacher(rule, env)
    teacher.save(tmp_path / "teacher")
    teacher.set_env(moved)
    loaded = RuleTeacher.load(tmp_path / "teacher", moved)
    assert teacher.policy.columns == loaded.policy.columns == moved.columns
    moved.reset()
    observation = moved.step(np.array([1]))[0]
    assert teacher.predict(observation)[0] == loaded.predict(observation)[0] == 1


def test_a_saved_rule_teaches_suites_with_another_number_of_tasks(least_tried, tmp_path):
    RuleTeacher(least_tried, vec_env(least_tried), seed=4).save(tmp_path / "teacher")
    for k in (1, 2, 7):
        env = vec_env(least_tried, n=2, k=k)
        teacher = load_teacher(tmp_path / "teacher", env, RuleTeacher)
        teacher.learn(4)
        assert teacher.seed == 4
        assert teacher.predict(env.reset())[0].tolist() == [0, 0]


def test_a_policy_is_a_torch_policy_too():
    rule = RULES["uniform"]()
    env = vec_env(rule, n=3)
    policy = RuleTeacher(rule, env).policy
    assert isinstance(policy, RulePolicy)
    observation = env.reset()
    actions = policy._predict(torch.as_tensor(observation))
    np.testing.assert_array_equal(actions.numpy(), policy.predict(observation)[0])
