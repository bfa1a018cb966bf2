"""Whether this process may run code that comes with somebody else's files: said once, by `--trust`.

Without it nothing that a file pickled is opened, and only modules that were agreed to are imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class _Given:
    """What whoever started this process has agreed to."""

    everything = False


def is_trusted() -> bool:
    """Whether all that is read was declared to be trusted."""
    return _Given.everything


@contextmanager
def trusting(everything: bool = True) -> Iterator[None]:
    """Trust all that is read within; as it was before at the end."""
    before = _Given.everything
    _Given.everything = everything or before
    try:
        yield
    finally:
        _Given.everything = before
