"""Everything that a config names is built once before any work starts."""

from lessonplan.student import TaskSuite

from .build import build_room, build_rule, build_suite, rule_teacher
from .config import Config
from .tune import candidates


def check(config: Config) -> TaskSuite:
    """Build one of everything that a config names, so that mistakes show before work starts.

    Returns:
        The suite.

    Raises:
        ValueError: in one sentence.
    """
    suite = build_suite(config)
    build_room(config, suite, 1)
    for teacher in config.teachers:
        if teacher.type == "rule":
            settings = [teacher.parameters]
            if teacher.tune:
                settings = candidates(teacher, suite, config.tuning_candidates, 0)
            for parameters in settings:
                rule_teacher(build_rule(teacher.rule, parameters, config), config, suite, 1, 0)
        elif teacher.type == "learned":
            course = teacher.course or config
            build_room(course, build_suite(course), 1, tuple(teacher.observe))
    return suite
