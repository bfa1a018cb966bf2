"""What a job ships and what comes back, without a cluster."""

import base64
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from lessonplan.experiments import submit_begin
from lessonplan.experiments.cli import job
from lessonplan.experiments.cluster.staging import stage
from lessonplan.experiments.config.loading import read_config
from lessonplan.experiments.jobs import pack
from lessonplan.experiments.jobs.archive import archive_in, unpack
from lessonplan.experiments.jobs.fetch import see_that_it_can_be_fetched, unpack_into
from lessonplan.experiments.jobs.shipped import CONFIG, DATA, MODULES, SHIPPED, lasting
from lessonplan.experiments.jobs.shipping import add, ship, zipped


@pytest.fixture(scope="module")
def staged(tmp_path_factory) -> Path:
    return stage(tmp_path_factory.mktemp("stage"))


def python(code: str, *path: Path, cwd: Path) -> str:
    """What the code prints in a Python that knows no installed lessonplan, with this path."""
    # Without -S the file that an editable install leaves in site-packages would be read.
    return subprocess.run(
        [sys.executable, "-B", "-S", "-P", "-c", code],
        cwd=cwd, capture_output=True, text=True, check=True, timeout=120,
        env={"PYTHONPATH": os.pathsep.join(map(str, path)), "PATH": os.environ["PATH"]},
    ).stdout  # fmt: skip


def test_the_staged_folder_is_the_package_where_none_is_installed(staged, tmp_path):
    code = (
        "import lessonplan, importlib.metadata as m, importlib.util as u\n"
        "print(*lessonplan.__path__, sep='\\n')\n"
        "for room in ('teacher', 'student', 'envs', 'experiments'):\n"
        "    print(u.find_spec('lessonplan.' + room).origin)\n"
        "print(m.version('lessonplan'))"
    )
    place, *rooms, version = python(code, staged.parent, cwd=tmp_path).splitlines()
    assert place == str(staged)
    assert rooms == [
        str(staged / room / "__init__.py") for room in ("teacher", "student", "envs", "experiments")
    ]
    assert version == "0.1.0"


@pytest.mark.slow
def test_the_command_runs_from_the_staged_folder(staged, tmp_path):
    code = (
        "import sys; sys.argv = ['lessonplan', 'run', 'quickstart', '--dry-run']\n"
        "from lessonplan.experiments import cli\n"
        "print(cli.__file__)\n"
        "cli.main()"
    )
    third_party = Path(sysconfig.get_paths()["purelib"])
    out = python(code, staged.parent, third_party, cwd=tmp_path)
    assert out.startswith(str(staged / "experiments" / "cli" / "__init__.py"))
    assert "units of work" in out


def test_nothing_is_staged_that_a_run_does_not_read(staged):
    parts = {part for path in staged.rglob("*") for part in path.relative_to(staged).parts}
    assert not {"__pycache__", "results"} & parts
    assert {"configs", "examples", "quickstart.yaml", "base.json", "py.typed"} <= parts


def data_config(tmp_path: Path) -> dict:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "task.jsonl").write_text("{}\n")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"w" * 100)
    return {
        "config": {
            "suite": {"name": "jsonl", "options": {"path": str(tmp_path / "data")}},
            "student": {"base": str(tmp_path / "weights"), "model": "decoder"},
        },
        "space": {"student.base": ["", str(tmp_path / "weights")]},
    }


def test_a_job_finds_the_data_that_its_config_names_where_the_job_lasts(tmp_path):
    values = data_config(tmp_path)
    (tmp_path / "job").mkdir()
    ship(values, tmp_path / "job")
    shipped = yaml.safe_load((tmp_path / "job" / CONFIG).read_text())
    assert str(tmp_path) not in str(shipped)
    assert shipped["config"]["student"]["model"] == "decoder"
    config, run = lasting(tmp_path / "job", tmp_path / "remote", "remote")
    placed = yaml.safe_load(config.read_text())
    path = Path(placed["config"]["suite"]["options"]["path"])
    assert path.is_relative_to(tmp_path / "remote")
    assert (path / "task.jsonl").read_text() == "{}\n"
    base = Path(placed["config"]["student"]["base"])
    assert (base / "model.safetensors").read_bytes() == b"w" * 100
    assert placed["space"]["student.base"] == ["", str(base)]
    assert run == tmp_path / "remote" / "run"


def test_what_is_on_shared_storage_is_named_and_not_sent(tmp_path):
    values = data_config(tmp_path)
    (tmp_path / "job").mkdir()
    ship(values, tmp_path / "job", [tmp_path])
    assert yaml.safe_load((tmp_path / "job" / CONFIG).read_text()) == values
    assert not (tmp_path / "job" / DATA).exists()


