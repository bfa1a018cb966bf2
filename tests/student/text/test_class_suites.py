import json

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the hf extra is not installed")

from tiny_pretrained import save_tiny_bert, tiny_encoder_tokenizer

from lessonplan.student.contract.tasks import NO_TOKEN, SPLITS
from lessonplan.student.text.characters import TextTask
from lessonplan.student.text.class_suites import class_suite


def labelled(name, rows, extra=()):
    """A task of texts that differ in every split."""
    splits = {
        split: [(f"{split} {name} {text}", label) for text, label in rows] for split in SPLITS
    }
    splits["train"] += list(extra)
    return TextTask(name, splits)


def test_texts_to_be_classified_are_filled_up_behind(tmp_path):
    source = save_tiny_bert(tmp_path)
    task = labelled("mood", [("good", "pos"), ("not good", "neg"), ("fine", "pos")])
    suite = class_suite("moods", [task], source)
    examples = suite.tasks[0].splits["test"]
    tokenizer = tiny_encoder_tokenizer()
    wanted = tokenizer("test mood good")["input_ids"]
    assert wanted[0] == tokenizer.cls_token_id
    assert wanted[-1] == tokenizer.sep_token_id
    row = examples.inputs[0].tolist()
    assert row == wanted + [NO_TOKEN] * (len(row) - len(wanted))
    assert examples.targets.tolist() == [[1], [0], [1]]
    assert suite.classes == ("mood: neg", "mood: pos")
    assert (suite.n_outputs, suite.tokenizer) == (2, source)
    assert suite.tasks[0].chance == pytest.approx(2 / 3)
    assert suite.tasks[0].cost == np.mean([len(text) + 2 for text, _ in task.splits["train"]])


def test_a_label_is_of_its_task_unless_labels_are_shared():
    tasks = [labelled(name, [("a", "1"), ("b", "0")]) for name in ("one", "two")]
    apart = class_suite("s", tasks, tiny_encoder_tokenizer())
    assert apart.classes == ("one: 0", "one: 1", "two: 0", "two: 1")
    assert apart.tasks[1].splits["train"].targets.tolist() == [[3], [2]]
    together = class_suite("s", tasks, tiny_encoder_tokenizer(), shared=True)
    assert together.classes == ("0", "1")
    assert together.tasks[1].splits["train"].targets.tolist() == [[1], [0]]


def test_texts_that_are_cut_to_the_same_tokens_stay_in_one_split():
    rows = [("a", "x"), ("b", "y")]
    task = labelled("t", rows, extra=[("test t a and so on", "x")])
    suite = class_suite("s", [task], tiny_encoder_tokenizer(), length=1 + len("test t a") + 1)
    assert suite.input_shape == (10,)
    assert [len(suite.tasks[0].splits[split]) for split in SPLITS] == [2, 2, 2, 2]
    whole = class_suite("s", [task], tiny_encoder_tokenizer())
    assert len(whole.tasks[0].splits["train"]) == 3
    with pytest.raises(ValueError, match="no text of 'probe' of task 't' is left"):
        class_suite("s", [task], tiny_encoder_tokenizer(), length=2)


def test_labels_that_tell_nothing_apart_are_refused():
    with pytest.raises(ValueError, match="has the label 'x' only"):
        class_suite("s", [labelled("t", [("a", "x"), ("b", "x")])], tiny_encoder_tokenizer())
    task = labelled("t", [("a", "x"), ("b", "y")])
    task.splits["stress"].append(("c", "z"))
    with pytest.raises(ValueError, match="the label 'z' of task 't' is in 'stress' only"):
        class_suite("s", [task], tiny_encoder_tokenizer())


def without_limit(source):
    """A tokenizer that names no length, beside the model that it was saved with."""
    tokenizer = tiny_encoder_tokenizer()
    tokenizer.model_max_length = int(1e30)
    return source, tokenizer


LONG = labelled("t", [("a", "x"), ("b" * 700, "y"), ("b" * 700 + "c", "y")])


def test_a_tokenizer_without_a_length_takes_that_of_its_model(tmp_path):
    source = save_tiny_bert(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["max_position_embeddings"] = 50
    (tmp_path / "config.json").write_text(json.dumps(config))
    suite = class_suite("s", [LONG], without_limit(source))
    assert suite.input_shape == (50,)
    assert suite.notes == ("texts of more than 50 tokens, cut at their ends: 8",)
    assert class_suite("s", [LONG], without_limit(source), length=40).input_shape == (40,)


def test_where_nothing_names_a_length_it_is_the_usual_one_and_that_is_said():
    suite = class_suite("s", [LONG], without_limit("")[1])
    assert suite.input_shape == (512,)
    assert suite.notes[0].endswith("says how long a text may be: 512 tokens")
    assert len(class_suite("s", [LONG], without_limit("")[1], length=999).notes) == 0


def test_what_is_left_out_for_its_twin_in_another_split_is_said():
    task = labelled("t", [("a", "x"), ("b", "y")], extra=[("test t a", "x")])
    suite = class_suite("s", [task], tiny_encoder_tokenizer())
    assert suite.notes == ("texts left out because another split has them in the same tokens: 1",)
