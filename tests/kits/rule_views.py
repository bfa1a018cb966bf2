"""Views and random lifetimes for tests of rules, and the contract that every rule keeps.

Legend: n students, k tasks.
"""

import numpy as np

from lessonplan.teacher.rules import Looks, View


class PermutedView(View):
    """A view whose tasks stand in another order, with the random numbers that belong to them."""

    places: np.ndarray

    def _uniform(self, decision, stream, count):
        drawn = super()._uniform(decision, stream, count)
        return drawn[:, self.places] if drawn.shape[1] == len(self.places) else drawn


def make_view(columns, last=None, decision=0, places=None, seed=3):
    """A view of columns (n, k) given by name.

    `key` names students 0, 1, 2, ... unless it is given, and all is `measured`. With `places` the
    tasks are shown in that order; `last` counts in the order of `columns`.
    """
    columns = {name: np.asarray(value, dtype=np.float64) for name, value in columns.items()}
    n, k = next(iter(columns.values())).shape
    columns.setdefault("key", np.broadcast_to(np.arange(n)[:, None] / 2**10, (n, k)))
    columns.setdefault("measured", np.ones((n, k)))
    shown = np.stack(list(columns.values()), axis=2)
    last = np.full(n, -1, dtype=np.int64) if last is None else np.asarray(last, dtype=np.int64)
    decisions = np.broadcast_to(np.asarray(decision, dtype=np.int64), (n,)).copy()
    if places is None:
        return View(shown, tuple(columns), last, decisions, seed)
    moved = np.where(last < 0, -1, np.argsort(places)[last])
    view = PermutedView(shown[:, places], tuple(columns), moved, decisions, seed)
    view.places = places
    return view


def random_lifetime(seed, n, k, decisions=7, padded=False, coarse=True, feedback="full"):
    """What n students show over some decisions: a list of (columns, last), and the last is -1.

    With `bandit` feedback only the task of the decision before counts as measured; the others show
    what nobody measured, which no rule may take for news.
    """
    rng = np.random.default_rng(seed)
    present = np.ones((n, k))
    if padded:
        present[:, 1:] = rng.random((n, k - 1)) < 0.7
    task = np.where(present > 0, np.cumsum(present, axis=1) - 1, 0)
    order = rng.permuted(np.tile(np.arange(k), (n, 1)), axis=1)
    fixed = {
        "present": present,
        "task": task,
        "order": order,
        "size": rng.random((n, k)),
        "threshold": rng.choice([0.8, 0.9, 0.95], (n, k)),
        "cost": rng.choice([0.5, 1.0, 4.0], (n, k)),
        "key": np.broadcast_to(np.arange(n)[:, None] / 2**10, (n, k)),
    }
    # Numbers of their own: those of the other columns stay what they were.
    shares = np.random.default_rng(seed + 1).random((decisions, n, k)) * present
    shares /= shares.sum(axis=2, keepdims=True)
    # And numbers of their own again.
    more = np.random.default_rng(seed + 2)
    fixed["difficulty"] = more.choice([0.0, 1.0, 2.0], (n, k))
    fixed["importance"] = more.choice([1.0, 2.0], (n, k))
    score, last, frames = rng.integers(0, 3, (n, k)) / 10, np.full(n, -1), []
    for i in range(decisions):
        # Coarse scores make ties, zeros and mastered tasks happen.
        step = rng.integers(-1, 5, (n, k)) / 10 if coarse else rng.normal(0.05, 0.1, (n, k))
        after = np.clip(score + step, 0, 1) if i else score
        changing = {"score": after, "progress:difference": after - score}
        changing["remaining"] = np.full((n, k), 1 - i / decisions)
        changing["last_share"] = shares[i] if i else np.zeros((n, k))
        changing["uncertainty"] = more.choice([0.0, 0.01, 0.05, 0.2], (n, k))
        changing["count"] = np.log1p(more.choice([0.0, 3.0, 100.0], (n, k)))
        changing["loss"] = 3 * (1 - after) * (0.5 + fixed["size"])
        chosen = (np.arange(k) == last[:, None]) if i else np.ones((n, k))
        changing["measured"] = present * (chosen if feedback == "bandit" else 1.0)
        frames.append((fixed | changing, last))
        score = after
        last = np.where(present > 0, rng.random((n, k)), -1).argmax(axis=1)
    return frames


def play(rule, frames, rows=None, places=None):
    """Probabilities after each decision of a lifetime, (decisions, rows, k)."""
    n, k = frames[0][0]["score"].shape
    rows = np.arange(n) if rows is None else rows
    memory, shown = rule.start(len(rows), k), []
    for i, (columns, last) in enumerate(frames):
        here = {name: value[rows] for name, value in columns.items()}
        view = make_view(here, last[rows], i, places)
        if i:
            before = {name: value.copy() for name, value in memory.items()}
            after = rule.observe(memory, view)
            for name, value in before.items():
                np.testing.assert_array_equal(memory[name], value, "observe changed its memory")
                assert after[name].shape == value.shape
                assert after[name].dtype == value.dtype
            memory = after
        memory = rule.look(memory, view) if isinstance(rule, Looks) else memory
        shown.append(rule.probabilities(memory, view))
    return np.array(shown)


def check_rule(rule, seed, n, k, padded, feedback="full"):
    """What holds for every rule: distributions, independent rows, no favourite place."""
    frames = random_lifetime(seed, n, k, padded=padded, feedback=feedback)
    together = play(rule, frames)
    assert together.dtype == np.float64
    assert together.shape == (len(frames), n, k)
    assert (together >= 0).all()
    np.testing.assert_allclose(together.sum(axis=2), 1, atol=1e-12)
    absent = frames[0][0]["present"] == 0
    assert (together[:, absent] == 0).all()

    row = np.array([seed % n])
    np.testing.assert_array_equal(play(rule, frames, rows=row), together[:, row])

    places = np.random.default_rng(seed + 1).permutation(k)
    permuted = play(rule, frames, places=places)
    np.testing.assert_allclose(permuted, together[:, :, places], atol=1e-12)
