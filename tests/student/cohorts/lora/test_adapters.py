import json

import pytest
import torch

from lessonplan.student import Adapter, CausalLM, LoRA, combine_adapters, load_adapter, save_adapter
from lessonplan.student.cohorts.lora.layers import Lockstep, attach

peft = pytest.importorskip("peft", reason="needs PEFT")
transformers = pytest.importorskip("transformers", reason="needs transformers")

TARGETS = ("q_proj", "v_proj", "down_proj")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_pretrained import save_tiny_llama

    return save_tiny_llama(tmp_path_factory.mktemp("llama"))


def drawn(folder, r, alpha, seed):
    """An adapter whose update is not zero."""
    lora = LoRA(r, alpha, TARGETS)
    generator = torch.Generator().manual_seed(seed)
    values = {
        name: 0.3 * torch.randn(value.shape, generator=generator)
        for name, value in attach(CausalLM(folder, 1), lora, Lockstep()).items()
    }
    return Adapter(lora, values)


def logits(folder, adapter, tokens):
    """What the model says with an adapter, by our own layers."""
    module, lockstep = CausalLM(folder, tokens.shape[1]), Lockstep()
    attach(module, adapter.lora, lockstep)
    lockstep.values = {name: value[None] for name, value in adapter.values.items()}
    with torch.no_grad():
        return module(tokens)


def theirs(folder, adapters):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    names = [str(path.name) for path in adapters]
    model = peft.PeftModel.from_pretrained(model, adapters[0], adapter_name=names[0])
    for path in adapters[1:]:
        model.load_adapter(path, adapter_name=path.name)
    return model.eval(), names


def test_peft_loads_what_was_saved_and_says_the_same(folder, tmp_path):
    adapter = drawn(folder, 4, 8, 0)
    model, _ = theirs(folder, [save_adapter(adapter, tmp_path / "one")])
    tokens = torch.randint(3, 264, (3, 9), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = model(input_ids=tokens).logits
    torch.testing.assert_close(logits(folder, adapter, tokens), wanted, atol=1e-4, rtol=1e-4)


def test_what_peft_saved_is_loaded(folder, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=list(TARGETS), task_type="CAUSAL_LM")
    model = peft.get_peft_model(model, config, adapter_name="default").eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.full_like(weight, 0.05))
    model.save_pretrained(tmp_path)
    adapter = load_adapter(tmp_path)
    assert (adapter.lora.r, adapter.lora.lora_alpha) == (3, 5)
    tokens = torch.randint(3, 264, (2, 7), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = model(input_ids=tokens).logits
    torch.testing.assert_close(logits(folder, adapter, tokens), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "cat", "svd"])
