"""A tutor in TRL's trainers: groups of generations, rewards as scores, packing, streams."""

import importlib.util

import numpy as np
import pytest

pytest.importorskip("trl", reason="trl is not installed")

from places import EXAMPLES
from transformers import AutoModelForSequenceClassification
from trl import (
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)

from lessonplan.envs import Tutor
from lessonplan.envs.trainer.mixin import taught
from lessonplan.teacher import RuleTeacher, TSCLSampling, Uniform

EXAMPLE = EXAMPLES / "tiny_text.py"
spec = importlib.util.spec_from_file_location("tiny_text", EXAMPLE)
text = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def tutor(steps, rule=None, **options):
    columns = ("progress:difference", "measured", "key")
    options = {"observe": columns, "steps_per_decision": steps} | options
    rule = rule or TSCLSampling()
    return Tutor(text.TASKS, lambda env: RuleTeacher(rule, env), **options)


def lines(made, start):
    return [line for line in made.state.log_history if any(key.startswith(start) for key in line)]


def grpo(folder, made, options=None, **settings):
    """A GRPO trainer that keeps the rows of every batch that it generates for."""
    settings = {
        "max_steps": 12, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2,
        "num_generations": 2, "max_completion_length": 3, "report_to": "none", "use_cpu": True,
        "bf16": False, "seed": 1, "save_strategy": "no", "disable_tqdm": True,
    } | settings  # fmt: skip
    rewarded = []

    def reward(prompts, task, **_):
        """The number of the task, but a little more for longer completions."""
        rewarded.append(list(zip(prompts, task, strict=True)))
        return [0.25 * text.TASKS.index(name) for name in task]

    trainer = taught(GRPOTrainer)(
        tutor=made, model=text.model(), args=GRPOConfig(str(folder), **settings),
        processing_class=text.tokenizer(), reward_funcs=reward,
        train_dataset=text.examples("train"), **(options or {}),
    )  # fmt: skip
    return trainer, rewarded


