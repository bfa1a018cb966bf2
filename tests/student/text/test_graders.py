"""Graders by students whose losses and texts are written down."""

import math

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the hf extra is not installed")

from grader_kit import COLOURS, INDEX, TOKENIZER, suite_of
from tiny_pretrained import END, save_tiny_llama

from lessonplan.student.contract.tasks import IGNORED, NO_TOKEN
from lessonplan.student.text.graders import Choice, Verify
from lessonplan.student.text.tokens import token_code
from lessonplan.student.text.wording import Question


class Scripted:
    """A student whose losses and texts are given by the text of prompt and answer."""

    def __init__(self, losses=None, texts=None):
        self.by_text, self.texts, self.seen = losses, texts, []

    def losses(self, who, inputs, targets):
        found = []
        for row, wanted in zip(inputs, targets, strict=True):
            answer = TOKENIZER.decode(wanted[wanted != IGNORED])
            first = len(row) - len(wanted) + 1
            assert TOKENIZER.decode(row[first:][row[first:] != NO_TOKEN]) == answer[:-10]
            self.seen.append((TOKENIZER.decode(row[:first][row[:first] != NO_TOKEN]), answer))
            found.append(self.by_text[answer.removesuffix(END)])
        return np.array(found)

    def generate(self, who, prompts, length, end):
        texts = [self.texts[TOKENIZER.decode(row[row != NO_TOKEN])] for row in prompts]
        return [TOKENIZER(text)["input_ids"][:length] for text in texts]


def test_the_candidate_with_the_lowest_loss_is_the_answer():
    grader = suite_of(COLOURS).tasks[0].grader
    assert isinstance(grader, Choice)
    student = Scripted({"red": 2.0, "blue": 1.0, "green": 3.0})
    credit, confidence = grader.grade("test", INDEX, student)
    assert credit.tolist() == [[1.0, 0.0, 0.0]]
    e = math.exp
    three = e(-1) / (e(-1) + e(-2) + e(-3))
    assert confidence[0] == pytest.approx([three, e(-1) / (e(-1) + e(-3)), e(-1) / (e(-1) + e(-2))])
    assert student.seen[:3] == [("sky?", f"{colour}{END}") for colour in ("red", "blue", "green")]
    assert len(student.seen) == 7


def test_examples_are_found_by_their_index_in_any_order_and_number():
    grader = suite_of(COLOURS).tasks[0].grader
    student = Scripted({"red": 2.0, "blue": 1.0, "green": 0.5})
    credit, _ = grader.grade("probe", np.array([[2, 1, 1]]), student)
    assert credit.tolist() == [[0.0, 1.0, 1.0]]
    assert student.seen[0] == ("a very long one, blood?", f"blue{END}")


class Counting(Scripted):
    """Scripted, and knows how much it was asked."""

    def __init__(self, *given):
        super().__init__(*given)
        self.asked = []

    def losses(self, who, inputs, targets):
        self.asked.append(len(inputs))
        return super().losses(who, inputs, targets)

    def generate(self, who, prompts, length, end):
        self.asked.append(len(prompts))
        return super().generate(who, prompts, length, end)


def test_examples_that_are_repeated_are_asked_once_and_graded_everywhere():
    repeated = np.array([2, 0, 2, 1, 1, 1])
    texts = {"1+1": f"2{END}", "1+2": " three", "2+2": f"no{END}"}
    for questions, script, most in (
        (COLOURS, ({"red": 2.0, "blue": 1.0, "green": 3.0},), [7]),
        (NUMBERS, ({"2": 0.5, " three": 1.0, "no": 0.1}, texts), [3, 3]),
    ):
        grader = suite_of(questions).tasks[0].grader
        alone = [grader.grade("test", INDEX[:, i : i + 1], Scripted(*script)) for i in repeated]
        student = Counting(*script)
        credit, confidence = grader.grade("test", repeated[None], student)
        assert credit.tolist() == [[one[0][0, 0] for one in alone]]
        assert confidence.tolist() == [[one[1][0, 0] for one in alone]]
        assert len(set(confidence[0].tolist())) == 3
        assert student.asked == most


