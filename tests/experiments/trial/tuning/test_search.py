"""The optimiser finds known optima, goes on from what it was told, and knows when to end."""

import numpy as np
import pytest

from lessonplan.experiments.trial.teaching import Worth
from lessonplan.experiments.trial.tuning import Search, Space, has_gained
from lessonplan.experiments.trial.tuning.parameters import Category, Mixture, Range


def found(parameters, cost, count, seed=0, mastered=1):
    """The best of so many settings; without anybody who mastered the area is what counts."""
    space = Space({}, parameters, None, {})
    search, best, tried = Search(space, seed), None, 0
    while tried < count:
        asked = search.ask()
        costs = [cost(**one) for one in asked]
        told = [Worth(one if mastered else 100.0, -one, mastered) for one in costs]
        search.tell(told)
        tried += len(asked)
        best = min([best or (np.inf, None), *zip(costs, asked, strict=True)], key=lambda p: p[0])
    return best[1]


@pytest.mark.parametrize("mastered", [1, 0])
def test_the_best_mixture_of_six_tasks_is_found(mastered):
    shares = np.array([0.05, 0.1, 0.1, 0.15, 0.2, 0.4])

    def cost(weights):
        return float((np.log(np.array(weights) / shares) ** 2).sum())

    best = found({"weights": Mixture(6)}, cost, 600, mastered=mastered)
    np.testing.assert_allclose(best["weights"], shares, rtol=0.1)


def test_choices_whole_numbers_and_ranges_are_found_together():
    parameters = {
        "choice": Category(("a", "b", "c")),
        "count": Range(1, 9, whole=True),
        "rate": Range(1e-4, 1.0, log=True),
        "flag": Category((False, True)),
    }

    def cost(choice, count, rate, flag):
        return "cab".index(choice) + abs(count - 7) + abs(np.log10(rate) + 3) + (not flag)

    best = found(parameters, cost, 400)
    assert (best["choice"], best["count"], best["flag"]) == ("c", 7, True)
    assert best["rate"] == pytest.approx(1e-3, rel=0.2)


@pytest.mark.parametrize(
    "parameter", [Range(0.0, 1.0), Category((0.1, 0.3, 0.5)), Range(0, 1, True)]
)
def test_one_axis_is_enough(parameter):
    best = found({"gate": parameter}, lambda gate: abs(gate - 0.3), 100)
    assert best["gate"] == pytest.approx(0.3, abs=0.31)


def test_what_is_asked_follows_from_the_seed_and_from_what_was_told():
    space = Space({"fixed": 3}, {"weights": Mixture(3), "gate": Range(0.0, 1.0)}, None, {})

    def asked(seed, told):
        search, every = Search(space, seed), []
        for cost in told:
            every.append(search.ask())
            search.tell([Worth(cost * i, 0.5, 1) for i in range(len(every[-1]))])
        return [*every, search.ask()]

    assert asked(0, [1.0, 1.0]) == asked(0, [1.0, 1.0])
    assert asked(0, [1.0, 1.0]) != asked(1, [1.0, 1.0])
    # It is told ranks: only another order of the last generation leads elsewhere.
    assert asked(0, [1.0, 2.0]) == asked(0, [1.0, 1.0])
    assert asked(0, [1.0, -1.0])[:2] == asked(0, [1.0, 1.0])[:2]
    assert asked(0, [1.0, -1.0])[2] != asked(0, [1.0, 1.0])[2]
    assert asked(0, [])[0][0]["fixed"] == 3


def test_where_it_has_converged_it_begins_anew_with_more():
    space = Space({}, {"gate": Range(0.0, 1.0), "share": Range(0.0, 1.0)}, None, {})
    search, sizes = Search(space, 0), set()
    for _ in range(400):
        asked = search.ask()
        sizes.add(len(asked))
        search.tell([Worth((one["gate"] - 0.3) ** 2 + one["share"], 0.0, 1) for one in asked])
    assert len(sizes) > 1
    assert max(sizes) >= 2 * min(sizes)


def losses(*means, wobble=0.0):
    """Candidates whose students lose their mean, and every second one more or less by a wobble."""
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    return np.array([mean + i * wobble * signs for i, mean in enumerate(means)])


def test_a_last_fifth_without_a_gain_is_seen():
    # The best of the first eight is 5; of the last two none is better, or one is by 1.
    assert not has_gained(losses(9, 8, 7, 5, 9, 9, 6, 6, 7, 5))
    assert has_gained(losses(9, 8, 7, 5, 9, 9, 6, 6, 8, 4))
    # A gain before the last fifth does not count.
    assert not has_gained(losses(9, 8, 7, 9, 9, 9, 5, 4, 5, 5))


def test_a_search_that_still_moves_has_gained_though_its_best_is_old():
    # 7 and 6 on the whole after 8 and 8, while the best is the fourth.
    assert has_gained(losses(9, 8, 7, 5, 9, 9, 8, 8, 7, 6))
    assert not has_gained(losses(9, 8, 7, 5, 9, 9, 8, 8, 8, 8))


def test_a_gain_is_none_within_its_standard_error():
    # The best before is the first, the best of all the last; their difference wobbles by 4 x 1.
    # Its mean is the gain, its standard error 4 x (2 / sqrt(3)) / 2 = 2.31. The last is not ahead
    # of the one before it: that is 8, or 7, as well.
    assert not has_gained(np.array(losses(10, 11, 11, 8, 8, wobble=1.0)[[0, 1, 2, 0, 4]]))
    assert has_gained(np.array(losses(10, 11, 11, 7, 7, wobble=1.0)[[0, 1, 2, 0, 4]]))


def test_with_one_student_any_gain_is_one():
    assert has_gained(np.array([[3.0], [3.0], [3.0], [3.0], [2.9]]))
    assert not has_gained(np.array([[3.0], [3.0], [3.0], [3.0], [3.0]]))


def test_the_middle_of_a_search_leaves_the_noise_of_single_settings_behind():
    space = Space({}, {"weights": Mixture(4)}, None, {})
    generator, search = np.random.default_rng(0), Search(space, 0)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    off, best = lambda one: np.abs(np.log(one["weights"] / shares)).max(), []
    for _ in range(60):
        asked = search.ask()
        costs = [off(one) ** 2 + generator.normal(0, 0.2) for one in asked]
        search.tell([Worth(cost, 0.0, 1) for cost in costs])
        best += zip(costs, map(off, asked), strict=True)
    assert off(search.middle) < 0.25
    # The ten that seemed best were lucky as well.
    assert off(search.middle) < np.mean([far for _, far in sorted(best)[:10]])
