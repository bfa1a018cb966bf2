"""What Ray actors bring to one shared teacher: `python -m lessonplan.experiments.bench.actors`."""

import argparse
import statistics
import time

import numpy as np
import torch

from ..assembly.build import build_suite
from ..assembly.courses import courses_of
from ..assembly.training_envs import training_env
from ..cluster.session import ray_session
from ..config.config import Config, LearnedSection
from ..config.sweeps import Resources

STUDENTS, DECISIONS, TURNS = 64, 4, 5
COURSE = {
    "suite": {"name": "parity", "options": {"n_tasks": 6, "n_signs": 12}},
    "student": {
        "model": "mlp",
        "options": {"hidden": [256, 256]},
        "batch_size": 32,
        "evaluation_size": 64,
    },
    "lifetime": {"budget": "4000-steps", "steps_per_decision": 10},
}


def seconds_per_decision(actors: tuple[int, ...] = (0, 1, 2)) -> dict[int, list[float]]:
    """Seconds of a training decision of all students, by number of actors, over several turns.

    The students are the same ones everywhere; 0 actors are this process. Places take turns, so
    that what else the machine does meets all of them alike.
    """
    torch.set_num_threads(1)
    with ray_session(None, Resources(), cpus=sum(actors)):
        return _in_turns(actors)


def _in_turns(actors: tuple[int, ...]) -> dict[int, list[float]]:
    envs = {}
    for count in actors:
        teacher = LearnedSection(name="ppo", type="learned", students=STUDENTS, actors=count)
        config = Config.model_validate(COURSE | {"teachers": [teacher]})
        envs[count] = training_env(teacher, courses_of(config, teacher, build_suite(config)))
        envs[count].seed(0)
        envs[count].reset()
        envs[count].step(np.zeros(STUDENTS, dtype=np.int64))
    times: dict[int, list[float]] = {count: [] for count in actors}
    for turn in range(TURNS):
        for count, env in envs.items():
            began = time.perf_counter()
            for decision in range(DECISIONS):
                env.step((np.arange(STUDENTS) + turn + decision) % 6)
            times[count].append((time.perf_counter() - began) / DECISIONS)
    for env in envs.values():
        env.close()
    return times


def main() -> None:
    """Print milliseconds per decision and the ratio to one actor."""
    argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0]).parse_args()
    times = seconds_per_decision()
    for count, seconds in times.items():
        ratios = [one / other for one, other in zip(times[1], seconds, strict=True)]
        print(
            f"{count or 'no'} actor{'' if count == 1 else 's'}: "
            f"{1000 * statistics.median(seconds):.0f} ms a decision of {STUDENTS} students "
            f"({1000 * min(seconds):.0f} to {1000 * max(seconds):.0f}), "
            f"{statistics.median(ratios):.2f} times as fast as one actor "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
