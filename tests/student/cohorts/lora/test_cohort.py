"""Cohorts of adapters: the contract of a cohort, and what PEFT would train."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cohort_kit import evaluation_set
from lora_kit import ANSWER, decoder, decoders, letters, token_suite

from lessonplan.student import (
    NO_TOKEN,
    Adam,
    CausalLM,
    Cosine,
    LoRA,
    LoRACohort,
    check_cohort,
    save_adapter,
)
from lessonplan.student.contract.batches import draw_examples, draw_tasks


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def pretrained(request, tiny, tmp_path_factory):
    """Folder of a tiny model, and the layers to adapt."""
    folder = tmp_path_factory.mktemp(request.param)
    save = {"llama": tiny.save_tiny_llama, "gpt2": tiny.save_tiny_gpt2}[request.param]
    targets = {"llama": ("q_proj", "v_proj", "down_proj"), "gpt2": ("c_attn", "c_proj")}
    return save(folder), targets[request.param]


def causal(folder, n, targets, **options):
    settings = {
        "lora": LoRA(r=4, lora_alpha=8, target_modules=targets),
        "batch_size": 4,
        "evaluation_size": 8,
    }
    return LoRACohort(token_suite(), lambda: CausalLM(folder, ANSWER), n, **settings | options)


@pytest.mark.parametrize("member_chunk", [None, 1, 4])
def test_adapters_over_a_module_keep_the_contract_of_a_cohort(member_chunk):
    check_cohort(lambda n: decoders(n, member_chunk=member_chunk))


@pytest.mark.slow
@pytest.mark.parametrize("member_chunk", [1, 4])
def test_adapters_over_a_pretrained_model_keep_the_contract(pretrained, member_chunk):
    folder, targets = pretrained
    cohort = causal(folder, 2, targets, member_chunk=member_chunk)
    assert cohort.member_chunk == member_chunk
    check_cohort(lambda n: causal(folder, n, targets, member_chunk=member_chunk))


def test_short_answers_are_read_where_they_stand(tiny, tmp_path):
    """No row of a batch has an answer of full length, and the longest prompt is missing, too."""
    suite = token_suite()
    for task in suite.tasks:
        for examples in task.splits.values():
            examples.inputs[:, :2], examples.inputs[:, -2:] = NO_TOKEN, NO_TOKEN
            examples.targets[:, -2:] = -100
    folder = tiny.save_tiny_llama(tmp_path)
    build = partial(CausalLM, folder, ANSWER)
    alone, together = (
        LoRACohort(suite, build, 2, batch_size=4, evaluation_size=8, member_chunk=chunk)
        for chunk in (1, 4)
    )
    wanted, found = (cohort.evaluate("test") for cohort in (together, alone))
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=1e-5)
    inputs, targets = (
        torch.stack([task.splits["test"].inputs for task in suite.tasks])[0],
        suite.tasks[0].splits["test"].targets,
    )
    own = F.cross_entropy(build()(inputs).mT, targets, reduction="none", ignore_index=-100)
    row = evaluation_set(alone, "test")[0][0, 0]
    assert found.loss[0, 0] == pytest.approx(own[row].sum(1).mean().item() / 2, rel=1e-5)


@pytest.mark.slow
def test_a_member_is_what_peft_trains(pretrained, tmp_path):
    """Same base, adapter, data and settings; another task for each of the members."""
    import peft
    import transformers

    folder, targets = pretrained
    steps, rate, seeds = 50, 1e-2, np.array([5, 6, 7])
    suite = token_suite()
    cohort = causal(folder, 3, targets, member_chunk=4, optimizer=Adam(learning_rate=rate))
    cohort.reset(np.arange(3), seeds)
    folders = [save_adapter(cohort.adapter(i), tmp_path / str(i)) for i in range(3)]
    losses = np.array([cohort.train(np.eye(3), 1).loss_before for _ in range(steps)])
    assert (losses[-1] < losses[0] - 0.5).all()
    pool = suite.pool("train")
    for i in range(3):
        base = transformers.AutoModelForCausalLM.from_pretrained(folder)
        model = peft.PeftModel.from_pretrained(base, folders[i], is_trainable=True).eval()
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
        drawn = np.zeros((1, 3), dtype=np.int64)
        tasks = draw_tasks(np.eye(3)[[i]], seeds[[i]], drawn, steps * 4)
        index = draw_examples(pool, seeds[[i]], drawn, tasks).reshape(steps, 4)
        for step in range(steps):
            inputs, targets_ = pool.inputs[index[step]], pool.targets[index[step]]
            present = inputs != NO_TOKEN
            logits = model(
                input_ids=inputs.clamp(min=0),
                attention_mask=present.long(),
                position_ids=(present.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=ANSWER,
            ).logits
            loss = F.cross_entropy(logits.flatten(0, 1), targets_.flatten())
            assert loss.item() == pytest.approx(losses[step, i], abs=2e-5)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
        trained = {
            name.removeprefix("base_model.model.").replace(".default", ""): weight
            for name, weight in model.named_parameters()
            if weight.requires_grad
        }
        mine = cohort.adapter(i).values
        assert trained.keys() == mine.keys()
        for name, weight in trained.items():
            torch.testing.assert_close(mine[name], weight.detach(), atol=5e-5, rtol=0)


def test_a_new_adapter_changes_nothing_and_its_seed_draws_it():
    cohort = decoders(3)
    cohort.reset(np.arange(3), np.array([1, 2, 1]))
    first, second, third = (cohort.adapter(i).values for i in range(3))
    for name, value in first.items():
        torch.testing.assert_close(value, third[name], atol=0, rtol=0)
        if "lora_B" in name:
            assert not value.any()
        else:
            bound = 1 / value.shape[1] ** 0.5
            assert not torch.equal(value, second[name])
            assert 0.5 * bound < value.abs().max() <= bound
    inputs = letters().tasks[0].splits["test"].inputs
    plain = decoder()(inputs)
    torch.testing.assert_close(cohort.student(0)(inputs), plain, atol=1e-6, rtol=0)


def test_training_leaves_the_shared_weights_alone():
    module = decoder()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    cohort = LoRACohort(letters(), lambda: module, 2, lora=LoRA(target_modules="all-linear"))
    cohort.train(np.eye(3)[:2], 3)
    after = {name.replace(".frozen.", "."): value for name, value in module.state_dict().items()}
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize("size", [8, 31, 37])
def test_examples_are_evaluated_in_parts_whatever_their_number(size):
    suite = token_suite(16, padded=False)
    few = decoders(2, evaluation_size=size)
    few.train(np.eye(3)[:2], 2)
    index, used = evaluation_set(few, "train")
    found, pool = few.evaluate("train"), letters().pool("train")
    for task in range(len(suite)):
        places = index[1, task][used[1, task]]
        with torch.no_grad():
            logits = few.student(1)(pool.inputs[places])
        wanted = F.cross_entropy(logits.mT, pool.targets[places], ignore_index=-100)
        assert found.loss[1, task] == pytest.approx(wanted.item(), rel=1e-5)


def test_schedules_go_by_each_members_own_counter():
    cohort = decoders(2, optimizer=Adam(0.01, schedule=Cosine(total_steps=4)))
    cohort.reset(np.array([0, 1]), np.array([7, 7]))
    cohort.train(np.eye(3)[[0]], 2, rows=np.array([0]))
    cohort.train(np.eye(3)[[0, 0]], 2)
    cohort.train(np.eye(3)[[0]], 2, rows=np.array([1]))
    first, second = (cohort.adapter(i).values for i in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_checkpointed_gradients_are_the_same(tiny, tmp_path):
    folder = tiny.save_tiny_llama(tmp_path)
    lora = LoRA(r=4, target_modules=("q_proj", "down_proj"))
    learned = []
    for checkpointing in (False, True):
        build = partial(CausalLM, folder, ANSWER, gradient_checkpointing=checkpointing)
        cohort = LoRACohort(token_suite(), build, 2, lora=lora, batch_size=4, member_chunk=2)
        cohort.train(np.eye(3)[:2], 3)
        learned.append(cohort.adapter(1).values)
        kept = cohort.stack.activation_bytes
    assert kept < 0.7 * causal(folder, 1, ("q_proj", "down_proj")).stack.activation_bytes
    for name, value in learned[0].items():
        torch.testing.assert_close(learned[1][name], value, atol=1e-6, rtol=0)


def test_a_base_in_bfloat16_trains_adapters_in_float32(tiny, tmp_path):
    folder = tiny.save_tiny_llama(tmp_path)
    cohort = LoRACohort(
        token_suite(), lambda: CausalLM(folder, ANSWER, dtype="bfloat16"), 2,
        lora=LoRA(r=4, target_modules=("q_proj", "v_proj")), batch_size=4,
        optimizer=Adam(learning_rate=1e-2),
    )  # fmt: skip
    first = cohort.train(np.eye(3)[:2], 20)
    assert (first.loss_after < first.loss_before).all()
    assert all(value.dtype == torch.float32 for value in cohort.adapter(0).values.values())
