"""The first training example of each task, decoded from what the student reads."""

from collections.abc import Callable

from torch import Tensor

from lessonplan.student import (
    IGNORED,
    NO_TOKEN,
    TaskSuite,
    load_tokenizer,
    text_code,
    token_code,
)

_LONGEST_LINE, _CUT = 100, " ... "
_LINES, _TASKS = 6, 5
"""Most lines of a text, and most tasks with an example."""

Reader = Callable[[Tensor, Tensor], tuple[str, str]]
"""What is read and what is wanted, in text, of inputs and targets of one example."""


def samples(suite: TaskSuite) -> list[str]:
    """Lines with the first training examples of the first tasks; none where no text is read."""
    read = _reader(suite)
    if read is None:
        return []
    lines = []
    for task in suite.tasks[:_TASKS]:
        prompt, answer = read(*next(task.splits["train"].blocks(1)))
        lines.append(f"  {printable(task.name)}")
        lines += [f"    | {line}" for line in shortened_lines(prompt, _LINES)]
        lines += [f"    > {line}" for line in shortened_lines(answer, _LINES)]
    return lines + more_tasks(len(suite) - _TASKS)


def more_tasks(count: int) -> list[str]:
    """A line that says how many tasks are not on the page; none where all are."""
    return [f"  and {count:,} more tasks"] if count > 0 else []


def _reader(suite: TaskSuite) -> Reader | None:
    if suite.classes:
        return _read_classes(suite)
    if suite.tokenizer:
        return _read_tokens(suite)
    return _read_characters(suite) if suite.vocabulary else None


def _read_characters(suite: TaskSuite) -> Reader:
    code = text_code(suite)
    return lambda inputs, _: code.decode(inputs)[0]


def _read_tokens(suite: TaskSuite) -> Reader:
    code = token_code(suite)

    def read(inputs: Tensor, targets: Tensor) -> tuple[str, str]:
        ((prompt, _),) = code.decode(inputs)
        # The targets have the end token, too.
        return prompt, code.wording.read(targets[targets != IGNORED].tolist())

    return read


def _read_classes(suite: TaskSuite) -> Reader:
    tokenizer = load_tokenizer(suite.tokenizer)

    def read(inputs: Tensor, targets: Tensor) -> tuple[str, str]:
        text = tokenizer.decode(inputs[inputs != NO_TOKEN].tolist())
        return str(text), suite.classes[int(targets[0, 0])]

    return read


def shortened_lines(text: str, most: int) -> list[str]:
    """A text as at most so many printable lines; what is left out is in its middle."""
    lines = [_shortened(printable(line)) for line in text.split("\n")]
    if len(lines) <= most:
        return lines
    last = (most - 1) // 2
    first = most - 1 - last
    return [*lines[:first], f"... {len(lines) - most + 1:,} more lines ...", *lines[-last:]]


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    half = (_LONGEST_LINE - len(_CUT)) // 2
    return line[:half] + _CUT + line[-half:]


def printable(text: str) -> str:
    """The text with what a terminal would act on written as escapes."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
