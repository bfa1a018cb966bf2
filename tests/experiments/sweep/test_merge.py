"""One report over the pairs of a sweep: the numbers of one run, whatever is missing is said."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
from sweep_kit import BASE, numbers, write_files

from lessonplan.experiments.common.watch import WorkFailedError
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.config.sweeps import read_sweep, write_sweep
from lessonplan.experiments.report import report
from lessonplan.experiments.report.report import write_report
from lessonplan.experiments.store.layout import RunDir, SweepDir
from lessonplan.experiments.sweep.merge import merged_runs
from lessonplan.experiments.sweep.pairs import pairs_of
from lessonplan.experiments.sweep.ray_tune import complain
from lessonplan.experiments.sweep.sweep import is_left
from lessonplan.experiments.trial.trial import run_trial

TEACHERS = ["ppo", "uniform", "in-order-tuned", "highest-unmastered"]


@pytest.fixture(scope="module", autouse=True)
def without_pictures():
    """The pictures of a report take most of the time that these runs take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "draw_figures", lambda *_: [])
        yield


def lived(folder, sweep):
    """A sweep directory whose pairs were all run, one after the other, without Ray."""
    folder.mkdir()
    settings = read_sweep(write_files(folder, sweep))
    write_sweep(settings, folder / "sweep.yaml")
    for pair in pairs_of(settings):
        run_trial(pair.config, folder / "pairs" / pair.name)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep that nobody changes."""
    return lived(tmp_path_factory.mktemp("whole") / "s", {"teachers": TEACHERS})


def test_pairs_merged_are_the_numbers_of_one_run_with_the_same_teachers(whole, tmp_path):
    kept = [t for t in BASE["teachers"] if t in TEACHERS or t["name"] in TEACHERS]
    config = make_config(BASE | {"name": "tiny-sweep", "workers": 1, "teachers": kept})
    one = numbers(run_trial(config, tmp_path / "run"))
    assert one["teachers"]["ppo"]["teacher_seeds"] == 2
    assert one["payback_students"].keys() >= {"ppo", "in-order-tuned"}
    assert numbers(write_report(merged_runs(whole), tmp_path / "report")) == one
    assert one["complete"]


def test_a_merged_run_is_an_ordinary_run_directory_and_can_be_made_again(whole, tmp_path):
    (merged,) = merged_runs(whole)
    assert merged_runs(whole) == [merged]
    told = write_report(merged, tmp_path / "a")
    assert numbers(told) == numbers(write_report(merged_runs(whole), tmp_path / "b"))
    summary = run_trial_again(merged)
    assert numbers(summary) == numbers(told)
    pairs = sorted((whole / "pairs").iterdir())
    several = write_report(pairs, tmp_path / "c")
    assert len(several["runs"]) == len(pairs) == 5
    environment = json.loads((merged / "environment.json").read_text())
    assert environment["missing"] == []


def run_trial_again(merged):
    """What is whole is resumed by doing nothing."""
    from lessonplan.experiments.config.loading import read_config

    return run_trial(read_config(merged / "config.yaml"), merged, resume=True)


def test_teacher_seeds_of_rules_are_teacher_seeds_and_other_students_another_comparison(tmp_path):
    sweep = lived(
        tmp_path / "s",
        {
            "teachers": ["uniform", "highest-unmastered"],
            "space": {
                "seeds.teacher": [0, 5],
                "suite.options.n_tasks": [2, 3],
                "teachers.highest-unmastered.parameters.gate": [0.5, 0.8],
            },
        },
    )
    told = write_report(merged_runs(sweep), sweep)
    assert told == json.loads((sweep / "summary.json").read_text())
    assert list(told["runs"]) == ["tiny-sweep n tasks 2", "tiny-sweep n tasks 3"]
    for tasks, summary in zip((2, 3), told["runs"].values(), strict=True):
        assert len(summary["suite"]["tasks"]) == tasks
        assert summary["complete"]
        teachers = summary["teachers"]
        assert {name: one["teacher_seeds"] for name, one in teachers.items()} == {
            "highest-unmastered.gate_0.5": 2, "highest-unmastered.gate_0.8": 2, "uniform": 2,
        }  # fmt: skip
        assert {one["lifetimes"] for one in teachers.values()} == {8}
    assert (sweep / "report.html").exists()


def test_what_is_missing_is_said_and_the_rest_is_reported(whole, tmp_path):
    sweep = shutil.copytree(whole, tmp_path / "s")
    shutil.rmtree(sweep / "pairs" / "uniform-0")
    (sweep / "pairs" / "ppo-1" / "summary.json").write_text('{"teach')
    shutil.rmtree(sweep / "pairs" / "ppo-1" / "schedule")
    files = SweepDir(sweep)
    assert not files.run_dir("uniform-0").is_done
    assert not files.run_dir("ppo-1").is_done
    assert files.run_dir("ppo-0").is_done
    told = write_report(merged_runs(sweep), sweep)
    assert not told["complete"]
    assert "the pair uniform-0 has not ended" in told["problems"]
    assert "the pair ppo-1 has not ended" in told["problems"]
    assert "uniform has not taught anybody yet" in told["problems"]
    assert told["teachers"]["ppo"]["teacher_seeds"] == 1
    assert "highest-unmastered" in told["teachers"]


def test_parts_that_a_resumed_pair_wrote_again_take_the_place_of_those_merged_before(
    whole, tmp_path
):
    sweep = shutil.copytree(whole, tmp_path / "s")
    (merged,) = merged_runs(sweep)
    name = "schedule/part-uniform-0-0000.parquet"
    own = sweep / "pairs" / "uniform-0" / name
    table = pq.read_table(own)
    own.unlink()
    pq.write_table(table.slice(0, 3), own)
    assert len(pq.read_table(merged / name)) == len(table)
    merged_runs(sweep)
    assert len(pq.read_table(merged / name)) == 3


def test_a_pair_that_is_done_is_left_while_wandb_has_only_a_part_of_it(
    whole, tmp_path, monkeypatch
):
    shutil.copytree(whole, tmp_path / "s")
    sweep = read_sweep(tmp_path / "s" / "sweep.yaml").model_copy(update={"wandb": "project"})
    first, second = pairs_of(sweep)[:2]
    for pair, partly in ((first, True), (second, False)):
        position = tmp_path / "s" / "pairs" / pair.name / "wandb" / "position-0.json"
        position.parent.mkdir()
        position.write_text(json.dumps({"partly": partly}))

    def left(mode, sweep=sweep):
        monkeypatch.setenv("WANDB_MODE", mode)
        return [is_left(sweep, pair, tmp_path / "s") for pair in (first, second)]

    assert left("online") == [True, False]
    assert left("offline") == [False, False]
    assert left("online", sweep.model_copy(update={"wandb": ""})) == [False, False]


def test_a_sweep_in_which_nothing_has_begun_has_no_report(whole, tmp_path):
    sweep = shutil.copytree(whole, tmp_path / "s")
    shutil.rmtree(sweep / "pairs")
    with pytest.raises(ValueError, match=r"no pair of .* has begun yet") as no:
        write_report(merged_runs(sweep), sweep)
    assert str(no.value).endswith(f"go on with lessonplan sweep --resume {sweep}")
    (sweep / ".fetched-from").write_text("s-20261123-194414-3ad4\n")
    with pytest.raises(
        ValueError, match=r"go on with lessonplan jobs resume s-20261123-194414-3ad4 "
    ):
        write_report(merged_runs(sweep), sweep)


def test_how_to_go_on_names_the_cluster_that_a_sweep_was_begun_on(tmp_path):
    with pytest.raises(WorkFailedError) as failed:
        complain({"a": "it broke"}, 2, tmp_path / "my sweep", "10.0.0.1:6379")
    assert str(failed.value).endswith(
        f"go on with lessonplan sweep --resume '{tmp_path}/my sweep' --address 10.0.0.1:6379"
    )


@pytest.mark.parametrize(
    ("mark", "words"),
    [("job-1\n", "go on with lessonplan jobs resume job-1 "), ("../x", "is not a run directory")],
)
def test_a_run_that_was_fetched_before_it_had_begun_says_what_goes_on(mark, words, tmp_path):
    (tmp_path / ".fetched-from").write_text(mark)
    with pytest.raises(ValueError, match=words):
        RunDir(tmp_path).see_that_it_has_begun()
