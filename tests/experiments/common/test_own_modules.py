"""One's own modules come from the folder that is named first, and errors say what is wrong."""

import json
import sys

import pytest
from own_folder import forgetting, write_modules

from lessonplan.experiments.common.mistakes import own_mistakes
from lessonplan.experiments.common.names import named
from lessonplan.experiments.common.own_code.places import module_file
from lessonplan.experiments.common.own_modules import own_module, own_part
from lessonplan.experiments.common.trust import agree_to, trusting


@pytest.fixture(autouse=True)
def _agreed(tmp_path):
    with forgetting():
        agree_to(tmp_path)
        yield


def part(name, folders):
    return own_part(*name.split(":"), folders)


def sentence(name, *folders, choices=()):
    with pytest.raises(ValueError, match="rule '") as error:
        named("rule", name, dict.fromkeys(choices), [str(folder) for folder in folders])
    assert len(str(error.value)) < 300 + sum(len(str(folder)) for folder in folders)
    return str(error.value)


def test_the_first_folder_that_has_a_module_wins(tmp_path):
    write_modules(tmp_path / "config", lp_a="WHERE = 'config'")
    write_modules(tmp_path / "work", lp_a="WHERE = 'work'", lp_b="WHERE = 'work'")
    folders = [str(tmp_path / "config"), str(tmp_path / "work")]
    assert part("lp_a:WHERE", folders) == "config"
    assert part("lp_b:WHERE", folders) == "work"
    assert part("lp_a:WHERE", folders[::-1]) == "work"
    assert part("lp_a:WHERE", folders) == "config"


def test_without_folders_it_is_the_working_directory(tmp_path, monkeypatch):
    write_modules(tmp_path, lp_a="def here(text, row): ...")
    monkeypatch.chdir(tmp_path)
    assert named("score", "lp_a:here", {}).__name__ == "here"


def test_a_module_imports_what_lies_beside_it(tmp_path):
    for folder in ("one", "two"):
        write_modules(tmp_path / folder, lp_a="from lp_b import WHERE", lp_b=f"WHERE = '{folder}'")
    # As in a notebook, whose working directory is the first place where modules are looked for.
    sys.path.insert(0, str(tmp_path / "two"))
    for folder in ("one", "two", "one"):
        assert part("lp_a:WHERE", [str(tmp_path / folder)]) == folder


def test_the_same_name_twice_is_the_same_object(tmp_path):
    write_modules(tmp_path, lp_a="class Rule: ...")
    first, second = (part("lp_a:Rule", [str(tmp_path)]) for _ in range(2))
    assert first is second
    assert sys.modules["lp_a"].Rule is first, "so that it can be pickled"


