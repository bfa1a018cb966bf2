"""A trainer under a teacher that is named by its path."""

from fake_cohort import fake_room
from trainer_kit import SIZES, chosen, trainer

from lessonplan.envs import CurriculumVecEnv, Tutor
from lessonplan.teacher import LearnerStreams, load_teacher, make_learner

COLUMNS = ("progress:ema=0.5", "score")


def test_it_chooses_as_one_that_was_loaded_by_hand(tmp_path):
    file = tmp_path / "teacher.zip"
    env = CurriculumVecEnv(fake_room(n=2, observe=COLUMNS, budget="9-steps"))
    with LearnerStreams(0).running():
        make_learner("ppo", env, seed=0, width=4).save(file)
    choices = []
    for teacher, observe in ((file, None), (lambda env: load_teacher(file, env), COLUMNS)):
        tutor = Tutor(list(SIZES), teacher, observe=observe, steps_per_decision=5)
        made = trainer(tmp_path / str(len(choices)), tutor, max_steps=15)
        made.train()
        choices.append(chosen(made))
    assert len(choices[0]) == 3
    assert choices[0] == choices[1]