def test_a_mean_per_token_does_not_favour_what_is_short():
    questions = [Question("q", "abcdefghi", ("abcdefghi", "x"))]
    losses = {"abcdefghi": 5.0, "x": 2.0}  # per token with the end: 0.5 and 1
    summed = suite_of(questions).tasks[0].grader.grade("test", INDEX[:, :1], Scripted(losses))
    mean = suite_of(questions, per_token=True).tasks[0].grader
    credit, confidence = mean.grade("test", INDEX[:, :1], Scripted(losses))
    assert (summed[0], credit) == (0.0, 1.0)
    assert confidence == pytest.approx(1 / (1 + math.exp(-0.5)))


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_losses_that_are_no_numbers_get_no_credit(loss):
    grader = suite_of(COLOURS).tasks[0].grader
    student = Scripted(dict.fromkeys(("red", "blue", "green"), loss))
    credit, confidence = grader.grade("test", INDEX, student)
    assert credit.tolist() == confidence.tolist() == [[0.0, 0.0, 0.0]]


def test_guessing_among_choices_is_the_chance_level_and_training_goes_on_the_reference():
    task = suite_of(COLOURS).tasks[0]
    assert task.chance == pytest.approx((1 / 3 + 1 / 2 + 1 / 2) / 3)
    targets = task.splits["train"].targets
    answers = [TOKENIZER.decode(row[row != IGNORED]) for row in targets]
    assert answers == [f"{colour}{END}" for colour in ("blue", "green", "red")]


def test_a_longer_candidate_than_every_reference_has_room():
    suite = suite_of([Question("q", "a", ("a", "a long one"))])
    assert suite.tasks[0].splits["test"].targets.shape[1] == len("a long one") + 1
    student = Scripted({"a": 1.0, "a long one": 2.0})
    assert suite.tasks[0].grader.grade("test", INDEX[:, :1], student)[0] == 1.0


def half(text, entry):
    """Right for the number, half right for its word."""
    return {entry["number"]: 1.0, entry["word"]: 0.5}.get(text, 0.0)


NUMBERS = [
    Question("1+1", "2", entry={"number": "2", "word": "two"}, score=half),
    Question("1+2", "3", entry={"number": "3", "word": "three"}, score=half),
    Question("2+2", "4 ever", entry={"number": "4", "word": "four"}, score=half),
]


def test_a_text_that_is_generated_gets_what_the_function_says():
    grader = suite_of(NUMBERS).tasks[0].grader
    assert isinstance(grader, Verify)
    texts = {"1+1": f"2{END}", "1+2": " three", "2+2": f"no{END}"}
    student = Scripted({"2": 0.5, " three": 1.0, "no": 0.0}, texts)
    credit, confidence = grader.grade("test", INDEX, student)
    assert credit.tolist() == [[1.0, 0.5, 0.0]]
    assert confidence[0] == pytest.approx([math.exp(-0.5), math.exp(-1.0), 1.0])
    assert [prompt for prompt, _ in student.seen] == ["1+1", "1+2", "2+2"]


def test_a_text_that_does_not_end_has_no_end_in_its_confidence():
    suite = suite_of([NUMBERS[0]])
    assert suite.tasks[0].splits["test"].targets.shape == (1, 2)
    seen = []

    class Endless(Scripted):
        def losses(self, who, inputs, targets):
            seen.extend(targets.tolist())
            return np.array([1.0])

    credit, confidence = suite.tasks[0].grader.grade(
        "test", INDEX[:, :1], Endless(texts={"1+1": "22222"})
    )
    two = TOKENIZER.convert_tokens_to_ids("2")
    assert seen == [[two, two]]
    assert (credit[0, 0], confidence[0, 0]) == (0.0, math.exp(-1.0))


def test_a_text_is_cut_where_the_model_could_not_read_it_and_then_has_no_end(tmp_path):
    source = save_tiny_llama(tmp_path, max_position_embeddings=8)
    rows = [Question("abcde", "12", accepted=("1",)), Question("f", "12345", accepted=("1",))]
    grader = suite_of(rows, source).tasks[0].grader
    lengths, wanted = [], []

    class Wordy(Scripted):
        def generate(self, who, prompts, length, end):
            lengths.append((len(prompts), length))
            return super().generate(who, prompts, length, end)

        def losses(self, who, inputs, targets):
            wanted.extend(TOKENIZER.decode(row[row != IGNORED]) for row in targets)
            return np.ones(len(who))

    student = Wordy(texts={"abcde": "123456789", "f": "12345"})
    credit, _ = grader.grade("test", INDEX[:, :2], student)
    assert lengths == [(1, 3), (1, 6)]
    assert wanted == ["123", f"12345{END}"]
    assert credit.tolist() == [[0.0, 1.0]]


