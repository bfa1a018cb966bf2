"""What a teacher learns from evaluations, and what from the training itself, side by side.

    python experiments/examples/tutor_feedback.py [--steps 400] [--seeds 6]

The student and the tasks of `tutor_trainer.py`, shuffled without a teacher, and taught by two rules
that hear evaluations of all tasks after every ten steps (`full`) or the batches alone (`training`).
All train for as many steps. What they can do then is measured on texts that nobody has seen: the
share of the answers that are right from end to end, of the mean task and of the worst one.
"""

import argparse
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import tiny_text as text
import torch
from datasets import disable_progress_bars
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from lessonplan.envs.trainer import Tutor, taught
from lessonplan.teacher import RuleTeacher, Shortfall, TSCLSampling

RULES = {"TSCLSampling": (TSCLSampling(), "task"), "Shortfall": (Shortfall(), "mixture")}


def trained(rule, feedback, steps, seed, folder):
    """A trainer after as many steps, and the processor seconds that it took."""
    more = {}
    if rule is not None:
        teacher, action = RULES[rule]
        tutor = Tutor(text.TASKS, lambda env: RuleTeacher(teacher, env, seed=seed), action=action,
                      steps_per_decision=10)  # fmt: skip
        more = {"tutor": tutor, "feedback": feedback, "eval_dataset": text.tokenized("test")}
    trainer = (Trainer if rule is None else taught(Trainer))(
        model=text.model(seed),
        args=TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=16, learning_rate=3e-3, seed=seed,
            save_strategy="no", report_to="none", use_cpu=True, disable_tqdm=True,
        ),
        processing_class=text.tokenizer(),
        train_dataset=text.tokenized("train"),
        **more,
    )  # fmt: skip
    start = time.process_time()
    trainer.train()
    return trainer, time.process_time() - start


@torch.no_grad()
def final_scores(model):
    """Share of unseen answers that are right from end to end, by task."""
    unseen, collate = text.tokenized("unseen"), DataCollatorForSeq2Seq(text.tokenizer())
    tasks = np.array(unseen["task"])
    batch = collate(list(unseen.remove_columns("task")))
    logits = model.eval()(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    labels = batch["labels"][:, 1:]
    right = ((logits[:, :-1].argmax(-1) == labels) | (labels < 0)).all(dim=1).numpy()
    return [float(right[tasks == name].mean()) for name in text.TASKS]


def main():
    """Print a line for each way of teaching, with means over the seeds and their deviations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400, help="optimizer steps")
    parser.add_argument("--seeds", type=int, default=6, help="students of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    disable_progress_bars()
    print(f"{options.steps} steps, {options.seeds} seeds; held-out rows are those of evaluations")
    print("teacher        feedback   held-out rows   seconds       mean task     worst task")
    ways = [(None, "-"), *((rule, heard) for rule in RULES for heard in ("full", "training"))]
    for rule, feedback in ways:
        lines = []
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
                trainer, seconds = trained(rule, feedback, options.steps, seed, folder)
            evaluated = sum(
                f"eval_{name}_loss" in line
                for line in trainer.state.log_history for name in text.TASKS
            )  # fmt: skip
            scores = final_scores(trainer.model)
            lines.append((evaluated * text.HELD_OUT, seconds, np.mean(scores), min(scores)))
        rows, *found = np.array(lines).T
        spread = "   ".join(f"{x.mean():5.2f} +- {x.std(ddof=1):4.2f}" for x in found)
        print(f"{rule or 'shuffled':<14} {feedback:<10} {rows.mean():13.0f}   {spread}", flush=True)


if __name__ == "__main__":
    # Several passes over few texts: what training shows is of texts that it knows.
    warnings.filterwarnings("ignore", "the rows of task")
    main()
