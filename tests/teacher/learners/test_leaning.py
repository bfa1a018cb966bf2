"""A policy that leans on rules: its prior at first, more when it has learned, its prior again.

Legend: b batch, k tasks, r rules.
"""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from leaning_tasks import AT, LEANING, LeaningTasks, leaning, seen, trained
from marked_tasks import MarkedTasks, mean_reward

from lessonplan.teacher import action_probabilities, load_teacher, make_learner, save_teacher
from lessonplan.teacher.learners.leaning import LeaningOutputs

CASES = [(name, action) for name in ("ppo", "a2c", "trpo") for action in ("mixture", "task")]


def logits(model, shown):
    """What the policy would choose, or the logits of its tasks, (b, k)."""
    policy = model.policy
    with torch.no_grad():
        latent = policy.mlp_extractor.forward_actor(torch.as_tensor(shown))
        return policy.action_net(latent).numpy()


def moved(k=4, seed=0, **settings):
    """A policy whose own part and factors are far from what they begin at."""
    model, _ = leaning(env=LeaningTasks(k=k, places=k, action="mixture"), **settings)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (model.policy.mlp_extractor.factors, model.policy.action_net.linear):
            layer.weight += torch.randn(layer.weight.shape, generator=generator)
    return model


@pytest.mark.parametrize(("algorithm", "action"), CASES)
def test_before_training_its_logits_are_the_numbers_of_the_column(algorithm, action):
    model, _ = leaning(algorithm, action=action)
    shown = seen(0, 50, 4)
    np.testing.assert_array_equal(logits(model, shown), shown[:, :, AT["log_shortfall"]])


@pytest.mark.parametrize("action", ["mixture", "task"])
def test_what_it_teaches_before_training_are_the_shares_of_the_rule(action):
    model, _ = leaning(action=action)
    shown = seen(1, 50, 4)
    _, state = model.predict(shown, None, np.ones(50, bool), deterministic=True)
    shares = action_probabilities(model, shown, state)
    np.testing.assert_allclose(shares, np.exp(shown[:, :, AT["log_shortfall"]]), rtol=2e-6)


@pytest.mark.parametrize(("algorithm", "action"), CASES)
def test_with_the_learned_part_off_a_trained_one_is_its_prior_to_the_bit(algorithm, action):
    model, _ = trained(algorithm, action=action)
    shown = seen(2, 50, 4)
    prior = shown[:, :, AT["log_shortfall"]]
    assert np.abs(logits(model, shown) - prior).max() > 1e-3
    model.policy.learned_part = False
    np.testing.assert_array_equal(logits(model, shown), prior)
    assert not model.policy.learned_part
    model.policy.learned_part = True
    assert np.abs(logits(model, shown) - prior).max() > 1e-3


@pytest.mark.parametrize("learned_part", [True, False])
def test_a_file_says_whether_the_learned_part_counts(learned_part):
    model, _ = trained()
    model.policy.learned_part = learned_part
    stored = io.BytesIO()
    save_teacher(model, stored)
    other = load_teacher(stored, LeaningTasks(k=6, places=6, action="mixture"))
    assert other.policy.learned_part == learned_part
    shown = seen(3, 20, 4)
    np.testing.assert_array_equal(logits(other, shown), logits(model, shown))


def by_hand(model, shown, row):
    """The formula, a task at a time."""
    network, outputs = model.policy.mlp_extractor, model.policy.action_net
    latent = network.forward_actor(torch.as_tensor(shown[row : row + 1]))[0].detach().numpy()
    there = [i for i in range(len(latent)) if latent[i, -1] > 0]
    weight, bias = outputs.linear.weight[0].detach().numpy(), outputs.linear.bias.item()
    own = {i: float(latent[i, 2:18] @ weight + bias) for i in there}
    size = np.sqrt(np.mean([own[i] ** 2 for i in there]))
    rules = {name: {i: float(shown[row, i, AT[name]]) for i in there} for name in LEANING[-2:]}
    factors = dict(zip(rules, latent[there[0], 18:20], strict=True))
    beta = latent[there[0], 20]
    total = {}
    for i in there:
        total[i] = rules["log_shortfall"][i]
        for name, logs in rules.items():
            total[i] += factors[name] * (logs[i] - np.mean(list(logs.values())))
        total[i] += beta * (own[i] - np.mean(list(own.values()))) / size
    return total, factors, beta