@pytest.mark.parametrize(
    ("settings", "batches_per_segment", "prompts"),
    [
        ({}, 4, 4),
        ({"num_iterations": 2}, 2, 4),
        ({"steps_per_generation": 4}, 2, 8),
        ({"steps_per_generation": 1}, 8, 2),
    ],
    ids=["plain", "two iterations", "long generation", "short generation"],
)
def test_all_generations_of_a_segment_are_groups_of_prompts_of_its_task(
    tmp_path, settings, batches_per_segment, prompts
):
    made, rewarded = grpo(tmp_path, tutor(4, Uniform()), **settings)
    made.train()
    chosen = [text.TASKS[line["tutor/task"]] for line in lines(made, "tutor/task")]
    assert len(chosen) == 3
    assert len(rewarded) == 3 * batches_per_segment
    for number, batch in enumerate(rewarded):
        assert {task for _, task in batch} == {chosen[number // batches_per_segment]}
        asked = [prompt for prompt, _ in batch]
        assert asked[::2] == asked[1::2]
        assert len(set(asked)) == prompts


def test_the_mean_reward_of_a_task_is_its_score(tmp_path):
    made, _ = grpo(tmp_path, tutor(4, Uniform(), action="mixture"), {"reward_range": (-0.5, 0.5)})
    made.train()
    last = lines(made, "tutor/score")[-1]
    assert [last[f"tutor/score/{name}"] for name in text.TASKS] == pytest.approx([0.5, 0.75, 1.0])


def test_rewards_out_of_their_range_or_none_end_no_training(tmp_path):
    made, _ = grpo(tmp_path, tutor(4, Uniform()), {"reward_range": (0.375, 0.5)})
    with pytest.warns(UserWarning, match=r"outside of reward_range=\(0\.375, 0\.5\)"):
        made.train()
    assert made.state.global_step == 12
    last = lines(made, "tutor/score")[-1]
    # The rewards are 0, 0.25 and 0.5.
    assert {last[f"tutor/score/{name}"] for name in text.TASKS} <= {0.0, 1.0}
    made, _ = grpo(tmp_path, tutor(4, Uniform()))
    made.reward_funcs = [lambda prompts, **_: [None] * len(prompts)]
    with pytest.warns(UserWarning, match="no reward that is a number"):
        made.train()
    assert made.state.global_step == 12
    assert not made._lessons.tutor._state()["board"]["facts"]["seen"].any()


def test_segments_that_end_within_a_generation_are_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a multiple of 2, got 3"):
        grpo(tmp_path, tutor(3), num_iterations=2)
    with pytest.raises(ValueError, match="remove_unused_columns=True takes away the column"):
        grpo(tmp_path, tutor(4), remove_unused_columns=True)


def sft(folder, train, made=None, options=None, **settings):
    settings = {
        "max_steps": 4, "per_device_train_batch_size": 4, "report_to": "none", "use_cpu": True,
        "bf16": False, "seed": 1, "save_strategy": "no", "max_length": 32, "disable_tqdm": True,
    } | settings  # fmt: skip
    return taught(SFTTrainer)(
        tutor=made or tutor(2), model=text.model(), args=SFTConfig(str(folder), **settings),
        processing_class=text.tokenizer(), train_dataset=train,
        eval_dataset=text.examples("test"), **(options or {}),
    )  # fmt: skip


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("packing", [False, True])
def test_what_sft_trains_on_is_of_the_task_that_was_chosen(tmp_path, packing, shuffled):
    made = sft(tmp_path, text.examples("train"), packing=packing, packing_strategy="wrapped",
               eval_packing=False, shuffle_dataset=shuffled)  # fmt: skip
    word = [text.tokenizer().convert_tokens_to_ids(name) for name in text.TASKS]
    for rows, own in zip(made._taught_run.draws.rows, word, strict=True):
        ids = {i for row in made.train_dataset.select(rows)["input_ids"] for i in row}
        assert ids & set(word) == {own}
    made.train()
    assert len(lines(made, "tutor/task")) == 2


def heard(folder, action="mixture", **settings):
    """Means over each segment of two steps: of the loss that was logged, and of what was heard."""
    figures = []

    def metric(task, shown):
        figures.append(shown)
        return 0.5

    student = tutor(2, Uniform(), action=action)
    made = sft(folder, text.examples("train"), student, {"feedback": "training", "metric": metric},
               logging_steps=1, learning_rate=1e-2, **settings)  # fmt: skip
    made.train()
    logged = [line["loss"] for line in lines(made, "loss")]
    ends = np.cumsum([one["count"] for one in figures])
    per_segment = ends[-1] / 2
    halves = [[one for one, end in zip(figures, ends, strict=True) if (end > per_segment) == later]
              for later in (False, True)]  # fmt: skip
    means = [np.average([one["loss"] for one in half], weights=[one["count"] for one in half])
             for half in halves]  # fmt: skip
    return np.reshape(logged, (2, 2)).mean(axis=1), means, figures


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_accumulation_steps": 2},
        {"bf16": True},
        {"action": "task", "packing": True, "packing_strategy": "bfd", "eval_packing": False},
    ],
    ids=["plain", "accumulation", "bf16", "flattened"],
)
@pytest.mark.filterwarnings("ignore:the outputs of LlamaForCausalLM are in other rows")
def test_what_is_heard_of_sft_is_the_loss_that_it_trains_on(tmp_path, settings):
    # All answers have five tokens, so the mean of examples is that of tokens.
    logged, means, _ = heard(tmp_path, **settings)
    np.testing.assert_allclose(means, logged, rtol=2e-3)


def test_smoothed_labels_are_heard_without_smoothing(tmp_path):
    logged, means, _ = heard(tmp_path, label_smoothing_factor=0.5)
    plain, same, _ = heard(tmp_path)
    # Before the first step both are the same model.
    assert means[0] == pytest.approx(same[0], abs=0.1)
    assert abs(logged[0] - means[0]) > 1e-3
    np.testing.assert_allclose(same, plain, rtol=2e-3)


def test_rows_that_were_packed_count_as_one_example_and_flattened_mixtures_are_refused(tmp_path):
    packed = {"packing": True, "eval_packing": False}
    _, _, figures = heard(tmp_path, packing_strategy="wrapped", **packed)
    assert sum(one["count"] for one in figures) == 16
    with pytest.raises(ValueError, match="in other rows, so feedback='training' can't tell how"):
        heard(tmp_path, packing_strategy="bfd", **packed)
    with pytest.raises(ValueError, match="with packing a row holds several examples, which are n"):
        sft(tmp_path, text.examples("train"), tutor(2, Uniform()), packing_strategy="wrapped",
            options={"feedback": "training", "metric": "accuracy"}, **packed)  # fmt: skip


def test_generations_are_answers_to_no_label(tmp_path):
    with pytest.raises(ValueError, match="feedback must be reward, full or bandit"):
        grpo(tmp_path, tutor(4), {"feedback": "training"})


