"""Graders of language models: what they write, and how likely each choice is to them."""

import math

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="the hf extra is not installed")

from grader_kit import COLOURS, INDEX, TOKENIZER, suite_of
from tiny_pretrained import END, save_tiny_llama

from lessonplan.student.contract.scoring import score_examples
from lessonplan.student.contract.tasks import IGNORED
from lessonplan.student.networks.pretrained import CausalLM
from lessonplan.student.text.tokens import token_code
from lessonplan.student.text.wording import Question


class Real:
    """A language model that can be asked."""

    def __init__(self, model):
        self.model = model

    def generate(self, who, prompts, length, end):
        return self.model.generate(prompts, length)

    def losses(self, who, inputs, targets):
        with torch.no_grad():
            logits = self.model(inputs).mT
        loss = torch.nn.functional.cross_entropy(
            logits, targets, ignore_index=IGNORED, reduction="none"
        )
        return loss.sum(dim=1).numpy()


def exact(text, entry):
    return float(text == entry)


def test_verifying_for_equality_is_exact_match_and_has_its_confidence_where_right(tmp_path):
    words = ["a", "bc", "cab", "bb", "cc", "ab"]
    questions = [Question(word, word, entry=word, score=exact) for word in words]
    source = save_tiny_llama(tmp_path)
    suite = suite_of(questions, source)
    examples, grader = suite.tasks[0].splits["test"], suite.tasks[0].grader
    model = CausalLM(source, examples.targets.shape[1])
    model.requires_grad_(True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    counts = []
    for step in range(13):
        logits = model(examples.inputs)
        if step % 4 == 0:
            right, _, sure = score_examples(logits.detach()[None], examples.targets[None])
            credit, confidence = grader.grade("test", np.arange(len(words))[None], Real(model))
            assert credit.tolist() == right.tolist()
            np.testing.assert_allclose(confidence[0][right[0]], sure[0][right[0]], rtol=1e-3)
            counts.append(int(credit.sum()))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits.mT, examples.targets).backward()
        optimizer.step()
    assert any(0 < count < len(words) for count in counts)


def test_the_losses_of_choices_are_those_of_the_candidates_alone(tmp_path):
    source = save_tiny_llama(tmp_path)
    suite = suite_of(COLOURS, source)
    model = CausalLM(source, suite.tasks[0].splits["test"].targets.shape[1])

    def loss_alone(prompt, answer):
        tokens = TOKENIZER(prompt + answer + END, return_tensors="pt")["input_ids"]
        logits = model.model(tokens).logits[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
        return -logits.gather(1, tokens[0, len(prompt) :, None]).sum().item()

    credit, confidence = suite.tasks[0].grader.grade("test", INDEX, Real(model))
    for row, question in enumerate(COLOURS):
        losses = {choice: loss_alone(question.prompt, choice) for choice in question.choices}
        best = min(losses, key=losses.get)
        weights = [math.exp(-loss) for loss in losses.values()]
        assert credit[0, row] == (best == question.answer)
        assert confidence[0, row] == pytest.approx(max(weights) / sum(weights), rel=1e-3)
    assert token_code(suite).wording.end == TOKENIZER.eos_token_id
