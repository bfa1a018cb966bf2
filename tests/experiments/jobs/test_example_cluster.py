"""The example for Ray's cluster launcher, as far as it can be checked without a cloud."""

import configparser
import re

import pytest
import yaml
from places import EXAMPLES, ROOT

CLUSTER = EXAMPLES / "cluster.yaml"
SETUP = ROOT / "setup.cfg"


def cluster() -> dict:
    return yaml.safe_load(CLUSTER.read_text())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_accepts_the_cluster_after_its_own_defaults():
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(cluster())
    validate_config(prepared)
    types = prepared["available_node_types"]
    assert prepared["head_node_type"] == "head"
    assert types["gpu"]["max_workers"] == prepared["max_workers"] == 4
    assert types["head"]["max_workers"] == 0
    # What a default would have put in the place of ours.
    assert prepared["head_start_ray_commands"] == cluster()["head_start_ray_commands"]
    for name in ("setup_commands", "head_setup_commands"):
        assert "pip install" in prepared[name][0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    "damage", [{"max_worker": 4}, {"head_node_type": "haed"}, {"docker": {"image": 3}}]
)
def test_ray_would_refuse_a_cluster_with_a_mistake(damage):
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    def check():
        validate_config(prepare_config(cluster() | damage))

    with pytest.raises((ValidationError, ValueError, AssertionError, KeyError)):
        check()


def test_the_cluster_installs_all_that_the_rooms_need_and_not_the_rooms():
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    needed = set(setup["options"]["install_requires"].split())
    installed = set(re.findall(r'"([^"]+)"', " ".join(cluster()["setup_commands"])))
    # Ray is in the image, where it must be the version that is tested here.
    assert {one for one in needed if not one.startswith("ray[")} == installed
    ray = re.search(r"^ray==(.+)$", (SETUP.parent / "constraints.txt").read_text(), re.MULTILINE)
    images = cluster()["docker"]
    assert {
        images[name].split(":")[1].split("-")[0] for name in ("head_image", "worker_image")
    } == {ray[1]}


def test_every_node_of_the_cluster_asks_for_the_token_and_has_it():
    values = cluster()
    assert "--env RAY_AUTH_MODE=token" in values["docker"]["run_options"]
    assert values["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}
    commands = values["head_start_ray_commands"] + values["worker_start_ray_commands"]
    assert not any("RAY_AUTH" in command or "0.0.0.0" in command for command in commands)