def test_a_package_without_init_is_found_in_its_folder_alone(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_modules(tmp_path / folder / "lp_space", inner=f"WHERE = '{folder}'")
    write_modules(tmp_path / "two" / "lp_space", other="WHERE = 'two'")
    sys.path.insert(0, str(tmp_path / "two"))
    folders = [str(tmp_path / "one")]
    assert part("lp_space.inner:WHERE", folders) == "one"
    assert part("lp_space.inner:WHERE", [str(tmp_path / "two")]) == "two"
    assert part("lp_space.other:WHERE", [str(tmp_path / "two")]) == "two"


def test_a_module_of_a_package_is_found(tmp_path):
    write_modules(tmp_path / "lp_pack", __init__="", inner="from . import other\nX = other.X")
    write_modules(tmp_path / "lp_pack", other="X = 7")
    assert part("lp_pack.inner:X", [str(tmp_path)]) == 7
    assert module_file("lp_pack.inner", [str(tmp_path)]) == tmp_path / "lp_pack" / "inner.py"
    assert "there is no module 'lp_pack.outer'" in sentence("lp_pack.outer:X", tmp_path)


def test_what_lies_beside_hides_nothing_of_python_or_installed(tmp_path):
    wrong = "raise SystemExit('the wrong one')"
    write_modules(tmp_path, lp_a="import colorsys, yaml.nodes\nX = 1", colorsys=wrong, yaml=wrong)
    sys.modules.pop("colorsys", None)
    assert part("lp_a:X", [str(tmp_path)]) == 1


@pytest.mark.parametrize("name", ["json", "yaml"])
def test_a_name_that_is_taken_is_refused(name, tmp_path):
    write_modules(tmp_path, **{name: "X = 1"})
    assert f"{name!r} in {tmp_path} has the name of a module" in sentence(f"{name}:X", tmp_path)
    assert json.loads("1") == 1


def test_a_module_that_is_nowhere_is_refused_with_where_was_looked(tmp_path):
    words = sentence("lp_nowhere:X", tmp_path / "config", tmp_path / "work")
    assert "rule 'lp_nowhere:X': there is no module 'lp_nowhere'" in words
    assert f"looked in {tmp_path / 'config'}, {tmp_path / 'work'}, and among" in words


def test_a_name_that_is_not_in_the_module_comes_with_the_nearest(tmp_path):
    write_modules(tmp_path, lp_a="class Restless: ...")
    words = sentence("lp_a:Restles", tmp_path)
    assert f"{tmp_path / 'lp_a.py'} has no 'Restles'; did you mean 'Restless'?" in words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("X = 1\nY = Z", "line 2: NameError: name 'Z' is not defined"),
        ("X = 1\ndef f(:", "line 2: SyntaxError: invalid syntax"),
        ("import lp_missing_one", "line 1: ModuleNotFoundError: No module named 'lp_missing_one'"),
        ("\n\nraise SystemExit(3)", "line 3: SystemExit: 3"),
    ],
)
def test_an_error_in_the_module_comes_with_file_and_line(source, words, tmp_path):
    write_modules(tmp_path, lp_a=source)
    for _ in range(2):
        assert f"{tmp_path / 'lp_a.py'}, {words}" in sentence("lp_a:X", tmp_path)
    assert "lp_a" not in sys.modules
    write_modules(tmp_path, lp_a="X = 'mended'")
    assert own_module("lp_a", [str(tmp_path)]).X == "mended"


def test_an_error_in_what_lies_beside_names_that_file(tmp_path):
    write_modules(tmp_path, lp_a="import lp_b", lp_b="X = 1\n1 / 0")
    words = sentence("lp_a:X", tmp_path)
    assert f"{tmp_path / 'lp_b.py'}, line 2: ZeroDivisionError" in words


def test_what_is_neither_registered_nor_a_module_comes_with_the_nearest():
    words = sentence("unform", choices=("uniform", "reverse"))
    assert words == (
        "there is no rule 'unform'; did you mean 'uniform'? choose one of uniform, reverse, or "
        "name your own as module:name"
    )
    assert "there is no rule '../x:Rule'" in sentence("../x:Rule")
    assert "'unform'; name your own as module:name" in sentence("unform")


@pytest.mark.parametrize("name", ["mine.py:Rule", "../study/mine.py:Rule"])
def test_the_path_of_a_file_is_answered_with_what_to_write(name):
    assert "write mine:Rule, without the folder and .py" in sentence(name)


def test_the_sentence_of_a_missing_module_says_how_its_folder_is_named(tmp_path):
    assert "(in a config `modules`, to `lessonplan check` --folder)" in sentence("lp_x:X", tmp_path)


def test_only_mistakes_in_ones_own_code_are_placed(tmp_path):
    installed = tmp_path / "site-packages"
    for folder in (tmp_path, installed):
        folder.mkdir(exist_ok=True)
        write_modules(folder, lp_a="def f(error):\n    raise error('words ' * 99)\n")
        f = part("lp_a:f", [str(folder)])
        for error in (KeyError, KeyboardInterrupt):
            placed = folder == tmp_path and error is KeyError
            with pytest.raises(ValueError if placed else error) as got:
                with own_mistakes("it", [str(tmp_path)]):
                    f(error)
            start = f"it: {folder / 'lp_a.py'}, line 2: KeyError: 'words"
            assert (str(got.value).startswith(start) and str(got.value).endswith("...")) == placed


def test_an_installed_module_comes_last(tmp_path):
    with trusting():
        assert part("fractions:Fraction", [str(tmp_path)])(1, 2) == 0.5
