"""From a sweep's YAML to its pairs; what is impossible is refused in one sentence, without Ray."""

import re
import subprocess
import sys

import pytest
import yaml
from bad_input_kit import command, contents, refused
from places import ROOT
from sweep_kit import BASE, write_files

from lessonplan.experiments.config.loading import config_names, read_config, sweep_names
from lessonplan.experiments.config.sweeps import read_stored_sweep, read_sweep, write_sweep
from lessonplan.experiments.store.layout import SweepDir
from lessonplan.experiments.sweep.pairs import by_setting, check_pairs, merged_config, pairs_of
from lessonplan.experiments.sweep.ray_tune import begin
from lessonplan.experiments.sweep.trial import read_pair
from lessonplan.experiments.trial.tuning import Category, Range, Search, Space

GATE = "teachers.highest-unmastered.parameters.gate"
UNKNOWN = "teachers.uniform.parameters.unknown"


def pairs(folder, sweep, overrides=()):
    return pairs_of(read_sweep(write_files(folder, sweep), overrides))


def test_a_grid_crosses_everything_but_parameters_reach_only_their_teacher(tmp_path):
    found = pairs(
        tmp_path,
        {
            "teachers": ["uniform", "highest-unmastered"],
            "space": {
                GATE: [0.5, 0.8],
                "student.learning_rate": [0.001, 0.01],
                "seeds.teacher": [0, 3],
            },
        },
    )
    assert len(found) == len({pair.name for pair in found}) == 2 * (1 + 2) * 2
    names = {pair.name: pair.config for pair in found}
    config = names["learning_rate_0.01.highest-unmastered.gate_0.8-3"]
    assert config.student.learning_rate == 0.01
    assert config.seeds.teacher == 3
    assert config.workers == 1
    (teacher,) = config.teachers
    assert (teacher.name, teacher.parameters) == ("highest-unmastered.gate_0.8", {"gate": 0.8})
    assert names["learning_rate_0.001.uniform-0"].teachers[0].parameters == {}
    together = by_setting(found)
    assert list(together) == ["learning rate 0.001", "learning rate 0.01"]
    merged = merged_config(together["learning rate 0.01"])
    assert [teacher.name for teacher in merged.teachers] == [
        "highest-unmastered.gate_0.5", "highest-unmastered.gate_0.8", "uniform",
    ]  # fmt: skip
    assert merged.student.learning_rate == 0.01
    check_pairs(found)


def test_a_worker_gets_the_config_of_its_pair_and_a_grid_keeps_its_order(tmp_path):
    """Also in a sweep directory that an older version began, which holds no configs of pairs."""
    base = BASE | {"teachers": [*BASE["teachers"], {"name": "own", "rule": "uniform"}]}
    path = write_files(tmp_path, {"teachers": ["ppo", "own"]}, base)
    sweep = read_sweep(path, ["teachers.own.grid={b: [0.2, 0.1], a: [0.4, 0.3]}"])
    out = tmp_path / "out"
    write_sweep(sweep, SweepDir(out).sweep)
    begin(sweep, pairs_of(sweep), out)
    for pair in pairs_of(sweep):
        config, files = read_pair(out, pair.name)
        assert config == pair.config
        assert files.path == out / "pairs" / pair.name
    config, _ = read_pair(out, "own-0")
    assert list(config.teachers[0].grid) == ["b", "a"]


def test_pairs_are_made_anew_where_a_config_was_changed(tmp_path):
    assert [pair.config.seeds.report for pair in pairs(tmp_path, {"teachers": ["uniform"]})] == [
        BASE["seeds"]["report"]
    ]
    changed = BASE | {"seeds": BASE["seeds"] | {"report": 3}}
    path = write_files(tmp_path, {"teachers": ["uniform"]}, changed)
    assert [pair.config.seeds.report for pair in pairs_of(read_sweep(path))] == [3]


def test_without_teacher_seeds_a_teacher_has_those_of_its_config_and_the_longest_come_first(
    tmp_path,
):
    found = pairs(tmp_path, {"teachers": ["uniform", "ppo"]})
    assert [pair.name for pair in found] == ["ppo-0", "ppo-1", "uniform-0"]
    assert all(pair.config.teachers[0].seeds == 1 for pair in found[:2])
    assert merged_config(by_setting(found)[""]).teachers[0].seeds == 2


