"""Which parameters tuning tries: those of the config first, where they make the rule."""

import pytest
from tiny_config import CONFIG

from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.trial.checking import check
from lessonplan.experiments.trial.tuning import candidates

WEIGHTS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
MIXTURE = {"name": "mine", "rule": "static_mixture", "grid": {"weights": WEIGHTS}}


def tried(teacher, count=8):
    """The candidates of a teacher that a config accepts."""
    config = make_config(CONFIG | {"teachers": [teacher]})
    suite = check(config)
    return candidates(config.teachers[0], suite, count, 0)


def test_a_grid_alone_is_enough_where_it_fills_what_the_rule_can_not_be_made_without():
    # A static mixture has no default weights.
    assert tried(MIXTURE) == [{"weights": weights} for weights in WEIGHTS]
    assert tried(MIXTURE, 2)[0] in [{"weights": weights} for weights in WEIGHTS]
    assert len(tried(MIXTURE, 2)) == 2
    first = {"weights": [1, 1, 1]}
    with_first = tried(MIXTURE | {"parameters": first})
    assert with_first == [first, *({"weights": weights} for weights in WEIGHTS)]


def test_a_rule_with_defaults_is_tried_with_them_first():
    teacher = {"name": "mine", "rule": "in_order", "grid": {"gate": [0.5, 0.9, 0.7]}}
    # 0.9 is the default.
    assert tried(teacher) == [{}, {"gate": 0.5}, {"gate": 0.7}]


@pytest.mark.parametrize(
    ("more", "tune"), [({}, True), ({"tune": False}, False), ({"type": "rule"}, True)]
)
def test_a_grid_that_is_written_is_tried_unless_tuning_is_turned_off(more, tune):
    teacher = {"name": "mine", "rule": "in_order", "grid": {"gate": [0.5]}} | more
    assert make_config({"teachers": [teacher]}).teachers[0].tune is tune


def test_a_rule_without_a_grid_is_not_tuned_unless_it_is_asked_for():
    assert not make_config({"teachers": ["in-order"]}).teachers[0].tune


def test_a_grid_without_values_is_refused():
    teacher = {"name": "mine", "rule": "in_order", "grid": {"gate": []}}
    with pytest.raises(ValueError, match=r"teachers.mine.grid.gate: write a list of values"):
        make_config({"teachers": [teacher]})