def test_a_score_outside_of_zero_to_one_is_refused():
    question = Question("1+1", "2", score=lambda text, entry: 3.0)
    grader = suite_of([question]).tasks[0].grader
    with pytest.raises(
        ValueError, match=r"score of the text '2' .* prompt '1\+1' must be in \[0, 1\], got 3"
    ):
        grader.grade("test", INDEX[:, :1], Scripted({"2": 1.0}, {"1+1": "2"}))


def test_a_diverged_student_gets_no_credit_for_what_it_writes():
    grader = suite_of([NUMBERS[0]]).tasks[0].grader
    credit, confidence = grader.grade("test", INDEX[:, :1], Scripted({"2": math.nan}, {"1+1": "2"}))
    assert (credit[0, 0], confidence[0, 0]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("questions", "sentence"),
    [
        (
            [*COLOURS, Question("sea?", "blue")],
            "task 't' has questions with choices and questions without, such as 'sea\\?'; give",
        ),
        (
            [*NUMBERS, Question("3+3", "6")],
            r"has questions with a score and questions without, such as '3\+3'; give a score to",
        ),
        (
            [Question("sky?", "blue", ("red", "blue"), score=half)],
            "task 't' has choices, .* and a score, .*; leave one of them out",
        ),
        (
            [Question("sky?", "azure", ("red", "blue"))],
            "the answer 'azure' of task 't' must be one of its choices, got",
        ),
    ],
)
def test_a_task_that_is_judged_in_several_ways_is_refused(questions, sentence):
    with pytest.raises(ValueError, match=sentence):
        suite_of(questions)


def test_reasoning_gyms_own_scorer_judges_by_the_entry_of_the_example():
    pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")
    from lessonplan.student.suites.reasoning_suite import reasoning

    suite = reasoning(
        ("spell_backward@0",), 12, 4, tokenizer=TOKENIZER, stress="noise", verify=True
    )
    task = suite.tasks[0]
    code = token_code(suite, TOKENIZER)
    for split in ("probe", "test", "stress"):
        pairs = code.decode(task.splits[split].inputs)
        # No exact match, but the scorer ignores case.
        other = {prompt: answer.swapcase() for prompt, answer in pairs}
        wrong = {prompt: "?" * len(answer) for prompt, answer in pairs}
        index = np.arange(len(pairs))[None]
        for texts, wanted in ((dict(pairs), 1.0), (other, 1.0), (wrong, 0.0)):
            student = Scripted(texts=texts)
            student.losses = lambda who, inputs, targets: np.ones(len(inputs))
            assert task.grader.grade(split, index, student)[0].tolist() == [[wanted] * len(pairs)]


SCORED = (
    "basic_arithmetic", "base_conversion", "bitwise_arithmetic", "caesar_cipher", "chain_sum",
    "count_bits", "decimal_arithmetic", "fraction_simplification", "gcd", "isomorphic_strings",
    "lcm", "leg_counting", "letter_counting", "ransom_note", "palindrome_generation",
    "prime_factorization", "simple_equations", "spell_backward", "syllogism", "word_sorting",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("dataset", SCORED)
def test_what_students_write_is_scored_as_the_dataset_itself_scores_it(dataset):
    pytest.importorskip("reasoning_gym", reason="the reasoning extra is not installed")
    from lessonplan.student.suites.reasoning_suite import make_dataset, reasoning

    name = f"{dataset}@0"
    suite = reasoning((name,), 8, 4, tokenizer=TOKENIZER, verify=True, max_tokens=600)
    code, task = token_code(suite, TOKENIZER), suite.tasks[0]
    theirs = make_dataset(name, 0, 1)
    pairs = code.decode(task.splits["probe"].inputs)
    items = task.grader.keys["probe"]
    for change in (str, str.upper, lambda text: f" {text}\n", lambda text: text[::-1] + "0"):
        student = Scripted(texts={prompt: change(answer) for prompt, answer in pairs})
        student.losses = lambda who, inputs, targets: np.ones(len(inputs))
        credit = task.grader.grade("probe", np.arange(len(pairs))[None], student)[0][0]
        wanted = [
            theirs.score_answer(change(answer).strip(), item)
            for (_, answer), item in zip(pairs, items, strict=True)
        ]
        assert credit.tolist() == pytest.approx(wanted)
        assert change is not str or wanted == [1.0] * len(pairs)
