"""Every kind of file that the page on own data shows is read as the page says."""

import json
import re

import pytest
from places import ROOT

from lessonplan.student.corpora.reading import Columns, Notices, rows, sources

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
KINDS = re.findall(
    r"^### (?P<title>[^\n]+)\n\n`(?P<file>\S+)`\n\n```\w*\n(?P<content>.*?)\n```\n\nis read as\n\n"
    r"```json\n(?P<records>.*?)\n```$",
    PAGE,
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("file", "content", "records"), [kind[1:] for kind in KINDS],
                         ids=[kind[0] for kind in KINDS])  # fmt: skip
def test_a_kind_of_file_is_read_as_the_page_says(tmp_path, file, content, records):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content + "\n", encoding="utf-8")
    notices = Notices()
    columns = Columns(notices)
    read = []
    for source in sources(path if path.parent == tmp_path else path.parent, notices):
        for place, row in rows(source, notices):
            for record in columns.records(place, row):
                present = {key: value for key, value in record.items() if value is not None}
                split = {} if source.split is None else {"split": source.split}
                read.append({"task": source.task, **split, **present})
    assert read == [json.loads(line) for line in records.splitlines()]


def test_the_page_shows_every_kind_with_two_rows():
    assert len(KINDS) == PAGE.count("\nis read as\n") >= 15
    assert all(len(kind[3].splitlines()) == 2 for kind in KINDS)
