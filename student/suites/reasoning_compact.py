"""What stays of reasoning-gym's questions for small students that read characters."""

import re

from ..text.characters import Pair


class Compaction:
    """What stays of a question: `prefix` and what the groups of `pattern` find, without `drop`."""

    def __init__(self, pattern: str, prefix: str = "", drop: str = "") -> None:
        self._pattern, self._prefix = re.compile(pattern), prefix
        self._dropped = str.maketrans("", "", drop)

    def __call__(self, question: str) -> str:
        """The shortened question; a question of another form as it is."""
        match = self._pattern.search(question)
        if match is None:
            return question
        return self._prefix + " ".join(match.groups()).translate(self._dropped)

    def parts(self, question: str) -> tuple[str, ...]:
        """What the groups find, as it stands in the question."""
        match = self._pattern.search(question)
        return match.groups() if match else (question,)


COMPACTIONS = {
    "basic_arithmetic": Compaction(r"Calculate (.+)\.$", drop=" "),
    "chain_sum": Compaction(r"problem: (.+) =$", drop=" "),
    "count_bits": Compaction(r"number (\d+)\?", "bits "),
    "count_primes": Compaction(r"between (\d+) and (\d+)", "primes "),
    "decimal_chain_sum": Compaction(r"problem: (.+) =$", drop=" "),
    "gcd": Compaction(r"numbers: (.+)\. Give", "gcd ", drop=","),
    "lcm": Compaction(r"numbers: ([\d, ]+)", "lcm ", drop=","),
    "leg_counting": Compaction(r"you have (.+)\?"),
    "number_sequence": Compaction(r"(.+), \?$", drop=" "),
    "prime_factorization": Compaction(r"factorization of (\d+)", "factors "),
    "products": Compaction(r"multiplication: (.+)\. Give", drop=" "),
    "spell_backward": Compaction(r": (\w+)$"),
}
"""What stays of a question, per dataset: its payload, with a word in front where that alone would
not say what is asked. The questions of other datasets stay as they are."""

LOWERED = ("spell_backward",)
"""Datasets whose own scoring ignores case: prompts and answers are written in lower case."""


def compact(dataset: str, question: str, answer: str) -> Pair:
    """Prompt and answer as the student sees them."""
    shorten = COMPACTIONS.get(dataset)
    prompt = shorten(question) if shorten else question
    return (prompt.lower(), answer.lower()) if dataset in LOWERED else (prompt, answer)