def test_its_logits_are_the_formula():
    model, shown = moved(), seen(4, 6, 4, padding=2)
    given_logits = logits(model, shown)
    spread = []
    for row in range(6):
        wanted, factors, beta = by_hand(model, shown, row)
        values = np.array([wanted[i] for i in range(4)])
        assert np.abs(values).max() < 10
        np.testing.assert_allclose(given_logits[row, :4], values, atol=1e-4)
        spread.append([*factors.values(), beta])
    # They depend on what is seen.
    assert np.std(spread, axis=0).min() > 1e-3


def test_its_factors_can_be_asked_for():
    model, shown = moved(), seen(5, 3, 4)
    untrained, _ = leaning()
    with torch.no_grad():
        begun = untrained.policy.factors(torch.as_tensor(shown)).numpy()
        factors = model.policy.factors(torch.as_tensor(shown)).numpy()
        model.policy.learned_part = False
        off = model.policy.factors(torch.as_tensor(shown)).numpy()
    np.testing.assert_array_equal(begun, [[0.0, 1.0, 0.0]] * 3)
    np.testing.assert_array_equal(off, [[0.0, 1.0, 0.0]] * 3)
    _, wanted, beta = by_hand(model, shown, 1)
    expected = [wanted["log_data"], 1 + wanted["log_shortfall"], beta]
    np.testing.assert_allclose(factors[1], expected, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(0, 3))
def test_permuted_tasks_get_permuted_logits_and_padding_changes_none(seed, k, padding):
    model, shown = MOVED, seen(seed, 4, k, padding)
    plain = logits(model, shown[:, :k])
    order = np.random.default_rng(seed).permutation(k + padding)
    wide = logits(model, shown[:, order])
    back = wide[:, order.argsort()]
    np.testing.assert_allclose(back[:, :k], plain, atol=1e-4)
    assert (back[:, k:] == 0).all()


MOVED = moved()


def test_a_task_that_does_not_exist_is_never_chosen():
    model, _ = leaning(env=LeaningTasks(k=3, places=5, action="task"))
    shown = seen(6, 40, 3, padding=2)
    with torch.no_grad():
        chances = model.policy.get_distribution(torch.as_tensor(shown)).distribution.probs.numpy()
    assert (chances[:, 3:] == 0).all()


def test_every_weight_has_a_gradient_after_the_first_step():
    model, _ = trained(decisions=64)
    policy = model.policy
    shown = torch.as_tensor(seen(7, 16, 4))
    value, log_chance, entropy = policy.evaluate_actions(shown, torch.randn(16, 4))
    (value.sum() + log_chance.sum() + entropy.sum()).backward()
    without = [
        name for name, one in policy.named_parameters() if one.grad is None or not one.grad.any()
    ]
    assert without == []


def test_a_gradient_reaches_the_factors_at_the_very_beginning():
    model, _ = leaning()
    shown = torch.as_tensor(seen(8, 16, 4))
    _, log_chance, _ = model.policy.evaluate_actions(shown, torch.randn(16, 4))
    log_chance.sum().backward()
    factors = model.policy.mlp_extractor.factors
    assert (factors.bias.grad.abs() > 1e-4).all()
    assert factors.weight.grad.abs().max() > 1e-4


@pytest.mark.parametrize(("lowest", "highest"), [(-9.0, 3.0), (-13.8, -1.0), (-30, -25), (2, 14)])
def test_logits_stay_within_bounds_and_keep_their_shares(lowest, highest):
    outputs = LeaningOutputs(3, 0.0, n_rules=1, prior=0, bound=10.0)
    prior = torch.tensor([[lowest, highest, 0.3 * lowest + 0.7 * highest, -99.0]])
    latent = torch.zeros(1, 4, 1 + 3 + 2 + 1)
    latent[:, :, 0], latent[:, :3, -1] = prior, 1
    given_logits = outputs(latent).detach()
    assert given_logits[0, 3] == 0
    assert given_logits.abs().max() <= 10 + 1e-5
    torch.testing.assert_close(given_logits[:, :3].softmax(1), prior[:, :3].softmax(1))
    if lowest >= -10 and highest <= 10:
        assert torch.equal(given_logits[:, :3], prior[:, :3])


