"""Messages of the Python interface, as users of the command and of configs read them."""

import pytest

from lessonplan.experiments.common.sentences import in_config_words

NAMES = ("chat", "max_tokens", "tokens", "on_bad", "score", "template")
WORDS = {
    "chat=True makes messages of all": "-o suite.options.chat=true makes messages of all",
    "leave it out, or on_bad=skip.": "leave it out, or -o suite.options.on_bad=skip.",
    "raise max_tokens or leave it out": "raise suite.options.max_tokens or leave it out",
    "give score=None": "give -o suite.options.score=null",
    "template='{prompt}!' is one": "-o suite.options.template='{prompt}!' is one",
    # English, other people's words and what was translated before stay as they are.
    "a chat needs a template": "a chat needs a template",
    "the prompt 'on_bad=skip' is twice": "the prompt 'on_bad=skip' is twice",
    'the key "max_tokens" is unknown': 'the key "max_tokens" is unknown',
    "-o suite.options.max_tokens=9": "-o suite.options.max_tokens=9",
    "it doesn't fit max_tokens, isn't it": "it doesn't fit suite.options.max_tokens, isn't it",
    "least_max_tokens and chats=True": "least_max_tokens and chats=True",
}  # fmt: skip


@pytest.mark.parametrize("message", WORDS)
def test_an_argument_is_worded_as_a_key_of_the_config_and_nothing_else_is(message):
    assert in_config_words(message, NAMES) == WORDS[message]


def test_a_message_in_the_words_of_a_config_stays_as_it_is():
    for message in WORDS.values():
        assert in_config_words(message, NAMES) == message


def test_without_arguments_nothing_changes():
    assert in_config_words("chat=True", ()) == "chat=True"
