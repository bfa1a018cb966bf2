"""The contract of a cohort: solo equals member, neighbours don't matter, resume is exact."""

import hashlib
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from cohort_kit import BUILDS, LESSONS, PARITY, figures, make, member, teach
from new_process import run_python

from lessonplan.student import MLP, StackedCohort


@contextmanager
def torch_threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("kind", BUILDS)
def test_solo_equals_member_to_the_bit(kind):
    with torch_threads(1):
        solo = make(kind, n=1)
        solo.reset(np.array([0]), np.array([77]))
        losses = teach(solo)
    for n, chunk, threads, inside in ((1, 4, 1, 2), (3, None, 2, 1), (7, 3, 2, 2), (7, 1, 1, 1)):
        with torch_threads(inside):
            cohort, row = make(kind, n=n, chunk=chunk, threads=threads), n - 1
            cohort.reset(np.array([row]), np.array([77]))
            found = teach(cohort)
            assert torch.get_num_threads() == inside
            assert member(cohort, row) == member(solo, 0)
            assert figures(cohort, row) == figures(solo, 0)
        for mine, its in zip(found, losses, strict=True):
            assert [x[row] for x in mine.figures.values()] == [x[0] for x in its.figures.values()]


@pytest.mark.parametrize(
    ("hidden", "batch_size"), [((3,), 1), ((64,), 1), ((33, 5), 7), ((64, 64), 32)]
)
def test_members_at_all_places_of_a_chunk_equal_the_solo(hidden, batch_size):
    # Widths and batches off the vector registers shift where each member's numbers lie.
    def build():
        return MLP(PARITY.input_shape, 2, hidden)

    solo, cohort = (StackedCohort(PARITY, build, n, batch_size=batch_size) for n in (1, 9))
    solo.reset(np.array([0]), np.array([5]))
    cohort.reset(np.arange(9), np.full(9, 5))
    teach(solo)
    teach(cohort)
    assert {member(cohort, row) for row in range(9)} == {member(solo, 0)}


def test_students_whose_place_would_matter_run_one_by_one():
    class Placed(MLP):
        """Rounds by its place, as some products of odd sizes do."""

        def stacked(self, parameters, inputs):
            place = torch.arange(len(inputs)).view(-1, 1, 1, 1) * 1e-7
            return super().stacked(parameters, inputs) * (1 + place)

    def build():
        return Placed(PARITY.input_shape, 2, (16,))

    solo, cohort = (StackedCohort(PARITY, build, n, batch_size=8) for n in (1, 4))
    cohort.reset(np.array([3]), np.array([0]))
    teach(solo)
    teach(cohort)
    assert member(cohort, 3) == member(solo, 0)


@pytest.mark.parametrize("kind", ["mlp", "decoder", "lstm", "lstm with a decoder", "any module"])
def test_students_of_usual_sizes_run_together(kind):
    assert not make(kind).stack.alone


@pytest.mark.parametrize("kind", ["any module", "large module"])
def test_threads_that_call_the_same_module_do_not_meet(kind):
    one, several = (make(kind, n=24, chunk=2, threads=threads) for threads in (1, 4))
    for cohort in (one, several):
        teach(cohort, [np.full(3, 1 / 3)] * 5)
    assert [member(several, row) for row in range(24)] == [member(one, row) for row in range(24)]


@pytest.mark.parametrize("kind", BUILDS)
def test_neighbours_do_not_matter(kind):
    quiet, busy = make(kind), make(kind)
    teach(quiet)
    for i, row in enumerate(LESSONS):
        busy.train(np.stack([np.eye(3)[i], row, np.eye(3)[2], row]), 4)
        busy.reset(np.array([0]), np.array([100 + i]))
        if i == 1:
            state = busy.state_dict()
            state["weights"][2] = torch.nan
            busy.load_state_dict(state)
    assert busy.diverged.tolist() == [False, False, True, False]
    for row in (1, 3):
        assert member(busy, row) == member(quiet, row)
        assert figures(busy, row) == figures(quiet, row)
    assert member(busy, 0) != member(quiet, 0)


def test_training_some_members_leaves_the_others_alone():
    cohort, apart = make(), make()
    before = [member(cohort, row) for row in range(4)]
    teach(cohort, rows=np.array([3, 1]))
    teach(apart)
    assert [member(cohort, row) for row in (0, 2)] == [before[0], before[2]]
    assert [member(cohort, row) for row in (1, 3)] == [member(apart, row) for row in (1, 3)]


def test_a_reset_member_starts_like_a_new_one_counter_and_all():
    cohort, fresh = make(), make()
    teach(cohort)
    cohort.reset(np.array([2]), np.array([9]))
    fresh.reset(np.array([2]), np.array([9]))
    assert member(cohort, 2) == member(fresh, 2)
    teach(cohort)
    teach(fresh)
    assert member(cohort, 2) == member(fresh, 2)
    assert cohort.state_dict()["taken"].tolist() == [24.0, 24.0, 12.0, 24.0]


RESUME = """
    import sys
    import numpy as np
    import torch
    from lessonplan.student import MLP, Adam, StackedCohort, parity

    suite = parity(n_tasks=3, n_signs=8)
    cohort = StackedCohort(suite, lambda: MLP(suite.input_shape, 2, (20, 12)), 4, batch_size=8,
                           optimizer=Adam(1e-2), evaluation_size=10)
    cohort.load_state_dict(torch.load(sys.argv[1], weights_only=True))
    for row in ([0, 1, 0], [0.2, 0.5, 0.3], [1, 0, 0]):
        cohort.train(np.broadcast_to(np.array(row, dtype=float), (4, 3)), 4)
    torch.save(cohort.state_dict(), sys.argv[2])
    print(cohort.evaluate("test").loss.tobytes().hex(), cohort.diverged.tolist())
"""


@pytest.mark.slow
def test_resume_in_a_new_process_is_exact(tmp_path):
    cohort = make()
    cohort.reset(np.arange(4), np.arange(20, 24))
    teach(cohort)
    state = cohort.state_dict()
    state["weights"][3] = torch.inf
    cohort.load_state_dict(state)
    teach(cohort)
    torch.save(cohort.state_dict(), tmp_path / "saved.pt")
    printed = run_python(RESUME, tmp_path / "saved.pt", tmp_path / "after.pt", cwd=tmp_path)
    teach(cohort)
    loss = cohort.evaluate("test").loss.tobytes().hex()
    assert printed.split(maxsplit=1) == [loss, f"{[False, False, False, True]}\n"]
    other = make()
    other.evaluate("test")
    other.load_state_dict(torch.load(tmp_path / "after.pt", weights_only=True))
    assert other.diverged.tolist() == [False, False, False, True]
    assert other.evaluate("test").loss.tobytes().hex() == loss
    for row in range(4):
        mine, its = (hashlib.sha256(member(c, row)).hexdigest() for c in (cohort, other))
        assert mine == its


def test_a_saved_state_does_not_change_with_the_cohort():
    cohort = make()
    state = cohort.state_dict()
    weights, drawn = state["weights"].clone(), state["drawn"].clone()
    teach(cohort)
    assert torch.equal(state["weights"], weights)
    assert torch.equal(state["drawn"], drawn)
    assert not torch.equal(cohort.state_dict()["weights"], weights)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_the_same_within_rounding():
    for kind in ("mlp", "decoder", "any module"):
        near, far = make(kind), make(kind, device="cuda")
        teach(near)
        teach(far)
        mine, its = near.state_dict()["weights"], far.state_dict()["weights"].cpu()
        torch.testing.assert_close(mine, its, rtol=1e-2, atol=1e-3)
