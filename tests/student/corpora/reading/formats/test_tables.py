import pytest

from lessonplan.student.corpora.reading.formats.tables import table_rows
from lessonplan.student.corpora.reading.notices import Notices


def read(path, text, name="a.csv", notices=None):
    file = path / name
    file.write_bytes(text.encode())
    return list(table_rows(file, notices or Notices()))


def rows_of(path, text, **options):
    return [row for _, row in read(path, text, **options)]


def test_the_header_names_the_cells_and_empty_ones_are_absent(tmp_path):
    found = read(tmp_path, "\ufeffprompt, answer\r\n3+4=,7\r\n\r\n1+1=,\r\n")
    assert [(place.number, place.unit, row) for place, row in found] == [
        (2, "line", {"prompt": "3+4=", "answer": "7"}),
        (4, "line", {"prompt": "1+1=", "answer": None}),
    ]


def test_a_row_over_several_lines_stands_where_it_begins(tmp_path):
    found = read(tmp_path, 'q,a\n"one\ntwo, ""three""",4\n5,6\n')
    assert [(place.number, row) for place, row in found] == [
        (2, {"q": 'one\ntwo, "three"', "a": "4"}), (4, {"q": "5", "a": "6"}),
    ]  # fmt: skip


def test_separators_are_told_by_the_header(tmp_path):
    assert rows_of(tmp_path, "q;a\n1,5;2\n") == [{"q": "1,5", "a": "2"}]
    assert rows_of(tmp_path, "q\ta\n1,5\t2\n") == [{"q": "1,5", "a": "2"}]
    assert rows_of(tmp_path, "q\ta;b\n1;5\t2\n", name="a.tsv") == [{"q": "1;5", "a;b": "2"}]
    assert rows_of(tmp_path, "q,a\n1;2,3\n") == [{"q": "1;2", "a": "3"}]


def test_columns_without_a_name_are_of_no_use(tmp_path):
    assert rows_of(tmp_path, ",q,a\n0,1,2\n") == [{"q": "1", "a": "2"}]


def test_rows_of_another_width_are_bad_and_the_next_ones_follow(tmp_path):
    long, last = rows_of(tmp_path, "q,a\n1,2,3\n4,5\n")
    assert "line 2: the row has another number of cells than the header (3, not 2), got" in str(
        long
    )
    assert last == {"q": "4", "a": "5"}


def test_one_rule_is_broken_however_wide_the_rows_are(tmp_path):
    bad = rows_of(tmp_path, "q,a\n" + "".join("1," * width + "1\n" for width in range(2, 9)))
    assert len(bad) == 7
    assert len({error.rule for error in bad}) == 1


def test_quotation_marks_that_do_not_pair_are_a_bad_row(tmp_path):
    text = 'q,a\n1,"x\n2,y\n3,"z"w\n4,5\n'
    bad, last = rows_of(tmp_path, text)
    assert str(bad).endswith("line 2: the quotation marks don't pair, got 'text to line 4'")
    assert last == {"q": "4", "a": "5"}


def test_quotation_marks_between_tabs_are_text_where_they_do_not_pair(tmp_path):
    notices = Notices()
    found = rows_of(tmp_path, 'q\ta\n"1 inch\t2\n3\t4\n', name="a.tsv", notices=notices)
    assert found == [{"q": '"1 inch', "a": "2"}, {"q": "3", "a": "4"}]
    assert "quotation marks are text" in notices.lines()[0]
    assert rows_of(tmp_path, 'q\ta\n"1\t5"\t2\n', name="b.tsv") == [{"q": "1\t5", "a": "2"}]


def test_a_cell_may_be_long(tmp_path):
    assert rows_of(tmp_path, f"q,a\n{'x' * 200_000},1\n")[0]["q"] == "x" * 200_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("3+4=,7\n1+1=,2\n", "line 1: the first line must name the columns, .* but has '7'"),
        (f"{'a long text ' * 20},b\n", "the first line must name the columns"),
        (",,\n1,2,3\n", "the first line must name the columns"),
        ("q,a,q\n1,2,3\n", "two columns are called 'q'; rename one"),
    ],
)
def test_a_file_without_names_of_columns_is_refused(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        read(tmp_path, text)
    assert len(str(error.value)) < 250 + len(str(tmp_path))


def test_an_empty_table_has_no_rows(tmp_path):
    assert read(tmp_path, "") == []
    assert read(tmp_path, "q,a\n") == []
