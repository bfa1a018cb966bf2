"""A tenth of the mutated configs and data files that the kit makes: not one has a fault."""

import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).parents[1] / "kits" / "fuzz.py"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("configs", 200), ("data", 500)])
def test_of_mutated_inputs_none_ends_in_a_traceback_a_hang_or_a_wrong_value(kind, count):
    ended = subprocess.run(
        [sys.executable, str(KIT), kind, "--count", str(count), "--seed", "0"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "'refused': " in ended.stdout
    assert "'accepted': " in ended.stdout


def test_the_kit_tells_faults_from_refusals(monkeypatch):
    import fuzz

    def act(error=None, value=None):
        def do():
            if error is not None:
                raise error
            return value

        return do

    monkeypatch.setattr(fuzz, "SECONDS", 1)

    def verdict(wanted, **what):
        return fuzz.verdict(fuzz.Case("x", wanted, act(**what), whole=3))[0]

    assert verdict("any", error=ValueError("no")) == "refused"
    assert verdict("same", error=ValueError("no")) == "refused right"
    assert verdict("any", error=KeyError("no")) == "traceback"
    assert verdict("any", error=SystemExit(1)) == "traceback"
    assert verdict("any", error=ValueError("x" * 9_000)) == "endless words"
    assert verdict("refused", value=3) == "accepted wrong"
    assert verdict("same", value=4) == "changed"
    assert verdict("same", value=3) == "accepted"

    def hang():
        while True:
            pass

    assert fuzz.verdict(fuzz.Case("x", "any", hang))[0] == "hang"
