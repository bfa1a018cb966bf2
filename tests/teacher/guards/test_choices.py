"""What each guard does in a lifetime, decision by decision, worked out by hand.

Legend: n students, k tasks.
"""

import numpy as np
from rule_views import make_view

from lessonplan.teacher import (
    AgainstHarm,
    AgainstOverfitting,
    BringBack,
    Floors,
    Milestones,
    Patience,
    Reframe,
    Review,
    StaticMixture,
)

HALF = StaticMixture((0.5, 0.5))


def lifetime(rule, **columns):
    """Shares after each decision, (decisions, k), where columns are (decisions, k) of one student.

    A column of one number is that number everywhere.
    """
    count = max(len(np.atleast_2d(value)) for value in columns.values())
    memory, shares = rule.start(1, 2), []
    for i in range(count):
        now = {}
        for name, value in columns.items():
            table = np.broadcast_to(np.asarray(value, dtype=float), (count, 2))
            now[name] = table[i][None]
        view = make_view(now | {"task": [[0.0, 1.0]]}, decision=i)
        memory = rule.look(memory, view)
        shares.append(rule.probabilities(memory, view)[0])
    return np.array(shares)


def test_what_has_fallen_gets_its_share_until_it_is_back():
    """At 0.9 with an error of 0.02 the best is 0.86; 0.7 + 0.04 + 0.05 is below, 0.8 + 0.09 not."""
    scores = [[0.9, 0.1], [0.8, 0.1], [0.7, 0.1], [0.85, 0.1], [0.86, 0.1]]
    shares = lifetime(BringBack(HALF, share=0.6), score=scores, uncertainty=0.02)
    fallen = [0.5 * 0.4 + 0.6, 0.5 * 0.4]
    np.testing.assert_allclose(shares, [[0.5, 0.5], [0.5, 0.5], fallen, fallen, [0.5, 0.5]])


def test_what_nobody_is_certain_of_has_not_fallen():
    scores = [[0.9, 0.1], [0.4, 0.1]]
    errors = [[0.02, 0.02], [0.3, 0.02]]
    shares = lifetime(BringBack(HALF), score=scores, uncertainty=errors)
    np.testing.assert_array_equal(shares, [[0.5, 0.5]] * 2)


def test_reviews_come_at_growing_intervals_and_begin_anew_after_a_fall():
    """Mastered at once: due after 2 decisions, then after 4; a fall, and after 2 again."""
    bare = StaticMixture((0.0, 1.0))
    passed = [1.0] * 8 + [0.5] + [1.0] * 4
    scores = [[score, 0.1] for score in passed]
    guarded, due, given = Review(bare, share=0.3, first=2.0, growth=2.0), [], 0.0
    memory = guarded.start(1, 2)
    for i, score in enumerate(scores):
        view = make_view(
            {
                "score": [score],
                "threshold": [[0.9, 0.9]],
                "last_share": [[given, 1.0 - given]],
                "task": [[0.0, 1.0]],
            },
            decision=i,
        )
        memory = guarded.look(memory, view)
        shares = guarded.probabilities(memory, view)[0]
        given = shares[0]
        due += [i] if given > 0.0 else []
        np.testing.assert_allclose(shares, [0.3, 0.7] if given else [0.0, 1.0])
    assert due == [2, 7, 11]


def test_what_is_due_stays_due_until_it_was_trained():
    """A teacher of single tasks may draw another one: the review is not over with that."""
    columns = {"score": [[1.0, 0.1]] * 4, "threshold": 0.9, "last_share": [[0.0, 1.0]] * 4}
    shares = lifetime(Review(StaticMixture((0.0, 1.0)), share=0.3, first=1.0), **columns)
    np.testing.assert_allclose(shares[:, 0], [0.0, 0.3, 0.3, 0.3])


def test_those_that_are_due_together_share():
    shares = lifetime(
        Review(HALF, share=0.5, first=1.0), score=[[1.0, 1.0]] * 2, threshold=0.9, last_share=0.0
    )
    np.testing.assert_allclose(shares, [[0.5, 0.5]] * 2)