def judged(kind, folder, options=None, **settings):
    """A trainer that learns which answers are good: pairs of them, or one with a label."""
    trainer, config = kind
    settings = {
        "max_steps": 4, "per_device_train_batch_size": 4, "report_to": "none", "use_cpu": True,
        "bf16": False, "seed": 1, "save_strategy": "no", "disable_tqdm": True,
    } | settings  # fmt: skip
    model, others = text.model(), {"ref_model": text.model()}
    if trainer is RewardTrainer:
        model.config.num_labels, others = 1, {}
        model = AutoModelForSequenceClassification.from_config(model.config)
    data = {}
    for name, split in (("train_dataset", "train"), ("eval_dataset", "test")):
        rows = text.examples(split)
        if trainer is KTOTrainer:
            data[name] = rows.add_column("label", [row % 2 == 0 for row in range(len(rows))])
        else:
            rows = rows.rename_column("completion", "chosen")
            data[name] = rows.add_column("rejected", ["a a a a"] * len(rows))
    return taught(trainer)(
        tutor=tutor(2, Uniform()), model=model, args=config(str(folder), **settings),
        processing_class=text.tokenizer(), **data, **others, **(options or {}),
    )  # fmt: skip


UNPAIRED = {"loss_type": "apo_zero_unpaired", "train_sampling_strategy": "random"}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ((DPOTrainer, DPOConfig), {}),
        ((RewardTrainer, RewardConfig), {}),
        ((KTOTrainer, KTOConfig), UNPAIRED),
    ],
    ids=["dpo", "reward", "kto"],
)
def test_what_preferences_and_rewards_are_learned_from_is_of_the_chosen_task(
    tmp_path, kind, settings
):
    made = judged(kind, tmp_path, **settings)
    word = [text.tokenizer().convert_tokens_to_ids(name) for name in text.TASKS]
    seen, step = [], made.training_step

    def spy(model, inputs, *args):
        ids = {i for name, rows in inputs.items() if name.endswith("input_ids")
               for i in rows.flatten().tolist()}  # fmt: skip
        seen.append(ids & set(word))
        return step(model, inputs, *args)

    made.training_step = spy
    made.train()
    chosen = [word[line["tutor/task"]] for line in lines(made, "tutor/task")]
    assert seen == [{task} for task in chosen for _ in range(2)]
    told = lines(made, "tutor/score")[-1]
    losses = [lines(made, f"eval_{name}_loss")[-1][f"eval_{name}_loss"] for name in text.TASKS]
    scores = [told[f"tutor/score/{name}"] for name in text.TASKS]
    assert scores == pytest.approx(np.exp(-np.array(losses)).tolist(), abs=1e-4)


def test_of_preferences_the_loss_of_batches_is_heard(tmp_path):
    made = judged((DPOTrainer, DPOConfig), tmp_path, {"feedback": "training"}, logging_steps=1,
                  gradient_accumulation_steps=2)  # fmt: skip
    with pytest.warns(UserWarning, match="the tutor is told the loss that is trained on, of a bat"):
        made.train()
    logged = [line["loss"] for line in lines(made, "loss")]
    facts = made._lessons.tutor._board.facts
    # Of the two segments the first has faded by half, 16 examples each.
    wanted = 16 * (sum(logged[:2]) / 4 + sum(logged[2:]) / 2)
    assert facts.heard.loss.sum() == pytest.approx(wanted, rel=1e-3)


def test_losses_that_need_an_order_of_their_own_are_refused_with_the_one_that_does_not(tmp_path):
    with pytest.raises(ValueError, match=r"give .*='random' and loss_type='apo_zero_unpaired'"):
        judged((KTOTrainer, KTOConfig), tmp_path)


def test_a_metric_that_only_sft_knows_is_a_score(tmp_path):
    made = sft(tmp_path, text.examples("train"), options={"metric": "mean_token_accuracy"})
    made.train()
    found = {}
    for line in made.state.log_history:
        for name in text.TASKS:
            if f"eval_{name}_loss" in line:
                found[name] = line["eval_mean_token_accuracy"]
    assert made._lessons.tutor.scores == found
    assert len(set(found.values())) > 1


def test_the_averages_of_sft_stay_in_its_own_lines(tmp_path):
    made = sft(tmp_path, text.examples("train"), options={"feedback": "bandit"}, logging_steps=2)
    made.train()
    (first, *_) = lines(made, "loss")
    assert {"mean_token_accuracy", "entropy"} <= set(first)
    assert not any("mean_token_accuracy" in line for line in lines(made, "tutor/"))


def test_a_stream_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"a stream \(IterableDataset\) does not allow; load"):
        sft(tmp_path, text.examples("train").to_iterable_dataset())


def test_datasets_by_task_train_as_one_with_a_column(tmp_path):
    whole = text.examples("train")
    tasks = np.array(whole["task"])
    parts = {name: whole.select(np.flatnonzero(tasks == name)) for name in text.TASKS}
    made = sft(tmp_path, {name: part.remove_columns("task") for name, part in parts.items()})
    assert list(made.train_dataset["task"]) == tasks.tolist()
