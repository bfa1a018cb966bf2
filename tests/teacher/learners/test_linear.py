"""A policy of few weights: the formula, its prior at first and again, and what it refuses.

Legend: b batch, k tasks, d weights.
"""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from leaning_tasks import AT, LeaningTasks, seen
from marked_tasks import MarkedTasks

from lessonplan.teacher import action_probabilities, load_teacher, make_learner, save_teacher

OTHERS = ("progress", "mark", "score", "threshold")
CONTEXT, BEND = ["score", "mark"], ["progress", "score"]


class NumberedTasks(LeaningTasks):
    """In which `mark` is called `task`."""

    columns = tuple("task" if name == "mark" else name for name in LeaningTasks.columns)


def policy_of(weights=None, k=4, kind=LeaningTasks, **named):
    """A learner that begins at the shortfall, with these weights (d,)."""
    env = kind(k=k, places=k, action="mixture")
    named = {"context": CONTEXT, "bend": BEND} | named
    model = make_learner("cma_es", env, seed=0, prior="shortfall", policy_kwargs=named)
    if weights is not None:
        with torch.no_grad():
            model.policy.weights.copy_(torch.as_tensor(weights, dtype=torch.float32))
    return model


def drawn(seed=0, scale=0.3):
    count = policy_of().policy.n_weights
    return np.random.default_rng(seed).normal(0.0, scale, count)


def logits(model, shown):
    policy = model.policy
    return policy.logits(torch.as_tensor(shown), policy.weights[None]).numpy()


def test_before_training_its_logits_are_the_numbers_of_the_column():
    model, shown = policy_of(), seen(0, 50, 4)
    actions, _ = model.predict(shown, deterministic=True)
    np.testing.assert_array_equal(actions, logits(model, shown))
    np.testing.assert_array_equal(actions, shown[:, :, AT["log_shortfall"]])


def test_with_the_learned_part_off_it_is_its_prior_to_the_bit_and_a_file_says_so():
    model, shown = policy_of(drawn()), seen(1, 50, 4)
    learned = logits(model, shown)
    assert np.abs(learned - shown[:, :, AT["log_shortfall"]]).max() > 0.1
    model.policy.learned_part = False
    stored = io.BytesIO()
    save_teacher(model, stored)
    other = load_teacher(stored, LeaningTasks(k=6, places=6, action="mixture"))
    assert not other.policy.learned_part
    np.testing.assert_array_equal(logits(other, shown), shown[:, :, AT["log_shortfall"]])
    other.policy.learned_part = True
    np.testing.assert_array_equal(logits(other, shown), learned)


def by_hand(weights, shown, row):
    """The formula, a task at a time; the first four places have one."""
    left = list(weights)
    value = {name: shown[row, :4, AT[name]].astype(float) for name in AT}
    means = [1.0, *(value[name].mean() for name in CONTEXT)]
    total, factors = value["log_shortfall"].copy(), []
    for name in ("log_data", "log_shortfall"):
        factors.append(sum(left.pop(0) * mean for mean in means))
        total = total + factors[-1] * value[name]
    for name in OTHERS:
        total = total + left.pop(0) * value[name]
    for one, other in (("progress", "progress"), ("progress", "score"), ("score", "score")):
        total = total + left.pop(0) * value[one] * value[other]
    assert not left
    return total, factors


def test_its_logits_and_factors_are_the_formula():
    weights, shown = drawn(3), seen(4, 6, 4, padding=2)
    model = policy_of(weights)
    given_logits = logits(model, shown)
    factors = model.policy.factors(torch.as_tensor(shown)).numpy()
    for row in range(6):
        wanted, blend = by_hand(weights, shown, row)
        assert np.abs(wanted).max() < 10
        np.testing.assert_allclose(given_logits[row, :4], wanted, atol=1e-4)
        np.testing.assert_allclose(factors[row], [blend[0], 1.0 + blend[1]], atol=1e-5)
    assert (given_logits[:, 4:] == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(0, 3))
def test_permuted_tasks_get_permuted_logits_and_padding_changes_none(seed, k, padding):
    shown = seen(seed, 4, k, padding)
    plain = logits(MOVED, shown[:, :k])
    order = np.random.default_rng(seed).permutation(k + padding)
    back = logits(MOVED, shown[:, order])[:, order.argsort()]
    np.testing.assert_allclose(back[:, :k], plain, atol=1e-4)
    assert (back[:, k:] == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 50.0))
def test_shares_are_those_of_the_formula_where_a_shift_can_keep_them_within_bounds(seed, scale):
    """What spans more than the bounds has its highest at the bound, as the action space clips."""
    weights, shown = drawn(seed % 1000, scale), seen(seed, 3, 4)
    model = policy_of(weights)
    shares = action_probabilities(model, shown, None)
    for row in range(3):
        wanted, _ = by_hand(weights, shown, row)
        heights = np.maximum(wanted - wanted.max(), -20.0)
        expected = np.exp(heights) / np.exp(heights).sum()
        np.testing.assert_allclose(shares[row], expected, atol=2e-3)


