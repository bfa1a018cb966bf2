"""A tutor takes a stored teacher by its path, and from its file what it has to be shown.

Legend: d decisions.
"""

import pytest
from fake_cohort import fake_room
from stable_baselines3 import PPO

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.envs.trainer.lessons import Lessons
from lessonplan.teacher import (
    RULES,
    LearnerStreams,
    RuleTeacher,
    Sampled,
    TaskwisePolicy,
    keep_card,
    load_teacher,
    make_learner,
    stored_teacher,
)

COLUMNS = ("progress:ema=0.5", "score", "recency")
TASKS = ["add", "subtract", "times", "divide"]


def vec_env(observe=COLUMNS, action="task"):
    return CurriculumVecEnv(fake_room(n=2, observe=observe, budget="9-steps", action=action))


def save(path, action="task", seed=0, **options):
    with LearnerStreams(seed).running():
        make_learner("ppo", vec_env(action=action), seed=seed, width=4, n_steps=8, batch_size=8,
                     **options).save(path)  # fmt: skip
    return path


def lifetime(tutor, decisions=12):
    """What a tutor chooses for a student whose score rises with every choice."""
    choices, scores = [], dict.fromkeys(TASKS, 0.0)
    for _ in range(decisions):
        task = tutor.choose()
        scores[task] = min(1.0, scores[task] + 0.125)
        tutor.observe(scores=scores)
        choices.append(task)
    return choices


def test_a_path_is_worth_what_loading_it_with_its_columns_is(tmp_path):
    file = save(tmp_path / "ppo.zip")
    wanted = lifetime(Tutor(TASKS, lambda env: load_teacher(file, env), observe=COLUMNS))
    for teacher in (file, str(file), str(tmp_path / "ppo"), stored_teacher(file)):
        tutor = Tutor(TASKS, teacher)
        assert tutor.env.columns == COLUMNS
        assert lifetime(tutor) == wanted


def test_a_file_whose_tasks_are_drawn_has_them_drawn(tmp_path):
    tutor = Tutor(TASKS, save(tmp_path / "ppo.zip", deterministic=False, seed=5))
    assert isinstance(tutor.teacher.rule, Sampled)
    assert tutor.teacher.seed == 5
    assert tutor.env.columns == (*COLUMNS, "key")
    # One that is not trained finds all tasks about equally good; its likeliest is one of them.
    assert set(lifetime(tutor, 60)) == set(TASKS)


def test_a_mixture_is_mixed_without_a_word_on_it(tmp_path):
    shares = Tutor(TASKS, save(tmp_path / "ppo.zip", "mixture")).mix()
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_teacher_that_was_made_by_hand_is_used_by_its_path(tmp_path):
    PPO(TaskwisePolicy, vec_env(), n_steps=8, batch_size=8, device="cpu").save(tmp_path / "own")
    tutor = Tutor(TASKS, tmp_path / "own.zip")
    assert tutor.env.columns == COLUMNS
    assert set(lifetime(tutor)) <= set(TASKS)


def test_a_rule_in_a_file_is_used_by_its_path(tmp_path):
    rule = RULES["in_order"]()
    columns = ("progress", *rule.needs, "key")
    RuleTeacher(rule, vec_env(columns)).save(tmp_path / "rule")
    assert Tutor(TASKS, tmp_path / "rule.zip").choose() == "add"
    shown = Tutor(TASKS, tmp_path / "rule.zip", observe=("progress", "recency"))
    assert set(shown.env.columns) == {*columns, "recency"}
    assert shown.choose() == "add"


def test_of_a_run_with_several_seeds_one_is_taken_and_said(tmp_path):
    for seed, cost in enumerate((9.0, 4.0)):
        keep_card(save(tmp_path / f"ppo-{seed}.zip", seed=seed),
                  {"name": "ppo", "seed": seed, "selection_cost": cost})  # fmt: skip
    with pytest.warns(UserWarning, match=r"ppo-1\.zip is taken, which took .* name a file to take"):
        tutor = Tutor(TASKS, tmp_path)
    assert lifetime(tutor) == lifetime(Tutor(TASKS, tmp_path / "ppo-1.zip"))


def test_a_teacher_that_went_by_training_examples_is_told_by_them_with_its_own_half_life(tmp_path):
    def of(name, **looking):
        return keep(save(tmp_path / f"{name}.zip"), looking)

    def keep(file, looking):
        keep_card(file, {"name": "ppo", "seed": 0, "looking": looking})
        return file

    hears = of("hears", feedback="training", half_life=4.0)
    assert Tutor(TASKS, hears).half_life == 4.0
    assert Tutor(TASKS, hears, half_life=2.0).half_life == 2.0
    assert Tutor(TASKS, of("probes", feedback="full", half_life=4.0)).half_life is None
    with pytest.raises(ValueError, match="half_life must be a positive number of decisions, got 0"):
        Tutor(TASKS, hears, half_life=0)
    # Where a trainer measures scores, that is no word of the user's.
    tutor = Tutor(TASKS, hears)
    Lessons(tutor, "full", "loss", (0.0, 1.0))
    assert tutor.half_life is None
    tutor = Tutor(TASKS, hears)
    Lessons(tutor, "training", "loss", (0.0, 1.0))
    assert tutor.half_life == 4.0
    with pytest.raises(ValueError, match="half_life=2 is of what training examples show"):
        Lessons(Tutor(TASKS, hears, half_life=2.0), "full", "loss", (0.0, 1.0))


def test_what_a_stored_teacher_is_not_shown_or_does_not_choose_is_refused(tmp_path):
    file = save(tmp_path / "ppo.zip")
    with pytest.raises(
        ValueError, match=r"trained on the columns progress:ema=0\.5, score, recency"
    ):
        Tutor(TASKS, file, observe=("progress", "score"))
    with pytest.raises(ValueError, match="trained to choose a task and the environment wants the"):
        Tutor(TASKS, file, action="mixture")
    with pytest.raises(ValueError, match="there is no teacher 'runs/none'; give a run directory"):
        Tutor(TASKS, "runs/none")


def test_columns_that_a_file_of_an_earlier_version_does_not_name_have_to_be_given(tmp_path):
    env = vec_env()
    del vars(env.observation_space)["columns"]
    PPO(TaskwisePolicy, env, n_steps=8, batch_size=8, device="cpu").save(tmp_path / "own")
    with pytest.raises(ValueError, match="does not say which columns its teacher was trained on"):
        Tutor(TASKS, tmp_path / "own.zip")
    assert Tutor(TASKS, tmp_path / "own.zip", observe=COLUMNS).choose() in TASKS
