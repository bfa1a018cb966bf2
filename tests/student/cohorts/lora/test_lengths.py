"""Members with batches of very different length: each is as long as its own, alone and together."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("transformers", reason="pretrained models need transformers")

import tiny_pretrained
from lora_kit import VOCABULARY

from lessonplan.student import SPLITS, CausalLM, Examples, LoRA, LoRACohort, Task, TaskSuite
from lessonplan.student.cohorts.lockstep import row_cohort
from lessonplan.student.cohorts.lockstep.lengths import MOST_EXAMPLES, Lengths
from lessonplan.student.contract.ragged import Ragged, interleaved
from lessonplan.student.contract.scoring import score_examples
from lessonplan.student.contract.stores import RaggedStore

PROMPTS, ANSWERS = (3, 9, 20, 60), (2, 3, 8, 12)
"""Longest prompt and answer of each task."""


def unequal_suite(padded=False):
    """Four tasks of random tokens, from very short to very long rows."""
    generator = np.random.default_rng(0)
    tasks = []
    for i, longest in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        splits = {}
        for split in SPLITS:
            prompts, answers = (
                Ragged.of([generator.integers(3, VOCABULARY, generator.integers(least, most + 1))
                           for _ in range(30)])
                for least, most in zip((1, 2), longest, strict=True)
            )  # fmt: skip
            inputs = interleaved(prompts, answers.without_last())
            store = RaggedStore(
                inputs, answers, max(PROMPTS) + max(ANSWERS) - 1, max(ANSWERS), True
            )
            rows = Examples.stored(store)
            splits[split] = Examples(rows.inputs, rows.targets) if padded else rows
        tasks.append(Task(f"task-{i}", splits))
    return TaskSuite("unequal", tuple(tasks), n_outputs=VOCABULARY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_pretrained.save_tiny_llama(tmp_path_factory.mktemp("llama"))


def cohort(folder, n, chunk, suite=None, build=None):
    return LoRACohort(
        suite or unequal_suite(),
        build or partial(CausalLM, folder, max(ANSWERS)),
        n,
        lora=LoRA(r=2, lora_alpha=4, target_modules=("q_proj", "v_proj")),
        batch_size=4,
        evaluation_size=10,
        member_chunk=chunk,
    )


def taught(students, lessons):
    """Two trainings by (r, 4) lessons, what came of them, and every figure of every split."""
    rows = []
    for mixture in lessons:
        training = students.train(mixture, 2, fresh=True)
        rows.append(np.stack(list(training.figures.values()), axis=1))
    for split in SPLITS:
        rows.append(np.concatenate(list(vars(students.evaluate(split)).values()), axis=1))
    weights = students.state_dict()["weights"].numpy()
    return [b"".join(part[i].tobytes() for part in (*rows, weights)) for i in range(students.n)]


LESSONS = (np.eye(4)[[0, 3, 1, 2, 3]], np.full((5, 4), 0.25))
"""Each of five members has another task, then all have a mixture of short and long."""


@pytest.mark.parametrize("chunk", [1, 2, 8])
def test_a_member_among_members_with_other_lengths_is_what_it_is_alone(folder, chunk):
    together = cohort(folder, 5, chunk)
    assert together.member_chunk == chunk
    seeds = np.array([7, 8, 9, 10, 11])
    together.reset(np.arange(5), seeds)
    found = taught(together, LESSONS)
    for i in (0, 1, 4):
        alone = cohort(folder, 1, chunk)
        alone.reset(np.array([0]), seeds[[i]])
        assert taught(alone, [mixture[[i]] for mixture in LESSONS])[0] == found[i]


@pytest.mark.parametrize("chunk", [1, 8])
def test_padded_examples_teach_to_the_bit_what_those_without_padding_teach(folder, chunk):
    ragged, padded = (
        taught(cohort(folder, 5, chunk, unequal_suite(how)), LESSONS) for how in (False, True)
    )
    assert ragged == padded


def test_cropping_changes_a_loss_by_rounding_only(folder):
    students = cohort(folder, 2, 1)
    students.train(np.full((2, 4), 0.25), 2)
    pool, module = students.suite.pool("test"), students.student(1)
    loss = students.evaluate("test").loss[1]
    seeds = students.state_dict()["seeds"].numpy()
    from lessonplan.student.contract.batches import evaluation_examples

    index, _ = evaluation_examples(pool, "test", seeds, 10)
    for task in range(4):
        inputs, targets = pool.take(index[1, task])
        with torch.no_grad():
            losses = nn.functional.cross_entropy(module(inputs).mT, targets, reduction="none")
        mean = losses.sum(dim=1) / (targets != -100).sum(dim=1)
        assert loss[task] == pytest.approx(mean.mean().item(), rel=1e-5)


class Stubborn(nn.Module):
    """A user's module that always gives logits of the layout's answer length."""

    def __init__(self, folder):
        super().__init__()
        self.model = CausalLM(folder, max(ANSWERS)).model

    def forward(self, inputs):
        present = inputs != -1
        assert inputs.shape[1] >= max(ANSWERS)
        return self.model(
            input_ids=inputs.clamp(min=0),
            attention_mask=present.long(),
            position_ids=(present.cumsum(1) - 1).clamp(min=0),
            logits_to_keep=max(ANSWERS),
        ).logits


def test_a_module_with_a_fixed_answer_length_keeps_it(folder):
    own, ours = (cohort(folder, 2, 1, build=build) for build in (partial(Stubborn, folder), None))
    for students in (own, ours):
        students.reset(np.arange(2), np.array([3, 4]))
    for lesson in (np.eye(4)[[0, 3]], np.full((2, 4), 0.25)):
        one, other = (students.train(lesson, 2) for students in (own, ours))
        np.testing.assert_allclose(one.loss_after, other.loss_after, rtol=1e-4)
    np.testing.assert_allclose(own.evaluate("test").loss, ours.evaluate("test").loss, rtol=1e-4)


def test_lengths_are_few_where_members_shall_meet_and_exact_elsewhere():
    store = unequal_suite().pool("train").examples.store
    index = np.random.default_rng(1).integers(0, len(store), (400, 4))
    exact, coarse = (Lengths(store, (True, True), how).groups(index) for how in (False, True))
    assert len(coarse) < 30 < len(exact)
    for members, crop in coarse:
        slack = store.slack[index[members]].min(axis=1)
        assert (slack >= np.array(crop)).all()
        needed = np.array([max(PROMPTS), max(ANSWERS)]) - slack
        assert (
            np.array([max(PROMPTS), max(ANSWERS)]) - np.array(crop) < 1.5 * np.maximum(needed, 8)
        ).all()


def test_parts_hold_every_example_once_and_no_more_than_fits(monkeypatch):
    store = unequal_suite().pool("train").examples.store
    lengths = Lengths(store, (True, True), False)
    index = np.arange(len(store))
    parts = list(lengths.parts(index, VOCABULARY))
    assert sorted(np.concatenate([places for places, _ in parts]).tolist()) == index.tolist()
    assert max(len(places) for places, _ in parts) == MOST_EXAMPLES
    monkeypatch.setattr("lessonplan.student.cohorts.lockstep.lengths.MOST_TOKENS", 64)
    few = list(lengths.parts(index, VOCABULARY))
    assert all(len(places) * (71 - sum(crop)) <= 64 or len(places) == 1 for places, crop in few)


@pytest.mark.parametrize("chunk", [1, 3])
def test_examples_of_unequal_length_show_alone_what_they_show_in_company(folder, chunk):
    together, one = cohort(folder, 5, chunk), cohort(folder, 1, chunk)
    plain = cohort(folder, 5, chunk)
    for place, lesson in enumerate(LESSONS):
        found = together.train(lesson, 3, by_task=True).by_task
        plain.train(lesson, 3)
        assert (found.count.sum(axis=1) == 12).all()
        assert (found.count[lesson == 0] == 0).all()
        assert (found.loss > 0).tolist() == (found.count > 0).tolist()
        for row in range(5):
            one.reset(np.array([0]), np.array([row]))
            for before in LESSONS[: place + 1]:
                alone = one.train(before[[row]], 3, by_task=True).by_task
            for name, values in vars(found).items():
                assert (values[row] == getattr(alone, name)[0]).all()
    weights = (students.state_dict()["weights"] for students in (together, plain))
    assert torch.equal(*weights)


def test_examples_in_pieces_are_counted_for_their_own_tasks(folder, monkeypatch):
    """One student step of a batch of all tasks, against each example's loss before it."""
    students = cohort(folder, 1, 1)
    drawn, draw = [], row_cohort.draw_examples
    monkeypatch.setattr(
        row_cohort, "draw_examples", lambda *args: drawn.append(draw(*args)) or drawn[-1]
    )
    pool = students.suite.pool("train")
    found = students.train(np.full((1, 4), 0.25), 1, by_task=True).by_task
    fresh = cohort(folder, 1, 1).student(0)
    wanted = np.zeros((3, 4))
    for index in drawn[0][0]:
        inputs, targets = pool.take(np.array([index]))
        with torch.no_grad():
            logits = fresh(inputs)
        right, loss, _ = score_examples(logits[None], targets[None])
        task = np.searchsorted(pool.offsets, index, side="right") - 1
        wanted[:, task] += [1, float(right), float(loss)]
    np.testing.assert_allclose([found.count[0], found.right[0], found.loss[0]], wanted, rtol=1e-4)
    assert (found.count[0] > 0).sum() > 1
