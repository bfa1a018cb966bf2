"""Which layers are adapted or trained whole, and what an adapter starts from."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from lora_kit import ANSWER, decoder, decoders, token_suite

from lessonplan.student import (
    Adam,
    CausalLM,
    LoRA,
    LoRACohort,
    copy_sharing_weights,
    load_adapter,
    save_adapter,
)
from lessonplan.student.cohorts.lora.layers import Lockstep, attach


@pytest.mark.parametrize(
    "target_modules",
    [("q_proj", "v_proj"), ("layers.1.self_attn.k_proj",), r".*\.(up|down)_proj", "all-linear"],
)
def test_the_same_layers_are_adapted_as_by_peft(tiny, tmp_path, target_modules):
    import peft
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(tiny.save_tiny_llama(tmp_path))
    names = target_modules if isinstance(target_modules, str) else list(target_modules)
    theirs = peft.get_peft_model(
        copy.deepcopy(model), peft.LoraConfig(r=2, target_modules=names, task_type="CAUSAL_LM")
    )
    wanted = {
        name.removeprefix("base_model.model.").replace(".default", ""): weight.shape
        for name, weight in theirs.named_parameters()
        if weight.requires_grad
    }
    mine = attach(model, LoRA(r=2, target_modules=target_modules), Lockstep())
    assert {name: value.shape for name, value in mine.items()} == wanted


def test_a_layer_that_is_saved_is_trained_whole_by_every_member():
    cohort = decoders(2, lora=LoRA(r=2, target_modules=("qkv",), modules_to_save=("head",)))
    cohort.train(np.eye(3)[:2], 2)
    heads = [cohort.adapter(i).values["head.weight"] for i in range(2)]
    base = decoder().head.weight
    assert all(head.shape == base.shape and not torch.equal(head, base) for head in heads)
    assert not torch.equal(*heads)


@pytest.mark.parametrize("target", ["attn.c_proj", "c_fc"])
def test_a_transposed_layer_that_is_saved_starts_as_it_was(tiny, tmp_path, target):
    folder = tiny.save_tiny_gpt2(tmp_path)
    lora = LoRA(r=2, target_modules=("c_attn",), modules_to_save=(target,))
    cohort = LoRACohort(token_suite(), partial(CausalLM, folder, ANSWER), 1, lora=lora)
    inputs = token_suite().tasks[0].splits["test"].inputs
    plain = CausalLM(folder, ANSWER)(inputs)
    torch.testing.assert_close(cohort.student(0)(inputs), plain, atol=1e-5, rtol=0)


def test_a_saved_layer_fits_into_a_base_in_bfloat16(tiny, tmp_path):
    folder = tiny.save_tiny_llama(tmp_path)
    lora = LoRA(r=2, target_modules=("q_proj",), modules_to_save=("o_proj",))
    build = partial(CausalLM, folder, ANSWER, dtype="bfloat16")
    cohort = LoRACohort(token_suite(), build, 2, lora=lora, batch_size=4, optimizer=Adam(1e-2))
    brought = cohort.train(np.eye(3)[:2], 20)
    assert (brought.loss_after < brought.loss_before).all()


def test_copies_share_their_weights():
    module = decoder()
    other = copy_sharing_weights(module)
    mine, theirs = (dict(m.named_parameters()) for m in (module, other))
    assert all(mine[name] is theirs[name] for name in mine)
    attach(other, LoRA(target_modules="all-linear"), Lockstep())
    assert type(module.head) is torch.nn.Linear


def test_a_start_is_where_every_reset_begins(tmp_path):
    cohort = decoders(1)
    cohort.train(np.eye(3)[:1], 5)
    save_adapter(cohort.adapter(0), tmp_path)
    start = load_adapter(tmp_path)
    later = decoders(2, lora=None, start=start)
    later.train(np.eye(3)[:2], 2)
    later.reset(np.array([1]), np.array([9]))
    for name, value in cohort.adapter(0).values.items():
        torch.testing.assert_close(later.adapter(1).values[name], value, atol=0, rtol=0)
        assert not torch.equal(later.adapter(0).values[name], value)


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        ({"r": 0}, "r must be a whole number of at least 1, got 0"),
        ({"lora_alpha": 0.0}, "lora_alpha must be finite and above 0"),
        ({"target_modules": ("query",)}, "names no linear layer of the model.*qkv"),
        ({"target_modules": "nothing"}, "names no linear layer"),
        (
            {"target_modules": ("qkv", "head"), "modules_to_save": ("head",)},
            "'head' is named by target_modules and by modules_to_save",
        ),
        (
            {"target_modules": ("qkv",), "modules_to_save": ("scores",)},
            "modules_to_save.*names no linear layer",
        ),
    ],
)
def test_impossible_adapters_are_refused(lora, message):
    with pytest.raises(ValueError, match=message):
        decoders(1, lora=LoRA(**lora))


def test_a_start_for_other_layers_is_refused():
    start = decoders(1).adapter(0)
    with pytest.raises(ValueError, match="students do not have"):
        decoders(1, lora=LoRA(r=2, lora_alpha=4, target_modules=("qkv",)), start=start)
    with pytest.raises(ValueError, match="give them the same"):
        decoders(1, lora=LoRA(r=3, lora_alpha=4, target_modules="all-linear"), start=start)
