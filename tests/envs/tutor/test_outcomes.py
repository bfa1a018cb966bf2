"""A tutor that is told what training examples showed: what it believes of them, and refuses.

Legend: k tasks.
"""

import math
import re
from functools import partial

import pytest
import torch
from new_process import run_python

from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, TSCLSampling, Uniform

NAMES = ["a", "b"]


def tutor(tasks=NAMES, half_life=1.0, rule=None, **options):
    """A tutor that mixes, so that anything may be told."""
    options = {"action": "mixture", "observe": ("progress", "score", "key")} | options
    return Tutor(
        tasks, partial(RuleTeacher, rule or Uniform()), half_life=half_life, **options
    )  # fmt: skip


def shown(count, accuracy=None, loss=None):
    said = {"count": count, "accuracy": accuracy, "loss": loss}
    return {name: value for name, value in said.items() if value is not None}


def told(made, *outcomes, **more):
    """The scores after each of these outcomes of a decision."""
    found = []
    for one in outcomes:
        made.mix()
        made.observe(outcomes=one, **more)
        found.append(list(made.scores.values()))
    return found


def test_a_score_is_the_share_of_right_examples_of_which_older_ones_count_less():
    # With a half-life of 2 examples count by 1 / sqrt(2); four wrong ones are added.
    fade = 2.0**-0.5
    found = told(
        tutor(half_life=2.0),
        {"a": shown(60, 0.5), "b": shown(4, 1.0)},
        {"a": shown(20, 1.0)},
        {},
    )
    assert found[0] == pytest.approx([30 / 64, 4 / 8])
    assert found[1] == pytest.approx(
        [(30 * fade + 20) / (60 * fade + 20 + 4), 4 * fade / (4 * fade + 4)]
    )
    assert found[2] == pytest.approx(
        [(30 / 2 + 20 * fade) / (60 / 2 + 20 * fade + 4), 4 / 2 / (4 / 2 + 4)]
    )


def test_the_chance_of_guessing_is_taken_off():
    made = tutor({"a": {"chance": 0.5}, "b": {}})
    # (48 + 2) / 64 is 25/32, of which half is chance.
    assert told(made, {"a": shown(60, 0.8), "b": shown(60, 0.8)})[0] == pytest.approx(
        [(25 / 32 - 0.5) / 0.5, 0.75]
    )
    assert told(made, {"a": shown(100, 0.2)})[0][0] == 0.0


def test_where_only_losses_are_known_the_credit_is_the_chance_of_the_right_answer():
    found = told(tutor(), {"a": shown(60, loss=math.log(2)), "b": shown(60, loss=math.nan)})
    assert found[0] == pytest.approx([30 / 64, 0.0])


def test_a_column_of_losses_is_filled_and_nothing_need_be_known_first():
    made = tutor(observe=("progress", "score", "loss", "measured", "key"))
    made.mix()
    made.observe(outcomes={"a": shown(10, 0.5, 1.5)})
    facts = made._board.facts
    assert facts.loss.tolist() == [[1.5, 0.0]]
    assert facts.seen.tolist() == [[True, False]]
    made.mix()
    with pytest.raises(ValueError, match="a column shows the loss: give the loss with outcomes"):
        made.observe(outcomes={"a": shown(10, 0.5)})


@pytest.mark.parametrize("column", ["loss", "relative_loss"])
@pytest.mark.parametrize("half_life", [1.0, None])
def test_no_score_without_a_loss_is_taken_for_a_loss_of_nothing(column, half_life):
    observe, scores = ("progress", column), dict.fromkeys(NAMES, 0.5)
    made = tutor({name: {"endless": True} for name in NAMES}, half_life, observe=observe)

    def begin_without_losses():
        made.begin(scores=scores)
        made.mix()

    with pytest.raises(ValueError, match="a column shows the loss"):
        begin_without_losses()
    made.begin(scores=scores, losses=dict.fromkeys(NAMES, 2.0))
    made.mix()
    outcomes = {"a": shown(64, 0.5, 2.0)} if half_life else None
    with pytest.raises(ValueError, match="a column shows the loss"):
        made.observe(scores={"a": 0.5}, outcomes=outcomes)
    made.observe(scores={"a": 0.5}, losses={"a": 2.0}, outcomes=outcomes)
    assert made._board.facts.loss[0] == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("half_life", [1.0, None])
def test_a_score_is_as_certain_as_the_examples_that_it_was_measured_on(half_life):
    made = tutor(half_life=half_life, observe=("progress", "uncertainty", "count"))
    for probed, each in ((400, 200), (0, 100)):
        made.begin(scores=dict.fromkeys(NAMES, 0.5), spent={"probed": probed})
        assert made._board.facts.count[0] == pytest.approx([each] * 2)
        assert made._board.facts.uncertainty[0] == pytest.approx([0.5 / math.sqrt(each + 4)] * 2)


def test_mastery_and_the_end_go_by_what_is_believed():
    made = tutor(mastery_streak=2)
    sure = {"a": shown(200, 1.0), "b": shown(200, 1.0)}
    told(made, sure)
    assert not made.finished
    told(made, sure | {"b": shown(200, 0.5)})
    assert made.scores["a"] > 0.9 > made.scores["b"]
    told(made, sure, sure)
    assert not made.finished
    told(made, sure)
    assert made.finished


def test_held_out_scores_beside_tell_the_gap_where_examples_come_again():
    made = tutor({"a": {}, "b": {"endless": True}})
    both = {"a": shown(96, 0.75), "b": shown(96, 0.75)}
    told(made, both, scores={"a": 0.5, "b": 0.25}, spent={"probed": 200})
    # 72 of 96 right in training, which is 0.25 too much, and as certain as if 75 of a hundred more
    # were; of the endless one a hundred more with 25 right.
    assert made.scores == pytest.approx({"a": 147 / 200 - 0.25, "b": (72 + 25) / 200})
    told(made, {"a": shown(96, 1.0)})
    training = (147 / 2 + 96) / (196 / 2 + 96 + 4)
    assert made.scores["a"] == pytest.approx(training - 0.25)


