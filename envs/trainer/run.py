"""A tutor's lifetime inside a trainer, and the run of the trainer that it is a part of.

`Lessons` knows the tutor and no trainer: what was chosen, what came of it, what it has taken.
`TaughtRun` begins and ends the segments of a trainer's run with it.

Legend: k tasks, m draws of a segment, b generations.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from ..classroom.budget import FEEDBACKS
from ..classroom.checking import check_choice
from ..tutor.tutor import Tutor
from .data import rows_of, tasks_of
from .segments import Draws, Order, SegmentSampler

Metric = str | Callable[[str, Mapping[str, float]], float]
"""What of an evaluation is the score: a name, or a function of the task and its metrics."""

Results = tuple[dict[str, float], dict[str, float] | None]
"""Scores by task, and losses where they are known."""

REWARDED = "reward"
"""Besides `FEEDBACKS`: what generations earned is the feedback of a segment."""
_TRAINED = re.compile(r"(^|=)(gain|fresh_gain|gradient_norm)\b")


class Lessons:
    """Asks the tutor at the beginning of a segment and tells it at the end.

    Args:
        tutor: whose `steps_per_decision` is the length of a segment.
        feedback: `full`, `bandit` or `reward`.
        metric: of an evaluation, as `TaughtMixin` explains.
        reward_range: rewards that score 0 and 1.

    Raises:
        ValueError: for unknown feedback, and for a column that a trainer can't fill.
    """

    def __init__(
        self, tutor: Tutor, feedback: str, metric: Metric, reward_range: tuple[float, float]
    ) -> None:
        check_choice("feedback", feedback, (*FEEDBACKS, REWARDED))
        if not reward_range[0] < reward_range[1]:
            raise ValueError(f"reward_range must be (least, largest), got {reward_range}")
        blind = [column for column in tutor.env.columns if _TRAINED.search(column)]
        if blind:
            raise ValueError(
                f"the column {blind[0]} needs the loss before and after a segment on the same "
                "examples, which a trainer does not measure; choose a teacher that sees the score"
            )
        self.tutor, self.feedback = tutor, feedback
        self.metric, self.reward_range = metric, reward_range
        self.names, self.steps = tutor.suite.names, tutor.steps_per_decision
        self.forget()

    def forget(self) -> None:
        """Be as before the first evaluation."""
        k = len(self.names)
        self.begun, self.pending, self.first = False, False, 0
        self.counts = np.zeros(k, dtype=np.int64)
        """Draws of each task before the segment that is pending, (k,)."""
        self.rewards = np.zeros((2, k))
        """Sum and number of the rewards of each task in this segment, (2, k)."""
        self.evaluations: dict[str, dict[str, float]] = {}
        """Metrics by task that came in since the segment ended."""
        self.tokens = 0
        """Input tokens that the trainer had seen when the tutor was told last."""

    @property
    def counts_tokens(self) -> bool:
        """Whether the budget is in tokens."""
        return self.tutor._board.facts.spending.budget.unit == "tokens"

    @property
    def shares(self) -> np.ndarray:
        """What is pending: shares of the tasks, (k,)."""
        pending: np.ndarray = self.tutor.state_dict()["pending"][0]
        return pending

    def begin(self, results: Results | None, probed: float) -> None:
        """Begin the lifetime, with scores and losses of all tasks, or with nothing known."""
        seed = int(self.tutor.state_dict()["board"]["facts"]["student_seed"][0])
        scores, losses = results or (None, None)
        self.tutor.begin(seed, scores, losses, spent={"probed": probed})
        self.begun, self.evaluations = True, {}

    def choose(self, step: int) -> None:
        """Decide what is trained on from this step on."""
        if isinstance(self.tutor.env.action_space, Discrete):
            self.tutor.choose()
        else:
            self.tutor.mix()
        self.pending, self.first = True, step
        self.rewards[:] = 0.0

    def choice(self) -> dict[str, float]:
        """What there is to log of a choice."""
        state, shares = self.tutor.state_dict(), self.shares
        line = {
            "tutor/decision": int(state["board"]["facts"]["decisions"][0]),
            "tutor/task": int(shares.argmax()),
        }
        memory = state["memory"]
        if isinstance(memory, dict) and "probabilities" in memory and (shares == 1.0).any():
            # What a rule's choice was drawn from; tasks may be shown in another order.
            places = state["board"]["places"][0]
            probabilities = memory["probabilities"][0][places >= 0]
            shares = np.zeros(len(self.names))
            shares[places[places >= 0]] = probabilities
        chances = zip(self.names, shares.tolist(), strict=True)
        return line | {f"tutor/probability/{name}": chance for name, chance in chances}

    def drawn(self, draws: Draws, count: int) -> np.ndarray:
        """Rows for the draws of what is pending, (m,)."""
        return draws.rows_of(draws.tasks(self.shares, self.counts, count), self.counts)

    def trained(self, draws: Draws, count: int) -> np.ndarray:
        """How many of the first draws of what is pending each task has, (k,)."""
        tasks = draws.tasks(self.shares, self.counts, count)
        return np.bincount(tasks, minlength=len(self.names))

    def reward(self, tasks: np.ndarray, rewards: np.ndarray) -> None:
        """Take in what generations of these tasks earned, (b,) and (b,); NaN where nothing."""
        finite = np.isfinite(rewards)
        np.add.at(self.rewards[0], tasks[finite], rewards[finite])
        np.add.at(self.rewards[1], tasks[finite], 1.0)

    def results(self, names: Sequence[str]) -> Results:
        """Scores and, where all are known, losses of these tasks."""
        if self.feedback == "reward":
            return {name: self._rewarded(name) for name in names}, None
        scores = {name: self._score(name) for name in names}
        metrics = {name: self.evaluations[name] for name in names}
        losses = {name: one["loss"] for name, one in metrics.items() if "loss" in one}
        return scores, losses if len(losses) == len(names) else None

    def tell(self, results: Results, trained: np.ndarray, spent: Mapping[str, float]) -> None:
        """Tell the tutor what came of the segment, and what each task took of it (k,)."""
        scores, losses = results
        self.tutor.observe(scores=scores, losses=losses, spent=spent)
        self.counts = self.counts + trained
        self.pending, self.evaluations = False, {}

    def state_dict(self) -> dict[str, Any]:
        """The lifetime, with the tutor's."""
        return {
            "tutor": self.tutor.state_dict(),
            "names": list(self.names), "steps": self.steps,
            "begun": self.begun, "pending": self.pending, "first": self.first,
            "taken": self.counts.copy(), "rewards": self.rewards.copy(), "tokens": self.tokens,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where lessons of the same tasks were.

        Raises:
            ValueError: for other tasks, or segments of another length.
        """
        for what, ours in (("names", list(self.names)), ("steps", self.steps)):
            if state[what] != ours:
                word = {"names": "tasks", "steps": "steps_per_decision"}[what]
                raise ValueError(
                    f"the checkpoint was saved with the {word} {state[what]}, but the tutor has "
                    f"{ours}; make it as it was, or train without resume_from_checkpoint"
                )
        self.tutor.load_state_dict(state["tutor"])
        self.begun, self.pending, self.first = state["begun"], state["pending"], state["first"]
        self.counts, self.rewards = state["taken"].copy(), state["rewards"].copy()
        self.tokens, self.evaluations = state["tokens"], {}

    def _score(self, name: str) -> float:
        """Score of a task by the metric, in [0, 1]."""
        metrics = self.evaluations[name]
        if callable(self.metric):
            return float(self.metric(name, metrics))
        if self.metric not in metrics:
            raise ValueError(
                f"the evaluation of task {name!r} has no {self.metric!r}; it has "
                f"{', '.join(metrics)}; name one with metric=, or make it in compute_metrics"
            )
        value = float(metrics[self.metric])
        if self.metric != "loss":
            return value
        return math.exp(-value) if math.isfinite(value) else 0.0

    def _rewarded(self, name: str) -> float:
        """The mean reward in this segment in [0, 1]; the last score where there was none."""
        low, high = self.reward_range
        total, count = self.rewards[:, self.names.index(name)]
        if not count:
            return self.tutor.scores[name]
        score = (total / count - low) / (high - low)
        if not -1e-6 <= score <= 1.0 + 1e-6:
            raise ValueError(
                f"the mean reward of task {name!r} was {total / count:g}, outside of "
                f"reward_range={self.reward_range}; give the least and the largest reward"
            )
        return float(min(max(score, 0.0), 1.0))


class TaughtRun:
    """What a tutor and a trainer have to do with each other during a run.

    Args:
        trainer: that is set up, with `TaughtMixin` in front.
        lessons: the tutor's.
        column: of the training data that names the task of a row.
        plain: the sampler that the trainer would have without a tutor.
        stop_when_finished: end the training when the tutor is finished.

    Raises:
        ValueError: where a segment would end within a generation, or nothing be evaluated.
    """

    def __init__(
        self, trainer: Any, lessons: Lessons, column: str, plain: Any, stop_when_finished: bool
    ) -> None:
        self.trainer, self.lessons, self.stop_when_finished = trainer, lessons, stop_when_finished
        args, dataset = trainer.args, trainer.train_dataset
        rows = rows_of(tasks_of(dataset, column), lessons.names, "train_dataset")
        self.draws = Draws(rows, args.seed if args.data_seed is None else args.data_seed)
        self.order = _order(trainer, plain)
        if lessons.steps % self.order.whole:
            raise ValueError(
                f"a segment must end with whole generations: steps_per_decision must be a "
                f"multiple of {self.order.whole}, got {lessons.steps}"
            )
        if lessons.feedback != "reward":
            _check_held_out(trainer, lessons.names)
        batch = self.order.per_step // args.gradient_accumulation_steps
        batches = len(plain) // batch if args.dataloader_drop_last else -(-len(plain) // batch)
        self.pass_steps = max(1, -(-batches // args.gradient_accumulation_steps))
        """Steps of one pass over as many examples as there are."""
        self.all_steps = math.ceil(args.num_train_epochs * self.pass_steps)
        """Steps of as many passes as the trainer was to have epochs."""
        self.sampler = SegmentSampler(lessons.steps * self.order.per_step)

    def begin_segment(self) -> None:
        """Ask the tutor, unless the segment is one that was left in its middle."""
        lessons, step = self.lessons, self.trainer.state.global_step
        if not lessons.begun:
            self._begin_lifetime()
        if not lessons.pending:
            lessons.choose(step)
            if self.trainer.accelerator.num_processes > 1:
                lessons.load_state_dict(self.trainer._shared(lessons.state_dict))
            self._log(lessons.choice())
        before = lessons.first % lessons.steps
        rows = lessons.drawn(self.draws, self.order.draws(lessons.steps - before))
        # Steps of an earlier choice that was cut short are filled: the trainer skips them.
        filled = np.full(before * self.order.per_step, rows[0])
        places = np.concatenate([filled, self.order.laid_out(rows)])[: len(self.sampler)]
        skipped = step % lessons.steps if self.trainer.args.ignore_data_skip else 0
        self.sampler.rows = places[skipped * self.order.per_step :].tolist()

    def end_step(self, control: Any) -> None:
        """Have the tasks evaluated where a segment ends here."""
        state = self.trainer.state
        state.epoch = state.global_step / self.pass_steps
        if not self._ended():
            return
        if self.lessons.feedback == "full":
            control.should_evaluate = True
        elif self.lessons.feedback == "bandit":
            self._evaluate(self._trained_names())
        else:
            self._settle(control)

    def end_segment(self, control: Any) -> None:
        """Keep to the passes over the data what is to be done once per epoch."""
        args, step = self.trainer.args, self.trainer.state.global_step
        last = step - (step % self.lessons.steps or self.lessons.steps)
        passed = step // self.pass_steps > last // self.pass_steps
        for what in ("logging", "save"):
            if getattr(args, f"{what}_strategy") == "epoch" and not passed:
                setattr(control, f"should_{what.removesuffix('ging')}", False)
        if args.eval_strategy == "epoch" and (self.lessons.feedback == "full" or not passed):
            # With full feedback all was evaluated at this very step.
            control.should_evaluate = False

    def take(self, metrics: dict[str, float], control: Any) -> None:
        """Keep the metrics of a task that was evaluated before or at the end of a segment."""
        lessons = self.lessons
        if lessons.feedback == "reward" or (lessons.begun and not self._ended()):
            return
        for name in lessons.names:
            start = f"eval_{name}_"
            if f"{start}runtime" in metrics:
                lessons.evaluations[name] = {
                    key.removeprefix(start).removeprefix("eval_"): value
                    for key, value in metrics.items()
                }
        if lessons.begun and all(name in lessons.evaluations for name in self._names()):
            self._settle(control)

    def _begin_lifetime(self) -> None:
        lessons = self.lessons
        if lessons.feedback == "reward":
            lessons.begin(None, probed=0)
            return
        self._evaluate([name for name in lessons.names if name not in lessons.evaluations])
        results = self.trainer._shared(lambda: lessons.results(lessons.names))
        lessons.begin(results, self._probed(lessons.names))

    def _settle(self, control: Any) -> None:
        """Tell the tutor what came of the segment, the same in every process."""
        lessons, state, names = self.lessons, self.trainer.state, self._names()
        results = self.trainer._shared(lambda: lessons.results(names))
        steps = state.global_step - lessons.first
        tokens = int(state.num_input_tokens_seen)
        spent = {
            "steps": steps,
            "examples": steps * self.order.per_step,
            "tokens": tokens - lessons.tokens,
            "probed": 0 if lessons.feedback == "reward" else self._probed(names),
        }
        lessons.tell(results, lessons.trained(self.draws, self.order.draws(steps)), spent)
        lessons.tokens = tokens
        self._log({f"tutor/score/{name}": x for name, x in lessons.tutor.scores.items()})
        if self.stop_when_finished and lessons.tutor.finished:
            control.should_training_stop = control.should_save = True

    def _ended(self) -> bool:
        """Whether what is pending ends with the step that was taken last."""
        state, lessons = self.trainer.state, self.lessons
        whole = state.global_step % lessons.steps == 0 or state.global_step >= state.max_steps
        going = self.trainer.is_in_train and lessons.pending
        return bool(going and whole and state.global_step > lessons.first)

    def _names(self) -> Sequence[str]:
        """The tasks that the tutor is told of."""
        return self.lessons.names if self.lessons.feedback == "full" else self._trained_names()

    def _trained_names(self) -> list[str]:
        """The tasks that were trained on in this segment."""
        steps = self.trainer.state.global_step - self.lessons.first
        counts = self.lessons.trained(self.draws, self.order.draws(steps))
        return [name for name, n in zip(self.lessons.names, counts, strict=True) if n]

    def _probed(self, names: Sequence[str]) -> int:
        """Held-out examples of these tasks."""
        return sum(len(self.trainer.eval_dataset[name]) for name in names)

    def _evaluate(self, names: Sequence[str]) -> None:
        """Evaluate these tasks now, beside what the trainer has planned."""
        model = self.trainer.model
        training = model.training
        with self._undisturbed():
            for name in names:
                self.trainer.evaluate(name, metric_key_prefix=f"eval_{name}")
        model.train(training)

    def _log(self, line: dict[str, float]) -> None:
        """Write a line to whatever the trainer reports to."""
        with self._undisturbed():
            self.trainer._log_alone(line)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Keep what is planned for this step; logging and evaluating forget it, or add to it."""
        names = ("should_log", "should_evaluate", "should_save")
        planned = [name for name in names if getattr(self.trainer.control, name)]
        yield
        for name in planned:
            setattr(self.trainer.control, name, True)


def _check_held_out(trainer: Any, names: Sequence[str]) -> None:
    """Refuse held-out data of which the trainer would drop all, as less than a batch."""
    args = trainer.args
    batch = args.eval_batch_size * trainer.accelerator.num_processes
    few = [name for name in names if len(trainer.eval_dataset[name]) < batch]
    if few and args.dataloader_drop_last:
        raise ValueError(
            f"dataloader_drop_last leaves nothing of the {len(trainer.eval_dataset[few[0]])} "
            f"held-out examples of task {few[0]!r}, evaluated {batch} at a time; "
            "give per_device_eval_batch_size"
        )


def _order(trainer: Any, plain: Any) -> Order:
    """How this trainer's loader takes examples; TRL's sampler says how it repeats prompts."""
    accumulated = trainer.args.gradient_accumulation_steps
    if hasattr(plain, "mini_repeat_count"):
        block, together = plain.batch_size, plain.mini_repeat_count
        return Order(block * together * accumulated, block, together, plain.repeat_count)
    accelerator = trainer.accelerator
    apart = 1 if accelerator.split_batches else accelerator.num_processes
    return Order(trainer._train_batch_size * apart * accumulated)
