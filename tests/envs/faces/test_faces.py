"""The classroom's faces: Gymnasium, Gymnasium's vectors, and Stable-Baselines3.

Legend: n rows, t places, f columns.
"""

import gymnasium as gym
import numpy as np
import pytest
import torch
from fake_cohort import fake_room, practice
from new_process import run_python
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import VecMonitor

from lessonplan.envs import CurriculumEnv, CurriculumVecEnv, CurriculumVectorEnv, make_classroom
from lessonplan.teacher import make_learner


def test_a_wrapper_for_vectors_counts_our_lifetimes():
    vector = gym.wrappers.vector.RecordEpisodeStatistics(
        CurriculumVectorEnv(fake_room(n=2, budget="3-steps"))
    )
    vector.reset(seed=0)
    for _ in range(3):
        *_, truncated, infos = vector.step(np.zeros(2, int))
    assert truncated.all()
    assert infos["episode"]["l"].tolist() == [3, 3]


def test_render_draws_a_line_for_each_task_or_an_image_or_says_what_is_missing():
    def half(rows, seeds, decision, counts):
        return counts / 2

    text = CurriculumEnv(fake_room(half), render_mode="ansi")
    text.reset(seed=0)
    text.step(1)
    assert text.render().splitlines() == [
        f"a {'':20} 0.00 after   0 decisions",
        f"b {'#' * 10:20} 0.50 after   1 decisions",
        f"c {'':20} 0.00 after   0 decisions",
    ]
    image = CurriculumEnv(fake_room(), render_mode="rgb_array")
    image.reset(seed=0)
    blank = image.render()
    image.step(1)
    assert blank.shape == (48, 200, 3)
    assert blank.dtype == np.uint8
    changed = (blank != image.render()).any(axis=(1, 2))
    assert changed[16:32].any()
    assert not changed[:16].any()
    assert not changed[32:].any()
    none = CurriculumEnv(fake_room())
    none.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert none.render() is None
    with pytest.raises(ValueError, match="render_mode must be ansi or rgb_array, got 'human'"):
        CurriculumEnv(fake_room(), render_mode="human")


def test_the_environment_names_the_task_and_keeps_scores_in_canonical_order():
    env = CurriculumEnv(fake_room(observe=("progress", "task"), shuffle_tasks=True))
    orders = set()
    for seed in range(12):
        observation, _ = env.reset(options={"student_seed": seed})
        places = observation[:, 1].astype(int)
        orders.add(tuple(places))
        for place in range(3):
            *_, info = env.step(place)
            assert info["task"] == "abc"[places[place]]
        assert info["student_seed"] == seed
        assert (info["score"] > 0).all()
        env.step(int(np.flatnonzero(places == 1)[0]))
        assert env.room.facts.chosen[0].tolist() == [1, 2, 1]
    assert len(orders) > 2


def test_one_student_only_makes_an_environment():
    with pytest.raises(ValueError, match="CurriculumEnv takes a classroom of one, got 2 students"):
        CurriculumEnv(fake_room(n=2))


@pytest.mark.parametrize("seeds", [(5, 5), (-1, 3), (7, 2)])
def test_student_seeds_are_a_range(seeds):
    with pytest.raises(ValueError, match="student_seeds must be a range"):
        CurriculumEnv(fake_room(), seeds)


COLUMNS = ("progress", "progress:ema=0.5", "score", "loss", "best", "remaining", "key", "task")
KINDS = {
    "full": {"observe": COLUMNS, "shuffle_tasks": True},
    "bandit": {"observe": COLUMNS, "shuffle_tasks": True, "feedback": "bandit"},
    "padded": {"observe": (*COLUMNS, "present"), "shuffle_tasks": True, "max_tasks": 4},
}


def scripted(n, **options):
    """Lifetimes of 5 decisions, or fewer where all is mastered before."""
    return fake_room(
        lambda rows, seeds, decision, counts: np.minimum(
            practice(rows, seeds, decision, counts) * 4 + (seeds[:, None] % 3) / 5, 1
        ),
        n=n, budget="5-steps", **options,
    )  # fmt: skip


def trained(n, **options):
    """Students of parity that really learn, in lifetimes of 3 decisions."""
    return make_classroom(
        "parity", n, suite_options={"n_tasks": 3, "n_signs": 8}, model_options={"hidden": (16,)},
        evaluation_size=16, batch_size=8, steps_per_decision=3, budget="9-steps",
        learning_rate=0.05, **options,
    )  # fmt: skip


def singles(make, n, seed, actions, **options):
    """What n single environments with seeds seed, seed + 1, ... show, with resets by hand.

    Returns a list over decisions of (observation, last observation, reward, terminated, truncated),
    (n, ...) each.
    """
    envs = [CurriculumEnv(make(1, **options)) for _ in range(n)]
    first = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(envs)])
    record = []
    for chosen in actions:
        rows = []
        for env, action in zip(envs, chosen, strict=True):
            last, reward, terminated, truncated, _ = env.step(action)
            assert not (terminated and truncated)
            shown = env.reset()[0] if terminated or truncated else last
            rows.append((shown, last, reward, terminated, truncated))
        record.append(tuple(np.stack(part) for part in zip(*rows, strict=True)))
    return first, record


