"""What generations earned counts as measured, and nothing else."""

from functools import partial

import numpy as np
import pytest

from lessonplan.envs import Tutor
from lessonplan.envs.trainer.lessons import Lessons
from lessonplan.teacher import UCB1, DiscountedUCB, RuleTeacher, TSCLSampling, TSCLWindow

NAMES = [f"t{i}" for i in range(8)]


def rewarded(rule, seed=0, **options):
    """Lessons of a tutor that is told what generations earn."""
    columns = dict.fromkeys(("progress", *rule.needs, "key"))
    tutor = Tutor(
        NAMES, partial(RuleTeacher, rule, seed=seed), observe=tuple(columns), student_seed=seed,
        **options,
    )  # fmt: skip
    lessons = Lessons(tutor, "reward", "loss", (0.0, 1.0))
    lessons.begin(None, probed=0)
    return lessons


def tell(lessons, rewards):
    """End a segment in which tasks, by their places, earned these rewards."""
    tasks = np.array(list(rewards), dtype=np.int64)
    lessons.reward(tasks, np.array(list(rewards.values()), dtype=np.float64))
    trained = np.bincount(tasks, minlength=len(NAMES))
    lessons.tell(lessons.results([NAMES[task] for task in tasks]), trained, {})


@pytest.mark.parametrize(
    "rule", [TSCLWindow(epsilon=0.0), TSCLSampling(epsilon=0.0), UCB1(), DiscountedUCB()],
    ids=lambda rule: type(rule).__name__,
)  # fmt: skip
def test_every_task_is_tried_first_where_rewards_are_the_feedback(rule):
    for seed in range(3):
        lessons, tried = rewarded(rule, seed), []
        for step in range(16):
            lessons.choose(step, {})
            tried.append(int(lessons.shares.argmax()))
            tell(lessons, {tried[-1]: 0.05 * tried.count(tried[-1])})
        assert set(tried) == set(range(8))


@pytest.mark.filterwarnings("ignore:a generation was given no reward")
def test_a_task_whose_generations_earned_nothing_is_not_measured():
    lessons = rewarded(TSCLWindow(), action="mixture")
    facts = lessons.tutor._board.facts
    assert not facts.seen.any()
    for step, earned in enumerate(({0: 0.5, 1: np.nan}, {1: 0.25, 2: 1.0}, {3: np.nan})):
        lessons.choose(step, {})
        tell(lessons, earned)
        measured = [np.isfinite(earned.get(task, np.nan)) for task in range(8)]
        assert facts.seen[0].tolist() == measured
    assert [lessons.tutor.scores[name] for name in NAMES[:4]] == [0.5, 0.25, 1.0, 0.0]
