"""`python -m lessonplan.experiments.cli` is the command `lessonplan`."""

from .app import main

if __name__ == "__main__":
    main()
