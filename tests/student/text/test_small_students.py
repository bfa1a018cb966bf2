"""Small models that read characters: choices, several right answers, scores, and guessing."""

import pickle

import numpy as np
import pytest
import torch
from cohort_kit import evaluation_set
from torch import nn

from lessonplan.student import (
    IGNORED,
    LSTM,
    SPLITS,
    Adam,
    Decoder,
    Question,
    StackedCohort,
    TextTask,
    check_cohort,
    text_code,
    text_suite,
)
from lessonplan.student.text.scores import SCORES

NAMES = [a + b for a in "abcdefgh" for b in "abcdefgh"]


def divided(questions):
    """A third of the examples for each of probe and test, all of stress from test."""
    return {
        "train": questions[::3], "probe": questions[1::3], "test": questions[2::3],
        "stress": questions[2::3],
    }  # fmt: skip


def picking():
    """The answer is the first letter of the prompt, among it and the second one."""
    return TextTask(
        "pick",
        divided([Question(name, name[0], tuple(name)) for name in NAMES if name[0] != name[1]]),
    )


def saying(**fields):
    """The answer is the prompt or its mirror image; trained on the prompt."""
    questions = [Question(name, name, accepted=(name[::-1],), **fields) for name in NAMES]
    return TextTask("say", divided(questions))


def plain():
    return TextTask("plain", divided([(name, name[1]) for name in NAMES]))


SUITE = text_suite("small", [picking(), saying(), plain()])
BUILDS = {
    "decoder": lambda: Decoder(SUITE.input_shape, SUITE.n_outputs, width=16, n_layers=1),
    "lstm": lambda: LSTM(SUITE.input_shape, SUITE.n_outputs, width=12),
    "lstm with a decoder": lambda: LSTM(
        SUITE.input_shape, SUITE.n_outputs, width=12, prompt_length=text_code(SUITE).prompt_length
    ),
}


def cohort(n, kind="decoder", suite=SUITE, **options):
    options = {"batch_size": 8, "evaluation_size": 9, "optimizer": Adam(1e-2)} | options
    return StackedCohort(suite, BUILDS[kind], n, **options)


def trained(n, kind="decoder", steps=30, **options):
    made = cohort(n, kind, **options)
    made.train(np.full((n, len(made.suite)), 1 / len(made.suite)), steps)
    return made


def alone_loss(module, code, prompt, answer):
    """Negative log probability of an answer and its end, from the layout's own words."""
    examples = code.encode([(prompt, answer)])
    with torch.no_grad():
        logs = module(examples.inputs)[0].log_softmax(dim=-1)
    wanted = examples.targets[0]
    return -sum(float(logs[i, wanted[i]]) for i in range(len(wanted)) if wanted[i] != IGNORED)


def alone_text(module, code, prompt):
    """What a student writes, a character at a time."""
    text = ""
    for place in range(code.room):
        row = prompt.rjust(code.prompt_length, "\x03") + "\x02" + text
        row = row.ljust(code.prompt_length + code.room, "\x03")
        tokens = torch.tensor([[code.vocabulary.index(character) for character in row]])
        with torch.no_grad():
            token = int(module(tokens)[0, code.prompt_length + place].argmax())
        if token == code.end:
            break
        text += code.vocabulary[token]
    return text


@pytest.mark.parametrize("kind", BUILDS)
def test_choices_and_what_is_written_are_those_of_a_member_alone(kind):
    made = trained(3, kind)
    found, code = made.evaluate("test"), text_code(SUITE)
    index, used = evaluation_set(made, "test")
    offsets = SUITE.pool("test").offsets
    pick, say = (task.splits["test"] for task in (picking(), saying()))
    for member in range(3):
        module = made.student(member)
        right = []
        for place in index[member, 0][used[member, 0]] - offsets[0]:
            question = pick[place]
            losses = [alone_loss(module, code, question.prompt, one) for one in question.choices]
            right.append(question.choices[int(np.argmin(losses))] == question.answer)
        score = max(0.0, (np.mean(right) - 0.5) / 0.5)
        assert found.score[member, 0] == pytest.approx(score)
        written = []
        for place in index[member, 1][used[member, 1]] - offsets[1]:
            question = say[place]
            text = alone_text(module, code, question.prompt)
            written.append(text in (question.answer, *question.accepted))
        assert found.score[member, 1] == pytest.approx(np.mean(written))


