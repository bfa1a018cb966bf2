"""The best model of a run with a tutor: loaded at the end, or refused before the run."""

import logging
from functools import partial

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from trainer_kit import trainer
from transformers import EarlyStoppingCallback

from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, Uniform

BEST = {"load_best_model_at_end": True, "metric_for_best_model": "eval_b_loss", "max_steps": 20}


@pytest.mark.parametrize(
    ("feedback", "settings"),
    [
        ("full", {"save_strategy": "best"}),
        ("full", {"save_steps": 5, "eval_strategy": "steps", "eval_steps": 5}),
        ("full", {"save_steps": 1, "eval_strategy": "steps", "eval_steps": 1}),
        ("bandit", {"save_strategy": "best", "eval_strategy": "steps", "eval_steps": 4}),
        ("bandit", {"save_steps": 4, "eval_strategy": "steps", "eval_steps": 4}),
        ("bandit", {"save_strategy": "epoch", "eval_strategy": "epoch"}),
    ],
    ids=["best", "steps", "each", "bandit-best", "bandit-steps", "bandit-epochs"],
)
def test_the_best_model_is_loaded_at_the_end(tmp_path, feedback, settings):
    # So fast that the losses go up and down: the best is not the last.
    made = trainer(tmp_path, learning_rate=3.0, options={"feedback": feedback}, **BEST | settings)
    made.train()
    best = made.state.best_global_step
    assert made.state.best_model_checkpoint == str(tmp_path / f"checkpoint-{best}")
    assert 0 < best < 20
    (loss,) = {line["eval_b_loss"] for line in made.state.log_history
               if line["step"] == best and "eval_b_loss" in line}  # fmt: skip
    assert made.evaluate("b", metric_key_prefix="eval_b")["eval_b_loss"] == pytest.approx(loss)


def test_an_evaluation_under_another_name_is_ones_own_before_and_after_training(tmp_path):
    made = trainer(tmp_path, max_steps=5)
    for _ in range(2):
        found = made.evaluate(metric_key_prefix="test")
        assert {"test_loss", "test_a_loss", "test_b_loss", "test_c_loss"} <= set(found)
        assert made.evaluate("b")["eval_loss"] == found["test_b_loss"]
        assert not made._lessons.evaluations
        made.train()


@pytest.mark.parametrize(
    ("feedback", "settings", "wrong"),
    [
        ("full", {"save_steps": 8, "eval_strategy": "steps", "eval_steps": 4}, "every 5 steps; gi"),
        ("full", {"save_steps": 10, "eval_strategy": "steps", "eval_steps": 5}, "that divide 5"),
        ("full", {"save_steps": 0.25, "eval_strategy": "steps", "eval_steps": 0.25}, "divide 5"),
        ("full", {"save_strategy": "epoch", "eval_strategy": "epoch"}, "save_strategy='best', or"),
        ("full", {"save_strategy": "no"}, "needs a checkpoint wherever a segment ends"),
        ("bandit", {"save_strategy": "best"}, "finds no best model where one task is evaluated"),
    ],
)
def test_a_best_model_that_would_not_be_saved_is_refused(tmp_path, feedback, settings, wrong):
    with pytest.raises(ValueError, match=f"load_best_model_at_end .*{wrong}"):
        trainer(tmp_path, options={"feedback": feedback}, **BEST | settings)


IMPORTANCE = {"a": 3.0, "b": 1.0, "c": 0.0625}


def weighted():
    """A tutor whose tasks differ in importance."""
    tasks = {name: {"importance": importance} for name, importance in IMPORTANCE.items()}
    return Tutor(tasks, partial(RuleTeacher, Uniform()), observe=("progress", "key"),
                 steps_per_decision=5)  # fmt: skip


def means(made, metric="loss"):
    """Mean over tasks by hand, of what each task's evaluation logged, by step."""
    found = {}
    for line in made.state.log_history:
        for name in IMPORTANCE:
            if f"eval_{name}_{metric}" in line:
                found.setdefault(line["step"], {})[name] = line[f"eval_{name}_{metric}"]
    total = sum(IMPORTANCE.values())
    return {
        step: sum(IMPORTANCE[name] * x for name, x in values.items()) / total
        for step, values in found.items()
    }


def logged(made, metric="eval_loss"):
    return {line["step"]: line[metric] for line in made.state.log_history if metric in line}


@pytest.mark.parametrize(
    ("feedback", "settings"),
    [
        ("full", {"save_strategy": "best"}),
        ("full", {"save_steps": 5, "eval_strategy": "steps", "eval_steps": 5}),
        ("bandit", {"save_strategy": "best", "eval_strategy": "steps", "eval_steps": 4}),
    ],
    ids=["best", "steps", "bandit"],
)
def test_by_default_the_best_model_is_that_of_the_lowest_mean_loss(tmp_path, feedback, settings):
    settings = {"load_best_model_at_end": True, "max_steps": 20, "learning_rate": 3.0} | settings
    made = trainer(tmp_path, weighted(), options={"feedback": feedback}, **settings)
    made.train()
    own, by_hand = logged(made), means(made)
    assert own.pop(0) == pytest.approx(by_hand[0])
    assert own == pytest.approx({step: by_hand[step] for step in own})
    best = min(own, key=own.get)
    assert made.state.best_global_step == best < max(own)
    assert made.state.best_metric == own[best]
    assert made.evaluate()["eval_loss"] == pytest.approx(own[best])


def test_early_stopping_goes_by_the_mean_and_says_nothing_of_single_tasks(tmp_path, caplog):
    stopping = EarlyStoppingCallback(early_stopping_patience=2)
    made = trainer(
        tmp_path, weighted(), [stopping], load_best_model_at_end=True, save_strategy="best",
        eval_strategy="steps", eval_steps=5, learning_rate=3.0, max_steps=100,
    )  # fmt: skip
    propagate = logging.getLogger("transformers")
    propagate.addHandler(caplog.handler)
    made.train()
    propagate.removeHandler(caplog.handler)
    own = logged(made)
    own.pop(0)
    worse, best, ends = 0, float("inf"), []
    for step, loss in own.items():
        worse, best = (0, loss) if loss < best else (worse + 1, best)
        if worse == 2:
            ends.append(step)
            break
    assert ends == [made.state.global_step] != [100]
    assert not [one for one in caplog.messages if "early stopping is disabled" in one]


def test_every_metric_that_all_tasks_have_is_averaged_and_no_clock(tmp_path):
    made = trainer(
        tmp_path, weighted(), max_steps=5,
        options={"compute_metrics": lambda found: {"right": float(len(found.label_ids))}},
    )  # fmt: skip
    made.train()
    by_hand = means(made, "right")
    assert logged(made, "eval_right") == pytest.approx(by_hand)
    last = [line for line in made.state.log_history if "eval_loss" in line][-1]
    assert set(last) == {"eval_loss", "eval_right", "epoch", "step"}


def test_an_evaluation_of_some_tasks_has_no_mean(tmp_path):
    made = trainer(tmp_path, weighted(), max_steps=5)
    parts = {name: made.eval_dataset[name] for name in ("a", "b")}
    assert "eval_loss" not in made.evaluate(parts)
    whole = made.evaluate()
    assert whole["eval_loss"] == pytest.approx(
        sum(x * whole[f"eval_{name}_loss"] for name, x in IMPORTANCE.items()) / 4.0625
    )
