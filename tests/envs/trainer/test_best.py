"""The best model of a run with a tutor: loaded at the end, or refused before the run."""

import pytest

pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from trainer_kit import trainer

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
