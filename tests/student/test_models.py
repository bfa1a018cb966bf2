"""The models' own leading-axis versions against their ordinary forward, and what they may see."""

import pytest
import torch

from lessonplan.student import MLP, Decoder
from lessonplan.student.scoring import batch_loss

BUILDS = {
    "mlp": lambda: MLP((3, 2), 4, (7, 5)),
    "mlp without hidden layers": lambda: MLP((6,), 4, ()),
    "decoder": lambda: Decoder((5,), 11, width=12, n_layers=2, n_heads=3),
}


def inputs_of(name, n, batch):
    generator = torch.Generator().manual_seed(0)
    if name == "decoder":
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


def test_a_decoder_does_not_look_ahead():
    decoder = students("decoder", 1)[0]
    tokens = inputs_of("decoder", 1, 1)[0]
    changed = tokens.clone()
    changed[0, 3] = (changed[0, 3] + 1) % 11
    before, after = decoder(tokens)[0], decoder(changed)[0]
    torch.testing.assert_close(before[:3], after[:3])
    assert (before[3:] - after[3:]).abs().amax(dim=1).min() > 1e-3


def test_a_decoder_tells_positions_apart():
    decoder = students("decoder", 1)[0]
    logits = decoder(torch.full((1, 5), 2))[0]
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of n_heads = 5, got 12"):
        Decoder((5,), 11, width=12, n_heads=5)
