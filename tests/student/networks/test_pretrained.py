"""Pretrained models: the library's own numbers, whatever the padding, frozen and silent."""

import copy
import json
from pathlib import Path

import pytest
import torch

from lessonplan.student import NO_TOKEN

pytest.importorskip("transformers", reason="the hf extra is not installed")

import transformers
from tiny_pretrained import (
    save_tiny_bert,
    save_tiny_gpt2,
    save_tiny_llama,
    save_tiny_qwen,
)

from lessonplan.student.networks.pretrained import CausalLM, EncoderClassifier
from lessonplan.student.networks.tokenizers import load_tokenizer, vocabulary_size

CAUSAL = {"llama": save_tiny_llama, "qwen": save_tiny_qwen, "gpt2": save_tiny_gpt2}
TEXTS = ["one", "a longer prompt", "mid size"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: save(tmp_path_factory.mktemp(name))
        for name, save in (CAUSAL | {"bert": save_tiny_bert}).items()
    }


def rows(tokens, front=0, behind=0):
    """Token lists in one tensor, pushed to the right, with columns of nothing around."""
    longest = max(map(len, tokens))
    return torch.tensor(
        [
            [NO_TOKEN] * (front + longest - len(row)) + row + [NO_TOKEN] * behind
            for row in tokens
        ]
    )  # fmt: skip


def plain(kind, folder):
    return kind.from_pretrained(folder, local_files_only=True).eval()


@pytest.mark.parametrize("name", CAUSAL)
def test_padded_in_front_the_logits_are_those_of_the_example_alone(folders, name):
    tokens = load_tokenizer(folders[name])(TEXTS).input_ids
    reference = plain(transformers.AutoModelForCausalLM, folders[name])
    found = CausalLM(folders[name], answer_length=3)(rows(tokens, front=5))
    assert found.shape == (3, 3, vocabulary_size(folders[name]))
    for logits, row in zip(found, tokens, strict=True):
        with torch.no_grad():
            alone = reference(torch.tensor([row])).logits[0, -3:]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", CAUSAL)
def test_an_example_of_full_length_gives_the_librarys_own_bits(folders, name):
    row = torch.randint(5, 200, (1, 12), generator=torch.Generator().manual_seed(0))
    reference = plain(transformers.AutoModelForCausalLM, folders[name])
    with torch.no_grad():
        assert torch.equal(CausalLM(folders[name], 12)(row), reference(row).logits)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_row_does_not_depend_on_the_others(folders, name):
    model = CausalLM(folders[name], answer_length=2)
    full = torch.randint(5, 200, (4, 12), generator=torch.Generator().manual_seed(0))
    padded = full.clone()
    padded[1:, :7] = NO_TOKEN
    assert torch.equal(model(full)[0], model(padded)[0])
    assert torch.equal(model(full)[0], model(full[:1])[0])


def test_nothing_behind_an_answer_changes_what_stands_before_it(folders):
    tokens = load_tokenizer(folders["llama"])(TEXTS).input_ids
    short = CausalLM(folders["llama"], answer_length=3)(rows(tokens))
    longer = CausalLM(folders["llama"], answer_length=7)(rows(tokens, behind=4))
    torch.testing.assert_close(longer[:, :3], short, atol=1e-5, rtol=0)
    assert longer.isfinite().all()


def test_a_row_of_nothing_is_finite(folders):
    assert CausalLM(folders["llama"], 2)(torch.full((2, 6), NO_TOKEN)).isfinite().all()
    assert EncoderClassifier(folders["bert"], 2)(torch.full((2, 6), NO_TOKEN)).isfinite().all()


def test_attention_that_does_not_reach_everywhere_is_left_to_the_library(tmp_path):
    changes = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 0}
    folder = save_tiny_qwen(tmp_path, **changes)
    tokens = load_tokenizer(folder)(["fifteen letters", "three"]).input_ids
    found = CausalLM(folder, answer_length=1)(rows(tokens))
    reference = plain(transformers.AutoModelForCausalLM, folder)
    for logits, row in zip(found, tokens, strict=True):
        with torch.no_grad():
            alone = reference(torch.tensor([row])).logits[0, -1:]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)


def test_an_encoder_takes_the_mean_of_what_is_there(folders):
    tokens = load_tokenizer(folders["bert"])(TEXTS).input_ids
    longest = max(map(len, tokens))
    inputs = torch.tensor([row + [NO_TOKEN] * (longest + 2 - len(row)) for row in tokens])
    model = EncoderClassifier(folders["bert"], n_outputs=5, seed=3)
    reference = plain(transformers.AutoModel, folders["bert"])
    found = model(inputs)
    assert found.shape == (3, 1, 5)
    for logits, row in zip(found, tokens, strict=True):
        with torch.no_grad():
            mean = reference(torch.tensor([row])).last_hidden_state[0].mean(dim=0)
        wanted = model.classifier.weight @ mean + model.classifier.bias
        torch.testing.assert_close(logits[0], wanted, atol=1e-5, rtol=0)


