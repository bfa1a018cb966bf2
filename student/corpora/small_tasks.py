"""Tasks that have too few prompts to be divided: refused, left out, or joined to one."""

from collections.abc import Callable
from typing import Any

from .reading.notices import DOUBTED, LOST, Notices
from .reading.places import shortened
from .records import Written
from .splitting import Splits, TooFewError

FEW_PROMPTS = ("error", "drop", "join")
JOINED = "other"
"""What the task is called that small ones are joined to."""
_NAMED = 5


def check_few_prompts(few_prompts: Any) -> None:
    """Refuse what is no way to treat a small task."""
    if few_prompts not in FEW_PROMPTS:
        raise ValueError(
            f"few_prompts must be one of {', '.join(FEW_PROMPTS)}, got "
            f"{shortened(repr(few_prompts))}"
        )


def divided(
    tasks: dict[str, Written],
    divide: Callable[[], dict[str, Splits]],
    few_prompts: str,
    notices: Notices,
) -> dict[str, Splits]:
    """The splits of every task that is large enough; `tasks` loses the others.

    Args:
        tasks: by name.
        divide: divides them as they are when it is called.
        few_prompts: what becomes of small tasks: `error`, `drop` or `join`.
        notices: told what was left out or joined.

    Raises:
        TooFewError: where small tasks are an error, or no other is there.
    """
    while True:
        try:
            return divide()
        except TooFewError as error:
            small = {name: tasks[name] for name in error.reasons}
            joins = few_prompts == "join" and set(small) != {JOINED} and len(small) > 1
            if few_prompts == "error" or (len(small) == len(tasks) and not joins):
                raise
            for name in small:
                del tasks[name]
            if joins:
                _join(tasks, small, notices)
            else:
                _leave_out(small, error, notices)


def _leave_out(small: dict[str, Written], error: TooFewError, notices: Notices) -> None:
    first, reason = next(iter(error.reasons.items()))
    notices.say(
        f"tasks left out for want of prompts: {_listed(small)}; {first!r} {reason}; "
        "few_prompts=join makes one task of such",
        LOST,
    )
    for written in small.values():
        notices.leave_out(
            "of tasks with too few prompts or none to train on", written.place, len(written.lines)
        )


def _join(tasks: dict[str, Written], small: dict[str, Written], notices: Notices) -> None:
    """Make one task of those whose examples are alike in form; others can't be joined."""
    first = next(iter(small.values()))
    whole = tasks.setdefault(JOINED, Written(first.place, forms=dict(first.forms)))
    alike = {name: one for name, one in small.items() if set(one.forms) == set(whole.forms)}
    for written in alike.values():
        whole.lines += written.lines
    notices.say(f"tasks with too few prompts, joined as {JOINED!r}: {_listed(alike)}", DOUBTED)
    for name in small.keys() - alike.keys():
        notices.leave_out(
            "of tasks that are too small and of another form",
            small[name].place,
            len(small[name].lines),
        )


def _listed(tasks: dict[str, Written]) -> str:
    names = [f"{name!r} ({len(one.lines)} rows)" for name, one in tasks.items()]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
