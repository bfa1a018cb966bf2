"""The names of columns that people and public sets use, and the columns of a row by them."""

import re

from .values import Role, Row, taker

CHATS = ("conversations", "conversation", "dialog", "dialogs", "dialogue", "dialogues", "turns",
         "chat", "data")  # fmt: skip
CHOSEN = ("chosen", "chosen_conversations", "chosen_messages", "response_j", "preferred")
QUESTIONS = ("question", "query", "problem", "question_stem", "question_text")
TASKS = ("prompt", "instruction", "instructions")
CONTEXTS = ("context", "passage", "contexts", "story", "article", "paragraph",
            "support", "background")  # fmt: skip
INPUTS = ("input", "inputs", "query")
PLAIN = ("inputs_pretokenized", "input", "inputs", "commands", "goal", "ctx", "text", "sentence",
         "text_a", "user")  # fmt: skip
WORKS = (
    "startphrase",
    "document",
    "article",
    "dialogue",
    "review",
    "tweet",
    "claim",
    "utterance",
    "headline",
    "comment",
    "title",
    "content",
    "passage",
    "story",
    "premise",
    "concepts",
)
"""What is asked about where there is an answer, too."""
SOURCES = ("source", "src")
TWINS = (("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"),
         ("text1", "text2"), ("text_a", "text_b"), ("question", "sentence"), ("title", "content"),
         ("title", "description"))  # fmt: skip
ANSWERS = ("answer", "answers", "output", "outputs", "response", "completion", "completions",
           "targets_pretokenized", "target", "targets", "tgt", "final_answer", "correct_answer",
           "best_answer", "expected_answer", "expected_output", "expected", "canonical_solution",
           "solution", "code", "actions", "summary", "highlights", "final_decision",
           "answers_spans", "ground_truth", "reference", "correct", "gold", "ideal",
           "std_answer", "reference_answer", "assistant")  # fmt: skip
LABELS = ("label", "label_text", "label_name", "labels")
CLASSES = ("sentiment", "intent", "emotion", "class", "class_index", "coarse_label")
"""Labels of texts; beside a question they say of which kind it is."""
ACCEPTED = ("accepted", "correct_answers", "aliases", "answer_aliases")
CHOICES = ("choices", "options", "endings", "target_scores", "mc1_targets", "answer_choices",
           "answer_options", "candidates", "alternatives")  # fmt: skip
MARKED = ("target_scores", "mc1_targets")
"""Choices that say themselves which is right."""
PICKS = ("answer", "answerkey", "answer_key", "label", "correct", "correct_answer",
         "correct_option", "correct_choice", "correct_answer_id", "answer_idx", "answer_index",
         "answer_id", "gold", "target", "targets_pretokenized", "cop", "output", "response",
         "completion")  # fmt: skip
MOST_KEYWORDS = 8
UNANSWERABLE = "is_impossible"
"""The column that is true where a question has no answer, as in SQuAD 2."""
WRONG = ("distractor", "distractors", "incorrect_answer", "incorrect_answers", "wrong_answer",
         "wrong_answers")  # fmt: skip
NUMBERED = re.compile(r"(ans|answer|ending|sol|choice|option|opt)_?([0-9])$")
LETTERED = re.compile(r"(ans|answer|choice|option|opt|op)?_?([a-j])$")


class Names:
    """The columns of a row, by what they are called whatever the case.

    `is_sure` turns False once a kind was asked of a column that is empty in this row.
    """

    def __init__(self, row: Row) -> None:
        self.row, self.is_sure = row, True
        self._columns: dict[str, str] = {}
        for column in row:
            self._columns.setdefault(folded(column), column)

    def find(self, *names: str) -> str | None:
        """The column with the first of these names that there is."""
        for name in names:
            column = name if name in self.row else self._columns.get(name)
            if column is not None:
                return column
        return None

    def family(self, pattern: re.Pattern[str]) -> dict[str, str]:
        """Columns that are numbered or lettered through, by number or letter, in that order."""
        groups: dict[str, dict[str, str]] = {}
        for name, column in self._columns.items():
            match = pattern.match(name)
            if match:
                groups.setdefault(match.group(1) or "", {})[match.group(2)] = column
        prefix = max(groups, key=lambda prefix: len(groups[prefix]), default="")
        members = {key: groups[prefix][key] for key in sorted(groups.get(prefix, ()))}
        starts = next(iter(members), "") in ("0", "1", "a")
        # Two columns a and b are as likely to be numbers as choices.
        bare = not prefix and not all(column.isupper() for column in members.values())
        return members if starts and len(members) >= (3 if bare else 2) else {}

    def is_a(self, column: str | None, *kinds: type) -> bool:
        """Whether the value in a column is of one of these kinds."""
        value = None if column is None else self.row.get(column)
        self.is_sure &= column is None or value is not None
        return isinstance(value, kinds)

    def role(self, *names: str) -> Role | None:
        """The first of these columns as a role."""
        column = self.find(*names)
        return None if column is None else Role((column,), taker(column))


def folded(column: str) -> str:
    """A name of a column without case, spaces and hyphens."""
    return str(column).strip().lower().replace(" ", "_").replace("-", "_")