@pytest.mark.parametrize("kind", BUILDS)
def test_a_member_is_graded_as_the_same_student_alone_to_the_bit(kind):
    together, alone = trained(4, kind), cohort(1, kind)
    alone.reset(np.arange(1), np.array([3]))
    alone.train(np.full((1, 3), 1 / 3), 30)
    for split in SPLITS:
        whole, single = together.evaluate(split), alone.evaluate(split)
        some = together.evaluate(split, tasks=np.array([1, 0]), rows=np.array([3, 3]))
        for name in ("score", "loss", "calibration_error"):
            np.testing.assert_array_equal(getattr(whole, name)[3], getattr(single, name)[0])
            np.testing.assert_array_equal(
                getattr(some, name)[:, 0], getattr(whole, name)[3, [1, 0]]
            )


@pytest.mark.slow
@pytest.mark.parametrize("kind", BUILDS)
def test_a_graded_suite_of_characters_keeps_the_contract(kind):
    check_cohort(lambda n: cohort(n, kind))


@pytest.mark.slow
def test_a_small_decoder_learns_choices_above_chance():
    made = cohort(2, evaluation_size=64, batch_size=32)
    mixture = np.tile([1.0, 0.0, 0.0], (2, 1))
    before = made.evaluate("test").score[:, 0]
    made.train(mixture, 300)
    assert (made.evaluate("test").score[:, 0] > np.maximum(before, 0.5)).all()


def test_a_mirror_image_that_is_accepted_counts_and_training_is_on_the_reference():
    suite = text_suite("s", [saying()])
    grader, code = suite.tasks[0].grader, text_code(suite)
    assert code.decode(suite.tasks[0].splits["train"].inputs)[1] == ("ad", "ad")

    class Mirrors:
        def generate(self, who, prompts, length, end):
            rows = code.decode(torch.cat([prompts, torch.zeros_like(prompts[:, :1])], dim=1))
            words = [prompt[::-1] for prompt, _ in rows]
            return [[code.vocabulary.index(letter) for letter in word] for word in words]

        def losses(self, who, inputs, targets):
            return np.zeros(len(inputs))

    credit, confidence = grader.grade("test", np.arange(5)[None], Mirrors())
    assert credit.tolist() == confidence.tolist() == [[1.0] * 5]


def test_one_accepted_answer_that_is_the_reference_stays_exact_match():
    questions = [Question(name, name, accepted=(name,)) for name in NAMES]
    exact = [Question(name, name, score=SCORES["exact"]) for name in NAMES]
    pairs = [(name, name) for name in NAMES]
    suites = [text_suite("s", [TextTask("t", divided(each))]) for each in (questions, exact, pairs)]
    assert [suite.tasks[0].grader for suite in suites] == [None] * 3
    for split in SPLITS:
        examples = [suite.tasks[0].splits[split] for suite in suites]
        assert all(torch.equal(one.inputs, examples[0].inputs) for one in examples)


def test_a_written_number_is_scored_by_its_name():
    questions = [Question(f"q{i}", f"so {i}", score=SCORES["final_number"]) for i in range(9)]
    suite = text_suite("s", [TextTask("t", dict.fromkeys(SPLITS, questions))])
    code = text_code(suite)

    class Says:
        def generate(self, who, prompts, length, end):
            return [[code.vocabulary.index(letter) for letter in "5"] for _ in prompts]

        def losses(self, who, inputs, targets):
            return np.zeros(len(inputs))

    credit, _ = suite.tasks[0].grader.grade("test", np.arange(9)[None], Says())
    assert credit[0].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0]


def test_a_suite_with_graders_is_the_same_in_another_process():
    copy = pickle.loads(pickle.dumps(SUITE))
    made, other = trained(2), trained(2, suite=copy)
    np.testing.assert_array_equal(made.evaluate("probe").score, other.evaluate("probe").score)
    assert copy.tasks[1].grader.keys["test"][0] == ("ac", "ca")


def test_choices_of_a_hundred_thousand_lines_are_small():
    splits = {split: [] for split in SPLITS}
    splits["train"] = [Question(f"question {i % 997}", "yes", ("yes", "no")) for i in range(10_000)]
    splits |= dict.fromkeys(SPLITS[1:], splits["train"][:10])
    grader = text_suite("s", [TextTask("t", splits)]).tasks[0].grader
    assert len(grader.texts) == 2
    assert len(pickle.dumps(grader)) < 10_000 * 60


