"""TRL's GRPOTrainer with a teacher that goes by what the generations of each task earn.

    python experiments/examples/tutor_grpo.py --out DIR [--resume]

A script without a teacher differs in the five lines that are marked.
"""

import tiny_text as text
from trl import GRPOConfig, GRPOTrainer

from lessonplan.envs.trainer import Tutor, taught  # new
from lessonplan.teacher import RuleTeacher, TSCLSampling  # new


def right(completions, answer, **_):
    """Share of the letters that are right, of each generation."""
    pairs = zip(completions, answer, strict=True)
    return [
        sum(a == b for a, b in zip(guess.split(), letters.split(), strict=False)) / 4
        for guess, letters in pairs
    ]


def main():
    """Train, and print what was chosen."""
    options = text.arguments(__doc__)
    settings = GRPOConfig(
        options.out, max_steps=options.steps, per_device_train_batch_size=8,
        gradient_accumulation_steps=2, num_generations=4, max_completion_length=4,
        learning_rate=3e-3, save_steps=15, logging_steps=20, report_to=options.report_to,
        use_cpu=True, bf16=False, seed=1, disable_tqdm=True,
    )  # fmt: skip
    tutor = Tutor(text.TASKS, lambda env: RuleTeacher(TSCLSampling(), env),  # new
        steps_per_decision=5)  # new  # fmt: skip
    trainer = taught(GRPOTrainer)(tutor=tutor,  # new
        model=text.model(),
        args=settings,
        processing_class=text.tokenizer(),
        reward_funcs=right,
        train_dataset=text.examples("train").rename_column("completion", "answer"),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=options.resume)
    trainer.save_model()
    text.tell(trainer, options.out)


if __name__ == "__main__":
    main()
