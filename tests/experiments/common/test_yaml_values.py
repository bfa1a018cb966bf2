"""What YAML text means here: plain values, each with one meaning, read in no time."""

import os
import time

import pytest
import yaml

from lessonplan.experiments import make_config, read_config
from lessonplan.experiments.common.yaml_values import plain_values, yaml_text

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
LADDER = "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(200))

REFUSED = {
    "references without end": (BOMB, "more than 200,000 values"),
    "references below each other": (LADDER, "deeper in each other than 40"),
    "a value in itself": ("a: &a [*a]", "line 1: a value holds itself"),
    "lists in lists": ("a: 1\nb: " + "[" * 3000 + "]" * 3000, "line 2: .* deeper .* than 40"),
    "keys in keys": ("{a: " * 3000 + "}" * 3000, "deeper in each other than 40"),
    "a key twice": ("a: 1\nb: 2\na: 3", "line 3: the key 'a' was there before, in line 1"),
    "a key twice, deeper": ("x:\n  a: 1\n  a: 3", "line 3: the key 'a' was there before"),
    "a number and its text as keys": ("1: 2\n'1': 3", "the key '1' was there before"),
    "a key that is a list": ("? [1]\n: 2", "a key must be a word"),
    "octal or not": ("a: 010", "010 begins with 0.* write 10, or '010' for a text"),
    "octal or not, negative": ("a: [1, -007]", "-007 begins with 0.* write 7"),
    "a word or a switch": ("a: no", "no may be a word or false; write false, or 'no'"),
    "a word or a switch, as a key": ("on: 1", "on may be a word or true"),
    "code": ("a: !!python/object/apply:os.system [ls]", "!!python/object/apply:os.system marks"),
    "a type": ("a: !!binary aGk=", "!!binary marks a type"),
    "two documents": ("a: 1\n---\nb: 2", "line 2: a second document begins"),
    "a number that fills pages": ("a: " + "9" * 5000, "line 1: a number has 5,000 digits"),
    "a text that fills books": ("a: " + "x" * 600_000, "600,003 characters, .* up to 500,000"),
    "NUL": ("a: \0", "control characters are not allowed"),
    "half a character": ("a: \udcff", "not UTF-8"),
    "a merge of a number": ("<<: 3", "merging"),
    "a word that refers to nothing": ("a: *" + "b" * 9_000, "undefined alias"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_end_or_no_one_meaning_is_refused_at_once(kind):
    text, words = REFUSED[kind]
    begin = time.process_time()
    with pytest.raises(ValueError, match=words) as error:
        plain_values(text, "c.yaml")
    assert time.process_time() - begin < 2
    assert str(error.value).startswith("c.yaml")
    assert len(str(error.value)) < 350


MEANT = {
    "1e-3": 0.001, "12E03": 12000.0, "1.": 1.0, ".5": 0.5, "-.5e3": -500.0, "+1.5": 1.5,
    "1_000": 1000, "0x1F": 31, "0o10": 8, "-0": 0, "+3": 3, "true": True, "FALSE": False,
    "null": None, "~": None, "": None, "1:30": "1:30", "2024-01-01": "2024-01-01", "1.2.3": "1.2.3",
    "=": "=", "y": "y", "0x_": "0x_", "-0b__": "-0b__",
    "0x_F": 15, "0b1_0": 2, "'no'": "no", '"010"': "010", "mine:Rule": "mine:Rule", "1e": "1e",
}  # fmt: skip


@pytest.mark.parametrize("word", MEANT)
def test_words_are_what_most_people_mean(word):
    value = plain_values(f"a: {word}", "c.yaml")["a"]
    assert (value, type(value)) == (MEANT[word], type(MEANT[word]))


def test_keys_are_merged_and_named_ones_win():
    assert plain_values("a: &a {b: 1, d: 4}\nc: {<<: *a, b: 2}", "")["c"] == {"b": 2, "d": 4}


@pytest.mark.parametrize(
    "value",
    ["1e3", "yes", "010", "1:30", "2024-01-01", "0o7", "~", "=", "<<", ".5", "1_0", "y", "", "a: b",
     "08", "+08", "-09", "0_8", {"08": 1, "+09": 2}, "1e-3", "0x_", "0b_",
     1e-7, 1e22, -0.5, True, None, 7, ["no"], {"on": "off"}],
)  # fmt: skip
def test_what_is_written_is_read_as_the_same_by_us_and_by_others(value):
    text = yaml_text({"a": value})
    stored = plain_values(text, "", stored=True)
    assert plain_values(text, "") == stored == yaml.safe_load(text) == {"a": value}


TEXTS = ["08", "+08", "0_8", "1e-3", "12E03", "0o7", "1.5e3", "no", "010", "1:30", "x", "08:y"]


@pytest.mark.parametrize(
    "value", [*TEXTS, 1e-7, 1e22, -0.5, 1e-3, 8, True, None, {"08": 1, "1e3": 2}], ids=repr
)
def test_what_earlier_versions_wrote_is_what_it_was(value):
    text = yaml.safe_dump({"a": value, "b": [value]})
    assert repr(plain_values(text, "", stored=True)) == repr({"a": value, "b": [value]})


def test_of_a_run_that_has_begun_words_are_what_they_were(tmp_path):
    path = tmp_path / "config.yaml"
    tags = "tracking: {tags: [08, 1e-3]}\n"
    path.write_text(f"teachers: [{{name: uniform, rule: uniform}}]\n{tags}")
    assert read_config(path, begun=True).tracking.tags == ["08", "1e-3"]
    with pytest.raises(ValueError, match="08 begins with 0"):
        read_config(path)


def a_run(text):
    return f"{text}teachers: [uniform]\n"


FILES = {
    "with a mark": (b"\xef\xbb\xbfteachers: [uniform]\n", None),
    "UTF-16": ("teachers: [uniform]".encode("utf-16"), "not UTF-8 text"),
    "binary": (bytes(range(256)) * 9, "not UTF-8 text"),
    "NUL": (b"\0" * 99, "control characters"),
    "10 MB": (b"# " + b"x" * 10_000_000, "10,000,002 bytes, and is read up to 500,000"),
}


@pytest.mark.parametrize("kind", FILES)
def test_of_a_file_only_text_of_a_length_is_read(kind, tmp_path):
    data, words = FILES[kind]
    (tmp_path / "c.yaml").write_bytes(data)
    if words is None:
        assert read_config(tmp_path / "c.yaml").teachers[0].name == "uniform"
        return
    with pytest.raises(ValueError, match=words) as error:
        read_config(tmp_path / "c.yaml")
    assert "c.yaml" in str(error.value)


def test_folders_pipes_devices_and_what_is_secret_are_no_configs(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name, what in (("folder", "a folder"), ("pipe", "a pipe"), ("zero", "a pipe or device")):
        with pytest.raises(ValueError, match=f"{name}.yaml is {what}"):
            read_config(tmp_path / f"{name}.yaml")


def small(*overrides):
    return make_config({"teachers": ["uniform"]}, overrides)


OVERRIDES = {
    "octal or not": ("seeds.report=010", "override seeds.report, line 1: 010 begins with 0"),
    "a list that is not closed": ("teachers=[a, b", "override teachers, line 2, is not valid YAML"),
    "keys that are not closed": ("suite.options={n: 3", "is not valid YAML"),
    "code": ("name=!!python/name:os.system", "marks a type"),
    "a key twice": ("suite={name: parity, name: graph}", "'name' was there before"),
    "a switch": ("suite.options.chat=yes", "yes may be a word or true"),
    "no key": ("=3", "reads section.key, got ''"),
    "no name of a key": ("suite..name=3", "reads section.key"),
    "keys without end": (f"{'a.' * 5000}a=3", "reads section.key"),
    "a place of many digits": (f"teachers.{'9' * 5000}.tune=true", "there is no item"),
    "below a long text": ("name.x=1", "below a plain value"),
}


@pytest.mark.parametrize("kind", OVERRIDES)
def test_overrides_are_read_as_configs_are(kind):
    override, words = OVERRIDES[kind]
    with pytest.raises(ValueError, match=words) as error:
        small("name=" + "x" * 50, override)
    assert len(str(error.value)) < 350 or kind == "a place of many digits"


def test_overrides_that_are_no_yaml_are_texts():
    assert small("lifetime.reward=a: b: c").lifetime.reward == "a: b: c"
    assert small("student.learning_rate=1e-3").student.learning_rate == 0.001


@pytest.mark.parametrize("path", ["x\0y", "x" * 300, "a/" * 3000])
def test_a_text_that_can_be_no_path_is_refused(path):
    for key in ("student.base", "suite.options.path", "modules"):
        values = {"teachers": ["uniform"]}
        one = [path] if key == "modules" else path
        with pytest.raises(ValueError, match="is no path"):
            make_config(values | nested(key, one))


def nested(key, value):
    first, _, rest = key.partition(".")
    return {first: nested(rest, value) if rest else value}


def test_values_of_python_are_as_deep_as_those_of_a_file():
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper in each other"):
        make_config({"teachers": ["uniform"], "suite": {"options": {"a": deep}}})
    with pytest.raises(ValueError, match="'1' is there twice"):
        make_config({"teachers": ["uniform"], "suite": {"options": {1: 2, "1": 3}}})