def test_every_config_that_ships_goes_and_comes_back_whole(tmp_path):
    values = read_config("words").model_dump(mode="json")
    (tmp_path / "job").mkdir()
    ship(values, tmp_path / "job")
    assert SHIPPED in (tmp_path / "job" / CONFIG).read_text()
    config, _ = lasting(tmp_path / "job", tmp_path / "remote", "remote")
    back = read_config(config).model_dump(mode="json")
    place = Path(back["suite"]["options"].pop("path"))
    sent = Path(values["suite"]["options"].pop("path"))
    assert {p.name: p.read_bytes() for p in place.iterdir()} == {
        p.name: p.read_bytes() for p in sent.iterdir()
    }
    assert back == values


def test_the_file_of_a_teacher_that_is_not_trained_again_goes_along(tmp_path):
    file = tmp_path / "run/teachers/ppo-0.zip"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    (tmp_path / "job").mkdir()
    ship({"teachers": [{"name": "mine", "from": str(file)}]}, tmp_path / "job")
    config, _ = lasting(tmp_path / "job", tmp_path / "remote", "remote")
    place = Path(yaml.safe_load(config.read_text())["teachers"][0]["from"])
    assert place.is_relative_to(tmp_path / "remote")
    assert place.read_bytes() == b"weights"


def test_a_rule_of_ones_own_goes_along_and_nothing_else_of_the_folder(tmp_path):
    (tmp_path / "mine.py").write_text("RULE = 1\n")
    (tmp_path / "progress.py").write_text("")
    (tmp_path / "helpers.py").write_text("")
    (tmp_path / "job").mkdir()
    values = {"modules": [str(tmp_path)], "student": {}, "observe": ["progress:ema=0.5"]}
    ship(values | {"teachers": [{"rule": "mine:Rule"}]}, tmp_path / "job")
    assert {path.name for path in (tmp_path / "job").iterdir()} == {CONFIG, "mine.py"}
    add(tmp_path / "helpers.py", tmp_path / "job")
    assert (tmp_path / "job" / "helpers.py").exists()
    with pytest.raises(ValueError, match=r"something named mine\.py already"):
        add(tmp_path / "mine.py", tmp_path / "job")
    config, _ = lasting(tmp_path / "job", tmp_path / "remote", "remote")
    there = yaml.safe_load(config.read_text())
    assert there["modules"] == [str(tmp_path / "remote" / MODULES)]
    assert (tmp_path / "remote" / MODULES / "mine.py").exists()


def test_what_a_rule_of_ones_own_imports_beside_it_goes_along(tmp_path):
    (tmp_path / "mine.py").write_text("import os\nimport beside\n")
    (tmp_path / "beside.py").write_text("from pack.inner import X\n")
    (tmp_path / "pack").mkdir()
    for name in ("__init__", "inner", "more"):
        (tmp_path / "pack" / f"{name}.py").write_text("X = 1\n")
    (tmp_path / "job").mkdir()
    values = {"modules": [str(tmp_path)], "student": {}, "teachers": [{"rule": "mine:Rule"}]}
    ship(values, tmp_path / "job")
    files = {path.name for path in (tmp_path / "job").iterdir()}
    assert files == {CONFIG, "mine.py", "beside.py", "pack"}
    assert len(list((tmp_path / "job" / "pack").iterdir())) == 3


def test_a_rule_on_shared_storage_is_not_sent(tmp_path):
    (tmp_path / "mine.py").write_text("RULE = 1\n")
    (tmp_path / "job").mkdir()
    values = {"modules": [str(tmp_path)], "student": {}, "teachers": [{"rule": "mine:Rule"}]}
    ship(values, tmp_path / "job", [tmp_path])
    assert {path.name for path in (tmp_path / "job").iterdir()} == {CONFIG}
    shipped = yaml.safe_load((tmp_path / "job" / CONFIG).read_text())
    assert shipped["modules"] == [str(tmp_path)]


