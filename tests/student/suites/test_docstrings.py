"""Real text for classification: read, not imported; cleaned of its labels; one text, one split."""

import gc
import re
import sys

import pytest
from new_process import run_python

pytest.importorskip("transformers", reason="the hf extra is not installed")

from tiny_pretrained import save_tiny_bert

from lessonplan.student import NO_TOKEN, check_suite
from lessonplan.student.suites import docstring_texts
from lessonplan.student.suites.docstring_suite import LIBRARIES, TASKS, docstring_task, docstrings
from lessonplan.student.suites.docstring_texts import cleaned, docstrings_of

MODULE = sys.modules["lessonplan.student.suites.docstring_suite"]

SMALL = {
    "gymnasium": LIBRARIES["gymnasium"],
    "numpy": {"masks": ("ma",), "polynomials": ("polynomial",), "algebra": ("linalg",)},
}

SOURCE = '''
"""The module itself does not count."""
raise ImportError("this file is read, not run")

def join(parts, glue=""):
    """join(parts, glue="") -> str

    What stands below is another paragraph.
    """

def weld(parts):
    r"""Puts metal parts together with a torch, as `weld` and :func:`~shop.metal.weld` do.

    >>> weld([])
    """

class Saw:
    """Cuts boards along a line that was drawn before."""

    def cut(self, board):
        """Return the two halves of a board, Saw first."""
        def inner():
            """Something inside of a function is not seen."""

    async def rest(self):
        """Wait until the blade is cold again."""

if True:
    def sand(board):
        """Make the board smooth
        on both sides of it."""

def broken(): "too short"
'''

DIGEST = """
import hashlib
from lessonplan.student.suites.docstring_suite import docstring_task
task = docstring_task("gymnasium", 200, 40)
print(hashlib.sha256(repr(sorted(task.splits.items())).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def small(monkeypatch):
    """Two libraries instead of six, for speed."""
    monkeypatch.setattr(MODULE, "LIBRARIES", SMALL)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A library that must not be imported."""
    folder = tmp_path / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('read, do not run')")
    (folder / "metal.py").write_text(SOURCE)
    (folder / "tests" / "test_metal.py").write_text(SOURCE)
    (folder / "worse.py").write_text("def syntax error")
    monkeypatch.syspath_prepend(tmp_path)
    yield "shop"
    docstring_texts._below.cache_clear()


def test_what_is_read_from_a_file(shop):
    wanted = [
        ("Puts parts together with a , as and do.", "function"),
        ("Cuts boards along a line that was drawn before.", "class"),
        ("Return the two halves of a board, first.", "method"),
        ("Wait until the blade is cold again.", "method"),
        ("Make the board smooth on both sides of it.", "function"),
    ]
    assert gc.isenabled()
    assert [(one.text, one.kind) for one in docstrings_of(shop, ("metal.py",))] == wanted
    assert [(one.text, one.kind) for one in docstrings_of(shop, ("",))] == wanted
    assert gc.isenabled()
    assert docstrings_of(shop, ("not_there.py", "nor_here")) == []
    assert docstrings_of("no_such_library", ("",)) == []


@pytest.mark.parametrize(
    ("written", "names", "text"),
    [
        ("Return :class:`~a.b.Thing` of one more `x`.", (), "Return a b Thing of one more x ."),
        ("np.foo(x, axis=0) -> array\nAdd up all of it.", (), "Add up all of it."),
        ("Numpy has PyTorch and pandas beside it too.", (), "has and beside it too."),
        ("See https://a.b/c for all of the rest.", (), "See for all of the rest."),
        ("Set the np_random of a line_2d item.", ("line",), "Set the random of a 2d item."),
        ("Two words", (), ""),
        ("The value is naïve and otherwise fine.", (), ""),
        ("One Line about many lines\n\nAnd more.", ("line",), "One about many lines"),
        ("An item_name is not an item or a name.", ("item",), "An name is not an or a name."),
    ],
)
def test_names_markup_and_signatures_are_taken_out(written, names, text):
    assert cleaned(written, frozenset(names)) == text