def test_milestones_close_what_is_certainly_mastered_and_open_it_again():
    """0.95 - 0.04 is at the threshold of 0.9 twice: closed at 0.95; below 0.9 - 0.04 it opens."""
    scores = [[0.95, 0.1], [0.92, 0.1], [0.95, 0.1], [0.95, 0.1], [0.87, 0.1], [0.85, 0.1]]
    shares = lifetime(
        Milestones(HALF, errors=2.0, streak=2, reopen=0.05),
        score=scores, uncertainty=0.02, threshold=0.9, loss=1.0, last_share=0.5, size=0.5,
    )  # fmt: skip
    closed, open_ = [0.0, 1.0], [0.5, 0.5]
    np.testing.assert_allclose(shares, [open_, open_, open_, closed, closed, open_])


def test_a_loss_that_stands_still_closes_a_task_that_was_trained():
    """The first has to fall below 0.9 of its lowest loss; the second was not trained at all."""
    losses = [[2.0, 1.0], [1.5, 1.0], [1.4, 1.0], [1.36, 1.0]]
    shares = lifetime(
        Milestones(HALF, streak=2, plateau=0.1),
        score=0.1, uncertainty=0.02, threshold=0.9, loss=losses,
        last_share=[[0.0, 0.0]] + [[1.0, 0.0]] * 3, size=0.5,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.5, 0.5]] * 3 + [[0.0, 1.0]])


def test_where_all_is_closed_the_data_are_trained():
    shares = lifetime(
        Milestones(HALF, streak=1), score=1.0, uncertainty=0.0, threshold=0.9,
        loss=1.0, last_share=0.5, size=[[0.2, 0.8]],
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.2, 0.8]])


def test_little_known_tasks_keep_their_share_of_the_data():
    """16 / (16 + c): with 0 examples the whole 0.2, with 48 a quarter of it; then scaled to 1."""
    shares = lifetime(
        AgainstHarm(StaticMixture((0.0, 1.0)), known=16.0), score=0.5, uncertainty=0.1,
        threshold=0.9, last_share=0.5, importance=1.0,
        count=[[0.0, 9.0], [np.log(49.0), 9.0]], size=[[0.2, 0.8]] * 2,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.2 / 1.2, 1.0 / 1.2], [0.05 / 1.05, 1.0 / 1.05]])


def test_a_rule_that_does_harm_gives_way_to_the_data_for_good():
    """The mean falls from 0.8 to 0.6: errors of 0.02 each in the mean, 2 of their difference 0.057.

    Weighted by importance 3 to 1 means are of the first task mostly. It is below in decisions 1, 2
    and 4, 5, 6, the first three in a row; that it rises again later changes nothing.
    """
    scores = [[0.8, 0.8]] + [[0.6, 0.6]] * 2 + [[0.76, 0.76]] + [[0.6, 0.6]] * 3 + [[1.0, 1.0]]
    error = 0.02 / np.sqrt(0.75**2 + 0.25**2)
    shares = lifetime(
        AgainstHarm(HALF, patience=3, known=0.0), score=scores, uncertainty=error, count=9.0,
        threshold=1.1, last_share=0.5, importance=[[3.0, 1.0]] * 8, size=[[0.2, 0.8]] * 8,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.5, 0.5]] * 6 + [[0.2, 0.8]] * 2)


def test_a_rule_that_goes_on_with_what_is_mastered_gives_way_to_the_data():
    """The first is mastered for certain from decision 1 on, and got 0.3 more than its 0.2.

    In decision 3 it got no more than 0.1 above it, so the three in a row are 4, 5 and 6.
    """
    got = [[0.5, 0.5]] * 3 + [[0.3, 0.7]] + [[0.5, 0.5]] * 4
    scores = [[0.93, 0.1]] + [[0.95, 0.1]] * 7
    shares = lifetime(
        AgainstHarm(HALF, patience=3, known=0.0), score=scores, uncertainty=0.02, count=9.0,
        threshold=0.9, last_share=got, importance=1.0, size=[[0.2, 0.8]] * 8,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.5, 0.5]] * 6 + [[0.2, 0.8]] * 2)