def test_scores_to_begin_with_count_as_examples():
    made = tutor()
    made.begin(scores={"a": 0.5, "b": 0.25}, spent={"probed": 400})
    assert made.scores == pytest.approx({"a": 100 / 204, "b": 50 / 204})
    told(made, {"a": shown(100, 1.0)})
    assert made.scores == pytest.approx({"a": (50 + 100) / 204, "b": 25 / 104})
    made.begin()
    assert made.scores == {"a": 0.0, "b": 0.0}


def test_a_task_is_chosen_by_what_training_showed():
    made = Tutor(
        NAMES, partial(RuleTeacher, TSCLSampling(epsilon=0.0), seed=1), half_life=0.5,
        steps_per_decision=1,
    )  # fmt: skip
    counts, chosen = dict.fromkeys(NAMES, 0), []
    for _ in range(40):
        task = made.choose()
        counts[task] += 1
        # Only b is learned.
        right = min(1.0, counts["b"] / 20) if task == "b" else 0.1
        made.observe(outcomes={task: shown(64, right)})
        chosen.append(task)
    assert chosen[5:].count("b") > chosen[5:].count("a")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"outcomes": {"z": shown(3, 0.5)}}, "there is no task 'z'; the tasks are a, b"),
        ({"outcomes": {"a": 0.5}}, "the outcome of task 'a' must be how many examples there were"),
        ({"outcomes": {"a": {"accuracy": 1.0}}}, "must be how many examples there were with means"),
        (
            {"outcomes": {"a": shown(3)}},
            "the outcome of task 'a' needs accuracy, or loss, of which",
        ),
        ({"outcomes": {"a": shown(-1, 0.5)}}, "the count of task 'a' must be a number of examples"),
        ({"outcomes": {"a": shown(3, 1.5)}}, "the accuracy of task 'a' must be in [0, 1], got 1.5"),
        (
            {"outcomes": {"a": shown(3, math.nan)}},
            "accuracy of task 'a' must be in [0, 1], got nan",
        ),
        ({"outcomes": {"a": shown(3, "all")}}, "accuracy of task 'a' must be a number, got 'all'"),
        ({"outcomes": {"a": shown(3, loss=-0.5)}}, "exp(-loss) of task 'a' is no score where the"),
        ({"outcomes": {"a": shown(3, 1.0) | {"f1": 1}}}, "has the unknown name 'f1'; there are co"),
        (
            {"outcomes": {"a": shown(3, 1.0), "b": shown(3, loss=1.0)}},
            "outcomes must say the same of all tasks, got the accuracy of 'a' and none of 'b'",
        ),
        ({"outcomes": {"a": shown(3, loss=1.0)}}, "had accuracy before and have none now"),
        ({}, "observe takes a task and its score, as in"),
        ({"outcomes": {}, "task": "a"}, "observe takes a task and its score, as in"),
    ],
)
def test_outcomes_that_make_no_sense_are_refused_and_nothing_is_entered(said, words):
    made = tutor()
    told(made, {"a": shown(60, 0.5)})
    made.mix()
    with pytest.raises(ValueError, match=re.escape(words)):
        made.observe(**said)
    assert made.scores == pytest.approx({"a": 30 / 64, "b": 0.0})
    # Of no examples nothing is asked.
    made.observe(outcomes={"a": {"count": 0}, "b": shown(60, 0.5)})
    assert made.scores == pytest.approx({"a": 15 / 34, "b": 30 / 64})


def test_a_tutor_without_a_half_life_refuses_outcomes_and_says_what_it_wants():
    made = tutor(half_life=None)
    made.mix()
    with pytest.raises(ValueError, match="make it with half_life=, such as half_life=1"):
        made.observe(outcomes={"a": shown(60, 0.5)})
    made.observe(scores={"a": 0.5})
    for odd in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="half_life must be a positive number of decisions"):
            tutor(half_life=odd)


def test_a_state_goes_on_where_it_was_in_a_new_process(tmp_path):
    made = tutor(half_life=3.0, rule=TSCLSampling(), observe=("progress", "score", "loss", "key"))
    told(made, {"a": shown(60, 0.5, 1.0)}, {"b": shown(10, 0.75, 2.0)})
    made.mix()
    torch.save(made.state_dict(), tmp_path / "tutor.pt")
    code = """
        import sys, torch
        from functools import partial
        from lessonplan.envs import Tutor
        from lessonplan.teacher import RuleTeacher, TSCLSampling
        made = Tutor(["a", "b"], partial(RuleTeacher, TSCLSampling()), half_life=3.0,
                     action="mixture", observe=("progress", "score", "loss", "key"))
        made.load_state_dict(torch.load("tutor.pt", weights_only=True))
        made.observe(outcomes={"a": {"count": 20, "accuracy": 1.0, "loss": 0.5}})
        print(*made.scores.values(), *made.mix().values())
    """
    made.observe(outcomes={"a": shown(20, 1.0, 0.5)})
    wanted = [*made.scores.values(), *made.mix().values()]
    assert [float(word) for word in run_python(code, cwd=tmp_path).split()] == wanted
    other = tutor(half_life=2.0, rule=TSCLSampling(), observe=("progress", "score", "loss", "key"))
    with pytest.raises(ValueError, match=r"made with half_life=3\.0, this tutor has half_life=2"):
        other.load_state_dict(torch.load(tmp_path / "tutor.pt", weights_only=True))
