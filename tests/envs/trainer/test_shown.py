"""What a forward pass shows of each example of its batch, and how it is added up by task.

Legend: b examples, l tokens, v words, k tasks.
"""

import math

import numpy as np
import pytest
import torch

from lessonplan.envs.trainer import shown as shown_file
from lessonplan.envs.trainer.shown import shifts_labels, shown_by
from lessonplan.envs.trainer.tally import FIGURES, Tally
from lessonplan.student.contract import LOSS_LIMIT


def chances(*rows):
    """Logits (b, l, v) of these chances of the words."""
    return torch.log(torch.tensor(rows))


EVEN, FIRST, SECOND = [0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [0.125, 0.75, 0.125]
LOGITS = chances([FIRST, SECOND, EVEN], [SECOND, SECOND, FIRST])
LABELS = torch.tensor([[0, 1, 0], [-100, 0, -100]])


def plain(shown):
    return [part.tolist() for part in shown]


def test_by_hand_with_labels_at_the_same_place():
    # -log of 0.5, 0.75 and 0.25, two of three the likeliest; -log of 0.125.
    first = -(math.log(0.5) + math.log(0.75) + math.log(0.25)) / 3
    loss, right, share, tokens = plain(shown_by({"logits": LOGITS}, LABELS, shifts=False))
    assert loss == pytest.approx([first, math.log(8)])
    assert (right, share, tokens) == ([0, 0], pytest.approx([2 / 3, 0]), [3, 1])


def test_by_hand_with_labels_one_place_later():
    # The first place answers the second label, 1, with 0.25, the second the third, 0, with 0.125;
    # in the second row the label 0 has 0.125.
    loss, right, _, tokens = plain(shown_by({"logits": LOGITS}, LABELS, shifts=True))
    assert loss == pytest.approx([(math.log(4) + math.log(8)) / 2, math.log(8)])
    assert (right, tokens) == ([0, 0], [2, 1])
    answers = torch.tensor([[0, 0, 1], [-100, 1, 1]])
    assert plain(shown_by({"logits": LOGITS}, answers, shifts=True))[1] == [1, 1]


def test_classes_are_one_answer_each():
    loss, right, share, tokens = plain(
        shown_by((torch.tensor(0.0), LOGITS[:, 0]), torch.tensor([0, 0]), shifts=None)
    )
    assert loss == pytest.approx([math.log(2), math.log(8)])
    assert right == share == [1, 0]
    assert tokens == [1, 1]


def test_an_example_without_an_answer_counts_as_none():
    labels = torch.tensor([[0, 1, 0], [1, -100, -100]])
    shown = shown_by({"logits": LOGITS}, labels, shifts=True)
    assert plain(shown)[1:] == [[0, 0], [0, 0], [2, 0]]
    tally = Tally(2)
    tally.add(np.array([0, 1]), shown)
    assert tally.sums[:, 0].tolist() == [1, 0]
    none = shown_by({"logits": LOGITS}, torch.full((2, 3), -100), shifts=True)
    assert none.tokens.tolist() == [0, 0]


def test_what_a_model_ignores_in_a_way_of_its_own_is_no_answer():
    odd = torch.where(LABELS < 0, -1, LABELS)
    shown = (shown_by({"logits": LOGITS}, labels, shifts=True) for labels in (LABELS, odd))
    assert plain(next(shown)) == plain(next(shown))


def test_few_logits_at_a_time_are_the_same_as_all(monkeypatch):
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 9, 7).bfloat16(), torch.randint(7, (5, 9))
    labels[torch.rand(5, 9) < 0.4] = -100
    whole = shown_by({"logits": logits}, labels, shifts=True)
    monkeypatch.setitem(shown_file._AT_ONCE, "cpu", 7 * 3)
    parts = shown_by({"logits": logits}, labels, shifts=True)
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
    # An independent way: row by row, in single precision.
    for row, loss in enumerate(whole.loss):
        there = labels[row, 1:] >= 0
        log_chances = torch.log_softmax(logits[row, :-1].float(), dim=-1)[there]
        picked = log_chances[torch.arange(int(there.sum())), labels[row, 1:][there]]
        assert float(loss) == pytest.approx(-float(picked.mean()), abs=1e-5)