def ends(guard, **columns):
    """After which decisions a guard has a lifetime end."""
    count = max(len(np.atleast_2d(value)) for value in columns.values())
    memory, found = guard.start(1, 2), []
    for i in range(count):
        now = {
            name: np.broadcast_to(np.asarray(value, dtype=float), (count, 2))[i][None]
            for name, value in columns.items()
        }
        view = make_view(now | {"task": [[0.0, 1.0]]}, decision=i)
        memory = guard.look(memory, view)
        asked = guard.asks(memory, view)
        found += [i] if "stop" in asked and asked["stop"][0] else []
    return found


def turned(to, score, still=2, **more):
    """Shares when nothing has moved for that many decisions, from 0.6, 0.1 and 0.3."""
    rule = StaticMixture((0.6, 0.1, 0.3))
    guard = Reframe(rule, decisions=2, share=0.5, to=to, **more)
    memory = guard.start(1, 3)
    for decision in range(still + 1):
        columns = {
            "score": [score], "threshold": [[0.9] * 3], "importance": [[1.0] * 3],
            "difficulty": [[3.0, 1.0, 2.0]], "task": [[0.0, 1.0, 2.0]],
        }  # fmt: skip
        view = make_view(columns, decision=decision)
        memory = guard.look(memory, view)
    return guard.probabilities(memory, view)[0]


def test_where_nothing_moves_part_of_the_choice_turns_to_something_else():
    low = [0.1, 0.1, 0.1]
    np.testing.assert_allclose(turned("everything", low, still=1), [0.6, 0.1, 0.3])
    sixth = 0.5 / 3
    np.testing.assert_allclose(turned("everything", low), [0.3 + sixth, 0.05 + sixth, 0.15 + sixth])
    # Both others are easier than the first, which gets most; one of them is mastered.
    np.testing.assert_allclose(turned("easier", low), [0.3, 0.05 + 0.25, 0.15 + 0.25])
    np.testing.assert_allclose(turned("easier", [0.1, 0.95, 0.1]), [0.3, 0.05, 0.15 + 0.5])
    # Where there is none, all share.
    done = turned("easier", [0.1, 0.95, 0.95])
    np.testing.assert_allclose(done, [0.3 + sixth, 0.05 + sixth, 0.15 + sixth])


def test_it_turns_to_what_the_task_that_gets_most_needs():
    graph = ((1,), (), (0, 1))
    needed = turned("prerequisites", [0.1, 0.1, 0.1], prerequisites=graph)
    np.testing.assert_allclose(needed, [0.3, 0.05 + 0.5, 0.15])


def test_it_turns_back_when_the_mean_rises():
    guard = Reframe(HALF, decisions=1, share=1.0, to="easier")
    shares = lifetime(
        guard, score=[[0.1, 0.1], [0.1, 0.1], [0.2, 0.1], [0.1, 0.1]], threshold=0.9,
        importance=1.0, difficulty=[[2.0, 1.0]] * 4,
    )  # fmt: skip
    np.testing.assert_allclose(shares, [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.0, 1.0]])


def test_what_falls_below_its_floor_has_a_price_that_rises_until_it_is_back():
    """Missing are 0.1, 0.3, -0.2 and -0.4: prices 0.1, 0.4, 0.2 and 0; a tenth in any case."""
    guard = Floors(HALF, at={"a": 0.5}, errors=0.0, least=0.1, names=("a", "b"))
    shares = lifetime(
        guard, score=[[0.4, 0.0], [0.2, 0.0], [0.7, 0.0], [0.9, 0.0]], uncertainty=0.1
    )
    part = np.array([0.1, 0.4 / 1.4, 0.2 / 1.2, 0.1])
    np.testing.assert_allclose(shares[:, 0], 0.5 * (1 - part) + part)


