"""What is said of reading: the weightiest first, each kind once, with short places."""

from pathlib import Path

from lessonplan.student.corpora.reading import Notices, Place
from lessonplan.student.corpora.reading.notices import ASIDE, DOUBTED, LOST, READ, SIZES


def test_what_is_lost_is_said_before_what_is_left_aside():
    notices = Notices()
    notices.say("sizes", SIZES)
    notices.gather("columns left aside", ["id"], ASIDE)
    notices.count("rows read", None, 3, READ)
    notices.say("changed")
    notices.count("files in doubt", None, 1, DOUBTED)
    notices.leave_out("the answer is blank")
    assert notices.lines() == (
        "rows left out, the answer is blank: 1", "files in doubt: 1", "rows read: 3", "changed",
        "columns left aside: id", "sizes",
    )  # fmt: skip


def test_a_place_is_said_with_no_more_than_the_files_own_folder():
    notices = Notices()
    for line in (4, 9):
        notices.count("odd rows", Place(Path("/home/me/sets/gsm8k/train.jsonl"), line))
    assert notices.lines() == ("odd rows: 2 (first: gsm8k/train.jsonl, line 4)",)
    assert Place(Path("a.csv"), 2, "row").brief == "a.csv, row 2"


def test_names_are_gathered_in_one_sentence_that_stays_short():
    notices = Notices()
    for number in range(30):
        notices.gather("columns left aside", [f"column {number}", "column 0"])
    (line,) = notices.lines()
    assert line.startswith("columns left aside: column 0, column 1, column 2, ")
    assert line.endswith(" and 18 more")


def test_of_many_ways_of_reading_the_rarest_are_said_together():
    notices = Notices()
    for number in range(8):
        notices.count(f"way {number}", Place(Path(f"{number}.csv"), 2), 10 - number, READ)
    assert notices.lines()[:2] == ("way 0: 10 (first: 0.csv, line 2)",
                                   "way 1: 9 (first: 1.csv, line 2)")  # fmt: skip
    assert notices.lines()[5:] == ("rows read in 3 further ways: 12 (first: 5.csv, line 2)",)


def test_of_many_reasons_the_rarest_are_said_together():
    notices = Notices()
    notices.say("the split 'test' has no answers", LOST)
    for number in range(150):
        notices.leave_out(f"reason {number}", Place(Path("a.csv"), number + 2), 2 - (number > 4))
    assert notices.lines() == (
        "the split 'test' has no answers",
        *(f"rows left out, reason {i}: 2 (first: a.csv, line {i + 2})" for i in range(5)),
        "rows left out for 145 further reasons: 145 (first: a.csv, line 7)",
    )
    assert notices.left_out == 155
