"""What files of an earlier version are asked, and how they were written.

`python earlier_kit.py FOLDER`, run with that version, writes them all with the numbers that it got
from them; those in `earlier/` are of 8d21d09, packed tighter. Everything here goes through the
faces of the rooms: later versions run it too.

Legend: n students, d decisions.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import yaml
from lora_kit import decoders
from safetensors.torch import load_file
from stable_baselines3 import PPO

from lessonplan.envs import Budget, Classroom, CurriculumVecEnv
from lessonplan.student import MLP, Adam, StackedCohort, load_adapter, parity, save_adapter
from lessonplan.teacher import (
    RULES,
    LearnerStreams,
    Replay,
    RuleTeacher,
    TaskwisePolicy,
    action_probabilities,
    load_teacher,
    make_learner,
)

EARLIER = next(
    folder / "earlier"
    for folder in Path(__file__).resolve().parents
    if (folder / "earlier").is_dir()
)
LEARNERS = ("ppo", "dqn", "recurrent_ppo", "maskable_ppo")
"""Every kind of class that a zip of a learner names lies in another module."""
RULE_SETTINGS = {
    "tscl_sampling": {"window": 4, "absolute": True},
    "mastering_rate": {"prerequisites": ((), (0,), (0, 1)), "power": 3},
}
COLUMNS = ("progress:ema=0.5", "score", "threshold", "task")
"""The last tells tasks apart, or another kind of CPU might break a tie in another way."""
CLI = "from lessonplan.experiments.cli import main; main()"
BASE = {
    "name": "base",
    "teachers": ["uniform"],
    "suite": {"name": "parity", "options": {"n_tasks": 3, "n_signs": 8}},
    "student": {"options": {"hidden": [12]}, "evaluation_size": 30, "batch_size": 8},
}


def room(columns=COLUMNS, n=3, action="task"):
    """n students of three parities, in lifetimes of twelve decisions."""
    suite = parity(n_tasks=3, n_signs=8)
    students = StackedCohort(
        suite, lambda: MLP(suite.input_shape, 2, (12,)), n, batch_size=8, evaluation_size=30,
        optimizer=Adam(3e-3),
    )  # fmt: skip
    lifetime = {"observe": columns, "steps_per_decision": 10, "end_after": 10**6}
    classroom = Classroom(students, Budget.parse("120-steps"), action=action, **lifetime)
    env = CurriculumVecEnv(classroom, (0, 10**6))
    env.seed(7)
    return env


def rules():
    """Some rules, each with settings of its own."""
    named = {name: RULES[name](**settings) for name, settings in RULE_SETTINGS.items()}
    return named | {"replay": Replay([[0, 1, 2, 1], [2, 2, 0, -1]], [0.25, 0.5], shuffled=True)}


def columns_for(rule):
    """What a rule must be shown, progress first."""
    return tuple(dict.fromkeys(("progress", *rule.needs, "key")))


def taught(teacher, env, decisions=8):
    """What a teacher chooses in new lifetimes, (d, n), and its probabilities, (d, n, k)."""
    observation, state, chosen, chances = env.reset(), None, [], []
    starts = np.ones(env.num_envs, dtype=bool)
    for _ in range(decisions):
        tasks, state = teacher.predict(observation, state, starts, deterministic=True)
        chances.append(np.asarray(action_probabilities(teacher, observation, state)).tolist())
        observation, _, starts, _ = env.step(tasks)
        chosen.append(np.asarray(tasks).tolist())
    return {"chosen": chosen, "probabilities": chances}


def figures(cohort, seeds=(1, 2)):
    """Scores and losses on `test` of students that begin now, and after a little training."""
    cohort.reset(np.arange(len(seeds)), np.array(seeds))
    before = cohort.evaluate("test")
    cohort.train(np.full((len(seeds), len(cohort.suite)), 1 / len(cohort.suite)), 5)
    after = cohort.evaluate("test")
    names = ("score", "loss")
    return [{name: getattr(one, name).tolist() for name in names} for one in (before, after)]


def of_learner(folder, name):
    """What a saved learner chooses."""
    return taught(load_teacher(folder / f"{name}.zip", env := room()), env)


def of_rule(folder, name):
    """What a saved rule chooses, loaded by SB3's own `load`."""
    env = room(columns_for(rules()[name]))
    # What was recorded stands in the file as a pickle alone; a trusted file.
    return taught(RuleTeacher.load(folder / f"{name}.zip", env, trust=name == "replay"), env)


def of_base(folder):
    """What students with these base weights know and learn."""
    suite = parity(n_tasks=3, n_signs=8)
    return figures(
        StackedCohort(
            suite, lambda: MLP(suite.input_shape, 2, (12,)), 2, batch_size=8, evaluation_size=30,
            optimizer=Adam(3e-3), base=load_file(folder / "base" / "weights.safetensors"),
        )
    )  # fmt: skip


def of_adapter(folder):
    """What students with this adapter know and learn."""
    adapter = load_adapter(folder / "adapter")
    return figures(decoders(2, start=adapter, lora=adapter.lora, optimizer=Adam(3e-3)))


def write_all(folder):
    """Every file, and `numbers.json` with what this version makes of them."""
    for name in LEARNERS:
        streams = LearnerStreams(1)
        few = {"learning_starts": 16} if name == "dqn" else {"n_steps": 16, "batch_size": 16}
        with streams.running():
            model = make_learner(name, room(), seed=1, width=4, learning_rate=0.03, **few)
            model.learn(96)
        model.save(folder / f"{name}.zip")
    own = PPO(
        TaskwisePolicy, room(), seed=2, n_steps=16, batch_size=16, learning_rate=0.03,
        policy_kwargs={"width": 4}, device="cpu",
    )  # fmt: skip
    own.learn(96).save(folder / "own_ppo.zip")
    for name, rule in rules().items():
        RuleTeacher(rule, room(columns_for(rule)), seed=4).save(folder / f"{name}.zip")
    students = decoders(1, optimizer=Adam(3e-3))
    students.reset(np.array([0]), np.array([5]))
    students.train(np.full((1, 3), 1 / 3), 20)
    save_adapter(students.adapter(0), folder / "adapter")
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE))
    command = ["pretrain", folder / "base.yaml", "--out", folder / "base", "--steps", "60"]
    subprocess.run([sys.executable, "-P", "-c", CLI, *map(str, command)], check=True)
    (folder / "base.yaml").unlink()
    numbers = {name: of_learner(folder, name) for name in (*LEARNERS, "own_ppo")}
    numbers |= {name: of_rule(folder, name) for name in rules()}
    numbers |= {"base": of_base(folder), "adapter": of_adapter(folder)}
    (folder / "numbers.json").write_text(json.dumps(numbers) + "\n")


def packed(folder):
    """Zips with the same members, compressed, without what they say of a machine."""
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        del members["system_info.txt"]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in members.items():
                archive.writestr(name, data)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_all(target)
    packed(target)