def test_a_floor_below_the_start_goes_by_the_first_measurement():
    """0.6 at first, so 0.5 is the floor: 0.3 is 0.2 below it, and 0.1 of error besides."""
    guard = Floors(HALF, below_start={"b": 0.1}, least=0.0, names=("a", "b"))
    columns = {"score": [[0.0, 0.6], [0.0, 0.3], [0.0, 0.0]], "uncertainty": 0.1}
    measured = [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    shares = lifetime(guard, **columns, measured=measured)
    part = np.array([0.0, 0.3 / 1.3, 0.3 / 1.3])
    np.testing.assert_allclose(shares[:, 1], 0.5 * (1 - part) + part)


def test_floors_of_several_tasks_share_by_their_prices_and_are_bounded():
    rule = StaticMixture((0.0, 1.0))
    guard = Floors(rule, at={"a": 0.9, "b": 0.3}, errors=0.0, most=0.5, names=("a", "b"))
    shares = lifetime(guard, score=[[0.0, 0.2]], uncertainty=0.0)
    part = 0.6 / 1.6
    np.testing.assert_allclose(shares, [[part * 0.5 / 0.6, 1 - part + part * 0.1 / 0.6]])


def test_what_overfits_is_dropped_and_the_student_goes_back_to_before_it_did():
    """0.5 is the lowest; 0.52 and 0.6 wait, and 0.6 is above 1.1 times 0.5. Then all is anew."""
    losses = [[0.7, 0.9], [0.5, 0.8], [0.52, 0.7], [0.6, 0.6], [0.4, 0.65], [0.4, 0.7], [0.4, 0.8]]
    guard = AgainstOverfitting(HALF, patience=2, rise=0.1)
    memory, keeps, backs, stops, shares = guard.start(1, 2), [], [], [], []
    for decision, loss in enumerate(losses):
        columns = {
            "loss": [loss], "last_share": [[0.5, 0.5]] if decision else [[0.0, 0.0]],
            "size": [[0.2, 0.8]], "task": [[0.0, 1.0]],
        }  # fmt: skip
        view = make_view(columns, decision=decision)
        memory = guard.look(memory, view)
        asked = guard.asks(memory, view)
        keeps.append(np.flatnonzero(asked["keep"][0]).tolist())
        backs.append(int(asked["go_back"][0]))
        stops.append(bool(asked["stop"][0]))
        shares.append(guard.probabilities(memory, view)[0].tolist())
    assert asked["keep"].shape == (1, 3)
    assert keeps == [[0, 1], [0, 1], [1], [], [1], [], []]
    assert backs == [-1, -1, -1, 0, -1, -1, 1]
    assert stops == [False] * 6 + [True]
    assert shares == [[0.5, 0.5]] * 3 + [[0.0, 1.0]] * 3 + [[0.2, 0.8]]


def test_what_is_not_trained_or_not_measured_does_not_overfit():
    columns = {"loss": [[0.5, 0.5]] + [[0.9, 0.9]] * 4, "size": 0.5, "measured": [[1.0, 0.0]] * 5}
    guard = AgainstOverfitting(HALF, patience=1)
    shares = lifetime(guard, **columns, last_share=[[0.0, 1.0]] * 5)
    np.testing.assert_array_equal(shares, [[0.5, 0.5]] * 5)


def test_patience_is_over_when_the_mean_score_has_not_risen():
    """Means 0.1, 0.3, 0.3, 0.3, 0.4, 0.42, 0.44: a rise of 0.03 is none of 0.05 above the best."""
    scores = [[x, x] for x in (0.1, 0.3, 0.3, 0.3, 0.4, 0.42, 0.44)]
    columns = {"score": scores, "importance": 1.0}
    assert ends(Patience(HALF, decisions=2), **columns) == [3]
    assert ends(Patience(HALF, decisions=2, rise=0.05), **columns) == [3, 6]
    assert ends(Patience(HALF, decisions=4), **columns) == []


def test_patience_keeps_the_best_and_ends_from_there():
    """0.32 is the best, though no rise of 0.05: kept in the place behind the two tasks."""
    guard = Patience(HALF, decisions=2, rise=0.05, go_back=True)
    memory, asked = guard.start(1, 2), []
    for decision, score in enumerate((0.1, 0.3, 0.32, 0.31)):
        columns = {"score": [[score] * 2], "importance": [[1.0] * 2], "task": [[0.0, 1.0]]}
        view = make_view(columns, decision=decision)
        memory = guard.look(memory, view)
        asked.append({name: value[0].tolist() for name, value in guard.asks(memory, view).items()})
    best, none = [False, False, True], [False] * 3
    assert [one["keep"] for one in asked] == [best, best, best, none]
    assert [one["go_back"] for one in asked] == [-1, -1, -1, 2]
    assert [one["stop"] for one in asked] == [False, False, False, True]


def test_what_guards_ask_for_is_joined_and_the_outermost_says_where_to():
    inner = AgainstOverfitting(HALF, patience=1, rise=0.0)
    outer = Patience(inner, decisions=1, go_back=True)
    memory = outer.start(1, 2)
    for decision, (loss, score) in enumerate(((0.5, 0.2), (0.6, 0.1))):
        columns = {
            "loss": [[loss, 0.5 - decision / 10]], "score": [[score, score]], "size": [[0.5] * 2],
            "importance": [[1.0] * 2], "last_share": [[0.5 * decision] * 2], "task": [[0.0, 1.0]],
        }  # fmt: skip
        view = make_view(columns, decision=decision)
        memory = outer.look(memory, view)
        asked = {name: value[0].tolist() for name, value in outer.asks(memory, view).items()}
        if decision == 0:
            assert asked == {"stop": False, "keep": [True] * 3, "go_back": -1}
    # The inner one would have gone back to what was kept for the first task: the last word is that
    # of the one that ends the lifetime, wherever it stands.
    assert asked == {"stop": True, "keep": [False] * 3, "go_back": 2}
    other = AgainstOverfitting(Patience(HALF, decisions=1, go_back=True), patience=1, rise=0.0)
    memory = other.start(1, 2)
    for decision, (loss, score) in enumerate(((0.5, 0.2), (0.6, 0.1))):
        columns["loss"], columns["score"] = [[loss, 0.5 - decision / 10]], [[score, score]]
        columns["last_share"] = [[0.5 * decision] * 2]
        memory = other.look(memory, make_view(columns, decision=decision))
    asked = other.asks(memory, make_view(columns, decision=1))
    assert (asked["stop"].tolist(), asked["go_back"].tolist()) == ([True], [2])
    memory = outer.start(1, 2)
    for decision, loss in enumerate((0.5, 0.6)):
        columns["loss"] = [[loss, 0.5 - decision / 10]]
        columns["last_share"] = [[0.5 * decision] * 2]
        memory = outer.look(memory, view := make_view(columns, decision=decision))
    inner_asks = inner.asks({n: x for n, x in memory.items() if "guard1" in n}, view)
    assert inner_asks["go_back"].tolist() == [0]


def test_a_lifetime_ends_when_all_milestones_are_met_unless_it_is_to_go_on():
    columns = {
        "score": [[0.95, 0.1], [0.95, 0.95], [0.95, 0.95]], "uncertainty": 0.0, "threshold": 0.9,
        "loss": 1.0, "last_share": 0.5, "size": 0.5, "importance": 1.0,
    }  # fmt: skip
    assert ends(Milestones(HALF, streak=1), **columns) == [1, 2]
    assert ends(Milestones(HALF, streak=1, stop=False), **columns) == []
    # Whatever is around it, and whatever it is around.
    assert ends(Patience(Milestones(HALF, streak=1)), **columns) == [1, 2]
    assert ends(Milestones(Patience(HALF, decisions=1), streak=9), **columns) == [2]


def test_what_was_not_measured_stays_as_it_is():
    """Without a measurement a low score is an old belief: nothing falls and nothing is opened."""
    columns = {
        "score": [[0.95, 0.1], [0.95, 0.1], [0.0, 0.1], [0.0, 0.1]], "uncertainty": 0.0,
        "threshold": 0.9, "loss": 1.0, "last_share": 0.5, "size": 0.5,
        "measured": [[1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]],
    }  # fmt: skip
    closed, open_ = [0.0, 1.0], [0.5, 0.5]
    shares = lifetime(Milestones(HALF, streak=2), **columns)
    np.testing.assert_allclose(shares, [open_, closed, closed, open_])
    shares = lifetime(BringBack(HALF, share=1.0), **columns)
    np.testing.assert_allclose(shares, [open_, open_, open_, [1.0, 0.0]])