@pytest.mark.parametrize("make", [scripted, trained])
@pytest.mark.parametrize("kind", KINDS)
def test_row_i_is_the_single_environment_with_seed_plus_i(make, kind):
    n, seed, options = 3, 11, KINDS[kind]
    actions = np.random.default_rng(0).integers(3, size=(12, n))
    first, record = singles(make, n, seed, actions, **options)
    sb3, vector = (face(make(n, **options)) for face in (CurriculumVecEnv, CurriculumVectorEnv))
    sb3.seed(seed)
    np.testing.assert_array_equal(sb3.reset(), first)
    np.testing.assert_array_equal(vector.reset(seed=seed)[0], first)
    ends = np.zeros(2, int)
    for chosen, (shown, last, reward, terminated, truncated) in zip(actions, record, strict=True):
        observation, paid, done, infos = sb3.step(chosen)
        np.testing.assert_array_equal(observation, shown)
        np.testing.assert_array_equal(paid, reward.astype(np.float32))
        np.testing.assert_array_equal(done, terminated | truncated)
        for i in range(n):
            assert ("terminal_observation" in infos[i]) == done[i]
            if done[i]:
                np.testing.assert_array_equal(infos[i]["terminal_observation"], last[i])
                assert infos[i]["TimeLimit.truncated"] == truncated[i]
        observation, paid, ended, cut, info = vector.step(chosen)
        np.testing.assert_array_equal(observation, shown)
        np.testing.assert_array_equal(paid, reward)
        np.testing.assert_array_equal(ended, terminated)
        np.testing.assert_array_equal(cut, truncated)
        for i in np.flatnonzero(done):
            assert info["_final_obs"][i]
            np.testing.assert_array_equal(info["final_obs"][i], last[i])
        ends += terminated.sum(), truncated.sum()
    assert ends[1] > 0
    assert ends[0] > 0 or make is trained


def test_rows_draw_their_students_from_the_range_and_go_on_drawing():
    env = CurriculumVecEnv(scripted(4), student_seeds=(100, 103))
    env.seed(0)
    env.reset()
    seen = [env.room.facts.student_seed.copy()]
    for _ in range(30):
        env.step(np.zeros(4, int))
        seen.append(env.room.facts.student_seed.copy())
    assert set(np.concatenate(seen)) == {100, 101, 102}
    env.reset()
    # Only the first reset after seed() starts the rows' generators over.
    again = [env.room.facts.student_seed.copy()]
    for _ in range(30):
        env.step(np.zeros(4, int))
        again.append(env.room.facts.student_seed.copy())
    assert (np.array(seen) != np.array(again)).any()


def test_rows_share_one_classroom_and_its_attributes():
    env = CurriculumVecEnv(fake_room(n=2, observe=("progress", "key")))
    assert env.get_attr("columns") == [("progress", "key")] * 2
    assert env.env_is_wrapped(gym.Wrapper) == [False, False]
    env.set_attr("mood", "good")
    assert env.get_attr("mood", 1) == ["good"]
    with pytest.raises(ValueError, match="the rows share one classroom"):
        env.set_attr("mood", "bad", indices=0)