@pytest.mark.parametrize("shifts", [True, False])
def test_whose_way_nobody_knows_is_taken_as_its_loss_has_it(shifts):
    known = shown_by({"logits": LOGITS}, LABELS, shifts)
    found = shown_by({"loss": torch.tensor(known.mean_loss), "logits": LOGITS}, LABELS, None)
    assert plain(found) == plain(known)
    # Another loss than of these logits, and none at all.
    assert shown_by({"loss": torch.tensor(0.1), "logits": LOGITS}, LABELS, None) is None
    assert shown_by({"logits": LOGITS}, LABELS, None) is None


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        ({"logits": LOGITS}, None),
        ({"loss": torch.tensor(1.0)}, LABELS),
        ({"logits": LOGITS}, LABELS.float()),
        ({"logits": LOGITS}, LABELS[:, :2]),
        (torch.tensor(1.0), LABELS),
        ("nothing", LABELS),
        ({"log_probs": LOGITS[:, :, 0]}, LABELS),
        # One number for a class of two, or a grade.
        ({"logits": LOGITS[:, 0, :1]}, torch.tensor([0, 1])),
    ],
)
def test_outputs_that_say_nothing_of_single_examples_show_none(outputs, labels):
    assert shown_by(outputs, labels, shifts=True) is None


def test_what_was_right_is_looked_for_only_where_it_is_asked_for():
    whole = shown_by({"logits": LOGITS}, LABELS, True)
    losses = shown_by({"logits": LOGITS}, LABELS, True, likeliest=False)
    assert plain(losses)[0::3] == plain(whole)[0::3]
    assert torch.isnan(torch.stack(losses[1:3])).all()


def test_log_probabilities_of_a_fused_head_are_taken_as_they_are():
    mask = torch.tensor([[True, True], [True, False]])
    fused = {
        "log_probs": torch.tensor([[-0.5, -1.5], [-2.0, 0.0]], requires_grad=True),
        "is_top1": torch.tensor([[True, True], [False, False]]), "label_mask": mask,
    }  # fmt: skip
    assert plain(shown_by(fused, None, None)) == [[1, 2], [1, 0], [1, 0], [2, 1]]


def test_a_tally_adds_up_by_task_and_goes_on_from_what_was_kept():
    tally, again = Tally(3), Tally(3)
    first = shown_by({"logits": LOGITS}, LABELS, shifts=False)
    for one in (tally, again):
        one.add(np.array([2, 0]), first)
    again.sums = again.sums
    for one in (tally, again):
        one.add(np.array([2, 2]), first)
    np.testing.assert_array_equal(tally.sums, again.sums)
    loss = first.loss.numpy()
    np.testing.assert_allclose(
        tally.sums, [[1, loss[1], 0, 0], [0] * 4, [3, 2 * loss[0] + loss[1], 0, 4 / 3]]
    )
    assert len(FIGURES) == 4
    tally.clear()
    assert not tally.sums.any()


@pytest.mark.parametrize("odd", [torch.nan, torch.inf])
def test_a_loss_that_is_no_number_counts_as_the_largest(odd):
    tally = Tally(1)
    tally.add_whole(0, 4, torch.tensor(odd))
    assert tally.sums[0, :2].tolist() == [4, 4 * LOSS_LIMIT]
    assert np.isnan(tally.sums[0, 2:]).all()
    logits = LOGITS.clone()
    logits[0, 0, 0] = odd
    tally = Tally(1)
    tally.add(np.array([0, 0]), shown_by({"logits": logits}, LABELS, shifts=False))
    assert np.isfinite(tally.sums).all()
    assert tally.sums[0, 1] == pytest.approx(LOSS_LIMIT + math.log(8))


def test_models_of_transformers_say_where_their_labels_stand():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    shape = {"vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    causal = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape, intermediate_size=8))
    masked = transformers.BertForMaskedLM(transformers.BertConfig(**shape, intermediate_size=8))
    both = transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=11, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2,
                              decoder_start_token_id=0, pad_token_id=0)
    )  # fmt: skip
    tokens = torch.randint(1, 11, (3, 6), generator=torch.Generator().manual_seed(0))
    labels = tokens.clone()
    labels[0, 3:] = -100
    for model, shifts in ((causal, True), (masked, False), (both, False)):
        assert shifts_labels(model) is shifts
        outputs = model.eval()(input_ids=tokens, labels=labels)
        shown = shown_by(outputs, labels, shifts)
        assert shown.mean_loss == pytest.approx(outputs.loss.item(), rel=1e-5)
        assert plain(shown_by(outputs, labels, None)) == plain(shown)
    assert shifts_labels(torch.nn.Linear(2, 2)) is None
