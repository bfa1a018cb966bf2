"""The command `lessonplan list`."""

from ..console import terminal


def list_all() -> None:
    """Show suites, teachers, students and configs, a line each."""
    from ..listing import print_catalog

    print_catalog(terminal())
