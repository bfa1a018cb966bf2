"""Which student comes next: each row draws student seeds from its own generator."""

from gymnasium.utils import seeding

TRAINING_SEEDS = (0, 1_000_000)
"""Half-open range of student seeds that a teacher is trained on unless one says otherwise."""


class SeedStream:
    """Student seeds of one row, drawn from a range by the row's own generator."""

    def __init__(self, student_seeds: tuple[int, int] = TRAINING_SEEDS) -> None:
        low, high = student_seeds
        if not 0 <= low < high:
            raise ValueError(f"student_seeds must be a range (low, high), got {student_seeds}")
        self.student_seeds = (low, high)
        self.generator, _ = seeding.np_random()

    def seed(self, seed: int | None) -> None:
        """Start the generator over, from the system's entropy for None."""
        self.generator, _ = seeding.np_random(seed)

    def next(self) -> int:
        """The next student seed."""
        return int(self.generator.integers(*self.student_seeds))