class Guesser(nn.Module):
    """Learns how frequent tokens are at every place, and reads nothing."""

    def __init__(self, suite):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(*suite.input_shape, suite.n_outputs))

    def forward(self, inputs):
        return self.table.expand(len(inputs), -1, -1)


def yes_or_no(**fields):
    questions = [Question(name, "no" if i % 4 else "yes", **fields) for i, name in enumerate(NAMES)]
    return [TextTask("t", dict.fromkeys(SPLITS, questions))]


def test_guessing_the_majority_of_a_yes_or_no_set_scores_nothing():
    suites = [text_suite("s", yes_or_no(), majority) for majority in (True, False)]
    for suite, chance in zip(suites, (0.75, 0.0), strict=True):
        assert suite.tasks[0].chance == chance
        made = StackedCohort(
            suite, lambda suite=suite: Guesser(suite), 1, evaluation_size=64, optimizer=Adam(0.1)
        )
        made.train(np.ones((1, 1)), 40)
        wanted = 0.0 if chance else 0.75
        assert made.evaluate("test").score.tolist() == [[wanted]]


def guessing(questions):
    return text_suite("s", [TextTask("t", dict.fromkeys(SPLITS, questions))], True).tasks[0].chance


def test_the_majority_is_guessed_where_a_few_answers_come_again_and_again():
    def cycle(different, number):
        return [Question(f"q{i}", f"a{i % different}") for i in range(number)]

    assert guessing(cycle(32, 160)) == 1 / 32
    assert guessing(cycle(33, 330)) == 0.0
    # Three splits of the same questions: each answer comes three times as often as in one.
    assert guessing(cycle(30, 50)) == 2 / 50
    assert guessing(cycle(31, 51)) == 0.0
    # Nothing to tell apart.
    assert guessing(cycle(1, 50)) == 0.0


def test_guessing_among_choices_is_at_least_to_say_the_most_frequent_answer():
    letters = [Question(f"q{i}", "AAB"[i % 3], ("A", "B", "C", "D")) for i in range(30)]
    assert guessing(letters) == 2 / 3
    different = [Question(f"q{i}", f"a{i}", (f"a{i}", f"b{i}", f"c{i}")) for i in range(99)]
    assert guessing(different) == pytest.approx(1 / 3)
    several = [Question(f"q{i}", f"a{i}", (f"a{i}", "b", "c"), accepted=("c",)) for i in range(99)]
    assert guessing(several) == pytest.approx(2 / 3)


def test_an_answer_that_is_often_accepted_is_the_one_to_guess():
    questions = [Question(f"q{i}", "no", accepted=("none",)) for i in range(10)]
    questions += [Question(f"p{i}", "never", accepted=("none",) * (i < 6)) for i in range(10)]
    assert guessing(questions) == 16 / 20


def test_what_a_function_of_ones_own_gives_to_the_majority_is_not_known():
    questions = [Question(f"q{i}", "yes", score=lambda text, entry: 1.0) for i in range(20)]
    questions += [Question(f"p{i}", "no", score=lambda text, entry: 1.0) for i in range(20)]
    assert guessing(questions) == 0.0
    named = [Question(one.prompt, one.answer, score=SCORES["choice"]) for one in questions]
    assert guessing(named) == 0.5


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (Question("q", "none", score=SCORES["final_number"]), "'none' of task 't' has no number"),
        (Question("q", "...", score=SCORES["choice"]), "'...' of task 't' has nothing to compare"),
        (
            Question("q", "a", ("a", "b"), accepted=("c",)),
            "the answer 'c' of task 't' must be one of its choices",
        ),
    ],
)
def test_an_answer_that_no_text_could_equal_is_refused(question, sentence):
    with pytest.raises(ValueError, match=sentence.replace("...", r"\.\.\.")):
        guessing([question])


def test_a_template_of_its_own_words_a_question():
    questions = [Question("1+1", "2", template="Q: {prompt}?")]
    suite = text_suite("s", [TextTask("t", dict.fromkeys(SPLITS, questions))])
    assert text_code(suite).decode(suite.tasks[0].splits["test"].inputs) == [("Q: 1+1?", "2")]
