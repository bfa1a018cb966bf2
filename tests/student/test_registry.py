"""Students made from the name of a suite and plain values."""

from dataclasses import replace

import pytest

from lessonplan.student import (
    MLP,
    Adam,
    Decoder,
    LoopCohort,
    LoRA,
    LoRACohort,
    SimulatedCohort,
    StackedCohort,
    addition,
    make_cohort,
    parity,
    simulated,
)
from lessonplan.student.registry import BATCH_SIZE, EVALUATION_SIZE, LEARNING_RATE

SIGNS = parity(2, 8)


def small(input_shape, n_outputs, hidden=3):
    return MLP(input_shape, n_outputs, (hidden,))


def test_networks_fit_what_the_suite_is_written_in():
    assert isinstance(make_cohort(SIGNS, 1).student(0), MLP)
    digits = addition(2, train_size=50, held_out=8)
    assert isinstance(make_cohort(digits, 1, options={"width": 8}).student(0), Decoder)


def test_what_is_left_out_has_one_default():
    cohort = make_cohort(SIGNS, 2)
    assert (cohort.batch_size, cohort.evaluation_size) == (BATCH_SIZE, EVALUATION_SIZE)
    assert cohort.optimizer == Adam(LEARNING_RATE)
    others = make_cohort(simulated(), 2)
    assert (others.batch_size, others.evaluation_size) == (BATCH_SIZE, EVALUATION_SIZE)


def test_a_network_of_ones_own_gets_its_options():
    cohort = make_cohort(SIGNS, 2, model=small, options={"hidden": 5}, chunk=2, batch_size=4)
    assert isinstance(cohort, StackedCohort)
    assert cohort.student(0).layers[0].out_features == 5
    assert cohort.batch_size == 4


def test_a_student_with_a_loop_of_its_own_gets_the_suite_and_its_options():
    class Mine:
        def __init__(self, suite, patience=1):
            self.suite, self.patience = suite, patience

        def reset(self, seed): ...
        def step(self, batch): ...
        def evaluate(self, batch): ...

    cohort = make_cohort(SIGNS, 2, model=Mine, options={"patience": 3})
    assert isinstance(cohort, LoopCohort)


def test_adapters_stand_over_one_network():
    lora = LoRA(2, 4, target_modules=("layers.0",))
    cohort = make_cohort(SIGNS, 2, model=small, lora=lora, member_chunk=2)
    assert isinstance(cohort, LoRACohort)
    assert cohort.lora == lora


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "brain"}, "model must be one of mlp, .*got 'brain'"),
        ({"model": "causal"}, "'causal' train adapters over one frozen model; give lora="),
    ],
)
def test_what_does_not_fit_is_one_sentence(settings, words):
    with pytest.raises(ValueError, match=words):
        make_cohort(SIGNS, 1, **settings)


@pytest.mark.parametrize("settings", [{"model": "mlp"}, {"optimizer": Adam()}, {"lora": LoRA()}])
def test_what_only_networks_have_is_refused_for_other_students(settings):
    with pytest.raises(ValueError, match=f"no networks of ours and take no {next(iter(settings))}"):
        make_cohort(simulated(), 1, **settings)


def test_a_suite_must_name_a_cohort_that_there_is_unless_one_is_given():
    suite = replace(simulated(), cohort="crowd")
    with pytest.raises(ValueError, match="must be one of stacked, simulated, rl, got 'crowd'"):
        make_cohort(suite, 1)
    cohort = make_cohort(suite, 1, cohort=SimulatedCohort, options={"luck": 0.1})
    assert isinstance(cohort, SimulatedCohort)


def test_what_takes_options_is_called_as_asked():
    calls = []

    def call(kind, maker, options):
        calls.append((kind, dict(options)))
        return maker(**options)

    make_cohort(SIGNS, 1, options={"hidden": (4,)}, call=call)
    make_cohort(simulated(), 1, options={"luck": 0.1}, call=call)
    assert ("model", {"hidden": (4,)}) in calls
    assert calls[-1] == ("student", {"luck": 0.1})
