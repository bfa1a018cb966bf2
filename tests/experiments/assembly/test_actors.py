"""One teacher, students in Ray actors: the same teacher as without, also when an actor dies.

Legend: n rows, t places, f columns.
"""

import os
import signal

import numpy as np
import pytest
from sweep_kit import BASE, numbers, write_files
from tiny_config import CONFIG

from lessonplan.envs import JoinedVecEnv
from lessonplan.experiments.assembly.actors import ActorVecEnv, RemotePart
from lessonplan.experiments.assembly.build import build_suite
from lessonplan.experiments.assembly.courses import courses_of
from lessonplan.experiments.assembly.training_envs import training_env
from lessonplan.experiments.config.config import Config, Course
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep.sweep import run_sweep
from lessonplan.experiments.trial.training import TeacherTraining
from lessonplan.teacher import load_teacher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_here"),
    # Ray leaves sockets and files of what it has started to the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PUPIL = {
    "name": "pupil", "type": "learned", "students": 4, "width": 8, "decisions": 192,
    "candidates": 2, "observe": ["progress:ema=0.5", "score"],
    "settings": {"n_steps": 8, "batch_size": 16, "n_epochs": 2},
}  # fmt: skip
OTHER = {
    "suite": {"name": "parity", "options": {"n_tasks": 2, "n_signs": 8}},
    "student": CONFIG["student"], "lifetime": CONFIG["lifetime"],
}  # fmt: skip


def training(folder, **changes):
    config = Config.model_validate(
        CONFIG | {"teachers": [PUPIL | changes], "checkpoint_seconds": 1e-9}
    )
    return TeacherTraining(config, config.teachers[0], 3, build_suite(config), folder)


def run(work):
    """What training found, without times, and the weights of the candidates."""
    result = {name: value for name, value in work.run().items() if name != "wall_seconds"}
    weights = []
    for path in sorted(work.files.checkpoints.glob("*.zip")):
        parameters = load_teacher(path, work.env).policy.state_dict()
        weights.append({name: value.numpy() for name, value in parameters.items()})
    assert len(weights) == 2
    return result, weights


def env_of(actors, **changes):
    config = Config.model_validate(CONFIG | {"teachers": [PUPIL | {"actors": actors} | changes]})
    teacher = config.teachers[0]
    return training_env(teacher, courses_of(config, teacher, build_suite(config)))


def kill(part: RemotePart):
    """End the process of an actor as the system would that runs out of memory."""
    import ray

    pid = ray.get(part.actor.__ray_call__.remote(lambda host: os.getpid()))
    os.kill(pid, signal.SIGKILL)


def test_a_teacher_of_two_actors_is_the_teacher_of_one_cohort_to_the_bit(tmp_path):
    wanted = run(training(tmp_path / "here"))
    np.testing.assert_equal(run(training(tmp_path / "two", actors=2)), wanted)


def test_each_of_two_courses_has_actors_of_its_own(tmp_path):
    changes = {
        "courses": [OTHER, {**OTHER, "suite": CONFIG["suite"]}],
        "observe": ["progress", "score", "present"],
    }
    wanted = run(training(tmp_path / "here", **changes))
    np.testing.assert_equal(run(training(tmp_path / "two", actors=2, **changes)), wanted)


class Stopped(Exception):
    """As a kill would, at a moment that the test chooses."""


def test_a_training_with_actors_that_was_stopped_ends_with_the_same_teacher(tmp_path):
    wanted = run(training(tmp_path / "here"))
    work, calls = training(tmp_path / "stopped", actors=2), 0

    def stop(fraction, words):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stopped

    work.tell = stop
    with pytest.raises(Stopped):
        work.run()
    work.env.close()
    np.testing.assert_equal(run(training(tmp_path / "stopped", actors=2)), wanted)


def test_an_actor_that_dies_ends_its_rows_as_lost_and_the_others_do_not_notice():
    disturbed, undisturbed = env_of(2), env_of(2)
    assert isinstance(disturbed, ActorVecEnv)
    actions = np.random.default_rng(0).integers(0, 3, (20, 4))
    for env in (disturbed, undisturbed):
        env.seed(5)
        env.reset()
    last = None
    for decision, chosen in enumerate(actions):
        if decision == 4:
            kill(disturbed.parts[1])
        found, wanted = disturbed.step(chosen), undisturbed.step(chosen)
        for one, other in zip(found[:3], wanted[:3], strict=True):
            np.testing.assert_array_equal(one[:2], other[:2])
        lost = [bool(info.get("lost")) for info in found[3]]
        assert lost == [False, False, decision == 4, decision == 4]
        if decision == 4:
            observation, reward, done, infos = found
            assert done[2:].all()
            assert reward[2:].tolist() == [0, 0]
            for row in (2, 3):
                assert infos[row]["TimeLimit.truncated"]
                assert infos[row]["decisions"] == 4
                np.testing.assert_array_equal(infos[row]["terminal_observation"], last[row])
            # New students at their beginning: progress has not been seen yet.
            assert (observation[2:, :, 0] == 0).all()
            assert (last[2:, :, 0] != 0).any()
        last = found[0]
    # 20 decisions of lifetimes of 12: 4 begun, 4 after the budget, and 2 in place of the lost.
    assert undisturbed.spent()["lifetimes"] == 8
    assert disturbed.spent()["lifetimes"] == 4 + 2 + 2 + 2
    assert disturbed.spent()["student_steps"] == (20 * 4 - 2) * 10
    for env in (disturbed, undisturbed):
        env.close()