LEARNERS = {
    "PPO": lambda env: PPO("MlpPolicy", env, n_steps=32, batch_size=32, seed=0, device="cpu"),
    "A2C": lambda env: A2C("MlpPolicy", env, seed=0, device="cpu"),
    "DQN": lambda env: DQN("MlpPolicy", env, learning_starts=50, seed=0, device="cpu"),
    "PPO, taskwise": lambda env: make_learner(
        "ppo", env, seed=0, n_steps=32, batch_size=32, width=8
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_the_learners_of_sb3_train_on_it_as_they_are(name):
    env = VecMonitor(CurriculumVecEnv(scripted(4, observe=("progress", "score"))))
    model = LEARNERS[name](env)
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(300)
    after = list(model.policy.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(parameter.isfinite().all() for parameter in after)
    lengths = [episode["l"] for episode in model.ep_info_buffer]
    assert len(lengths) >= 40
    assert max(lengths) == 5


GO_ON = """
import sys
import numpy as np, torch
from fake_cohort import fake_room
from lessonplan.envs import CurriculumVecEnv
stored, shown = sys.argv[1:]
env = CurriculumVecEnv(fake_room(n=3, budget="4-steps", observe=("progress", "score", "key")))
env.seed(99)
env.load_state_dict(torch.load(stored, weights_only=False))
lessons = [env.step(np.array([1, i % 3, 2])) for i in range(10)]
torch.save([*[lesson[:3] for lesson in lessons], env.reset()], shown)
"""


@pytest.mark.slow
def test_a_stored_environment_goes_on_in_a_new_process_with_the_same_students(tmp_path):
    env = CurriculumVecEnv(fake_room(n=3, budget="4-steps", observe=("progress", "score", "key")))
    env.seed(7)
    env.reset()
    for i in range(6):
        env.step(np.array([0, i % 3, 1]))
    torch.save(env.state_dict(), tmp_path / "state.pt")
    lessons = [env.step(np.array([1, i % 3, 2])) for i in range(10)]
    wanted = [*[lesson[:3] for lesson in lessons], env.reset()]
    run_python(GO_ON, tmp_path / "state.pt", tmp_path / "shown.pt", cwd=tmp_path)
    found = torch.load(tmp_path / "shown.pt", weights_only=False)
    assert any(done.any() for _, _, done in found[:-1])
    for one, other in zip(found[:-1], wanted[:-1], strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found[-1], wanted[-1])


def test_options_name_the_student_of_a_rows_next_lifetime_whatever_begins_it():
    env = CurriculumVecEnv(fake_room(n=3, budget="2-steps"))
    env.seed(0)
    env.set_options([{"student_seed": 7}, {}, {"student_seed": 9}])
    env.reset()
    seeds = env.room.facts.student_seed
    assert seeds[[0, 2]].tolist() == [7, 9]
    drawn = int(seeds[1])
    env.set_options({"student_seed": 5})
    for _ in range(2):
        *_, infos = env.step(np.zeros(3, int))
    assert [info["student_seed"] for info in infos] == [7, drawn, 9]
    assert seeds.tolist() == [5, 5, 5]
    # Options are used up; rows go on in their own streams, of which none was drawn meanwhile.
    for _ in range(2):
        env.step(np.zeros(3, int))
    other = CurriculumVecEnv(fake_room(n=3, budget="2-steps"))
    other.seed(0)
    other.reset()
    assert seeds[0] == other.room.facts.student_seed[0]
    assert other.room.facts.student_seed[1] == drawn != seeds[1]


def test_a_row_that_rests_trains_nobody_until_the_next_reset():
    env = CurriculumVecEnv(fake_room(n=3, budget="2-steps", observe=("progress", "remaining")))
    env.set_options([{}, {"rest": True}, {}])
    observation = env.reset()
    assert (observation[1] == 0).all()
    env.set_options([{"rest": True}, {}, {}])
    for _ in range(2):
        observation, reward, done, infos = env.step(np.zeros(3, int))
        assert not done[1]
        assert reward[1] == 0
        assert infos[1] == {"resting": True}
    assert done.tolist() == [True, False, True]
    assert (observation[:2] == 0).all()
    assert (observation[2] != 0).any()
    assert [len(mixture) for mixture in env.room.cohort.mixtures] == [2, 2]
    kept = env.state_dict()
    for each in (env, CurriculumVecEnv(fake_room(n=3, budget="2-steps", observe=env.columns))):
        each.load_state_dict(kept)
        each.step(np.zeros(3, int))
        assert [len(mixture) for mixture in each.room.cohort.mixtures][-1] == 1
    assert env.spent()["lifetimes"] == 3
    env.set_options({"rest": True})
    assert (env.reset() == 0).all()
    observation, reward, done, _ = env.step(np.zeros(3, int))
    assert not observation.any()
    assert not reward.any()
    assert not done.any()
    env.reset()
    assert env.step(np.zeros(3, int))[0].any(axis=(1, 2)).all()


@pytest.mark.parametrize("rows", [2, 4])
def test_actions_of_too_many_or_too_few_rows_are_refused(rows):
    env = CurriculumVecEnv(fake_room(n=3))
    env.reset()
    with pytest.raises(ValueError, match=rf"actions must be of 3 rows, got an array \({rows},\)"):
        env.step(np.zeros(rows, int))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"student": 7}, "there is no option 'student'; there are student_seed and rest"),
        ({"student_seed": 1.5}, "student_seed must be a whole number of at least 0, got 1.5"),
        ([{}, {"student_seed": -1}, {}], "at least 0, got -1"),
        ([{}, {}], "options must be of 3 rows, got 2"),
    ],
)
def test_options_that_are_none_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        CurriculumVecEnv(fake_room(n=3)).set_options(options)


def test_environments_of_gymnasium_refuse_options_that_they_would_not_go_by():
    env = CurriculumEnv(fake_room(n=1))
    with pytest.raises(ValueError, match="no option 'rest'; there is student_seed"):
        env.reset(options={"rest": True})
    with pytest.raises(ValueError, match="at least 0, got 'seven'"):
        env.reset(options={"student_seed": "seven"})
    assert env.reset(options={"student_seed": 7})[1]["student_seed"] == 7
    with pytest.raises(ValueError, match="no option 'student_seed'; reset takes none here"):
        CurriculumVectorEnv(fake_room(n=2)).reset(options={"student_seed": 7})


def test_what_rows_were_told_is_forgotten_where_a_state_is_taken_up():
    env = CurriculumVecEnv(fake_room(n=2, budget="2-steps"))
    env.reset()
    state = env.state_dict()
    env.set_options({"rest": True})
    env.load_state_dict(state)
    for _ in range(3):
        *_, infos = env.step(np.zeros(2, int))
    assert not any(info.get("resting") for info in infos)
