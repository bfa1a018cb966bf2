"""The scripts with trainers run, go on where they were stopped, and are the same in two processes.

A run is a process of its own, as a user's is.
"""

import difflib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from functools import cache

import pytest
import torch
from places import EXAMPLES, KITS

for package in ("transformers", "accelerate", "datasets", "trl"):
    pytest.importorskip(package, reason=f"{package} is not installed")

NAMES = ("trainer", "training", "sft", "grpo")
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def run(command, **environment):
    """What a command printed."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=os.environ | OFFLINE | environment,
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def launched(command):
    """The same in two processes of `accelerate launch`, without a GPU; what both printed.

    Accelerate starts several processes on CPUs through MPI alone, unless its launcher for GPUs is
    told to use none.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", 2,
              "--num_machines", 1, "--mixed_precision", "no", "--dynamo_backend", "no",
              "--main_process_port", port]  # fmt: skip
    return run([*launch, *command], ACCELERATE_USE_CPU="true")


def script(name):
    return EXAMPLES / f"tutor_{name}.py"


def choices(folder, rank=0):
    return json.loads((folder / f"chosen-{rank}.json").read_text())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run of 40 steps of each script that is asked for, once."""

    @cache
    def made(name):
        folder = tmp_path_factory.mktemp(name)
        printed = run([script(name), "--out", folder, "--steps", 40])
        assert "\nchosen: " in printed
        return folder

    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_script_that_was_stopped_and_goes_on_chooses_and_learns_the_same(
    name, undisturbed, tmp_path
):
    whole, parts = undisturbed(name), tmp_path / "parts"
    parts.mkdir()
    # Saved in the middle of the second segment, or of GRPO's fourth.
    shutil.copytree(whole / "checkpoint-15", parts / "checkpoint-15")
    run([script(name), "--out", parts, "--steps", 40, "--resume"])
    assert choices(parts) == choices(whole)
    assert len(choices(whole)) == (8 if name == "grpo" else 4)
    weights = [load(folder / "model.safetensors") for folder in (whole, parts)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def load(path):
    from safetensors.torch import load_file

    return load_file(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_processes_choose_the_same(name, tmp_path):
    launched([script(name), "--out", tmp_path, "--steps", 20])
    assert choices(tmp_path, 0) == choices(tmp_path, 1)
    assert len(choices(tmp_path)) == (4 if name == "grpo" else 2)


@pytest.mark.slow
def test_packing_trains_with_a_tutor(tmp_path):
    run([script("sft"), "--out", tmp_path, "--steps", 20, "--packing"])
    assert len(choices(tmp_path)) == 2


def plain(source):
    """The script without a teacher: its marked lines taken out, or put as they were."""
    lines = []
    for line in source.splitlines():
        if "# new" not in line:
            lines.append(line)
        elif "trainer = taught(" in line:
            lines.append(re.sub(r"taught\((\w+)\)\(tutor=tutor,.*# new", r"\1(", line))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_at_most_five_lines_of_a_script_differ_from_one_without_a_teacher(name):
    source = script(name).read_text()
    changed = [
        line for line in difflib.unified_diff(plain(source).splitlines(), source.splitlines(), n=0)
        if line.startswith("+") and not line.startswith("+++")
    ]  # fmt: skip
    assert 1 <= len(changed) <= 5
    assert "lessonplan" not in plain(source).replace("experiments/examples", "").lower()
    assert "tutor" not in re.sub(r'""".*?"""', "", plain(source), flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_script_without_these_lines_is_one_that_trains(name, tmp_path):
    (tmp_path / "plain.py").write_text(plain(script(name).read_text()))
    shutil.copy(EXAMPLES / "tiny_text.py", tmp_path)
    printed = run([tmp_path / "plain.py", "--out", tmp_path / "out", "--steps", 5])
    assert "tutor/" not in printed
    assert (tmp_path / "out" / "model.safetensors").is_file()


RANKS = """
import json, os, sys
from functools import partial
from pathlib import Path
from torch import distributed
sys.path.insert(0, sys.argv[1])
from trainer_kit import chosen, rows_seen, trainer
from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, Uniform

