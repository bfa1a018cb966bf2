"""Mutated configs and data files through what `lessonplan run --dry-run` checks first.

    python tests/kits/fuzz.py configs --count 2000 --seed 0
    python tests/kits/fuzz.py data --count 5000 --seed 0

Each case is made of its seed and its number alone. It must end within 20 seconds and 6 GB, in one
sentence or accepted; what a mutation makes wrong must be refused, and what it leaves the same must
be accepted as the same. Prints what did not, and ends with status 1 then.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import select
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

SECONDS, BYTES = 20, 6 << 30
LONGEST = 2_000
"""Characters of a sentence that somebody reads."""
FAULTS = (
    "traceback", "hang", "died", "accepted wrong", "refused right", "changed", "endless words",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A mutated input.

    Attributes:
        name: of the mutation.
        wanted: `refused`, `same` (accepted, and what it was without the mutation) or `any`.
        act: reads and checks it; returns what it was read as.
        whole: the same of what was not mutated, where that is wanted.
    """

    name: str
    wanted: str
    act: Callable[[], Any]
    whole: Any = None


class TooLongError(BaseException):
    """The watchdog's; nobody catches it."""


def _bark(*_: object) -> None:
    raise TooLongError


def verdict(case: Case) -> tuple[str, str]:
    """What came of a case, and the words of it."""
    from lessonplan.experiments.common.mistakes import words_of

    signal.signal(signal.SIGALRM, _bark)
    signal.alarm(SECONDS)
    try:
        got = case.act()
    except (ValueError, ImportError, OSError) as error:
        words = words_of(error)
        if len(words) > LONGEST:
            return "endless words", f"{len(words)} characters: {words[:200]}"
        return ("refused right" if case.wanted == "same" else "refused"), words
    except TooLongError:
        return "hang", "".join(traceback.format_stack(limit=4))
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {words_of(error)[:200]} at {last.filename}:{last.lineno}"
        return "traceback", words
    finally:
        signal.alarm(0)
    if case.wanted == "refused":
        return "accepted wrong", ""
    if case.wanted == "same" and got != case.whole:
        return "changed", ""
    return "accepted", ""


def _child(kind: str, seed: int, numbers: range, pipe: int) -> None:
    """Do the cases, and tell of each in a line."""
    from lessonplan.experiments.cli import app  # noqa: F401  (before memory is limited)

    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    cases = _cases(kind)
    with os.fdopen(pipe, "w") as out, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number in numbers:
            print(json.dumps([number, "begun", "", ""]), file=out, flush=True)
            with contextlib.redirect_stderr(io.StringIO()):
                case = cases(Random(f"{kind} {seed} {number}"), Path(folder))
                outcome = verdict(case)
            print(json.dumps([number, case.name, *outcome]), file=out, flush=True)


def _cases(kind: str) -> Callable[[Random, Path], Case]:
    if kind == "configs":
        from fuzz_configs import config_case as case
    else:
        from fuzz_data import data_case as case
    return case


Outcome = tuple[int, str, str, str]


def outcomes(kind: str, count: int, seed: int, first: int = 0) -> Iterator[Outcome]:
    """Number, mutation, verdict and words of each case, done in processes of their own."""
    number = first
    while number < first + count:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                _child(kind, seed, range(number, first + count), writing)
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(writing)
        begun, ended = number, "died"
        with os.fdopen(reading) as lines:
            while select.select([lines], [], [], SECONDS + 10)[0] and (line := lines.readline()):
                at, name, result, words = json.loads(line)
                begun = at
                if name != "begun":
                    yield at, name, result, words
                    number = at + 1
            else:
                ended = "died" if select.select([lines], [], [], 0)[0] else "hang"
        # What hangs outside of Python hears no alarm.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if number < first + count:
            yield begun, "?", ended, ""
            number = begun + 1


def main() -> int:
    """Print what came of all cases; 1 if any has a fault."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=("configs", "data"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--verbose", action="store_true", help="print every case")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for number, name, result, words in outcomes(
        options.kind, options.count, options.seed, options.first
    ):
        counts[result] += 1
        if options.verbose or result in FAULTS:
            print(f"case {number} ({name}): {result}: {words}", flush=True)
    print(f"{options.kind}, seed {options.seed}: {dict(counts.most_common())}")
    return int(any(counts[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
