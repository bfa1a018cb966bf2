"""The models' own leading-axis versions against their ordinary forward, and what they may see."""

import copy
import itertools

import numpy as np
import pytest
import torch

from lessonplan.student import LSTM, MLP, Decoder
from lessonplan.student.contract.scoring import batch_loss

BUILDS = {
    "mlp": lambda: MLP((3, 2), 4, (7, 5)),
    "mlp without hidden layers": lambda: MLP((6,), 4, ()),
    "decoder": lambda: Decoder((5,), 11, width=12, n_layers=2, n_heads=3),
    "lstm": lambda: LSTM((5,), 11, width=7),
    "lstm of two layers": lambda: LSTM((5,), 11, width=6, n_layers=2),
    "lstm that reads, then writes": lambda: LSTM((5,), 11, width=6, n_layers=2, prompt_length=2),
}


def inputs_of(name, n, batch):
    generator = torch.Generator().manual_seed(0)
    if name.startswith(("decoder", "lstm")):
        return torch.randint(0, 11, (n, batch, 5), generator=generator)
    return torch.randn(n, batch, *((3, 2) if name == "mlp" else (6,)), generator=generator)


def students(name, n):
    found = []
    for seed in range(n):
        torch.manual_seed(seed)
        found.append(BUILDS[name]())
        for parameter in found[-1].parameters():
            # Norms and biases begin alike, which would hide a mix-up of members.
            torch.nn.init.normal_(parameter, std=0.5)
    return found


def stacked_parameters(modules):
    names = dict(modules[0].named_parameters())
    return {
        name: torch.stack([m.get_parameter(name).detach() for m in modules]).requires_grad_()
        for name in names
    }


@pytest.mark.parametrize("name", BUILDS)
def test_the_stacked_logits_are_those_of_each_student(name):
    modules, inputs = students(name, 3), inputs_of(name, 3, 4)
    stacked = modules[0].stacked(stacked_parameters(modules), inputs)
    for i, module in enumerate(modules):
        torch.testing.assert_close(stacked[i], module(inputs[i]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BUILDS)
def test_the_stacked_gradients_are_those_of_each_student(name):
    modules, inputs = students(name, 3), inputs_of(name, 3, 4)
    parameters = stacked_parameters(modules)
    logits = modules[0].stacked(parameters, inputs)
    targets = torch.randint(0, 4, logits.shape[:-1], generator=torch.Generator().manual_seed(1))
    batch_loss(logits, targets).sum().backward()
    for i, module in enumerate(modules):
        batch_loss(module(inputs[i])[None], targets[i : i + 1]).sum().backward()
        for part, own in module.named_parameters():
            torch.testing.assert_close(parameters[part].grad[i], own.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["decoder", "lstm", "lstm of two layers"])
def test_a_model_that_writes_from_left_to_right_does_not_look_ahead(name):
    model, tokens = students(name, 1)[0], inputs_of(name, 1, 1)[0]
    changed = tokens.clone()
    changed[0, 3] = (changed[0, 3] + 1) % 11
    before, after = model(tokens)[0], model(changed)[0]
    torch.testing.assert_close(before[:3], after[:3])
    assert (before[3:] - after[3:]).abs().amax(dim=1).min() > 1e-3


def test_an_lstm_that_reads_and_then_writes_sees_the_prompt_and_no_answer():
    model = students("lstm that reads, then writes", 1)[0]
    tokens = inputs_of("lstm", 1, 1)[0]
    logits = model(tokens)[0]
    assert (logits[:2] == 0.0).all()
    for place in range(5):
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1) % 11
        moved = (model(changed)[0] - logits).abs().amax(dim=1)
        if place <= 2:
            assert moved[2:].min() > 1e-4
        else:
            assert moved.max() == 0.0


def test_the_states_of_the_lstm_are_those_of_the_published_cell():
    torch.manual_seed(0)
    model = LSTM((4,), 6, width=3)
    tokens = torch.tensor([[5, 0, 2, 2]])
    weight = {name: part.detach().numpy() for name, part in model.reader.named_parameters()}
    h, c = np.zeros(3), np.zeros(3)
    for place, token in enumerate(tokens[0]):
        x = model.token.weight[token].detach().numpy()
        gates = weight["weight_ih_l0"] @ x + weight["weight_hh_l0"] @ h
        gates = gates + weight["bias_ih_l0"] + weight["bias_hh_l0"]
        i, f, o = (1 / (1 + np.exp(-gates[3 * j : 3 * j + 3])) for j in (0, 1, 3))
        c = f * c + i * np.tanh(gates[6:9])
        h = o * np.tanh(c)
        wanted = model.head.weight.detach().numpy() @ h + model.head.bias.detach().numpy()
        stacked = model.stacked(stacked_parameters([model]), tokens[None])
        for logits in (model(tokens)[0], stacked[0, 0]):
            np.testing.assert_allclose(logits[place].detach().numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "tolerance"), [(1e-6, 1e-5), (1.0, 1e-5), (10.0, 1e-4), (80.0, 1e-2)]
)
def test_the_stacked_lstm_keeps_its_gradient_where_gates_are_open_or_shut(size, tolerance):
    modules, inputs = students("lstm", 2), inputs_of("lstm", 2, 4)
    with torch.no_grad():
        for part in itertools.chain.from_iterable(m.reader.parameters() for m in modules):
            part.mul_(size)
    parameters = stacked_parameters(modules)
    modules[0].stacked(parameters, inputs).pow(2).sum().backward()
    for i, module in enumerate(modules):
        exact = copy.deepcopy(module).double()
        exact(inputs[i]).pow(2).sum().backward()
        for name, own in exact.named_parameters():
            wrong = (parameters[name].grad[i] - own.grad).abs().max()
            # tanh through a sigmoid is right to 1e-7, however small tanh is.
            assert wrong <= tolerance * own.grad.abs().max() + 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (5, 2)}, r"shape \(5, 2\); try student.model=mlp"),
        ({"width": 0}, "width must be of whole numbers from 1 to 65,536, got 0"),
        ({"n_layers": 0}, "n_layers must be of whole numbers from 1 to 65,536, got 0"),
        ({"prompt_length": 5}, r"in \[1, l - 1 = 4\], got 5"),
        ({"prompt_length": 0}, r"in \[1, l - 1 = 4\], got 0"),
    ],
)
def test_an_lstm_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LSTM(**({"input_shape": (5,), "n_outputs": 11} | options))


def test_a_decoder_tells_positions_apart():
    decoder = students("decoder", 1)[0]
    logits = decoder(torch.full((1, 5), 2))[0]
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of n_heads = 5, got 12"):
        Decoder((5,), 11, width=12, n_heads=5)
