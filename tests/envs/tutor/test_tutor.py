"""The tutor chooses what the teacher chooses in a classroom, and refuses what makes no sense.

Legend: n students, k tasks.
"""

import re
import runpy
from functools import partial

import numpy as np
import pytest
import torch
from fake_cohort import FakeCohort, fake_suite, practice
from places import EXAMPLES
from rule_rooms import rule_named

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv, Tutor, make_classroom
from lessonplan.student import Training
from lessonplan.student.contract import Outcomes
from lessonplan.teacher import (
    RULES,
    RuleTeacher,
    TSCLSampling,
    Uniform,
    load_teacher,
    make_learner,
)

EXAMPLE = EXAMPLES / "tutor_pytorch.py"
SUITE = fake_suite(
    4, sizes=[8, 4, 20, 6], importance=[1.0, 2.0, 1.0, 1.0], difficulty=[1.0, 2.0, 0.0, 5.0],
    prerequisites=[(), ("a",), (), ("a", "c")], threshold=[0.9, 0.6, 0.9, 0.9],
)  # fmt: skip
FIELDS = {
    "a": {"size": 8, "difficulty": 1.0},
    "b": {"size": 4, "difficulty": 2.0, "importance": 2.0, "prerequisites": ("a",),
          "threshold": 0.6},
    "c": {"size": 20},
    "d": {"size": 6, "difficulty": 5.0, "prerequisites": ("a", "c")},
}  # fmt: skip
EVERYTHING = (
    "progress", "progress:difference", "progress:slope=4", "progress:thompson=3,signal=loss",
    "progress:ema=0.5,signal=gain", "score", "loss", "best", "learnability", "gain", "fresh_gain",
    "gradient_norm", "recency", "share", "remaining", "order", "task", "size", "threshold",
    "importance", "difficulty", "prerequisites_mastered", "present", "key",
)  # fmt: skip


class Lessons(FakeCohort):
    """Brings other gains in every decision."""

    def train(self, mixture, steps, rows=None, fresh=False, by_task=False):
        super().train(mixture, steps, rows)
        at = self.decision[np.arange(self.n) if rows is None else rows].astype(float)
        count = 12 * (mixture > 0.0)
        shown = Outcomes(count, count * at[:, None] / 30, count * (3.0 - at[:, None] / 10))
        self.brought = Training(2.0 + at, 1.0 + at / 3, at / 7, 3.0 + at, 3.0 - at / 5, shown)
        return self.brought


class Curious:
    """A rule that acts on all that it is shown: its values are a fixed hash of the columns."""

    needs = EVERYTHING[1:]

    def start(self, n, k):
        return {"visits": np.zeros((n, k))}

    def observe(self, memory, view):
        return {"visits": memory["visits"] + np.eye(view.present.shape[1])[view.last]}

    def probabilities(self, memory, view):
        seen = sum(np.sin((i + 1) * view[column]) for i, column in enumerate(EVERYTHING))
        return np.exp(seen - memory["visits"] / 5)


class Watched:
    """Keeps what a teacher saw last."""

    def __init__(self, teacher):
        self.teacher = teacher

    def predict(self, observation, *args, **kwargs):
        self.saw = observation
        return self.teacher.predict(observation, *args, **kwargs)


def told(room, feedback, chosen):
    """What a person with this student would tell, as arguments of `observe`."""
    facts, brought, names = room.facts, room.cohort.brought, room.suite.names
    # Every tenth decision all pay for a check of all tasks.
    probed = {"full": 24, "bandit": 6, "training": 0}[feedback]
    probed = probed if facts.decisions[0] % 10 else 24
    spent = {"steps": 3, "examples": 12, "tokens": 12, "probed": probed + 3 * 4}
    signals = {"gain": brought.loss_before[0] - brought.loss_after[0],
               "fresh_gain": brought.fresh_before[0] - brought.fresh_after[0],
               "gradient_norm": brought.gradient_norm[0]}  # fmt: skip
    task = names[chosen]
    if feedback == "training":
        count, right, loss = (values[0, chosen] for values in vars(brought.by_task).values())
        shown = {"count": count, "accuracy": right / count, "loss": loss / count}
        return {"outcomes": {task: shown}, "spent": spent, "signals": signals}
    if feedback == "bandit":
        return {"task": task, "score": facts.score[0, chosen], "loss": facts.loss[0, chosen],
                "spent": spent, "signals": signals}  # fmt: skip
    return {"scores": dict(zip(names, facts.score[0], strict=True)),
            "losses": dict(zip(names, facts.loss[0], strict=True)),
            "spent": spent, "signals": signals}  # fmt: skip


