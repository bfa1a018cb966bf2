"""A Trainer of one's own with a teacher that goes by what its batches say, and evaluates nothing.

    python experiments/examples/tutor_training.py --out DIR [--resume]

A script without a teacher differs in the five lines that are marked. How the examples of a batch
were answered is heard in the forward pass that training makes anyway, whatever loss is made of it.
"""

import tiny_text as text
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainingArguments

from lessonplan.envs.trainer import Tutor, taught  # new
from lessonplan.teacher import RuleTeacher, Shortfall  # new


class OwnTrainer(Trainer):
    """Trains with a loss of its own, which is below one where the answer is likely anyway."""

    def compute_loss(self, model, inputs, return_outputs=False, **_):
        """Focal loss of the answer's tokens (Lin et al. 2017)."""
        labels = inputs.pop("labels")[:, 1:].flatten()
        outputs = model(**inputs)
        surprise = cross_entropy(outputs.logits[:, :-1].flatten(0, 1), labels, reduction="none")
        losses = (1 - (-surprise).exp()) * surprise
        loss = losses[labels >= 0].mean()
        return (loss, outputs) if return_outputs else loss


def main():
    """Train, and print what was chosen most."""
    options = text.arguments(__doc__)
    settings = TrainingArguments(
        options.out, max_steps=options.steps, per_device_train_batch_size=16, learning_rate=3e-3,
        save_steps=15, logging_steps=20, report_to=options.report_to, use_cpu=True, seed=1,
        disable_tqdm=True,
    )  # fmt: skip
    tutor = Tutor(text.TASKS, lambda env: RuleTeacher(Shortfall(), env), action="mixture",  # new
        steps_per_decision=10)  # new  # fmt: skip
    trainer = taught(OwnTrainer)(tutor=tutor, feedback="training", metric="token_accuracy",  # new
        model=text.model(),
        args=settings,
        train_dataset=text.tokenized("train"),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=options.resume)
    trainer.save_model()
    text.tell(trainer, options.out)


if __name__ == "__main__":
    main()
