"""TRL's SFTTrainer with a teacher that says how the next ten steps mix the tasks.

    python experiments/examples/tutor_sft.py --out DIR [--resume]

A script without a teacher differs in the five lines that are marked.
"""

import tiny_text as text
from trl import SFTConfig, SFTTrainer

from lessonplan.envs.trainer import Tutor, taught  # new
from lessonplan.teacher import SEC, RuleTeacher  # new


def main():
    """Train, and print what was chosen."""
    options = text.arguments(__doc__)
    settings = SFTConfig(
        options.out, max_steps=options.steps, per_device_train_batch_size=8,
        gradient_accumulation_steps=2, learning_rate=3e-3, save_steps=15, logging_steps=20,
        report_to=options.report_to, use_cpu=True, bf16=False, seed=1, max_length=32,
        packing=options.packing, packing_strategy="wrapped", eval_packing=False, disable_tqdm=True,
    )  # fmt: skip
    tutor = Tutor(text.TASKS, lambda env: RuleTeacher(SEC(), env), action="mixture",  # new
        steps_per_decision=10)  # new  # fmt: skip
    trainer = taught(SFTTrainer)(tutor=tutor,  # new
        model=text.model(),
        args=settings,
        processing_class=text.tokenizer(),
        train_dataset=text.examples("train"),
        eval_dataset=text.examples("test"),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=options.resume)
    trainer.save_model()
    text.tell(trainer, options.out)


if __name__ == "__main__":
    main()
