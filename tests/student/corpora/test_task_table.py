"""The table of tasks in a config: what is no such table is one short sentence."""

from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import Notices, Place
from lessonplan.student.corpora.records import Written
from lessonplan.student.corpora.task_table import TaskTable


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        (["add"], r"tasks must be like {TASK: {threshold: 0.9}}, got \['add'\]"),
        ("add", "tasks must be like .*, got 'add'"),
        ({"add": 0.9}, "tasks: 'add' may have the keys difficulty, .*, score, got 0.9"),
        ({"add": None}, "tasks: 'add' may have the keys .*, got None"),
        ({"add": []}, r"tasks: 'add' may have the keys .*, got \[\]"),
        ({"x" * 900: {"y" * 900: 1, 7: 2}}, r"tasks: 'x+\.\.\.x+' may have the keys .*, got \['y"),
    ],
)
def test_what_is_no_table_of_tasks_is_one_sentence(tasks, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        TaskTable(tasks)
    assert len(str(error.value)) < 300


def test_a_task_that_is_not_there_is_told_in_a_short_sentence_however_many_there_are():
    tasks = {
        f"a long name of a task, number {i}": Written(Place(Path("a.csv"), 2)) for i in range(80)
    }
    with pytest.raises(
        ValueError, match=r"there is no task 'x+[.]{3}x+'; the tasks are a long"
    ) as error:
        TaskTable({"x" * 900: {}}).describe(tasks, Notices())
    assert len(str(error.value)) < 300
    assert str(error.value).endswith(" more")


def test_tasks_may_be_called_by_numbers():
    tasks = {"2020": Written(Place(Path("a.csv"), 2))}
    table = TaskTable({2020: {"threshold": 0.5, "score": "f1"}})
    table.describe(tasks, Notices())
    assert tasks["2020"].description == {"threshold": 0.5}
    assert table.scores == {"2020": "f1"}
