"""What is built to check a config, before any work starts."""

from collections import Counter

import pytest

from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.trial import checking


@pytest.mark.parametrize(("name", "kinds"), [("quickstart", 2), ("flat", 5)])
def test_students_that_are_alike_are_built_once(name, kinds, monkeypatch):
    """One for rules, and of each course two to be trained on."""
    build, built = checking.build_cohort, Counter()

    def counted(course, suite, n):
        built[course.suite.model_dump_json(), course.student.model_dump_json(), n] += 1
        return build(course, suite, n)

    monkeypatch.setattr(checking, "build_cohort", counted)
    checking.check(read_config(name))
    assert list(built.values()) == [1] * kinds
