"""Checkpoints hold tensors and plain values, and what else is in one is opened with trust alone."""

import numpy as np
import pytest
import torch
from poisoned_files import evil_weights
from stranger_kit import Strangers

from lessonplan.experiments.common.files import read_checkpoint, write_checkpoint
from lessonplan.experiments.common.trust import trusting

STATE = {
    "array": np.linspace(0, 1, 6).reshape(2, 3),
    "count": np.int64(3),
    "moments": [torch.ones(2), (np.array([True]), None)],
    "stream": np.random.default_rng(0).bit_generator.state,
    "rows": {0: {"step": 1}, "bytes": b"PK"},
}


def test_what_is_kept_is_read_back_to_the_bit_and_opened_by_anybody_without_a_pickle(tmp_path):
    write_checkpoint(tmp_path / "unit.pt", STATE)
    torch.load(tmp_path / "unit.pt", weights_only=True)
    read = read_checkpoint(tmp_path / "unit.pt")
    assert torch.equal(read["moments"].pop(0), STATE["moments"][0])
    np.testing.assert_equal(read, STATE | {"moments": STATE["moments"][1:]})
    assert (read["array"].dtype, type(read["count"])) == (np.float64, np.int64)
    assert read["array"].flags.writeable


def test_what_can_not_be_kept_so_is_named_with_its_place(tmp_path):
    words = r"the checkpoint\['rows'\]\[1\] is a slice; a state must be made of tensors"
    with pytest.raises(ValueError, match=words):
        write_checkpoint(tmp_path / "unit.pt", {"rows": [0, slice(1)]})
    assert list(tmp_path.iterdir()) == []


def test_one_of_strangers_runs_nothing_and_with_trust_it_does(tmp_path):
    strangers = Strangers(tmp_path / "strangers")
    file = tmp_path / "unit.pt"
    file.write_bytes(evil_weights(strangers, "a checkpoint"))
    words = r"unit.pt holds pickles, .* which can run any code .* add --trust, or delete it"
    with pytest.raises(ValueError, match=words):
        read_checkpoint(file)
    assert strangers.left == []
    with trusting():
        assert isinstance(read_checkpoint(file), dict)
    assert strangers.left == ["a checkpoint was unpickled"]


def test_one_of_an_earlier_version_is_read_with_trust(tmp_path):
    torch.save({"array": np.arange(3), "seconds": 1.5}, tmp_path / "unit.pt")
    with pytest.raises(ValueError, match="as those of earlier versions do"):
        read_checkpoint(tmp_path / "unit.pt")
    with trusting():
        state = read_checkpoint(tmp_path / "unit.pt")
    np.testing.assert_equal(state, {"array": np.arange(3), "seconds": 1.5})


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04half", b"cos\nsystem\n."])
def test_a_damaged_one_is_said_to_be_whether_it_is_trusted_or_not(content, trust, tmp_path):
    (tmp_path / "unit.pt").write_bytes(content)
    with trusting(trust), pytest.raises(ValueError, match=r"unit.pt (is damaged|holds pickles)"):
        read_checkpoint(tmp_path / "unit.pt")
