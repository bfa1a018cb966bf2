"""Classrooms in which it can be counted what a teacher is shown and what it pays.

Legend: n students, k tasks.
"""

import numpy as np
from fake_cohort import fake_room, fake_suite, table

THIRD = 1 / 3
EPOCHED = "ignore:the training data of task 'a' are epoched"
ENDLESS = {"endless": [True] * 3}
# Before the lifetime, and after each decision.
RISING = np.array([[0.0, 0.2, 0.4], [0.5, 0.2, 0.4], [0.6, 0.3, 0.4], [0.95, 0.95, 0.95]])
HALVES = np.array([[0.5, 0.5, 0.0]])
EVEN = table(np.full((1, 3), 0.8))
MANY, MANY_EACH = {"probes": [100] * 3}, {"batch_size": 256, "evaluation_size": 100}


def room_of(script=None, fields=ENDLESS, cohort=None, **options):
    """Probe sets of 6 examples; a decision trains on 4."""
    options = {"observe": ("progress:difference", "score", "loss", "measured")} | options
    suite = fake_suite(3, **fields)
    return fake_room(script or table(RISING), suite=suite, cohort=cohort, **options)


def own(room):
    return room.facts.spending.probing[0] / THIRD


def equal(room):
    return room.facts.spending.equal_probing[0] / THIRD
