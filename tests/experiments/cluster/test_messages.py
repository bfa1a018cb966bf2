"""What Ray says of nodes and processes that die becomes one sentence, and lies whole in a file."""

import os
import subprocess
import sys

import pytest

from lessonplan.experiments.cluster.messages import Messages, in_words, messages_in_words

DEAD_NODE = (
    "The node with node id: d308240d4914c444e2f1 and address: 10.0.0.3 and node name: 10.0.0.3 has "
    "been marked dead because the detector has missed too many heartbeats from it. This can happen "
    "when a \t(1) raylet crashes unexpectedly (OOM, etc.) \n\t(2) raylet has lagging heartbeats"
)
NO_MEMORY = (
    "2 Workers (tasks / actors) killed due to memory pressure (OOM), 0 Workers crashed due to "
    "other reasons at node (ID: 27644bcfe6, IP: 10.0.0.4) over the last time period. To see "
    "more information about the Workers killed on this node, use `ray logs raylet.out -ip 10.0.0.4`"
)
DEAD_WORKER = (
    "A worker died or was killed while executing a task by an unexpected system error. To "
    "troubleshoot the problem, check the logs for the dead worker. Lease ID: 00 Worker ID: 01 Node "
    "ID: 27 Worker IP address: 10.0.0.5 Worker port: 44717 Worker PID: 13923 Worker exit type: ..."
)
DEAD_RAYLET = "Raylet is terminated. Termination is unexpected.\n    [state-dump] \n    DebugString"
SENTENCES = {
    DEAD_NODE: "the node 10.0.0.3 is gone; what it worked on is taken up elsewhere",
    NO_MEMORY: "memory ran out on the node 10.0.0.4, and Ray ended a process there; ",
    DEAD_WORKER: "a process of Ray's on the node 10.0.0.5 died; what it did is taken up again",
    "Something\nnew " + "x" * 500: "Ray says: Something new xxx",
}


@pytest.mark.parametrize(("message", "sentence"), SENTENCES.items(), ids=SENTENCES.values())
def test_a_message_of_rays_is_one_sentence(message, sentence):
    assert in_words(message).startswith(sentence)
    assert len(in_words(message)) < 200
    assert "\n" not in in_words(message)


def test_what_another_message_says_in_words_is_kept_but_not_told(tmp_path):
    said = []
    messages = Messages(tmp_path / "log", said.append)
    for message in (DEAD_RAYLET, DEAD_NODE, DEAD_RAYLET, DEAD_NODE):
        messages.take(message)
    assert said == [f"{SENTENCES[DEAD_NODE]} (Ray's own words: {tmp_path / 'log'})"]
    assert (tmp_path / "log").read_text().count("[state-dump]") == 2


def test_what_ray_prints_is_told_by_us_while_it_is_connected(tmp_path):
    worker = pytest.importorskip("ray._private.worker")
    before, said, log = worker.print_to_stdstream, [], tmp_path / "log"
    with messages_in_words(log, said.append):
        worker.print_to_stdstream({"lines": [DEAD_NODE], "pid": "raylet", "is_err": False}, False)
    assert worker.print_to_stdstream is before
    assert len(said) == 1
    assert log.read_text().splitlines() == DEAD_NODE.splitlines()
    with messages_in_words(tmp_path / "quiet", said.append):
        pass
    assert not (tmp_path / "quiet").exists(), "nothing was said"


TALKING = """
import os, sys
from pathlib import Path
from lessonplan.experiments.cluster.messages import messages_in_words
from lessonplan.experiments.common.sentences import say
with messages_in_words(Path(sys.argv[1]), say):
    os.write(2, b"[E 1 2] rpc_client.h:204: Failed to connect to GCS\\n")
    say("ours")
    kept = sys.stderr
print("afterwards", file=kept)
os.write(2, b"raw\\n")
"""


def test_what_the_core_of_ray_writes_by_itself_goes_to_the_file_and_what_we_say_does_not(tmp_path):
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, "-c", TALKING, str(tmp_path / "log")],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr.splitlines() == ["lessonplan: ours", "afterwards", "raw"]
    assert (tmp_path / "log").read_text().startswith("[E 1 2] rpc_client.h:204")


CLOSED = """
import faulthandler, os, sys
from pathlib import Path
{close}
from lessonplan.experiments.cluster.messages import messages_in_words
from lessonplan.experiments.common.sentences import say
with messages_in_words(Path(sys.argv[1]), print):
    faulthandler.enable()  # As Ray does.
    say("ours")
    print("at work")
print("afterwards")
"""


@pytest.mark.parametrize("close", ["os.close(2)", "sys.stderr.close()", "sys.stderr = None"])
def test_where_standard_error_is_closed_the_work_goes_on(tmp_path, close):
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, "-c", CLOSED.format(close=close), str(tmp_path / "log")],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["at work", "afterwards"]
    assert "ours" in (tmp_path / "log").read_text()
