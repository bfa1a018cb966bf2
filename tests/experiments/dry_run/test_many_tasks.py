"""People's own data with hundreds of tasks: a dry run takes seconds, and says how far it is."""

import json
import time

import pytest

from lessonplan.experiments.config.data_config import own_data
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import preview_parts
from lessonplan.experiments.trial.checking import check


def write(path, k, rows=40):
    """A file with k tasks in a column, each of them sums of its own."""
    lines = [
        {"task": f"sums-{i}", "question": f"{a} + {i} = ?", "answer": f"{a + i}"}
        for i in range(k)
        for a in range(rows)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def config_of(path):
    return make_config(own_data("", str(path), "", {}).values)


def test_the_encoding_of_tasks_says_how_far_it_is(tmp_path):
    told = []
    suite = check(config_of(write(tmp_path / "sums.jsonl", 6)), lambda *words: told.append(words))
    assert len(suite) == 6
    assert [count for words, count in told if words == "tasks encoded"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_a_thousand_tasks_are_looked_at_in_less_than_a_minute(tmp_path):
    seconds = {}
    for k in (125, 1000):
        config = config_of(write(tmp_path / f"{k}.jsonl", k))
        began = time.process_time()
        suite = check(config)
        seconds[k] = time.process_time() - began
        assert len(suite) == k
    assert seconds[1000] < 24 * seconds[125]
    began = time.process_time()
    page = "\n\n".join(preview_parts(config, seconds=2.0))
    assert time.process_time() - began < 60
    assert "with 1000 tasks" in page