def test_the_seed_alone_draws_the_head_and_no_stream_is_touched(folders):
    def head(seed):
        return EncoderClassifier(folders["bert"], 4, seed=seed).classifier.weight

    torch.manual_seed(1)
    first = head(7)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(3))
    torch.manual_seed(2)
    assert torch.equal(head(7), first)
    assert not torch.equal(head(8), first)


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_dropout_is_off_in_training_mode_too_and_everything_is_frozen(tmp_path, name):
    heavy = {
        "gpt2": {"attn_pdrop": 0.5, "embd_pdrop": 0.5, "resid_pdrop": 0.5},
        "bert": {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5},
    }
    save = {"gpt2": save_tiny_gpt2, "bert": save_tiny_bert}[name]
    folder = save(tmp_path, **heavy[name])
    model = CausalLM(folder, 2) if name == "gpt2" else EncoderClassifier(folder, 2)
    inputs = torch.arange(5, 15)[None]
    calm = model.eval()(inputs)
    assert torch.equal(model.train()(inputs), calm)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_bfloat16_is_near_and_its_logits_are_float32(folders):
    inputs = rows(load_tokenizer(folders["llama"])(TEXTS).input_ids)
    half = CausalLM(folders["llama"], 2, dtype="bfloat16")
    assert half.model.dtype == torch.bfloat16
    logits, wanted = half(inputs), CausalLM(folders["llama"], 2)(inputs)
    assert logits.dtype == torch.float32
    # bfloat16 keeps eight bits: about 1 % of numbers of size 1, added up over a few layers.
    assert 0 < (logits - wanted).abs().max() < 0.1 * wanted.abs().max()
    encoder = EncoderClassifier(folders["bert"], 3, dtype="bfloat16")
    assert encoder(torch.arange(5, 15)[None]).dtype == torch.float32


def test_checkpointing_keeps_less_and_gives_the_same_gradient(folders):
    def tried(gradient_checkpointing):
        model = CausalLM(folders["llama"], 4, gradient_checkpointing=gradient_checkpointing)
        shift = torch.zeros(32, requires_grad=True)
        part = model.model.model.layers[0].self_attn.v_proj
        part.register_forward_hook(lambda module, given, out: out + shift[:16])
        kept = 0

        def note(tensor):
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            logits = model(torch.arange(5, 45).view(2, 20))
        logits.square().mean().backward()
        return kept, shift.grad

    (kept, gradient), (kept_less, same) = tried(False), tried(True)
    assert gradient.abs().max() > 0
    torch.testing.assert_close(same, gradient, atol=1e-7, rtol=1e-5)
    assert kept_less < kept / 2


def by_hand(reference, row, length, end):
    """Greedy decoding without a cache, one example."""
    written = []
    for _ in range(length):
        with torch.no_grad():
            token = int(reference(torch.tensor([row + written])).logits[0, -1].argmax())
        if token == end:
            break
        written.append(token)
    return written


@pytest.mark.parametrize("name", CAUSAL)
def test_generation_is_greedy_decoding_and_stops_before_the_end_token(folders, name):
    tokens = load_tokenizer(folders[name])(TEXTS).input_ids
    reference = plain(transformers.AutoModelForCausalLM, folders[name])
    model = CausalLM(folders[name], 1, gradient_checkpointing=True)
    free = [by_hand(reference, row, 8, end=None) for row in tokens]
    assert model.generate(rows(tokens, front=2), 8) == [
        by_hand(reference, row, 8, end=0) for row in tokens
    ]
    # An end that the model surely writes: the third token of its first answer.
    end = free[0][2]
    model.ends = (end,)
    model.model.generation_config.eos_token_id = [end]
    assert model.generate(rows(tokens, front=2), 8) == [
        by_hand(reference, row, 8, end) for row in tokens
    ]
    assert model.model.training


def test_generation_ignores_the_penalties_of_the_folder(tmp_path):
    folder = save_tiny_llama(tmp_path)
    plain_answers = CausalLM(folder, 1).generate(torch.arange(5, 15)[None], 8)
    path = Path(folder) / "generation_config.json"
    asked = json.loads(path.read_text())
    path.write_text(json.dumps(asked | {"repetition_penalty": 9.0, "do_sample": True, "top_k": 5}))
    assert CausalLM(folder, 1).generate(torch.arange(5, 15)[None], 8) == plain_answers


def test_models_are_copied_and_saved_like_any_module(folders):
    model, inputs = CausalLM(folders["qwen"], 2), torch.arange(5, 15)[None]
    assert torch.equal(copy.deepcopy(model)(inputs), model(inputs))
    other = CausalLM(folders["qwen"], 2)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(inputs), model(inputs))


def test_nothing_is_printed_while_loading(folders, capfd):
    CausalLM(folders["llama"], 1)
    EncoderClassifier(folders["bert"], 2)
    assert capfd.readouterr() == ("", "")
    assert transformers.utils.logging.is_progress_bar_enabled()
