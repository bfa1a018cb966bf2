"""What is built to check a config, before any work starts."""

import copy
from collections import Counter

import pytest
from tiny_config import CONFIG

from lessonplan.experiments.assembly import build
from lessonplan.experiments.config.loading import make_config, read_config
from lessonplan.experiments.trial import checking


def with_courses():
    """Two teachers of the same config, one of another suite, one of that and a third."""
    config = read_config("graph")
    courses = [
        config.model_copy(update={"suite": config.suite.model_copy(update={"name": name})})
        for name in ("interference", "flat")
    ]
    (search,) = (one for one in config.teachers if one.type == "learned")
    search = search.model_copy(update={"begin_at": ""})
    others = [
        search.model_copy(update={"name": f"of-{count}", "courses": courses[:count]})
        for count in (1, 2)
    ]
    return config.model_copy(update={"teachers": [search, *others, config.teacher("shortfall")]})


@pytest.mark.parametrize(
    ("config", "kinds"), [(lambda: read_config("quickstart"), 2), (with_courses, 4)]
)
def test_students_that_are_alike_are_built_once(config, kinds, monkeypatch):
    """One kind for rules, and of each course those that are trained on, whoever shares them."""
    build, built = checking.build_cohort, Counter()

    def counted(course, suite, n):
        built[course.suite.model_dump_json(), course.student.model_dump_json(), n] += 1
        return build(course, suite, n)

    monkeypatch.setattr(checking, "build_cohort", counted)
    checking.check(config())
    assert list(built.values()) == [1] * kinds


def told(teacher, **lifetime):
    """A check of a config with one teacher, told by training examples."""
    values = copy.deepcopy(CONFIG) | {"teachers": [teacher]}
    values["lifetime"] |= {"feedback": "training"} | lifetime
    return checking.check(make_config(values))


@pytest.mark.parametrize(
    ("lifetime", "own", "said"),
    [
        ({"feedback": "full", "half_life": 4}, {}, ["lifetime.half_life changes nothing"]),
        ({"feedback": "full", "half_life": 4}, {"feedback": "training"}, []),
        ({"feedback": "full"}, {"half_life": 2}, ["half_life of teacher 'mine' changes nothing"]),
        ({"probe_size": 8, "half_life": 4}, {}, ["lifetime.probe_size changes nothing"]),
        ({"probe_size": 8}, {"probe_every": 5}, []),
        ({}, {"probe_uncertainty": 0.1, "probe_size": 8}, []),
    ],
    ids=str,
)
def test_a_key_of_looking_that_changes_nothing_is_said(lifetime, own, said, capsys):
    told({"name": "mine", "rule": "shortfall"} | own, **lifetime)
    lines = capsys.readouterr().err.splitlines()
    found = [line for line in lines if "changes nothing" in line]
    assert len(found) == len(said)
    assert all(words in line for words, line in zip(said, found, strict=True))


@pytest.fixture
def graded(monkeypatch):
    """All tasks of a suite have a grader."""
    make = checking.build_suite

    def with_graders(config, progress):
        suite = make(config, progress)
        for task in suite.tasks:
            object.__setattr__(task, "grader", object())
        return suite

    monkeypatch.setattr(checking, "build_suite", with_graders)


@pytest.mark.usefixtures("graded")
def test_scores_that_training_can_not_tell_are_refused_by_the_name_of_the_teacher():
    with pytest.raises(ValueError, match=r"in-order': task 'parity-1' has a grader.*'score'"):
        told("in-order")
    told("uniform")
    told({"name": "in-order", "feedback": "full"})


def test_feedback_that_is_biased_is_said_once_in_the_words_of_a_config(monkeypatch, capsys):
    build._say_once.cache_clear()
    make = checking.build_suite

    def epoched(config, progress):
        suite = make(config, progress)
        for task in suite.tasks:
            object.__setattr__(task, "endless", False)
        return suite

    monkeypatch.setattr(checking, "build_suite", epoched)
    told("in-order")
    told("in-order")
    said = capsys.readouterr().err
    assert said.count("epoched") == 1
    assert said.startswith("lessonplan: ")
    told("in-order", probe_every=5)
    assert "epoched" not in capsys.readouterr().err


SEARCH = {
    "name": "search", "type": "learned", "algorithm": "cma_es", "action": "mixture",
    "prior": "shortfall", "students": 4, "settings": {"n_eval_episodes": 1},
}  # fmt: skip


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({}, ""),
        ({"actors": 2}, "teacher 'search': cma_es names the students of each row, which Ray act"),
        ({"courses": [{}, {}]}, "must be a multiple of its 2 courses, so that every candidate"),
        ({"courses": [{}, {}], "settings": {"n_eval_episodes": 2}}, ""),
        ({"anneal": True}, "it has no learning rate that could fall; leave out anneal"),
    ],
)
def test_a_search_is_refused_where_its_candidates_would_not_live_alike(own, words):
    if not words:
        told(SEARCH | own)
        return
    with pytest.raises(ValueError, match=words):
        told(SEARCH | own)