out, rank = Path(sys.argv[2]), int(os.environ.get("RANK", 0))
# Left alone, the second process would choose other tasks.
rule = partial(RuleTeacher, Uniform(), seed=rank)
tutor = Tutor(["a", "b", "c"], rule, observe=("progress", "key"), steps_per_decision=2)
size = 4 // int(os.environ.get("WORLD_SIZE", 1))
made = trainer(out, tutor, max_steps=20, per_device_train_batch_size=size)
made.train()
(out / f"seen-{rank}.json").write_text(json.dumps([chosen(made), rows_seen(made)]))
if distributed.is_initialized():
    # A process that ends with its group may be aborted by torch's threads.
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_the_first_process_decides_and_the_batches_are_those_of_one_process_in_parts(tmp_path):
    (tmp_path / "ranks.py").write_text(RANKS)
    command = [tmp_path / "ranks.py", KITS]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    run([*command, tmp_path / "one"])
    launched([*command, tmp_path / "two"])
    tasks, whole = json.loads((tmp_path / "one" / "seen-0.json").read_text())
    ranks = [json.loads((tmp_path / "two" / f"seen-{r}.json").read_text()) for r in (0, 1)]
    assert len(set(tasks)) > 1
    assert [rank[0] for rank in ranks] == [tasks, tasks]
    assert [a + b for a, b in zip(ranks[0][1], ranks[1][1], strict=True)] == whole


HEARD = """
import json, os, sys, warnings
from functools import partial
from pathlib import Path
from torch import distributed
sys.path.insert(0, sys.argv[1])
from trainer_kit import Stop, trainer
from lessonplan.envs import Tutor
from lessonplan.teacher import RuleTeacher, Uniform

warnings.filterwarnings("ignore", "the rows of task")
out, total, stop = Path(sys.argv[2]), 4, int(sys.argv[3])
rank, world = (int(os.environ.get(name, there)) for name, there in (("RANK", 0), ("WORLD_SIZE", 1)))
tutor = Tutor(["a", "b", "c"], partial(RuleTeacher, Uniform()), action="mixture",
              observe=("progress", "score", "loss", "key"), steps_per_decision=5)
made = trainer(out, tutor, [Stop(stop)], max_steps=15, save_steps=7, gradient_accumulation_steps=2,
               per_device_train_batch_size=total // world,
               options={"feedback": "training", "metric": "accuracy"})
made.train(resume_from_checkpoint=(out / "checkpoint-7").exists())
facts = tutor._state()["board"]["facts"]
(out / f"heard-{rank}.json").write_text(
    json.dumps([facts[f"heard_{name}"][0].tolist() for name in ("count", "right", "loss")])
)
if distributed.is_initialized():
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_processes_hear_together_what_one_hears_also_after_a_stop_within_a_segment(tmp_path):
    (tmp_path / "heard.py").write_text(HEARD)

    def heard(folder, processes, stop=15):
        """What was heard in the end, the same in every process, (3, k)."""
        (tmp_path / folder).mkdir(exist_ok=True)
        command = [tmp_path / "heard.py", KITS, tmp_path / folder, stop]
        (run if processes == 1 else launched)(command)
        files = [tmp_path / folder / f"heard-{rank}.json" for rank in range(processes)]
        first, *others = (json.loads(file.read_text()) for file in files)
        assert all(other == first for other in others)
        return torch.tensor(first, dtype=torch.float64)

    one, two = heard("one", 1), heard("two", 2)
    assert one[0].sum() > 40
    assert torch.equal(one[:2], two[:2])
    torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-5)
    heard("parts", 2, stop=7)
    assert torch.equal(heard("parts", 2), two)
    heard("fewer", 2, stop=7)
    torch.testing.assert_close(heard("fewer", 1), two, atol=1e-4, rtol=1e-5)


STOPPED = """
import json, os, sys
from pathlib import Path
from torch import distributed
sys.path.insert(0, sys.argv[1])
from trainer_kit import Stop, rows_seen, trainer, tutor

