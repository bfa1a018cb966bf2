"""People's own data with hundreds of tasks: a dry run takes seconds, and says how far it is."""

import time

import pytest

from lessonplan.experiments.bench import tasks
from lessonplan.experiments.bench.tasks import write_many_tasks
from lessonplan.experiments.config.data_config import own_data
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.dry_run import preview_parts
from lessonplan.experiments.trial.checking import check


def written(path, k):
    write_many_tasks(path, k)
    return path


def config_of(path):
    return make_config(own_data("", str(path), "", {}).values)


def test_the_encoding_of_tasks_says_how_far_it_is(tmp_path):
    told = []
    suite = check(config_of(written(tmp_path / "sums.jsonl", 6)), lambda *words: told.append(words))
    assert len(suite) == 6
    assert [count for words, count in told if words == "tasks encoded"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_a_thousand_tasks_are_looked_at_in_less_than_a_minute(tmp_path):
    seconds = {}
    for k in (125, 1000):
        config = config_of(written(tmp_path / f"{k}.jsonl", k))
        began = time.process_time()
        suite = check(config)
        seconds[k] = time.process_time() - began
        assert len(suite) == k
    assert seconds[1000] < 24 * seconds[125]
    began = time.process_time()
    page = "\n\n".join(preview_parts(config, seconds=2.0))
    assert time.process_time() - began < tasks.DATA_SECONDS
    assert "with 1000 tasks" in page


@pytest.mark.slow
@pytest.mark.timing
def test_ten_thousand_tasks_are_checked_and_decided_about_in_five_seconds():
    assert sum(tasks.measure_beginning(10_000)) < tasks.LIMIT_SECONDS
