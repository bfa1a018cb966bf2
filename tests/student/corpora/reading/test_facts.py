"""What the head of a file says of its task."""

from pathlib import Path

from lessonplan.student.corpora.reading import Place
from lessonplan.student.corpora.reading.facts import header_facts


def test_the_head_names_the_task_where_the_files_name_says_nothing():
    header = {"name": "odd_sums", "keywords": ["x"]}
    place = Place(Path("sums/task.json"), 1)
    assert header_facts(place, header) == {"task": "odd_sums", "skills": ["x"]}
    assert header_facts(Place(Path("sums/even.json"), 1), header) == {"skills": ["x"]}
    assert header_facts(place, {"name": ["no", "text"]}) == {}


def test_many_keywords_are_no_skills():
    place = Place(Path("mine.json"), 1)
    assert header_facts(place, {"keywords": list("abcdefgh")}) == {"skills": list("abcdefgh")}
    assert header_facts(place, {"keywords": list("abcdefghi")}) == {}