@pytest.mark.parametrize("unit", ["steps", "compute"])
@pytest.mark.parametrize("feedback", ["full", "bandit", "training"])
@pytest.mark.filterwarnings("ignore:the training data of task 'a' are epoched")
def test_a_tutor_that_is_told_what_happens_in_a_classroom_chooses_what_the_teacher_chooses_there(
    feedback, unit
):
    seed, budget = 11, Budget(3000, unit)
    shown = {"observe": EVERYTHING, "shuffle_tasks": True, "max_tasks": 6}
    half_life = 3.0 if feedback == "training" else None
    shown |= {"half_life": half_life or 1.0}
    room = Classroom(Lessons(SUITE, 1, practice), budget, steps_per_decision=3, end_after=99,
                     feedback=feedback, **shown)  # fmt: skip
    teacher = RuleTeacher(Curious(), CurriculumVecEnv(room), seed=3)
    tutor = Tutor(
        FIELDS, lambda env: Watched(RuleTeacher(Curious(), env, seed=3)), budget=budget,
        steps_per_decision=3, end_after=99, **shown | {"half_life": half_life},
    )  # fmt: skip
    observation, memory = room.reset(np.array([0]), np.array([seed])), None
    names = SUITE.names
    if feedback == "training":
        tutor.begin(seed)
    else:
        tutor.begin(
            seed,
            scores=dict(zip(names, room.facts.score[0], strict=True)),
            losses=dict(zip(names, room.facts.loss[0], strict=True)),
            spent={"probed": 24},
        )
    tasks = []
    for _ in range(25):
        action, memory = teacher.predict(observation, memory, np.array([not tasks]))
        lesson = room.step(action)
        tasks.append(names[lesson.task[0]])
        assert tutor.choose() == tasks[-1]
        np.testing.assert_array_equal(tutor.teacher.saw, observation)
        tutor.observe(**told(room, feedback, lesson.task[0]))
        observation = lesson.observation
        assert tutor.scores == pytest.approx(dict(zip(names, room.facts.score[0], strict=True)))
    assert set(tasks) == set(names)


def test_a_learned_teacher_from_disk_chooses_what_it_chooses_in_a_classroom(tmp_path):
    observe = ("progress", "score", "recency")
    options = {"model_options": {"hidden": (8,)}, "evaluation_size": 16, "batch_size": 8}
    options |= {"steps_per_decision": 2, "learning_rate": 0.05, "budget": "60-steps"}
    room = make_classroom("parity", suite_options={"n_tasks": 3, "n_signs": 8}, observe=observe,
                          **options)  # fmt: skip
    many = make_classroom("parity", suite_options={"n_tasks": 5, "n_signs": 8}, observe=observe,
                          **options)  # fmt: skip
    saved = make_learner("ppo", CurriculumVecEnv(many), seed=1, width=8, n_steps=8, batch_size=8)
    with torch.no_grad():
        saved.policy.action_net.linear.weight.mul_(1000)
    saved.save(tmp_path / "ppo.zip")
    teacher = load_teacher(tmp_path / "ppo.zip", CurriculumVecEnv(room))
    names = room.suite.names
    tutor = Tutor(
        names, lambda env: load_teacher(tmp_path / "ppo.zip", env), observe=observe,
        steps_per_decision=2,
    )  # fmt: skip
    observation = room.reset(np.array([0]), np.array([4]))
    tutor.begin(scores=dict(zip(names, room.facts.score[0], strict=True)))
    tasks = set()
    while not room.finished.all():
        action, _ = teacher.predict(observation, deterministic=True)
        lesson = room.step(action)
        tasks.add(names[lesson.task[0]])
        assert tutor.choose() == names[lesson.task[0]]
        tutor.observe(scores=dict(zip(names, room.facts.score[0], strict=True)))
        observation = lesson.observation
    assert len(tasks) > 1


def simple(**options):
    options = {"observe": ("progress", "score", "progress:difference", "measured", "key")} | options
    return Tutor(["a", "b", "c"], partial(RuleTeacher, TSCLSampling()), **options)


def taught(tutor, decisions, rise=0.05):
    """The tasks that it chooses when the score of the chosen one rises."""
    tasks = []
    for _ in range(decisions):
        tasks.append(tutor.choose())
        tutor.observe(tasks[-1], min(tutor.scores[tasks[-1]] + rise, 1.0))
    return tasks


def test_a_stored_tutor_goes_on_with_the_same_choices(tmp_path):
    tutor = simple(budget="100-steps")
    taught(tutor, 12)
    torch.save(tutor.state_dict(), tmp_path / "tutor.pt")
    pending = tutor.choose()
    between = tutor.state_dict()
    tutor.observe(pending, 0.4)
    wanted = taught(tutor, 20)
    loaded = simple(budget="100-steps")
    loaded.load_state_dict(torch.load(tmp_path / "tutor.pt", weights_only=True))
    assert loaded.choose() == pending
    for other in (loaded, simple(budget="100-steps")):
        if other is not loaded:
            other.load_state_dict(between)
        other.observe(pending, 0.4)
        assert taught(other, 20) == wanted
        assert other.scores == tutor.scores


def test_a_new_lifetime_starts_afresh_and_belongs_to_its_seed():
    tutor = simple(student_seed=3)
    first = taught(tutor, 30)
    tutor.begin(4)
    assert tutor.scores == {"a": 0, "b": 0, "c": 0}
    second = taught(tutor, 30)
    tutor.begin(3)
    assert taught(tutor, 30) == first != second