def test_no_text_names_its_library_or_the_module_that_its_label_stands_for(small):
    for task in SMALL:
        splits = docstring_task(task, 5000, 500).splits
        pairs = [pair for split in ("train", "probe", "test") for pair in splits[split]]
        assert len(pairs) > 300
        for text, _ in pairs:
            rest = text.removeprefix(f"{task}: ")
            assert rest != text
            assert not re.search(r"\b(np|numpy|gymnasium|gym)\b", rest, re.IGNORECASE)
    wrappers = [one.text for one in docstrings_of("gymnasium", ("wrappers",))]
    assert not any(re.search(r"\bwrappers?\b", text, re.IGNORECASE) for text in wrappers)


def test_a_text_is_in_one_split_only_over_all_tasks(small):
    split_of = {}
    for name in ("gymnasium", "numpy", "library", "kind"):
        task = docstring_task(name, 5000, 500)
        for split in ("train", "probe", "test"):
            for text, _ in task.splits[split]:
                rest = text.removeprefix(f"{name}: ")
                assert split_of.setdefault(rest, split) == split
    assert set(split_of.values()) == {"train", "probe", "test"}


def test_a_text_has_one_label_in_a_task_and_stress_keeps_it(small):
    task = docstring_task("library", 5000, 500)
    pairs = [pair for split in ("train", "probe", "test") for pair in task.splits[split]]
    assert len({text for text, _ in pairs}) == len(pairs)
    assert {label for _, label in pairs} == set(SMALL)
    for (text, label), (noisy, same) in zip(
        task.splits["test"], task.splits["stress"], strict=True
    ):
        assert label == same
        assert noisy != text
        assert noisy.startswith("library: ")
        assert abs(len(noisy) - len(text)) <= len(text.split())


def test_sizes_are_at_most_those_asked_for_and_larger_ones_hold_the_smaller(small):
    few, many = docstring_task("numpy", 50, 10), docstring_task("numpy", 60, 12)
    assert [len(few.splits[split]) for split in ("train", "probe", "test", "stress")] == [
        50, 10, 10, 10,
    ]  # fmt: skip
    for split in few.splits:
        assert list(few.splits[split]) == list(many.splits[split])[: len(few.splits[split])]


def test_the_suite_keeps_its_contract(small, tokenizer):
    suite = docstrings(("gymnasium", "numpy"), tokenizer, 64, 300, 40)
    check_suite(suite)
    assert suite.names == ["gymnasium", "numpy"]
    assert suite.n_outputs == 4 + 3
    assert suite.input_shape[0] <= 64
    inputs = suite.pool("train").inputs
    assert inputs.min() == NO_TOKEN
    assert (inputs[:, 0] != NO_TOKEN).all()
    assert (suite.values("chance") < 0.7).all()


@pytest.mark.slow
def test_the_default_tasks_are_unequal_and_none_is_a_given(tokenizer):
    suite = docstrings(tokenizer=tokenizer, length=64)
    check_suite(suite)
    assert suite.names == list(TASKS)
    sizes = suite.sizes("train")
    assert sizes.max() >= 4 * sizes.min()
    assert (suite.sizes("test") >= 50).all()
    assert (suite.values("chance") < 0.6).all()


@pytest.mark.slow
def test_another_process_reads_the_same(tmp_path, monkeypatch):
    digests = set()
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        digests.add(run_python(DIGEST, cwd=tmp_path))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"tasks": ("scipy",)}, "there is no task 'scipy'; the tasks are torch, matplotlib"),
        ({"train_size": 0}, "train_size must be at least 1"),
        ({"held_out": 0}, "held_out must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        docstrings(**given)


def test_a_library_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(MODULE, "LIBRARIES", {"no_such_library": {"a": ("a",), "b": ("b",)}})
    with pytest.raises(ValueError, match="task 'no_such_library' finds no docstrings of two"):
        docstring_task("no_such_library", 10, 10)
