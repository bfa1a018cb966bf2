"""What `lessonplan run --data` makes of what was typed."""

import json

import pytest

from lessonplan.experiments.config.data_config import model_kind, own_data, read_columns
from lessonplan.experiments.config.loading import make_config

ANSWERS = [{"prompt": f"p{i}", "answer": "a"} for i in range(3)]
LABELS = [{"prompt": f"p{i}", "label": "a"} for i in range(3)]


def file_of(folder, rows, name="mine.jsonl"):
    (folder / name).write_text("\n".join(map(json.dumps, rows)))
    return str(folder / name)


def model_of(folder, *architectures):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": architectures}))
    return str(folder)


def test_all_data_goes_through_one_reader_with_the_options_that_were_typed(tmp_path):
    path = file_of(tmp_path, ANSWERS, "mine.v2.csv.gz")
    values, sentence = own_data("", path, "", {"task_column": "topic"})
    assert values["suite"] == {"name": "jsonl", "options": {"path": path, "task_column": "topic"}}
    assert values["name"] == "mine.v2"
    assert sentence == ""


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("LlamaForCausalLM", "causal"),
        ("GPT2LMHeadModel", "causal"),
        ("BertLMHeadModel", "causal"),
        ("BertModel", "encoder"),
        ("RobertaForMaskedLM", "encoder"),
        ("DistilBertForSequenceClassification", "encoder"),
        ("LlamaModel", ""),
    ],
)
def test_a_models_config_tells_whether_it_writes_or_classifies(architecture, kind, tmp_path):
    assert model_kind(model_of(tmp_path / "model", architecture)) == kind


def test_names_are_told_apart_without_files_and_what_is_elsewhere_is_not(tmp_path):
    assert [model_kind(name) for name in ("smollm2", "minilm", "org/model")] == [
        "causal", "encoder", ""
    ]  # fmt: skip
    (tmp_path / "config.json").write_text("not JSON")
    assert model_kind(str(tmp_path)) == ""


@pytest.mark.parametrize(
    ("rows", "architecture", "base", "picks", "words"),
    [
        (ANSWERS, "LlamaForCausalLM", "smollm2", {}, "causal language model"),
        (
            LABELS,
            "LlamaForCausalLM",
            "smollm2",
            {"classify": False},
            "labels, which are read as answers",
        ),
        (LABELS, "BertModel", "minilm", {}, "encoder with a classifier"),
        (ANSWERS, "BertModel", "minilm", {"classify": True}, "answers, which are read as classes"),
        (LABELS, "LlamaModel", "minilm", {}, "the rows have labels"),
        (ANSWERS, "LlamaModel", "smollm2", {}, "the rows have answers"),
    ],
)
def test_the_model_picks_config_and_reading_and_where_it_is_open_the_rows_do(
    rows, architecture, base, picks, words, tmp_path
):
    path, model = file_of(tmp_path, rows), model_of(tmp_path / "model", architecture)
    values, sentence = own_data("", path, model, {})
    assert values["suite"]["options"] == {"path": path, "tokenizer": model, **picks}
    assert values["student"]["model"] == {"smollm2": "causal", "minilm": "encoder"}[base]
    assert words in sentence
    assert f"config {base}" in sentence


@pytest.mark.parametrize(
    "overrides",
    [
        ["suite.options.columns={prompt: frage, label: art}"],
        ["suite.options.columns.prompt=frage", "suite.options.columns.label=art"],
    ],
)
def test_rows_are_looked_at_with_the_columns_that_were_typed_as_overrides(overrides, tmp_path):
    path = file_of(tmp_path, [{"frage": f"p{i}", "art": "a"} for i in range(3)])
    model = model_of(tmp_path / "model", "LlamaModel")
    values, sentence = own_data("", path, model, {}, ["lifetime.budget=9-steps", *overrides])
    assert values["student"]["model"] == "encoder"
    assert "the rows have labels" in sentence
    config = make_config(values, overrides)
    assert config.suite.options["columns"] == {"prompt": "frage", "label": "art"}


def test_a_config_that_is_named_is_not_picked_over(tmp_path):
    path, model = file_of(tmp_path, LABELS), model_of(tmp_path / "model", "BertModel")
    values, sentence = own_data("smollm2", path, model, {})
    assert values["student"]["model"] == "causal"
    assert values["suite"]["options"]["classify"] is False
    assert sentence == ""


def test_the_id_of_a_hub_is_handed_to_the_reader_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in {"org/data": "org/data", "data": str(tmp_path / "data")}.items():
        config = make_config(own_data("", path, "", {}).values)
        assert config.suite.options["path"] == name
    (tmp_path / "org/data").mkdir(parents=True)
    config = make_config(own_data("", "org/data", "", {}).values)
    assert config.suite.options["path"] == str(tmp_path / "org/data")


def test_a_mistyped_file_is_told_with_the_one_that_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"typo\.jsonl does not exist; give a \.jsonl file"):
        own_data("", "typo.jsonl", "", {})
    (tmp_path / "typos.jsonl").touch()
    with pytest.raises(ValueError, match=r"typo\.jsonl does not exist; did you mean typos\.jsonl"):
        own_data("", "typo.jsonl", "", {})


def test_a_mistyped_model_is_refused_before_anything_is_said_of_it(tmp_path):
    with pytest.raises(ValueError, match=r"no model 'smolm2': did you mean 'smollm2'\?"):
        own_data("", file_of(tmp_path, ANSWERS), "smolm2", {})


def test_columns_are_read_from_one_word():
    assert read_columns("prompt=question, answer=a.b") == {"prompt": "question", "answer": "a.b"}


@pytest.mark.parametrize("text", ["prompt", "prompt=", "=question", "prompt=a,,answer=b"])
def test_other_columns_are_one_sentence(text):
    with pytest.raises(ValueError, match="--columns reads like prompt=question,answer=final"):
        read_columns(text)
