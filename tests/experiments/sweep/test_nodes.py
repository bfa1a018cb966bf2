"""What a node lacks for pairs, and which of the nodes get some."""

import sys

import pytest
from sweep_kit import write_files
from tiny_config import CONFIG

from lessonplan.experiments.cluster import session
from lessonplan.experiments.config.loading import make_config
from lessonplan.experiments.config.sweeps import read_sweep
from lessonplan.experiments.sweep import nodes as nodes_module
from lessonplan.experiments.sweep import ray_tune
from lessonplan.experiments.sweep.nodes import Nodes, needs_of
from lessonplan.experiments.sweep.pairs import Pair, pairs_of
from lessonplan.experiments.sweep.probe import lack_here
from lessonplan.experiments.sweep.ray_tune import files_of

IDS = ("1" * 56, "2" * 56, "3" * 56)


@pytest.fixture
def needs(tmp_path):
    """What pairs of a sweep need that read a file."""
    (tmp_path / "data.jsonl").write_text("{}")
    (tmp_path / "sweep").mkdir()
    mark = tmp_path / "sweep" / "mark"
    return needs_of(tmp_path / "sweep", mark, [str(tmp_path / "data.jsonl")])


def test_a_node_that_sees_all_lacks_nothing_and_leaves_nothing(needs, tmp_path):
    assert lack_here(needs) == ""
    assert [path.name for path in (tmp_path / "sweep").iterdir()] == ["mark"]
    assert lack_here({}) == "", "an own Ray has no other nodes"


def test_a_folder_of_the_same_path_is_not_the_sweep(needs, tmp_path):
    (tmp_path / "sweep" / "mark").write_text("of another one")
    assert lack_here(needs) == f"it does not see {tmp_path / 'sweep'}"
    (tmp_path / "sweep" / "mark").unlink()
    assert lack_here(needs) == f"it does not see {tmp_path / 'sweep'}"


def test_data_that_are_not_there_are_named(needs, tmp_path):
    (tmp_path / "data.jsonl").unlink()
    assert lack_here(needs) == f"it does not see {tmp_path / 'data.jsonl'}"
    more = needs | {"files": [*needs["files"], "/nowhere/else"]}
    assert lack_here(more) == f"it does not see {tmp_path / 'data.jsonl'} and 1 more"


def test_storage_that_can_not_be_written_to_is_said(needs, monkeypatch):
    def full(self, *_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    assert lack_here(needs).endswith("(Read-only file system)")


def test_another_version_and_a_package_that_is_missing_are_said(needs, monkeypatch):
    assert "it has lessonplan " in lack_here(needs | {"version": "0.0.1"})
    monkeypatch.setitem(sys.modules, "lessonplan.experiments.trial.trial", None)
    monkeypatch.delattr("lessonplan.experiments.trial.trial")
    assert lack_here(needs).startswith("it can't import what pairs need (")


def test_a_node_needs_no_folder_where_a_module_might_have_been(tmp_path):
    """As the working directory of who began the sweep, which is on no other machine."""
    (tmp_path / "here").mkdir()
    (tmp_path / "data.jsonl").write_text("{}")
    suite = {"name": "jsonl", "options": {"path": str(tmp_path / "data.jsonl")}}
    values = CONFIG | {
        "suite": suite, "modules": [str(tmp_path / "here")], "teachers": ["uniform"],
        "tracking": {"notes": str(tmp_path)},
    }  # fmt: skip
    assert files_of([Pair("uniform", "", make_config(values))]) == [str(tmp_path / "data.jsonl")]


@pytest.fixture
def cluster(monkeypatch):
    """Three nodes, of which the second and later the third do not see the storage."""
    living = {
        name: {"NodeManagerAddress": f"10.0.0.{i}"} for i, name in enumerate(IDS[:2], start=1)
    }
    asked = []

    def answers(names, needs):
        asked.append(names)
        return {name: "" if name == IDS[0] else "it does not see /out" for name in names}

    monkeypatch.setattr(nodes_module, "living_nodes", lambda: living)
    monkeypatch.setattr(nodes_module, "_answers", answers)
    return living, asked


def test_nodes_that_lack_something_are_left_out_and_named_by_address_once(cluster):
    (living, asked), said = cluster, []
    nodes = Nodes({"sweep": "/out"}, said.append)
    assert nodes.selector == {}
    nodes.look()
    assert said == [
        "trying 2 nodes: each is to see what pairs need",
        "10.0.0.2 (it does not see /out) gets no pairs; 1 of 2 nodes lack nothing",
    ]
    assert nodes.selector == {"ray.io/node-id": f"!in({IDS[1]})"}
    living[IDS[2]] = {"NodeManagerAddress": "10.0.0.3"}
    nodes.look()
    assert asked == [list(IDS[:2]), [IDS[2]]], "who was tried is not tried again"
    assert said[2:] == [
        "trying 1 node: each is to see what pairs need",
        "10.0.0.3 (it does not see /out) gets no pairs; 1 of 3 nodes lack nothing",
    ]
    nodes.leave_out({IDS[1]: "10.0.0.2 (it does not see /out)"})
    assert len(said) == 4
    nodes.say_that_pairs_begin(5)
    assert said[4:] == ["5 pairs begin on 1 node, as there is room"]
    assert nodes.selector == {"ray.io/node-id": f"!in({IDS[1]},{IDS[2]})"}
    assert "10.0.0.2 (it does not see /out), 10.0.0.3 (" in nodes.why_none()


def test_without_a_cluster_no_node_is_asked(cluster):
    nodes = Nodes({}, pytest.fail)
    nodes.look()
    nodes.say_that_pairs_begin(5)
    assert cluster[1] == []


@pytest.mark.parametrize(("cpus", "waits"), [({IDS[0]: 1, IDS[1]: 1}, True), ({IDS[1]: 4}, False)])
def test_a_sweep_waits_for_nodes_to_come_but_not_for_unfit_ones(
    cluster, monkeypatch, tmp_path, cpus, waits
):
    """The second node is unfit; where it alone has room for a pair none would ever begin."""
    living = {name: cluster[0][name] | {"Resources": {"CPU": n}} for name, n in cpus.items()}
    for module in (nodes_module, session):
        monkeypatch.setattr(module, "living_nodes", lambda: living)
    tried = []
    monkeypatch.setattr(ray_tune, "_tuner", lambda *_: None)
    monkeypatch.setattr(ray_tune, "make_callback", lambda *_: None)
    monkeypatch.setattr(ray_tune, "_run", lambda *_: tried.append("begun"))
    sweep = read_sweep(write_files(tmp_path, {"teachers": ["uniform"], "resources": {"cpu": 4}}))
    said: list[str] = []
    told = ray_tune.Told(print, said.append, [])
    failures = ray_tune.fit(sweep, pairs_of(sweep), tmp_path, None, told, True)
    assert tried == ["begun"] * waits
    assert [one for one in said if "begin" in one] == [
        "1 pair begins on 1 node, as there is room"
    ] * waits
    assert all(words.startswith("no node can run it") for words in failures.values())
    assert bool(failures) != waits