def test_draws_are_those_of_the_seed_and_the_same_for_every_teacher(tmp_path):
    sweep = {
        "teachers": ["uniform", "highest-unmastered"],
        "samples": 3,
        "space": {
            "student.learning_rate": {"loguniform": [1e-4, 1e-2]},
            "suite.options.n_tasks": {"randint": [2, 4]},
            "seeds.teacher": [0, 1],
        },
    }
    found = pairs(tmp_path, sweep)
    rates = {}
    for pair in found:
        rates.setdefault(pair.setting, set()).add(
            (pair.config.student.learning_rate, pair.config.suite.options["n_tasks"])
        )
    assert len(rates) == 3
    assert len(found) == 3 * 2 * 2
    assert all(len(drawn) == 1 for drawn in rates.values())
    assert all(1e-4 <= rate <= 1e-2 and n in (2, 3) for ((rate, n),) in rates.values())
    assert pairs(tmp_path, sweep) == found
    assert pairs(tmp_path, sweep | {"seed": 1}) != found
    more = sweep | {"space": {GATE: {"choice": [0.5]}} | sweep["space"]}
    drawn = {pair.config.student.learning_rate for pair in pairs(tmp_path, more)}
    assert drawn == {rate for ((rate, _),) in rates.values()}, "a key changes no other's draws"


def test_a_tuning_draws_its_candidates_from_the_optimiser_of_all_tuning(tmp_path):
    space = {
        GATE: {"uniform": [0.2, 0.8]},
        "teachers.highest-unmastered.parameters.a": {"loguniform": [1e-4, 1.0]},
        "teachers.highest-unmastered.parameters.b": {"randint": [0, 10**12]},
        "teachers.highest-unmastered.parameters.c": {"choice": ["x", "y"]},
        "teachers.highest-unmastered.parameters.d": {"randint": [3, 4]},
        "teachers.highest-unmastered.parameters.e": [1, 2],
    }
    sweep = {"teachers": ["highest-unmastered"], "purpose": "tune", "samples": 20, "space": space}
    found = [pair.config.teachers[0].parameters for pair in pairs(tmp_path, sweep)]
    assert len(found) == 2 * 20
    drawn = {"a": Range(1e-4, 1.0, log=True), "b": Range(0, 10**12 - 1, whole=True)}
    drawn |= {"c": Category(("x", "y")), "d": Category((3,)), "gate": Range(0.2, 0.8)}
    search = Search(Space({}, drawn, None, {}), 0)
    asked = [*search.ask(), *search.ask(), *search.ask()]
    assert len(asked) >= 20
    expected = [one | {"e": crossed} for one in asked[:20] for crossed in (1, 2)]
    assert sorted(map(str, map(sorted_items, found))) == sorted(
        map(str, map(sorted_items, expected))
    )
    again = [pair.config.teachers[0].parameters for pair in pairs(tmp_path, sweep)]
    assert again == found


def sorted_items(values):
    return sorted(values.items())


@pytest.mark.parametrize(
    ("key", "values"),
    [
        (GATE, [1e-05, 1e-07, 0.30000001, 0.3]),
        ("teachers.highest-unmastered.parameters.window", [1, 10, -1]),
        ("student.options.hidden", [[16], [16, 16]]),
        ("student.schedule", [{}, {"name": "linear"}]),
    ],
)
def test_names_of_pairs_are_fit_for_files_and_different_for_different_values(key, values, tmp_path):
    found = pairs(tmp_path, {"teachers": ["highest-unmastered"], "space": {key: values}})
    names = [pair.name for pair in found]
    assert len(set(names)) == len(values)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for name in names), names


def test_a_stored_sweep_is_whole_by_itself_wherever_it_is_read(tmp_path, monkeypatch):
    base = BASE | {"suite": {"name": "jsonl", "options": {"path": "a.jsonl"}}}
    path = write_files(
        tmp_path,
        {"teachers": ["uniform"], "space": {"suite.options.path": ["b.jsonl", "c.jsonl"]}},
        base,
    )
    monkeypatch.chdir("/")
    sweep = read_sweep(path, ["seeds.report=7", "resources.gpu=0.5", "wandb=mine"])
    assert sweep.resources.gpu == 0.5
    assert sweep.wandb == "mine"
    write_sweep(sweep, tmp_path / "stored" / "sweep.yaml")
    (tmp_path / "base.yaml").unlink()
    again = read_stored_sweep(tmp_path / "stored")
    assert again.model_dump() == sweep.model_dump()
    found = pairs_of(again)
    assert [pair.config.suite.options["path"] for pair in found] == [
        str(tmp_path / "b.jsonl"), str(tmp_path / "c.jsonl"),
    ]  # fmt: skip
    assert all(pair.config.seeds.report == 7 for pair in found)


