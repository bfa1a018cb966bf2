import re
import subprocess
import sys

import pytest
import torch

from lessonplan.student import SPLITS, install_hint
from lessonplan.student.suites.reasoning_compact import compact
from lessonplan.student.suites.reasoning_levels import REFUSED
from lessonplan.student.suites.reasoning_suite import DEFAULT_TASKS, make_dataset, reasoning
from lessonplan.student.text.characters import text_code
from lessonplan.student.text.tokens import token_code

pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")

SMALL = {"train_size": 60, "held_out": 12}

DIGEST = """
import hashlib
from lessonplan.student import reasoning
suite = reasoning(train_size=60, held_out=12, seed=7)
digest = hashlib.sha256(repr(suite.vocabulary).encode())
for split in ("train", "probe", "test", "stress"):
    pool = suite.pool(split)
    digest.update(pool.inputs.numpy().tobytes() + pool.targets.numpy().tobytes())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def suite():
    return reasoning(**SMALL)


def prompts(suite, split):
    code = text_code(suite)
    return [
        {prompt for prompt, _ in code.decode(task.splits[split].inputs)} for task in suite.tasks
    ]


def test_the_default_suite_is_short_and_ordered(suite):
    assert len(suite) >= 8
    assert suite.input_shape[0] <= 32
    position = {suite.names[i]: place for place, i in enumerate(suite.order)}
    for task in suite.tasks:
        assert all(position[name] < position[task.name] for name in task.prerequisites)
        assert task.endless
    needs = {task.name: task.prerequisites for task in suite.tasks}
    assert needs["spell_backward@1"] == ("spell_backward@0",)
    assert needs["chain_sum@num_digits=1"] == ("chain_sum@num_digits=0",)


def test_only_the_next_lower_level_is_a_prerequisite():
    tasks = ("chain_sum@1", "chain_sum@0", "chain_sum@num_terms=1")
    suite = reasoning(tasks, **SMALL, prompt_length=16)
    needs = {task.name: task.prerequisites for task in suite.tasks}
    assert needs == {
        "chain_sum@0": (),
        "chain_sum@num_terms=1": ("chain_sum@0",),
        "chain_sum@1": ("chain_sum@num_terms=1",),
    }


def test_nothing_held_out_is_trained_on_in_any_task_or_under_any_seed(suite):
    trained = set().union(*prompts(suite, "train"), *prompts(reasoning(**SMALL, seed=1), "train"))
    for split in ("probe", "test", "stress"):
        for held_out in prompts(suite, split):
            assert not held_out & trained
    for probe, test in zip(prompts(suite, "probe"), prompts(suite, "test"), strict=True):
        assert not probe & test


def test_a_level_is_what_is_new_in_it_and_stress_is_the_next():
    suite = reasoning(("spell_backward@1",), **SMALL)
    lengths = {split: {len(p) for p in prompts(suite, split)[0]} for split in SPLITS}
    assert lengths == {"train": {5}, "probe": {5}, "test": {5}, "stress": {7}}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_suite_in_another_process(suite):
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1
    assert torch.equal(suite.pool("train").inputs, reasoning(**SMALL).pool("train").inputs)
    other = reasoning(**SMALL, seed=1).pool("train").inputs
    assert not torch.equal(suite.pool("train").inputs, other)


@pytest.mark.parametrize("order", [1, -1])
def test_noise_makes_no_question_of_another_task(tmp_path, monkeypatch, order):
    pytest.importorskip("transformers", reason="the hf extra is not installed")
    from tiny_pretrained import save_tiny_gpt2

    tasks = ("caesar_cipher@0", "base_conversion@0")[::order]
    first, second = (tasks.index(f"{name}@0") for name in ("caesar_cipher", "base_conversion"))
    source = save_tiny_gpt2(tmp_path)

    def asked():
        """Prompts by split of the first task and of the second."""
        suite = reasoning(
            tasks, 24, 6, tokenizer=source, stress="noise", max_tokens=400, template="{prompt}"
        )
        code = token_code(suite)
        return [
            {
                split: [prompt for prompt, _ in code.decode(suite.tasks[i].splits[split].inputs)]
                for split in SPLITS
            }
            for i in (first, second)
        ]

    noisy = asked()[0]["stress"]
    module = sys.modules[reasoning.__module__]
    plain = module.generated

    def generated(name, generate, *given):
        """The second task asks what noise made of the first, too."""
        item = plain(name, generate, *given)
        if name == "base_conversion" and given and given[0] < len(noisy):
            item = {**item, "question": noisy[given[0]]}
        return item

    monkeypatch.setattr(module, "generated", generated)
    mine, other = asked()
    there = {prompt for split in SPLITS[:3] for prompt in other[split]}
    assert there & set(noisy)
    assert not there & set(mine["stress"])
    assert all(noise != clean for noise, clean in zip(mine["stress"], mine["test"], strict=True))


def wrong(answer, other):
    """Answers near to the right one."""
    yield other
    yield answer[::-1]
    yield answer[1:]
    yield answer[:-1] + ("7" if answer[-1] != "7" else "3")
    yield answer + "1"
    yield "-" + answer if answer != "0" else "-1"


@pytest.mark.parametrize("task", DEFAULT_TASKS)
def test_exact_match_agrees_with_the_scoring_of_reasoning_gym(task):
    dataset, name = make_dataset(task, seed=3, size=41), task.partition("@")[0]
    items = [dataset[i] for i in range(41)]
    answers = [compact(name, item["question"], item["answer"])[1] for item in items]
    seen = {True: 0, False: 0}
    for i, item in enumerate(items[:40]):
        for given in (answers[i], *wrong(answers[i], answers[i + 1])):
            exact = given == answers[i]
            assert (dataset.score_answer(given, item) == 1.0) == exact, (given, answers[i])
            seen[exact] += 1
    assert seen[True] >= 40
    assert seen[False] >= 150


@pytest.mark.parametrize(
    ("task", "prompt"),
    [
        ("chain_sum@1", r"\d\d[+-]\d\d[+-]\d\d"),
        ("products@0", r"\d\*\d"),
        ("spell_backward@0", r"[a-z]{3}"),
        ("basic_arithmetic@0", r"[-+*/()\d]+"),
        ("gcd@0", r"gcd \d+ \d+"),
        ("lcm@0", r"lcm \d+ \d+"),
        ("count_bits@0", r"bits \d+"),
        ("count_primes@0", r"primes \d+ \d+"),
        ("decimal_chain_sum@0", r"[\d.]+[+-][\d.]+"),
        ("leg_counting@0", r"\d [a-z ]+"),
        ("number_sequence@0", r"-?\d+(,-?\d+)+"),
        ("prime_factorization@0", r"factors \d+"),
    ],
)
def test_compaction_keeps_the_payload(task, prompt):
    dataset, name = make_dataset(task, seed=0, size=20), task.partition("@")[0]
    for item in (dataset[i] for i in range(20)):
        assert re.fullmatch(prompt, compact(name, item["question"], item["answer"])[0])


@pytest.mark.parametrize("dataset", REFUSED)
def test_what_cannot_be_a_task_is_refused_with_the_reason(dataset):
    with pytest.raises(ValueError, match=f"'{dataset}' cannot be a task: it {REFUSED[dataset]}"):
        reasoning((f"{dataset}@0",))


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        ("chain_summ@0", "no dataset 'chain_summ'"),
        ("chain_sum", r"must be chain_sum@LEVEL or .* num_terms 0 to 10, num_digits 0 to 9"),
        ("chain_sum@11", "must be chain_sum@LEVEL"),
        ("chain_sum@digits=1", "must be chain_sum@LEVEL"),
        ("chain_sum@num_digits=10", "must be chain_sum@LEVEL"),
        ("chain_sum@num_digits=1,num_digits=2", "must be chain_sum@LEVEL"),
        ("count_bits@4", "highest level already"),
        ("spell_backward@3", "cannot generate 'spell_backward' at this level or the next"),
        ("syllogism@0", "0 questions of at most 12 characters.* raise prompt_length"),
    ],
)
def test_tasks_that_do_not_work_are_refused_with_the_way_out(task, sentence):
    with pytest.raises(ValueError, match=sentence):
        reasoning((task,), **SMALL)


def test_a_missing_library_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_hint("reasoning"))):
        reasoning()
