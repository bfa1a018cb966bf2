"""How fast students are is told from little time, and not from their first step on one example."""

import pytest

from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.dry_run import costs, speed


def of_the_same_seconds(course, suite, watch):
    """A pace of students whose step takes 10 ms whatever its size."""
    return speed._Pace(0.01 / course.student.batch_size, 0.01 / course.student.evaluation_size)


def test_what_a_step_takes_besides_its_examples_is_not_counted_for_each_of_them(monkeypatch):
    monkeypatch.setattr(speed, "_pace", of_the_same_seconds)
    monkeypatch.setattr(speed, "_STUDENTS", ())
    config = read_config("flat")
    suite = build_suite(config)
    found = speed.measured(config, suite, speed.sizes_of(config, suite), 1.0)
    # 20 steps, and six tasks; from single examples it would be 6.4 s and 7.7 s more.
    assert found.teaching == pytest.approx(20 * 0.01 + 6 * 0.01)


def test_a_course_that_two_teachers_share_is_measured_once(monkeypatch):
    asked = []

    def measured(course, suite, sizes, seconds):
        asked.append((course.suite.name, seconds))
        return speed.Speed(1.0, 1.0)

    monkeypatch.setattr(costs, "measured", measured)
    config = read_config("parity")
    other = read_config("graph")
    twice = [
        teacher.model_copy(update={"courses": [other]})
        for teacher in read_config("graph").teachers[:2]
    ]
    prices = costs.Prices(config, twice, 100.0)
    for course in (config, other, other):
        prices.of(course, build_suite(course), tested=False)
    assert [name for name, _ in asked] == ["parity", "graph"]
    # Half of the time is for each of the two.
    assert asked[0][1] == pytest.approx(50.0, abs=1.0)
