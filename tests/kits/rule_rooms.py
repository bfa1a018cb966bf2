"""Environments for tests of rules as teachers, and what a rule chooses there.

Legend: n students, d decisions.
"""

import numpy as np
from fake_cohort import fake_room

from lessonplan.envs import CurriculumVecEnv
from lessonplan.teacher import RULES, RuleTeacher

ARGUMENTS = {
    "static_mixture": {"weights": (1, 2, 3)},
    "open_loop": {"weights": ((0, 1, 2), (2, 1, 0)), "horizon": 6},
    "mastering_rate": {"prerequisites": ((), (0,), (1,))},
}
"""What rules need that have no defaults, for the three tasks of a fake cohort."""


def vec_env(rule, n=1, seed=5, **options):
    """Students of a fake cohort, shown with the columns that the rule needs."""
    columns = dict.fromkeys(("progress", *rule.needs, "key", *options.pop("observe", ())))
    env = CurriculumVecEnv(fake_room(n=n, observe=tuple(columns), **options), (0, 10**6))
    env.seed(seed)
    return env


def rule_named(name):
    """A rule of `RULES` with its defaults, and with some arguments where it has none."""
    return RULES[name](**ARGUMENTS.get(name, {}))


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
