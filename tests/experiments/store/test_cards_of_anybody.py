"""Cards may be of anybody's making: a wrong one is one sentence with its file."""

import json

import pytest

from lessonplan.experiments.store.cards import TeacherCard, read_card, write_card
from lessonplan.experiments.store.layout import RunDir

FAULTS = {
    "needs of other things": ({"needs": [True]}, "needs must be a list of texts, got [True]"),
    "needs that are a text": ({"needs": "score"}, "needs must be a list of texts"),
    "an origin that is a number": ({"origin": 10**30}, "origin must be a text, got 1000"),
    "a label that is a list": ({"label": ["a"]}, "label must be a text, got ['a']"),
    "a text for yes": ({"tuned": "yes"}, "tuned must be true or false, got 'yes'"),
    "a number for a name": ({"replay_of": 5}, "replay_of must be a text or null, got 5"),
    "parameters in a list": ({"parameters": [1]}, "parameters must be names with values"),
    "a cost that is none": ({"training": 7}, "training must be numbers by name, or null, got 7"),
    "a cost that is a text": ({"tuning": {"compute": "x"}}, "its costs must be numbers, got 'x'"),
    "a cost that is too large": ({"selection_cost": 10**400}, "its costs must be numbers"),
    "a kind that is a list": ({"kind": ["rule"]}, "kind must be one of learned, bandit, rule"),
    "a name that leads elsewhere": ({"name": "../../a"}, "name must be that of the file, 'a'"),
    "a name that is a number": ({"name": 1}, "name must be that of the file, 'a', got 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_card_is_one_sentence(fault, tmp_path):
    values, sentence = FAULTS[fault]
    write_card(tmp_path, TeacherCard(name="a", kind="rule"))
    file = RunDir(tmp_path).card("a")
    assert read_card(file).name == "a"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    with pytest.raises(ValueError, match="write the run again") as error:
        read_card(file)
    assert str(error.value).startswith(f"{file}: {sentence}")