def test_a_lifetime_is_finished_by_mastery_or_by_its_budget():
    tutor = simple(budget="30-steps", steps_per_decision=10)
    for finished in (False, False, True):
        taught(tutor, 1, rise=0.0)
        assert tutor.finished == finished
    tutor = simple(mastery_streak=2)
    for finished in (False, True):
        tutor.choose()
        tutor.observe(scores={"a": 0.9, "b": 1.0, "c": 0.95})
        assert tutor.finished == finished
    forever = simple()
    taught(forever, 40, rise=0.0)
    assert not forever.finished


class Mixer:
    """A teacher of one's own: logits that are ten times the score."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return 10 * observation[:, :, 1], state


def test_a_tutor_of_mixtures_gives_the_share_of_every_task():
    tutor = Tutor(["a", "b"], Mixer(), observe=("progress", "score", "share"), action="mixture")
    assert tutor.mix() == {"a": 0.5, "b": 0.5}
    tutor.observe(scores={"b": 0.1})
    shares = tutor.mix()
    assert shares["b"] == pytest.approx(1 / (1 + np.exp(-1.0)))
    with pytest.raises(ValueError, match="this tutor mixes tasks: observe scores="):
        tutor.observe("a", 0.5)
    tutor.observe(scores={"a": 0.1, "b": 0.1})
    share = tutor.env.observation_space.shape
    assert share == (2, 3)
    with pytest.raises(ValueError, match=r"made with action='mixture': call mix\(\)"):
        tutor.choose()
    with pytest.raises(ValueError, match=r"made with action='task': call choose\(\)"):
        simple().mix()


def test_what_a_tutor_is_told_of_is_shown_as_measured():
    class Watching(Mixer):
        """Keeps what it saw."""

        def predict(self, observation, *args, **kwargs):
            self.saw = observation[0, :, 2].tolist()
            return super().predict(observation)

    observe = ("progress", "score", "measured")
    tutor = Tutor(["a", "b", "c"], Watching(), observe=observe, action="mixture")
    tutor.mix()
    assert tutor.teacher.saw == [0, 0, 0]
    for told in ({"b": 0.1}, {"a": 0.1, "c": 0.0}, {}):
        tutor.observe(scores=told)
        tutor.mix()
        assert tutor.teacher.saw == [float(name in told) for name in "abc"]
    tutor.begin(scores={"a": 0.0, "b": 0.0, "c": 0.0})
    tutor.mix()
    assert tutor.teacher.saw == [1, 1, 1]


def test_a_diverged_loss_is_shown_at_its_limit():
    tutor = Tutor(["a"], Mixer(), observe=("progress", "loss"), action="mixture")
    tutor.begin(scores={"a": 0}, losses={"a": np.inf})
    tutor.mix()
    tutor.observe(scores={"a": 0}, losses={"a": np.nan})
    tutor.mix()


def test_the_environment_of_a_tutor_is_for_making_teachers_only():
    tutor = Tutor(["a"], partial(RuleTeacher, Uniform()), observe=("progress", "key"))
    assert tutor.env.get_attr("columns") == [("progress", "key")]
    with pytest.raises(ValueError, match="has no student, only spaces and columns"):
        tutor.teacher.learn(3)


@pytest.mark.slow
def test_the_example_teaches_its_network_and_goes_on_where_it_was_left(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", [str(EXAMPLE)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert 10 < len(lines) < 150
    assert all(float(x) >= 0.9 for x in lines[-1].split()[2::2])
    save, saved = torch.save, []

    def save_seven_times(*args):
        save(*args)
        saved.append(args)
        if len(saved) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save_seven_times)
    main = runpy.run_path(str(EXAMPLE))["main"]
    with pytest.raises(KeyboardInterrupt):
        main(tmp_path / "state.pt")
    main(tmp_path / "state.pt")
    assert capsys.readouterr().out.splitlines() == lines


def test_the_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) < 80


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_shown_what_it_needs_whatever_observe_says(name):
    def choices(observe):
        tutor = Tutor(
            ["a", "b", "c"], partial(RuleTeacher, rule_named(name)), observe=observe,
            budget="1000-steps",
        )  # fmt: skip
        spoken = []
        for _ in range(12):
            spoken.append(tutor.choose())
            tutor.observe(spoken[-1], score=0.05 * spoken.count(spoken[-1]), loss=1.0)
        return spoken

    rule = rule_named(name)
    by_hand = tuple(dict.fromkeys(("progress", *rule.needs, "key")))
    try:
        wanted = choices(by_hand)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error)[:60])):
            choices(None)
    else:
        assert choices(None) == choices(("progress", "recency")) == wanted


def test_a_column_that_a_rule_names_twice_is_shown_once():
    class Own(Uniform):
        needs = ("score", "key", "score")

    assert Tutor(["a"], partial(RuleTeacher, Own())).env.columns == ("progress", "score", "key")


@pytest.mark.parametrize("observe", [None, ("progress", "present")])
def test_a_rule_is_shown_which_places_are_empty(observe):
    tutor = Tutor(["a", "b"], partial(RuleTeacher, Uniform()), observe=observe, max_tasks=9)
    for _ in range(8):
        tutor.observe(tutor.choose(), score=0.1)
    assert set(tutor.env.columns) == {"progress", "present", "key"}
