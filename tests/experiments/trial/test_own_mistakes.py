"""A mistake in one's own code is a sentence with its file and line, wherever a run meets it."""

import pytest
import yaml
from own_folder import PARTS, RUN, forgetting, write_modules

from lessonplan.experiments import read_config, run_trial
from lessonplan.experiments.trial.checking import check

BUGS = {
    "start": "{'a': nothing}",
    "observe": "memory if not view.score.any() else {'a': view.score @ view.score[:, :1, None]}",
    "probabilities": "view.score / view.score.shape",
}
"""What the functions of a rule return: mistakes at the first decision, and later."""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Reads the config beside the modules that are given."""
    monkeypatch.chdir(tmp_path)

    def read(*options, **sources):
        write_modules(tmp_path, lp_parts=PARTS, lp_beside="WIDTH = 8", **sources)
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(RUN))
        return read_config("c.yaml", [*options])

    with forgetting():
        yield read


def sentence(config, out):
    with pytest.raises(ValueError, match="line") as error:
        run_trial(config, out)
    return str(error.value)


@pytest.mark.parametrize("function", BUGS)
def test_of_a_rule(function, settings, tmp_path):
    arguments = "n, k" if function == "start" else "memory, view"
    rule = (
        "from lessonplan.teacher import Uniform\nclass Bad(Uniform):\n    needs = ('score',)\n"
        f"    def {function}(self, {arguments}):\n        return {BUGS[function]}\n"
    )
    config = settings("teachers=[{name: bad, rule: 'lp_bad:Bad'}]", lp_bad=rule)
    words = sentence(config, tmp_path / "run")
    assert f"{tmp_path / 'lp_bad.py'}, line 5: " in words
    assert "bad" in words.partition(":")[0]


def ruled(settings, body):
    rule = (
        "import numpy as np\nfrom lessonplan.teacher import Uniform\n\n"
        f"class Bad(Uniform):\n    needs = ('score',)\n{body}\n"
    )
    return settings("teachers=[{name: bad, rule: 'lp_bad:Bad'}]", lp_bad=rule)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "    def start(self): return {}",
            r"rule 'lp_bad:Bad': .*start\(\) takes 1 .* check lp_bad",
        ),
        ("    def observe(self, memory, view): pass", r"Bad.observe must return .*got NoneType"),
    ],
)
def test_a_function_that_is_called_or_answers_otherwise_is_named(body, words, settings, tmp_path):
    with pytest.raises(ValueError, match=words):
        run_trial(ruled(settings, body), tmp_path / "run")


@pytest.mark.parametrize(("factor", "said"), [(1, False), (0.25, True)])
def test_probabilities_that_do_not_sum_to_1_are_said(factor, said, settings, capsys):
    body = (
        "    def probabilities(self, memory, view):\n"
        f"        return {factor} * np.full(view.score.shape, 1 / view.score.shape[1])"
    )
    check(ruled(settings, body))
    words = "teacher 'bad': probabilities of 'lp_bad:Bad' sum to 0.25 in a row, and are scaled to 1"
    assert (words in capsys.readouterr().err) == said


@pytest.mark.parametrize("where", ["__init__", "forward"])
def test_of_a_network(where, settings, tmp_path):
    net = (
        "from lp_parts import Net\nclass Bad(Net):\n"
        f"    def {where}(self, *words, **options):\n        self.gone.away(1)\n"
    )
    config = settings("student.model=lp_bad:Bad", lp_bad=net)
    assert f"{tmp_path / 'lp_bad.py'}, line 4: AttributeError: " in sentence(
        config, tmp_path / "run"
    )


def test_of_a_suite(settings, tmp_path):
    suite = "def small(n):\n    return len(n)\n"
    config = settings("suite={name: 'lp_bad:small', options: {n: 2}}", lp_bad=suite)
    words = sentence(config, tmp_path / "run")
    assert words == (
        f"suite 'lp_bad:small': {tmp_path / 'lp_bad.py'}, line 2: "
        "TypeError: object of type 'int' has no len()"
    )
