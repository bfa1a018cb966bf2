"""What a learned teacher is trained on: courses, and students of one of them."""

from lessonplan.envs import CurriculumVecEnv
from lessonplan.envs.faces import TRAINING_SEEDS
from lessonplan.student import Cohort, TaskSuite

from ..config.config import Config, Course, LearnedSection
from .build import build_room, build_suite


def courses_of(
    config: Config, teacher: LearnedSection, suite: TaskSuite
) -> list[tuple[Course, TaskSuite]]:
    """What a teacher is trained on: courses of its own, or that of the experiment.

    Args:
        config: the experiment.
        teacher: whose courses they are.
        suite: of the experiment.

    Raises:
        ValueError: if the students can't be shared out evenly, or the suites have unequal numbers
            of tasks that the teacher can't tell from empty places.
    """
    courses = [(course, build_suite(course)) for course in teacher.courses] or [(config, suite)]
    parts = teacher.actors or len(courses)
    if parts % len(courses) or teacher.students % parts:
        raise ValueError(
            f"teacher {teacher.name!r} has {teacher.students} students for {len(courses)} courses "
            f"and {teacher.actors} actors; let the students be a multiple of the actors, and the "
            "actors a multiple of the courses"
        )
    sizes = sorted({len(suite) for _, suite in courses})
    if len(sizes) > 1 and "present" not in teacher.observe:
        raise ValueError(
            f"teacher {teacher.name!r} is trained on suites of {sizes[0]} and {sizes[-1]} tasks; "
            "add the column present to its observe, which tells tasks from empty places"
        )
    return courses


def most_tasks(courses: list[tuple[Course, TaskSuite]]) -> int:
    """Task places that the students of all courses are shown with."""
    return max(len(suite) for _, suite in courses)


def course_env(
    teacher: LearnedSection,
    course: Course,
    suite: TaskSuite,
    n: int,
    max_tasks: int,
    cohort: Cohort | None = None,
) -> CurriculumVecEnv:
    """N students of a course, who begin one lifetime after the other.

    The `cohort` is made where it is not there already.
    """
    room = build_room(
        course,
        suite,
        n,
        teacher.observe,
        end_after=1,
        action=teacher.action,
        max_tasks=max_tasks,
        cohort=cohort,
        looking=teacher,
    )
    return CurriculumVecEnv(room, TRAINING_SEEDS)