def test_each_row_can_have_weights_of_its_own():
    shown = torch.as_tensor(seen(5, 3, 4))
    weights = np.stack([drawn(seed) for seed in range(3)])
    together = policy_of().policy.logits(shown, torch.as_tensor(weights, dtype=torch.float32))
    for i in range(3):
        alone = logits(policy_of(weights[i]), shown[i : i + 1].numpy())
        np.testing.assert_array_equal(together[i : i + 1].numpy(), alone)


def test_offsets_are_of_tasks_by_their_index_move_with_the_context_and_later_tasks_have_none():
    model = policy_of(kind=NumberedTasks, context=["score"], offsets="task")
    policy = model.policy
    assert policy.n_weights == policy_of(context=["score"]).policy.n_weights - 1 + 4 * 2
    shown = seen(6, 5, 6)
    shown[:, :, AT["mark"]] = np.random.default_rng(0).permuted(
        np.tile(np.arange(6), (5, 1)), axis=1
    )
    weights = np.zeros(policy.n_weights, np.float32)
    fixed, moved = np.array([0.5, -0.25, 0.125, 1.0]), np.array([0.0, 2.0, -1.0, 0.5])
    weights[-8:] = np.stack([fixed, moved], axis=1).ravel()
    added = policy.logits(torch.as_tensor(shown), torch.as_tensor(weights[None])).numpy()
    added = added - shown[:, :, AT["log_shortfall"]]
    task, context = shown[:, :, AT["mark"]].astype(int), shown[:, :, AT["score"]].mean(axis=1)
    fixed, moved = (np.concatenate([one, [0.0, 0.0]])[task] for one in (fixed, moved))
    np.testing.assert_allclose(added, fixed + moved * context[:, None], atol=1e-5)
    stored = io.BytesIO()
    save_teacher(model, stored)
    other = load_teacher(stored, NumberedTasks(k=6, places=6, action="mixture"))
    assert other.policy.n_offsets == 4
    np.testing.assert_array_equal(logits(other, shown), logits(model, shown))


@pytest.mark.parametrize("context", [[], ["score"]])
def test_factors_of_rules_count_with_and_without_a_context(context):
    policy, shown = policy_of(context=context, bend=[]).policy, torch.as_tensor(seen(8, 5, 4))
    weights = torch.zeros(policy.n_weights)
    weights[0 : len(policy.rules) * (1 + len(context)) : 1 + len(context)] = 0.5
    added = policy.logits(shown, weights[None]) - shown[:, :, AT["log_shortfall"]]
    wanted = 0.5 * shown[:, :, policy.rules].sum(dim=2)
    np.testing.assert_allclose(added.numpy(), wanted.numpy(), atol=1e-5)


def test_it_begins_with_offsets_of_tasks_and_a_factor_of_the_prior_where_these_are_named():
    named = {"context": ["score"], "offsets": "task", "begin_factor": 2.0}
    model = policy_of(kind=NumberedTasks, begin_offsets=[0.5, -0.5, 0.25, 0.0], **named)
    shown = seen(7, 5, 4)
    shown[:, :, AT["mark"]] = [3, 1, 0, 2]
    wanted = 2.0 * shown[:, :, AT["log_shortfall"]] + np.array([0.0, -0.5, 0.5, 0.25])
    np.testing.assert_allclose(logits(model, shown), wanted, atol=1e-5)
    model.policy.learned_part = False
    np.testing.assert_array_equal(logits(model, shown), shown[:, :, AT["log_shortfall"]])
    for offsets, count in (("task", 4), (None, 0)):
        with pytest.raises(ValueError, match=f"there are 5 begin_offsets for {count} tasks with"):
            policy_of(context=["score"], kind=NumberedTasks, offsets=offsets, begin_offsets=[0] * 5)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"context": [99]}, "must be the place of a column"),
        ({"bend": [True]}, "must be the place of a column"),
        ({"context": [-1]}, "must be the place of a column"),
        ({"context": 5}, "context must be a list of columns, got 5"),
        ({"offsets": "score"}, "offsets are of tasks: write offsets: task, got 'score'"),
        ({"offsets": "task"}, "offsets names the column task, which the environment does not"),
    ],
)
def test_columns_that_are_none_are_refused(named, words):
    with pytest.raises(ValueError, match=words):
        policy_of(**named)


def test_a_column_that_is_not_shown_is_named():
    with pytest.raises(ValueError, match="bend names the column rank, which the env"):
        policy_of(bend=["rank"])


def test_it_needs_a_prior_and_a_mixture():
    with pytest.raises(ValueError, match="'cma_es' begins at a prior; name a rule"):
        make_learner("cma_es", LeaningTasks(action="mixture"), seed=0)
    with pytest.raises(ValueError, match="make it with action='mixture'"):
        make_learner("cma_es", MarkedTasks(), seed=0, prior="shortfall")


MOVED = policy_of(drawn(7))
