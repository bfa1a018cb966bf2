"""What the columns of public sets are read as: one row of each kind, with what is right."""

from pathlib import Path

import pytest

from lessonplan.student.corpora.reading import BadRowError, Notices, Place
from lessonplan.student.corpora.reading.benchmarks import recognised
from lessonplan.student.corpora.reading.columns import Columns
from lessonplan.student.corpora.reading.usual_names import Names

PLACE = Place(Path("mine.jsonl"), 1)


def read(row):
    """The only record of a row."""
    (record,) = Columns(Notices()).records(PLACE, row)
    return record


PAIRS = {
    "gsm8k": ({"question": "3 pens?", "answer": "#### 3"}, "3 pens?", "#### 3"),
    "alpaca": (
        {"instruction": "Add.", "input": "3 and 4", "output": "7", "text": "Add. 3 and 4 7"},
        "Add.\n\n3 and 4", "7",
    ),
    "alpaca without input": ({"instruction": "Add.", "input": "", "output": "7"}, "Add.", "7"),
    "svamp": (
        {"ID": "1", "Body": "Tom has 3.", "Question": "How many?", "Answer": 3.0, "Type": "x"},
        "Tom has 3. How many?", "3",
    ),
    "bbh": ({"input": "not True is", "target": "False"}, "not True is", "False"),
    "scan": ({"commands": "jump", "actions": "I_JUMP"}, "jump", "I_JUMP"),
    "babi": ({"passage": "He went.", "question": "Who?", "answer": "he"}, "He went.\n\nWho?", "he"),
    "strategyqa": (
        {"qid": "1", "question": "Can it?", "answer": True, "facts": ["It can."]},
        "Can it?", "true",
    ),
    "humaneval": (
        {"task_id": "a/0", "prompt": "def f():", "canonical_solution": "    return 1\n",
         "test": "t"},
        "def f():", "    return 1\n",
    ),
    "mbpp": ({"task_id": 1, "text": "Write f.", "code": "f = 1"}, "Write f.", "f = 1"),
    "prompt and completion": ({"prompt": "3+4=", "completion": "7"}, "3+4=", "7"),
    "t0": (
        {"inputs": [5, 6], "inputs_pretokenized": "Is it?", "targets": [7],
         "targets_pretokenized": "Yes"},
        "Is it?", "Yes",
    ),
    "dolly": (
        {"instruction": "When?", "context": "In 1999.", "response": "1999",
         "category": "closed_qa"},
        "When?\n\nIn 1999.", "1999",
    ),
    "boolq": ({"question": "is it", "answer": False, "passage": "It."}, "It.\n\nis it", "false"),
    "math": ({"problem": "1+1", "level": "Level 1", "type": "A", "solution": "2"}, "1+1", "2"),
    "xsum": ({"document": "Long.", "summary": "Short.", "id": "1"}, "Long.", "Short."),
    "wmt": ({"translation": {"de": "Hallo", "en": "Hello"}}, "Hallo", "Hello"),
    "source only with target": ({"source": "ab", "target": "ba"}, "ab", "ba"),
    "source of the row": ({"source": "a set", "problem": "1+1", "solution": "2"}, "1+1", "2"),
    "post": ({"title": "Sum", "body": "Why 7?", "answer": "3+4"}, "Sum\n\nWhy 7?", "3+4"),
    "post without body": ({"title": "Sum", "body": None, "answer": "7.0"}, "Sum", "7.0"),
    "article": ({"title": "T", "content": "Long.", "summary": "Short."}, "T\n\nLong.", "Short."),
    "post beside a prompt": ({"title": "T", "body": "B", "input": "I", "answer": "a"}, "I", "a"),
    "names in capitals": ({"Question": "1+1", "Answer": "2"}, "1+1", "2"),
    "pair": ({"prompt": "P", "chosen": "good", "rejected": "bad"}, "P", "good"),
    "evals": ({"input": "1+1", "ideal": "2"}, "1+1", "2"),
    "the kind of a question": ({"question": "Q", "class": "code", "std_answer": "A"}, "Q", "A"),
    "several answers nested": (
        {"question": "Who?", "question_id": "q", "answer": {"value": "Al", "aliases": ["Al"]}},
        "Who?", "Al",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAIRS)
def test_prompt_and_answer_are_those_of_the_set(kind):
    row, prompt, answer = PAIRS[kind]
    assert read(row) == {"prompt": prompt, "answer": answer}


CHOICES = {
    "aqua": (
        {"question": "Q", "options": ["A)21", "B)22"], "rationale": "r", "correct": "B"},
        ["21", "22"], "22",
    ),
    "commonsenseqa": (
        {"question": "Q", "choices": {"label": ["A", "B"], "text": ["x", "y"]}, "answerKey": "B"},
        ["x", "y"], "y",
    ),
    "arc": (
        {"question": {"stem": "Q", "choices": [{"text": "x", "label": "1"},
                                               {"text": "y", "label": "2"}]}, "answerKey": "1"},
        ["x", "y"], "x",
    ),
    "bbq": (
        {"question": "Q", "ans0": "x", "ans1": "y", "ans2": "z", "answer_info": {}, "label": 2},
        ["x", "y", "z"], "z",
    ),
    "hellaswag": ({"ctx": "Q", "endings": ["x", "y", "z"], "label": "1"}, ["x", "y", "z"], "y"),
    "logiqa": (
        {"id": 7, "text": "", "question": "Q", "options": ["x", "y"], "answer": 0}, ["x", "y"], "x",
    ),
    "agieval": (
        {"question": "Q", "options": ["(A)x", "(B)y"], "label": "B", "answer": None},
        ["x", "y"], "y",
    ),
    "piqa": ({"goal": "Q", "sol1": "x", "sol2": "y", "label": 1}, ["x", "y"], "y"),
    "winogrande": (
        {"sentence": "Q", "option1": "x", "option2": "y", "answer": "1"}, ["x", "y"], "x",
    ),
    "social iqa": (
        {"question": "Q", "answerA": "x", "answerB": "y", "answerC": "z", "label": "3"},
        ["x", "y", "z"], "z",
    ),
    "mmlu": ({"question": "Q", "choices": ["x", "y"], "answer": 1}, ["x", "y"], "y"),
    "mmlu csv": ({"question": "Q", "A": "x", "B": "y", "answer": "A"}, ["x", "y"], "x"),
    "sciq": (
        {"question": "Q", "distractor1": "y", "distractor2": "z", "correct_answer": "x"},
        ["x", "y", "z"], "x",
    ),
    "mathqa": (
        {"Problem": "Q", "options": "a ) 38 , b ) 27.6 , c ) 30", "correct": "b"},
        ["38", "27.6", "30"], "27.6",
    ),
    "truthfulqa": (
        {"question": "Q", "mc1_targets": {"choices": ["x", "y"], "labels": [0, 1]}},
        ["x", "y"], "y",
    ),
    "answers and label": ({"question": "Q", "answers": ["x", "y"], "label": 0}, ["x", "y"], "x"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHOICES)
def test_choices_and_the_right_one_are_those_of_the_set(kind):
    row, choices, answer = CHOICES[kind]
    assert read(row) == {"prompt": "Q", "choices": choices, "answer": answer}


@pytest.mark.parametrize(
    ("row", "record"),
    [
        ({"text": "news", "label": 2}, {"prompt": "news", "label": 2}),
        ({"sentence": "s", "label": 0, "idx": 7}, {"prompt": "s", "label": 0}),
        ({"sentence": "s", "label": -1, "idx": 7}, {"prompt": "s"}),
        (
            {"premise": "p", "hypothesis": "h", "label": "yes"},
            {"prompt": "premise: p\nhypothesis: h", "label": "yes"},
        ),
        (
            {"question": "q", "sentence": "s", "label": 1.0},
            {"prompt": "question: q\nsentence: s", "label": 1},
        ),
        (
            {"Class Index": "3", "Title": "t", "Description": "d"},
            {"prompt": "Title: t\nDescription: d", "label": "3"},
        ),
    ],
)
def test_texts_with_a_class_get_a_label(row, record):
    assert read(row) == record


def test_a_title_stands_alone_where_its_text_is_the_answer():
    (record,) = Columns(Notices(), {"answer": "content"}).records(
        PLACE, {"title": "T", "content": "Long."}
    )
    assert record == {"prompt": "T", "answer": "Long."}


def test_only_completions_are_left_out_by_a_label():
    notices = Notices()
    row = {"prompt": "p", "completion": "c", "label": True}
    columns = Columns(notices)
    assert columns.records(PLACE, row) == [{"prompt": "p", "answer": "c"}]
    assert columns.records(PLACE, row | {"label": False}) == []
    assert notices.counted("rows whose answer is marked as a bad one, left out") == 1
    with pytest.raises(BadRowError, match="has both 'answer' and 'label'; name the right one"):
        read({"question": "q", "answer": "a", "label": False})
    assert read({"question": "q", "output": "a", "label": False}) == {"prompt": "q", "answer": "a"}


def test_further_answers_are_accepted_once_each():
    squad = {"context": "C", "question": "Q", "answers": {"text": ["a", "b", "a"]}, "id": "1"}
    assert read(squad) == {"prompt": "C\n\nQ", "answer": "a", "accepted": ["b"]}
    drop = {"passage": "C", "question": "Q", "answers_spans": {"spans": ["a", "b"]}}
    assert read(drop) == {"prompt": "C\n\nQ", "answer": "a", "accepted": ["b"]}


def test_answers_that_a_table_has_in_one_text_are_taken_apart():
    row = {"Question": "Q", "Best Answer": "a", "Correct Answers": "a; b", "Incorrect Answers": "c"}
    assert read(row) == {"prompt": "Q", "answer": "a", "accepted": ["b"]}


def test_instances_of_an_instruction_are_examples():
    instances = [{"input": "3", "output": "odd"}, {"input": "", "output": "?"}]
    row = {"id": "1", "instruction": "Say.", "instances": instances}
    assert Columns(Notices()).records(PLACE, row) == [
        {"prompt": "Say.\n\n3", "answer": "odd"},
        {"prompt": "Say.", "answer": "?"},
    ]


def test_titles_without_an_answer_and_turns_of_the_user_alone_are_not_taken():
    for row in ({"title": "T", "kind": "x"}, {"turns": ["Write.", "Rewrite."]}):
        with pytest.raises(BadRowError, match="can't tell prompt and answer"):
            read(row)


def test_paragraphs_of_questions_give_an_example_for_each():
    asked = [{"question": "Q1", "answers": [{"text": "a"}]}, {"question": "Q2", "answers": []}]
    row = {"title": "T", "paragraphs": [{"context": "C", "qas": asked}]}
    assert Columns(Notices()).records(PLACE, row) == [
        {"prompt": "C\n\nQ1", "answer": "a"},
        {"prompt": "C\n\nQ2"},
    ]


@pytest.mark.parametrize(
    "mark",
    [
        {"answers": {"text": [], "answer_start": []}},
        {"answers": {"text": ["a"], "answer_start": [0]}, "is_impossible": True},
    ],
)
def test_questions_that_are_marked_as_having_no_answer_are_left_aside_and_counted(mark):
    notices = Notices()
    columns = Columns(notices, task_column="title")
    row = {"title": "T", "context": "C", "question": "Q", "answers": {"text": ["a"]}}
    assert columns.records(PLACE, row) == [{"prompt": "C\n\nQ", "answer": "a", "task": "T"}]
    assert columns.records(PLACE, row | mark) == []
    assert notices.counted("questions that are marked as having no answer, left out") == 1
    assert notices.left_out == 0


def test_a_story_gives_an_example_for_each_question_with_what_was_told_before():
    story = {"text": ["One.", "Q1?", "Two.", "Q2?"], "answer": ["", "a", "", "b"]}
    assert Columns(Notices()).records(PLACE, {"story": story}) == [
        {"prompt": "One.\n\nQ1?", "answer": "a"},
        {"prompt": "One.\nTwo.\n\nQ2?", "answer": "b"},
    ]


def test_a_definition_goes_before_the_input_and_categories_are_skills():
    header = {"Definition": ["Say it."], "Categories": ["Text Matching", "Parity"]}
    row = {"id": "1", "input": "4", "output": ["Yes", "Y"], "_header": header}
    assert read(row) == {
        "prompt": "Say it.\n\n4",
        "answer": "Yes",
        "accepted": ["Y"],
        "skills": ["text matching", "parity"],
        "category": "text matching",
    }


def test_scores_of_targets_are_choices_behind_the_prefix_of_the_task():
    row = {"input": "Is 4 even?", "target_scores": {"No": 0, "Yes": 1}}
    record = read(row | {"_header": {"name": "even", "task_prefix": "Say. ", "keywords": ["x"]}})
    assert record == {
        "prompt": "Say. Is 4 even?", "choices": ["No", "Yes"], "answer": "Yes", "skills": ["x"],
    }  # fmt: skip


def test_a_question_that_begins_with_its_body_is_not_told_twice():
    row = {"Body": "tom has 3 .", "Question": "Tom has 3 . how many ?", "Answer": "3.0"}
    assert read(row) == {"prompt": "Tom has 3 . how many ?", "answer": "3"}


def test_scores_say_which_choice_is_right_whatever_stands_beside_them():
    notices = Notices()
    row = {"input": "Is 4 even?", "target_scores": {"No": 0, "Yes": 1}, "target": "Yes, as 4=2*2."}
    (record,) = Columns(notices).records(PLACE, row)
    assert record["answer"] == "Yes"
    assert "columns left aside: target" in notices.lines()


def test_scores_of_marked_columns_go_before_an_answer_that_is_named():
    row = {"input": "Q", "target_scores": {"A": 0, "B": 1}, "target": "A"}
    columns = {"prompt": "input", "choices": "target_scores", "answer": "target"}
    (record,) = Columns(Notices(), columns).records(PLACE, row)
    assert record == {"prompt": "Q", "choices": ["A", "B"], "answer": "B"}


def test_our_own_names_go_before_all_others():
    row = {"question": "q", "prompt": "p", "input": "i", "answer": "a", "output": "o"}
    assert read(row) == {"prompt": "p", "answer": "a"}


def test_an_empty_question_is_not_replaced_by_its_passage():
    layout = recognised(Names({"passage": "C", "question": "Q", "answer": "a"}), {})
    row = {"passage": "C", "question": None, "answer": "a"}
    assert layout.roles["prompt"].value(PLACE, row) is None


def test_layouts_that_hang_on_an_empty_column_are_not_sure():
    names = Names({"conversations": None, "question": "q", "answer": "a"})
    recognised(names, {})
    assert not names.is_sure
    names = Names({"question": "q", "answer": "a"})
    recognised(names, {})
    assert names.is_sure