out, total, stop = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rank, world = (int(os.environ.get(name, there)) for name, there in (("RANK", 0), ("WORLD_SIZE", 1)))
made = trainer(out, tutor(), [Stop(stop)], max_steps=17, save_steps=7,
               per_device_train_batch_size=total // world)
made.train(resume_from_checkpoint=(out / "checkpoint-7").exists())
lessons = made._lessons
(out / f"seen-{rank}.json").write_text(
    json.dumps([rows_seen(made), lessons.taken.tolist(), lessons.tutor.scores])
)
if distributed.is_initialized():
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_another_number_of_processes_goes_on_with_the_same_plan_or_counts_what_it_takes(tmp_path):
    (tmp_path / "stopped.py").write_text(STOPPED)

    def steps(folder, processes, total, stop):
        """Rows by process, what was taken and the scores; up to this step, with `total` a step."""
        (tmp_path / folder).mkdir(exist_ok=True)
        command = [tmp_path / "stopped.py", KITS, tmp_path / folder, total, stop]
        (run if processes == 1 else launched)(command)
        files = [tmp_path / folder / f"seen-{rank}.json" for rank in range(processes)]
        rows, *rest = zip(*(json.loads(file.read_text()) for file in files), strict=True)
        # All processes have taken and heard the same.
        assert all(each == one[0] for one in rest for each in one)
        return [[row for part in parts for row in part] for parts in zip(*rows, strict=True)], rest[
            0
        ][0]

    whole, taken = steps("whole", 1, 8, 17)
    steps("parts", 2, 8, 7)
    assert steps("parts", 1, 8, 17) == (whole[7:], taken)
    # Stopped in the middle of a segment; from there on 8 in place of 4.
    steps("more", 1, 4, 7)
    after, taken = steps("more", 2, 8, 17)
    assert ([len(rows) for rows in after], sum(taken)) == ([8] * 10, 7 * 4 + 10 * 8)


WANDB = """
import sys
sys.path.insert(0, sys.argv[1])
import wandb
from trainer_kit import trainer

mine = wandb.init(project="mine", dir=sys.argv[2], mode="offline")
trainer(sys.argv[2] + "/run", max_steps=10, report_to="wandb").train()
assert wandb.run is mine
wandb.finish()
wandb.teardown()
"""


@pytest.mark.slow
def test_the_tutor_logs_into_the_active_run_of_wandb(tmp_path):
    pytest.importorskip("wandb", reason="wandb is not installed")
    (tmp_path / "log.py").write_text(WANDB)
    run([tmp_path / "log.py", KITS, tmp_path], WANDB_SILENT="true")
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    printed = run(["-m", "wandb", "leet", "inspect", "--json", path])
    records = [json.loads(line) for line in printed.splitlines()]
    lines = [record["history"]["item"] for record in records if record["type"] == "history"]
    chosen = [line for line in lines if "train/tutor/task" in line]
    assert [line["train/global_step"] for line in chosen] == [0, 5]
    assert [line["train/tutor/decision"] for line in chosen] == [0, 1]
    for line in chosen:
        chances = [line[f"train/tutor/probability/{name}"] for name in "abc"]
        assert sum(chances) == pytest.approx(1.0)
    scores = [line for line in lines if "train/tutor/score/a" in line]
    assert [line["train/global_step"] for line in scores] == [5, 10]


@pytest.mark.slow
@pytest.mark.parametrize(("feedback", "most"), [("full", 0.02), ("training", 0.08)])
@pytest.mark.filterwarnings("ignore:the rows of task 'task-.' have come again")
def test_a_tutor_adds_little_to_a_training_step(feedback, most):
    from lessonplan.experiments.bench.trainer import trainer_overhead

    share = trainer_overhead(steps=40, repetitions=3, feedback=feedback)
    assert 0.0 < share["min"] <= share["median"] < most
