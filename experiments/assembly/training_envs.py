"""Where a learned teacher is trained: students of one course or of several, here or in actors."""

from lessonplan.envs import CurriculumVecEnv, JoinedVecEnv
from lessonplan.student import TaskSuite

from ..config.config import Course, LearnedSection
from .courses import course_env, most_tasks


def training_env(
    teacher: LearnedSection, courses: list[tuple[Course, TaskSuite]]
) -> CurriculumVecEnv | JoinedVecEnv:
    """All students that a teacher learns from, in equal shares of the courses.

    It does not matter to any number whether they live in this process or in Ray actors.
    """
    if teacher.actors:
        from .actors import ActorVecEnv

        return ActorVecEnv(teacher, courses)
    n = teacher.students // len(courses)
    most = most_tasks(courses)
    envs = [course_env(teacher, course, suite, n, most) for course, suite in courses]
    return envs[0] if len(envs) == 1 else JoinedVecEnv(envs)