def test_a_floor_keeps_part_of_the_datas_shares_and_none_with_the_learned_part_off():
    model = moved(policy_kwargs={"share_floor": 0.25})
    free = moved()
    shown = seen(9, 30, 4)
    data = np.exp(shown[:, :, AT["log_data"]])
    without = torch.softmax(torch.as_tensor(logits(free, shown)), 1).numpy()
    shares = torch.softmax(torch.as_tensor(logits(model, shown)), 1).numpy()
    np.testing.assert_allclose(shares, 0.75 * without + 0.25 * data, rtol=1e-4)
    assert (shares >= 0.25 * data - 1e-6).all()
    model.policy.learned_part = False
    np.testing.assert_array_equal(logits(model, shown), shown[:, :, AT["log_shortfall"]])


def test_a_deviation_of_its_own_begins_as_the_common_one_and_is_learned():
    own = {"own_deviations": True, "log_std_init": -0.5}
    model, streams = leaning(policy_kwargs=own)
    shown = torch.as_tensor(seen(10, 20, 4))
    before = model.policy.get_distribution(shown).distribution.stddev.detach()
    np.testing.assert_allclose(before, np.exp(-0.5), rtol=1e-6)
    with streams.running():
        model.learn(256)
    after = model.policy.get_distribution(shown).distribution.stddev.detach()
    assert after.std() > 1e-4


def test_it_leans_on_what_is_named_only():
    env = LeaningTasks(action="mixture")
    model, _ = leaning(env=env, lean_on=["shortfall"])
    assert model.policy.rules == [AT["log_shortfall"]]
    # Log-weights that are not leaned on are columns as all others.
    assert AT["log_data"] in model.policy.mlp_extractor.inputs
    every, _ = leaning(env=env)
    assert every.policy.rules == [AT["log_data"], AT["log_shortfall"]]
    assert every.policy.data == AT["log_data"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prior": "promise"}, "needs the columns log_promise, which the environment does not"),
        ({"prior": "shortfall", "lean_on": ["data"]}, "must be one of the rules that are leaned"),
        ({"prior": "", "lean_on": ["data"]}, "there is no prior to begin at"),
        ({"prior": "shortfall", "lean_on": ["shortfall"],
          "policy_kwargs": {"share_floor": 0.1}}, "name data in lean_on"),
        ({"action": "task", "policy_kwargs": {"own_deviations": True}}, "are of mixtures"),
        ({"policy_kwargs": {"share_floor": 1.5}}, r"a number in \[0, 1\), got 1.5"),
    ],
)  # fmt: skip
def test_what_it_can_not_lean_on_is_said(options, words):
    with pytest.raises(ValueError, match=words):
        leaning(**options)


def test_a_learner_that_can_not_lean_is_refused():
    with pytest.raises(ValueError, match="'dqn' can't lean on a prior; choose one of ppo, a2c"):
        make_learner("dqn", LeaningTasks(), seed=0, prior="shortfall")
    with pytest.raises(ValueError, match="needs the columns log_shortfall"):
        make_learner("ppo", MarkedTasks(action="mixture"), seed=0, prior="shortfall")


@pytest.mark.parametrize(
    "rules", [[], [5, 5], [5, 99], ["5"], "56", None, [0, 1], [True], list(range(7))]
)
def test_places_that_are_none_are_refused(rules):
    with pytest.raises(ValueError, match=r"rules must be|shown other columns"):
        leaning(policy_kwargs={"rules": rules})


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "action"), [("ppo", "mixture"), ("ppo", "task")])
def test_it_learns_to_let_go_of_a_rule_that_knows_nothing(algorithm, action):
    settings = {"n_steps": 32, "batch_size": 64, "n_epochs": 4}
    model, streams = leaning(algorithm, LeaningTasks(k=4, places=4, action=action), **settings)
    env = LeaningTasks(n=64, k=4, places=4, action=action)
    before = mean_reward(model, env)
    with streams.running():
        model.learn(12_000)
    assert before < 0.4
    assert mean_reward(model, env) > 0.85
