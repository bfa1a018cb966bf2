"""`python -m lessonplan.experiments.cli` is the command `lessonplan`."""

from .app import main

main()
