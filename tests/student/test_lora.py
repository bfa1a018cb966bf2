import copy
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lessonplan.student import (
    NO_TOKEN,
    SPLITS,
    Adam,
    CausalLM,
    Cosine,
    Decoder,
    Examples,
    LoRA,
    LoRACohort,
    Task,
    TaskSuite,
    check_cohort,
    copy_sharing_weights,
    load_adapter,
    save_adapter,
)
from lessonplan.student.batches import draw_examples, draw_tasks
from lessonplan.student.lora import Lockstep, attach

REASON = "needs transformers and PEFT"
VOCABULARY, PROMPT, ANSWER = 264, 10, 4


def token_suite(vocabulary=VOCABULARY, padded=True, k=3):
    """Random tokens to be continued by random tokens; prompts of unequal length where padded."""
    generator = torch.Generator().manual_seed(0)
    tasks = []
    for i in range(k):
        splits = {}
        for split in SPLITS:
            m = 40 if split == "train" else 12
            text = torch.randint(3, vocabulary, (m, PROMPT + ANSWER), generator=generator)
            targets = text[:, PROMPT:].clone()
            inputs = text[:, :-1].clone()
            if padded:
                short = torch.randint(PROMPT - 2, (m, 1), generator=generator)
                inputs[torch.arange(inputs.shape[1]) < short] = NO_TOKEN
            splits[split] = Examples(inputs, targets)
        tasks.append(Task(f"task-{i}", splits))
    return TaskSuite("random", tuple(tasks), n_outputs=vocabulary)


def letters():
    """Random letters for our own decoder, which predicts at every position."""
    suite = token_suite(16, padded=False)
    tasks = []
    for task in suite.tasks:
        splits = {}
        for split, examples in task.splits.items():
            targets = torch.full_like(examples.inputs, -100)
            targets[:, -ANSWER:] = examples.targets
            splits[split] = Examples(examples.inputs, targets)
        tasks.append(Task(task.name, splits))
    return TaskSuite("letters", tuple(tasks), n_outputs=16)


def decoder():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Decoder((PROMPT + ANSWER - 1,), 16, width=16, n_layers=1, n_heads=2)


def decoders(n, **options):
    settings = {
        "lora": LoRA(r=2, lora_alpha=4, target_modules="all-linear"),
        "batch_size": 4,
        "evaluation_size": 8,
    }
    return LoRACohort(letters(), decoder, n, **settings | options)


@pytest.fixture(scope="module")
def tiny():
    pytest.importorskip("transformers", reason=REASON)
    pytest.importorskip("peft", reason=REASON)
    import tiny_pretrained

    return tiny_pretrained


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
    row = alone._evaluation_set("test")[0][0, 0]
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


@pytest.mark.parametrize("size", [8, 31, 37])
def test_examples_are_evaluated_in_parts_whatever_their_number(size):
    suite = token_suite(16, padded=False)
    few = decoders(2, evaluation_size=size)
    few.train(np.eye(3)[:2], 2)
    index, used = few._evaluation_set("train")
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
        kept = cohort._stack.activation_bytes
    assert kept < 0.7 * causal(folder, 1, ("q_proj", "down_proj"))._stack.activation_bytes
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
