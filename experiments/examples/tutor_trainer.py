"""Hugging Face's Trainer with a teacher that says what the next ten steps train on.

    python experiments/examples/tutor_trainer.py --out DIR [--resume]

A script without a teacher differs in the five lines that are marked.
"""

import tiny_text as text
from transformers import Trainer, TrainingArguments

from lessonplan.envs.trainer import Tutor, taught  # new
from lessonplan.teacher import RuleTeacher, TSCLSampling  # new


def main():
    """Train, and print what was chosen."""
    options = text.arguments(__doc__)
    settings = TrainingArguments(
        options.out, max_steps=options.steps, per_device_train_batch_size=16, learning_rate=3e-3,
        save_steps=15, logging_steps=20, report_to=options.report_to, use_cpu=True, seed=1,
        disable_tqdm=True,
    )  # fmt: skip
    tutor = Tutor(text.TASKS, lambda env: RuleTeacher(TSCLSampling(), env),  # new
        steps_per_decision=10)  # new  # fmt: skip
    trainer = taught(Trainer)(tutor=tutor,  # new
        model=text.model(),
        args=settings,
        train_dataset=text.tokenized("train"),
        eval_dataset=text.tokenized("test"),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=options.resume)
    trainer.save_model()
    text.tell(trainer, options.out)


if __name__ == "__main__":
    main()
