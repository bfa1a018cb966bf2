import gzip

import pytest

from lessonplan.student.corpora.reading.formats.streams import format_of, open_text, stem_of


def text_of(path, content):
    path.write_bytes(content)
    with open_text(path) as text:
        return text.read()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_first_bytes_tell_encoding_and_packing(tmp_path, encoding, pack):
    content = pack("schön\r\nund 数\n".encode(encoding))
    assert text_of(tmp_path / "a.jsonl.gz", content) == "schön\r\nund 数\n"


def test_another_encoding_is_named_with_its_line_and_the_way_out(tmp_path):
    with pytest.raises(ValueError, match=r"a.csv, line 3: the text is not UTF-8 .*iconv -f"):
        text_of(tmp_path / "a.csv", "a\nb\nschön\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04...", "is a zip archive; unpack it"),
        (b"\x28\xb5\x2f\xfd...", "is packed with zstd; unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
    ],
)
def test_packings_that_are_not_read_are_named(tmp_path, content, sentence):
    with pytest.raises(ValueError, match=sentence):
        text_of(tmp_path / "a.jsonl", content)


def test_the_name_tells_format_and_stem(tmp_path):
    names = ["a.JSONL", "a.b.csv.gz", "a.txt", "a"]
    files = [tmp_path / name for name in names]
    assert [format_of(file) for file in files] == [".jsonl", ".csv", None, None]
    assert [stem_of(file) for file in files] == ["a", "a.b", "a", "a"]