@pytest.mark.slow
def test_a_job_that_is_resumed_has_the_modules_that_the_first_one_brought(staged, tmp_path):
    """In a new process, whose own folder holds the rooms alone."""
    values = {"name": "own", "suite": {"name": "parity"}, "teachers": [{"name": "mine"}]}
    first = tmp_path / "first"
    first.mkdir()
    ship(values, first)
    (tmp_path / "mine.py").write_text("RULE = 'of mine'\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "__init__.py").write_text("PART = 'of more'\n")
    add(tmp_path / "mine.py", first)
    add(tmp_path / "more", first)
    lasting(first, tmp_path / "place" / "A", "A")
    (tmp_path / "second").mkdir()
    code = (
        "import sys\n"
        "from lessonplan.experiments.cli import job\n"
        "from lessonplan.experiments.common.own_modules import own_part\n"
        "def command():\n"
        f"    folders = [{str(tmp_path / 'place' / 'A' / MODULES)!r}]\n"
        "    print(own_part('mine', 'RULE', folders), own_part('more', 'PART', folders))\n"
        "    print(sys.argv[1:])\n"
        "job.command = command\n"
        f"sys.argv = ['begin', {str(tmp_path / 'place' / 'A')!r}, 'B']\n"
        "job.main()"
    )
    third_party = Path(sysconfig.get_paths()["purelib"])
    out = python(code, staged.parent, third_party, cwd=tmp_path / "second")
    assert f"of mine of more\n['run', '{tmp_path / 'place' / 'A' / CONFIG}'" in out


def test_a_job_of_an_older_release_begins_as_one_of_this():
    assert submit_begin.main is job.main


def test_a_job_that_went_on_with_another_is_found_by_its_own_name_too(tmp_path):
    place = tmp_path / "place"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    ship({"name": "x"}, tmp_path / "first")
    config, run = lasting(tmp_path / "first", place / "A", "A")
    assert lasting(tmp_path / "second", place / "A", "B") == (config, run)
    assert lasting(tmp_path / "second", place / "B", "C") == (config, run)
    run_directory(run)
    assert {path.name for path in place.iterdir()} == {"A", "B", "C"}
    for name in ("A", "B", "C"):
        unpack_into(printed(place / name / "run"), tmp_path / "out")
    # What is fetched next is another job's.
    with pytest.raises(ValueError, match="is not empty"):
        unpack_into(printed(run_directory(tmp_path / "other" / "run")), tmp_path / "out")
    see_that_it_can_be_fetched(tmp_path / "out", "A")


def test_a_job_that_is_not_there_leaves_nothing_when_it_is_resumed(tmp_path):
    (tmp_path / "job").mkdir()
    config, _ = lasting(tmp_path / "job", tmp_path / "place" / "A", "B")
    assert not config.exists()
    assert not (tmp_path / "place").exists()


def test_an_upload_that_is_too_large_is_refused_with_the_largest_part_and_the_way_out(tmp_path):
    (tmp_path / "noise").write_bytes(os.urandom(3 << 20))
    (tmp_path / "job").mkdir()
    ship({"suite": {"options": {"path": str(tmp_path / "noise")}}}, tmp_path / "job")
    with pytest.raises(ValueError, match=r"2 MiB .*\(noise is 3 MiB\).* --shared$"):
        zipped(tmp_path / "job", tmp_path / "job.zip", 2 << 20)
    assert zipped(tmp_path / "job", tmp_path / "job.zip", 4 << 20) < 4 << 20


def test_the_same_job_is_packed_to_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.txt").write_text("b")
        (tmp_path / name / "a.txt").write_text("a")
        zipped(tmp_path / name, tmp_path / f"{name}.zip", 1 << 20)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == ["a.txt", "b.txt"]


def printed(folder: Path) -> str:
    """What a cluster's Python prints of a folder; it has the one file and nothing else."""
    code = Path(pack.__file__).read_text()
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(folder)],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip


def run_directory(folder: Path) -> Path:
    (folder / "schedule").mkdir(parents=True)
    (folder / "schedule" / "part-0.parquet").write_bytes(os.urandom(50_000))
    (folder / "config.yaml").write_text("name: ä\n")
    (folder / ".config.yaml.77.tmp").write_text("na")
    return folder


def test_a_run_directory_comes_back_through_a_log_as_it_is(tmp_path):
    run = run_directory(tmp_path / "run")
    log = f"Running entrypoint for job\n{printed(run)}later words\n"
    unpack(archive_in(log)[0], tmp_path / "back")
    names = {str(p.relative_to(tmp_path / "back")) for p in (tmp_path / "back").rglob("*.*")}
    assert names == {"config.yaml", "schedule/part-0.parquet"}
    for name in names:
        assert (tmp_path / "back" / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize("damage", ["changed", "lost line", "cut off", "not base64"])
def test_a_damaged_run_directory_is_never_written(tmp_path, damage):
    lines = printed(run_directory(tmp_path / "run")).splitlines()
    middle = bytearray(base64.b64decode(lines[2]))
    middle[7] ^= 1
    damaged = {
        "changed": [*lines[:2], base64.b64encode(middle).decode(), *lines[3:]],
        "lost line": lines[:2] + lines[3:],
        "cut off": lines[:3],
        "not base64": [*lines[:2], "%" + lines[2], *lines[3:]],
    }[damage]
    with pytest.raises(ValueError, match="checksum differs"):
        unpack_into("\n".join(damaged), tmp_path / "place" / "back")
    assert not (tmp_path / "place").exists()
