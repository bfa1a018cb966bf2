"""The name under which jobs of older releases begin; they are resumed with it."""

from .cli.job import main

if __name__ == "__main__":
    main()