@pytest.mark.parametrize("turn", range(2))
def test_a_training_whose_actor_is_killed_goes_on_to_its_end_and_counts_whole_lifetimes(
    turn, tmp_path
):
    work = training(tmp_path, actors=2, decisions=384)
    counted, calls = [], 0

    def watch(fraction, words):
        nonlocal calls
        calls += 1
        if calls in (2, 4):
            kill(work.env.parts[turn])
        counted.append(work.curve[-1]["length"] if work.curve else None)

    work.tell = watch
    result = work.run()
    assert calls >= 6
    assert sum(part._losses for part in work.env.parts) == 2
    # No student of this size masters everything: whole lifetimes have all 12 decisions.
    assert {length for length in counted if length} == {12.0}
    assert len(result["selection"]) == 2
    # Compute: 120 steps of 8 examples, and 13 probes of 16 examples a task.
    whole = 120 * 8 + 13 * 16 * len(work.courses[0][1]) / 3
    assert all(0 < cost <= whole for cost in result["selection"])


def test_an_actor_killed_between_decisions_is_replaced_whatever_it_is_asked_next():
    env = env_of(2)
    env.seed(1)
    env.reset()
    env.step(np.zeros(4, int))
    kill(env.parts[0])
    state = env.state_dict()
    again = env_of(2)
    again.load_state_dict(state)
    for one in (env, again):
        *_, done, infos = one.step(np.zeros(4, int))
        assert done.tolist() == [True, True, False, False]
        assert [bool(info.get("lost")) for info in infos] == [True, True, False, False]
        one.close()


def test_actors_that_keep_dying_are_given_up_with_a_reason():
    import ray

    env = env_of(1)
    env.reset()
    part = env.parts[0]
    alive = part._new_actor
    killed = []

    def dying():
        actor = alive()
        ray.kill(actor)
        killed.append(actor)
        return actor

    part._new_actor = dying
    kill(part)
    with pytest.raises(RuntimeError, match="6 Ray actors with students died one after the other"):
        env.step(np.zeros(4, int))
    assert len(killed) == 5
    env.close()


def test_actors_that_can_never_be_placed_are_refused():
    with pytest.raises(
        ValueError, match="the 16 actors of teacher 'pupil' take 16 CPUs, and Ray has 4"
    ):
        env_of(16, students=16)
    with pytest.raises(ValueError, match="take 2 GPUs, and Ray has 1; set fewer actors"):
        env_of(2, actor_gpus=1)


def test_students_that_can_not_be_shared_out_are_refused(tmp_path):
    with pytest.raises(ValueError, match="4 students for 1 courses and 3 actors"):
        env_of(3)
    with pytest.raises(ValueError, match="suites of 2 and 3 tasks; add the column present"):
        training(tmp_path, courses=[OTHER, {**OTHER, "suite": CONFIG["suite"]}])


def test_without_actors_there_is_no_ray_in_it():
    assert not isinstance(env_of(0), JoinedVecEnv)


def test_a_pair_of_a_sweep_has_room_for_its_actors_beside_itself(tmp_path):
    base = {**BASE, "teachers": [teacher | {"seeds": 1} for teacher in BASE["teachers"][:1]]}
    path = write_files(tmp_path, {"teachers": ["ppo"]}, base)
    run_sweep(read_sweep(path), tmp_path / "here")
    run_sweep(read_sweep(path, ["teachers.ppo.actors=2"]), tmp_path / "two")
    assert numbers(tmp_path / "two")["teachers"] == numbers(tmp_path / "here")["teachers"]


def test_an_actor_that_can_not_begin_says_why_at_once(tmp_path):
    config = Config.model_validate(CONFIG | {"teachers": [PUPIL]})
    elsewhere = Course.model_validate(
        OTHER | {"suite": {"name": "jsonl", "options": {"path": str(tmp_path / "not-here.jsonl")}}}
    )
    with pytest.raises(ValueError, match=r"can't begin: .*not-here\.jsonl"):
        RemotePart(config.teachers[0], elsewhere, 2, 3)