def test_a_sweep_that_has_begun_is_not_refused_for_names_and_numbers_of_today(tmp_path):
    seeds = {"seeds": {"report": 2_000_000}, "checkpoint_seconds": 3e6, "workers": 20_000}
    base = BASE | seeds | {"teachers": [{"name": "con", "rule": "uniform"}]}
    sweep = {
        "name": "aux", "config": base, "teachers": ["con"], "max_failures": 2_000,
        "space": {"student.batch_size": [4, 2_000_000], "suite.name": ["parity", "08"]},
    }  # fmt: skip
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    found = pairs_of(stored := read_stored_sweep(tmp_path))
    assert stored.max_failures == 2_000
    assert {pair.config.student.batch_size for pair in found} == {4, 2_000_000}
    assert {pair.config.suite.name for pair in found} == {"parity", "08"}
    assert {pair.config.seeds.report for pair in found} == {2_000_000}
    assert merged_config(found[:1]).teachers[0].name == "con"
    for key, value in (("report", 1), ("report", "many")):
        wrong = sweep | {"config": base | {"seeds": {key: value}}}
        (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(wrong))
        with pytest.raises(ValueError, match=r"seeds\.report: write a whole number from 2"):
            pairs_of(read_stored_sweep(tmp_path))


def test_numbers_without_a_dot_are_numbers(tmp_path):
    path = write_files(tmp_path, {})
    text = "space: {student.learning_rate: [1e-3, 1e-2]}\n"
    path.write_text(path.read_text() + text)
    assert {pair.config.student.learning_rate for pair in pairs_of(read_sweep(path))} == {
        1e-3,
        1e-2,
    }


WRONG = {
    "an unknown key": ({"teacher": ["uniform"]}, "teacher"),
    "an unknown teacher": ({"teachers": ["unifrom"]}, "'unifrom', which its config does not have"),
    "no teacher": ({"teachers": []}, "teachers"),
    "a replay": ({"teachers": ["ppo-shuffled"]}, "replays the schedules of 'ppo'"),
    "a teacher twice": ({"teachers": ["uniform", "uniform"]}, "'uniform' twice"),
    "a key of no config": ({"space": {"student.learning_rte": [1.0]}}, "learning_rte"),
    "a key of nobody": ({"space": {"teachers.exp3s.parameters.gate": [1]}}, "of no teacher"),
    "a parameter of no rule": (
        {"teachers": ["uniform"], "space": {"teachers.uniform.parameters.gate": [0.5]}}, "gate",
    ),
    "the seeds of a teacher": ({"space": {"teachers.ppo.seeds": [1, 2]}}, "seeds.teacher"),
    "all teachers": ({"space": {"teachers": [["uniform"]]}}, "teachers.NAME"),
    "workers": ({"space": {"workers": [1, 2]}}, "can't vary"),
    "a whole section": ({"space": {"student": [{}]}}, "can't vary"),
    "no values": ({"space": {"student.learning_rate": []}}, "has no values"),
    "a value twice": ({"space": {"student.learning_rate": [0.1, 0.1]}}, "twice"),
    "bounds the wrong way": (
        {"space": {"student.learning_rate": {"uniform": [2, 1]}}}, "lower bound",
    ),
    "a logarithm of nothing": (
        {"space": {"student.learning_rate": {"loguniform": [0, 1]}}}, "above 0",
    ),
    "two distributions": (
        {"space": {"student.learning_rate": {"uniform": [1, 2], "choice": [1]}}}, "one of",
    ),
    "an unknown distribution": ({"space": {"student.learning_rate": {"normal": [0, 1]}}}, "normal"),
    "samples of a grid": ({"samples": 4, "space": {"student.learning_rate": [0.1]}}, "samples"),
    "seeds that are none": ({"space": {"seeds.teacher": [0.5]}}, "whole numbers"),
    "drawn seeds": ({"space": {"seeds.teacher": {"uniform": [0, 9]}}}, "whole numbers"),
    "one and a half GPUs": ({"resources": {"gpu": 1.5}}, "a part of one or a whole number"),
    "a GPU without one": ({"overrides": {"student.device": "cuda"}}, "resources.gpu=0.5"),
    "no CPU": ({"resources": {"cpu": 0}}, "cpu"),
    "tuning two teachers": (
        {"purpose": "tune", "space": {"teachers.uniform.parameters.x": [1]}}, "one teacher, got 2",
    ),
    "tuning nothing": ({"purpose": "tune", "teachers": ["uniform"]}, "needs parameters"),
    "tuning in W&B": (
        {"purpose": "tune", "teachers": ["uniform"], "space": {UNKNOWN: [0.5]}, "wandb": "p"},
        "leave wandb out",
    ),
    "tuning in TensorBoard": (
        {
            "purpose": "tune", "teachers": ["uniform"], "space": {UNKNOWN: [0.5]},
            "tensorboard": True,
        },
        "leave tensorboard out",
    ),
    "tuning a student": (
        {
            "purpose": "tune", "teachers": ["highest-unmastered"],
            "space": {GATE: [0.5], "student.learning_rate": [0.1, 0.2]},
        },
        "student.learning_rate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_impossible_is_refused_in_one_sentence(kind, tmp_path):
    sweep, words = WRONG[kind]
    path = write_files(tmp_path, sweep)
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        check_pairs(pairs_of(read_sweep(path)))
    assert "\n" not in str(refused.value)


def test_a_search_that_begins_at_what_another_pair_tunes_is_refused(tmp_path):
    search = {
        "name": "search", "type": "learned", "algorithm": "cma_es", "action": "mixture",
        "prior": "data", "begin_at": "tuned",
    }  # fmt: skip
    tuned = {"name": "tuned", "rule": "static_mixture", "tune": True}
    path = write_files(tmp_path, {"teachers": ["search"]}, BASE | {"teachers": [search, tuned]})
    with pytest.raises(ValueError, match="'search' begins at 'tuned', which another pair tunes"):
        pairs_of(read_sweep(path))


def test_guards_of_what_another_pair_makes_are_refused(tmp_path):
    careful = {"name": "careful", "type": "guarded", "of": "uniform", "guards": ["review"]}
    path = write_files(
        tmp_path, {"teachers": ["careful"]}, BASE | {"teachers": ["uniform", careful]}
    )
    with pytest.raises(ValueError, match="'careful' guards 'uniform', which another pair makes"):
        pairs_of(read_sweep(path))


def test_a_sweep_and_a_run_are_told_apart_with_the_way_out(tmp_path):
    with pytest.raises(ValueError, match="`lessonplan sweep quickstart-sweep`"):
        read_config("quickstart-sweep")
    with pytest.raises(ValueError, match="begin it with `lessonplan run`"):
        read_sweep("quickstart")
    with pytest.raises(ValueError, match="no sweep"):
        read_sweep("nothing-of-the-kind")
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE))
    with pytest.raises(ValueError, match="no key config"):
        read_sweep(tmp_path / "base.yaml")
    assert not set(config_names()) & set(sweep_names())


