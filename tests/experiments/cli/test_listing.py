"""What `lessonplan list` shows."""

from lessonplan.envs import COLUMNS, REWARDS
from lessonplan.experiments.cli.listing import catalog
from lessonplan.student import LEARNING_RATES, MODELS, SUITES
from lessonplan.teacher import ALGORITHMS, RULES


def test_everything_that_can_be_named_is_listed_with_a_line():
    shown = catalog()
    for names in (SUITES, MODELS, LEARNING_RATES, RULES, ALGORITHMS, REWARDS, COLUMNS):
        assert any(set(names) <= set(lines) for lines in shown.values())
    for title, lines in shown.items():
        for name, line in lines.items():
            assert 10 < len(line) < 120, (title, name, line)