@pytest.mark.parametrize("weights", [[0.7, 0.3], [1.5, -0.5]])
def test_combinations_are_those_of_peft(folder, tmp_path, kind, weights):
    ranks = (4, 4) if kind == "linear" else (4, 3)
    adapters = [drawn(folder, r, 2 * r + i, i) for i, r in enumerate(ranks)]
    paths = [save_adapter(one, tmp_path / f"part{i}") for i, one in enumerate(adapters)]
    model, names = theirs(folder, paths)
    model.add_weighted_adapter(names, weights, "combined", combination_type=kind)
    model.set_adapter("combined")
    tokens = torch.randint(3, 264, (2, 7), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = model(input_ids=tokens).logits
    mine = combine_adapters(adapters, weights, kind)
    assert mine.lora.r == {"linear": 4, "cat": 7, "svd": 4}[kind]
    torch.testing.assert_close(logits(folder, mine, tokens), wanted, atol=2e-3, rtol=2e-3)


def test_layers_that_are_trained_whole_are_combined_and_kept_in_files(tmp_path):
    lora = LoRA(2, 2, ("a",), ("head",))
    adapters = [
        Adapter(
            lora,
            {
                "a.lora_A.weight": torch.full((2, 3), x),
                "a.lora_B.weight": torch.full((4, 2), x),
                "head.weight": torch.full((5, 4), x),
                "head.bias": torch.full((5,), x),
            },
        )
        for x in (1.0, 3.0)
    ]
    mixed = combine_adapters(adapters, [0.25, 0.75])
    assert mixed.values["head.bias"].tolist() == [2.5] * 5
    again = load_adapter(save_adapter(mixed, tmp_path))
    assert again.saved == ["head"]
    assert again.layers == ["a"]
    assert all(torch.equal(again.values[name], value) for name, value in mixed.values.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "IA3"}, "holds a 'IA3' adapter, wanted 'LORA'"),
        ({"use_dora": True}, "uses use_dora, which is not supported"),
        ({"rank_pattern": {"a": 2}}, "uses rank_pattern"),
        ({"bias": "all"}, "trains biases"),
        ({"lora_bias": True}, "uses lora_bias"),
        ({"trainable_token_indices": [1, 2]}, "uses trainable_token_indices"),
        ({"target_parameters": ["mlp.experts.gate_up_proj"]}, "uses target_parameters"),
        ({"alora_invocation_tokens": [5]}, "uses alora_invocation_tokens"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights='pissa', which changes the weights of"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights='pissa_niter_4'"),
        ({"init_lora_weights": "olora"}, "init_lora_weights='olora'"),
        ({"init_lora_weights": "OLoRA"}, "init_lora_weights='OLoRA'"),
        ({"init_lora_weights": "corda"}, "init_lora_weights='corda'"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights='loftq'"),
    ],
)
def test_other_adapters_are_refused(folder, tmp_path, change, message):
    save_adapter(drawn(folder, 2, 2, 0), tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        load_adapter(tmp_path)


@pytest.mark.parametrize("drawn_as", [True, False, "gaussian", "eva", "orthogonal"])
def test_what_peft_writes_by_default_is_no_reason_to_refuse(folder, tmp_path, drawn_as):
    adapter = drawn(folder, 2, 2, 0)
    save_adapter(adapter, tmp_path)
    config = peft.LoraConfig(r=2, lora_alpha=2, target_modules=list(TARGETS)).to_dict()
    empty = {
        "rank_pattern": {}, "layer_replication": [], "lora_bias": False, "use_bdlora": None,
        "trainable_token_indices": None, "target_parameters": [], "loftq_config": {},
    }  # fmt: skip
    config |= {"target_modules": list(TARGETS), "init_lora_weights": drawn_as, **empty}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config, default=str))
    found = load_adapter(tmp_path)
    assert (found.layers, found.saved) == (adapter.layers, [])
    assert all(torch.equal(found.values[name], value) for name, value in adapter.values.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora_bias": True}, "uses lora_bias"),
        ({"init_lora_weights": "pissa"}, "which changes the weights of the base"),
        ({"trainable_token_indices": [4, 7]}, "uses trainable_token_indices"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, r"holds 'model\.embed_tokens\.base_layer"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_what_peft_trains_otherwise_is_refused(folder, tmp_path, changes, message):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    options = {"r": 2, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM", **changes}
    peft.get_peft_model(model, peft.LoraConfig(**options)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=message):
        load_adapter(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.lora_embedding_A", "holds 'a.lora_embedding_A', which is not supported"),
        ("a.lora_embedding_B", "holds 'a.lora_embedding_B', which is not supported"),
        ("embed_tokens.base_layer.weight", "holds 'embed_tokens.base_layer.weight', which is not"),
        ("a.lora_B.bias", "holds 'a.lora_B.bias', which is not supported"),
        ("a.lora_magnitude_vector", "holds 'a.lora_magnitude_vector', which is not supported"),
        ("e.token_adapter.trainable_tokens_delta", "trainable_tokens_delta', which is not"),
        ("b.lora_A.weight", "holds only one of lora_A and lora_B of the layer 'b'"),
        ("b.lora_B.weight", "holds only one of lora_A and lora_B of the layer 'b'"),
    ],
)
def test_weights_that_would_be_lost_are_refused(tmp_path, name, message):
    values = {"a.lora_A.weight": torch.ones(2, 3), "a.lora_B.weight": torch.ones(4, 2)}
    lora = LoRA(2, 2, ("a",))
    load_adapter(save_adapter(Adapter(lora, values), tmp_path / "right"))
    save_adapter(Adapter(lora, values | {name: torch.ones(2, 3)}), tmp_path)
    with pytest.raises(ValueError, match=message):
        load_adapter(tmp_path)


def test_a_folder_without_an_adapter_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has no adapter_config\.json"):
        load_adapter(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be read"):
        load_adapter(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0]}, "as many weights as adapters"),
        ({"combination_type": "ties"}, "must be one of linear, cat, svd, got 'ties'"),
        ({"adapters": "ranks"}, "linear needs adapters of one rank"),
        ({"svd_rank": 99, "combination_type": "svd"}, "svd_rank must be at most"),
    ],
)
def test_impossible_combinations_are_refused(folder, change, message):
    second = drawn(folder, 3 if change.pop("adapters", "") else 2, 2, 1)
    arguments = {"adapters": [drawn(folder, 2, 2, 0), second], "weights": [0.5, 0.5]} | change
    with pytest.raises(ValueError, match=message):
        combine_adapters(**arguments)