@pytest.mark.parametrize("name", sweep_names())
def test_every_sweep_that_ships_can_be_run(name):
    found = pairs_of(read_sweep(name))
    check_pairs(found)
    teachers = {pair.config.teachers[0].name.partition(".")[0] for pair in found}
    assert len(teachers) >= 3
    assert {pair.seed for pair in found} == {0, 1}


def test_the_command_lists_pairs_and_refuses_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {"teachers": ["uniform", "ppo"]})
    status, out, err = command(monkeypatch, capsys, "sweep", "sweep.yaml", "--dry-run")
    assert status == 0, err
    assert out.splitlines() == ["ppo-0", "ppo-1", "uniform-0", "tiny-sweep: 3 pairs"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    before = contents(tmp_path)
    for arguments, words in (
        (["run", "quickstart-sweep"], "`lessonplan sweep quickstart-sweep`"),
        (["sweep"], "name a sweep"),
        (["sweep", "quickstart"], "`lessonplan run`"),
        (["sweep", "sweep.yaml", "--resume", "notes"], "give nothing else"),
        (["sweep", "--resume", "notes"], "no sweep.yaml"),
        (["sweep", "sweep.yaml", "--out", "notes"], "not empty"),
        (["sweep", "sweep.yaml", "-o", "purpose=best"], "purpose"),
        (["sweep", "sweep.yaml", "-o", "samples"], "key=value"),
    ):
        assert words in refused(monkeypatch, capsys, *arguments)
        assert contents(tmp_path) == before


def test_without_ray_a_sweep_says_how_to_get_it_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    write_files(tmp_path, {"teachers": ["uniform"]})
    sentence = refused(monkeypatch, capsys, "sweep", "sweep.yaml", "--out", "out")
    assert "pip install" in sentence
    assert not (tmp_path / "out" / "sweep.yaml").exists()


def test_the_sweeps_of_the_documentation_can_be_run(tmp_path):
    page = (ROOT / "docs" / "sweeps.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    counts = []
    for block in blocks:
        (tmp_path / "sweep.yaml").write_text(block)
        sweep = read_sweep(tmp_path / "sweep.yaml", ["space.student.batch_size=[16]"])
        found = pairs_of(sweep)
        check_pairs(found[:1], sweep.resources.gpu)
        assert {pair.config.student.batch_size for pair in found} == {16}
        counts.append(len(found))
    assert counts == [2 * 3 * (1 + 1 + 2), 16]


def test_a_sweep_is_planned_without_importing_ray():
    code = (
        "import sys; from lessonplan.experiments import read_sweep; "
        "from lessonplan.experiments.cli.commands import sweeps; "
        "from lessonplan.experiments.sweep import sweep, tune; "
        "from lessonplan.experiments.sweep.pairs import pairs_of; "
        "pairs_of(read_sweep('quickstart-sweep')); assert 'ray' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
