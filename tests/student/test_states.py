"""States travel without pickles and are what they were, to the bit."""

import io
from collections import Counter, OrderedDict, defaultdict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lessonplan.student import plain_state, restored_state, states

KINDS = ("b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16")


def stored(state):
    """A state that was written by PyTorch and read without running anything."""
    file = io.BytesIO()
    torch.save(plain_state(state), file)
    file.seek(0)
    return restored_state(torch.load(file, weights_only=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_arrays_are_arrays_again(kind, shape):
    array = np.array(np.arange(np.prod(shape, dtype=int)).reshape(shape) - 1).astype(kind)
    read = stored({"a": array})["a"]
    assert (read.dtype, read.shape, type(read)) == (array.dtype, shape, np.ndarray)
    np.testing.assert_array_equal(read, array)
    read[...] = 0
    scalar = array.dtype.type(1)
    assert type(stored([scalar])[0]) is type(scalar)
    assert stored([scalar])[0] == scalar


def test_values_that_are_no_numbers_stay():
    array = np.array([np.nan, -0.0, np.inf])
    assert stored(array).tobytes() == array.tobytes()


def test_all_else_that_is_plain_is_as_it_was():
    streams = [torch.Generator().get_state(), np.random.default_rng(3).bit_generator.state]
    module = nn.BatchNorm1d(2)
    state = {
        "streams": streams, "module": module.state_dict(), "size": torch.Size([2]),
        "rows": ({0: None, "b": 1.5}, [], "", b"x", 2**100, True), "none": None,
    }  # fmt: skip
    read = stored(state)
    assert torch.equal(read["streams"].pop(0), streams.pop(0))
    assert type(read["module"]) is OrderedDict
    assert read["module"]._metadata == state["module"]._metadata
    for name, value in state.pop("module").items():
        assert torch.equal(read["module"][name], value)
    del read["module"]
    np.testing.assert_equal(read, state)
    assert type(read["rows"]) is tuple


def test_one_that_was_never_made_plain_stays_too():
    state = {"a": np.arange(3), "b": [torch.ones(1), {"numpy": 1}]}
    assert restored_state(state) == state


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), r"state\['x'\]\[0\] is a object; a state must be made of tensors"),
        ({1}, "is a set"),
        (namedtuple("Pair", "a b")(1, 2), "is a Pair"),
        (np.array(["a"]), r"state\['x'\]\[0\] is an array of <U1, which can't be stored"),
        (np.array([None]), "is an array of object"),
        ({(1, 2): 3}, r"has the key \(1, 2\); the keys of a state must be texts or numbers"),
        (lambda: 0, "is a function"),
        (defaultdict(list, a=[1]), "is a defaultdict; a state must be made of"),
        (Counter("ab"), "is a Counter"),
    ],
)
def test_what_is_not_plain_is_named_with_its_place(value, words):
    with pytest.raises(ValueError, match=words):
        plain_state({"x": [value]})


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_lie_in_memory_as_they_did(order):
    array = np.asarray(np.random.default_rng(0).normal(size=(7, 300)), order=order)
    for one in (array, array.T, array[::2, ::-1]):
        read = stored({"a": one})["a"]
        kept = one.copy(order="K")
        assert read.strides == kept.strides
        assert read.sum() == kept.sum()
        np.testing.assert_array_equal(read, one)


def test_an_array_that_was_loaded_to_another_device_is_of_numpy_again():
    plain = plain_state({"a": np.arange(3.0)})
    moved = {name: SimpleNamespace(cpu=lambda one=one: one) for name, one in plain["a"].items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(states, "Tensor", SimpleNamespace)
        assert restored_state({"a": moved})["a"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("kind", [">f8", ">i4", "U3", "O", "M8[s]"])
def test_arrays_that_no_tensor_holds_are_named(kind):
    with pytest.raises(ValueError, match=r"state\['a'\] is an array of .*, which can't be stored"):
        plain_state({"a": np.zeros(2).astype(kind)})
