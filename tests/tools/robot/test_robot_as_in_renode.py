# SPDX-License-Identifier: Apache-2.0
"""The suites as Renode's own runner starts them: no back end named, the NPU in a server that they
start themselves, reached through the script that Renode runs. Renode alone is stood in for.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hocket_lab.robot.fixtures import prepare
from hocket_lab.robot.results import read
from paths import ROOT
from rigs.needs import HOCKET

pytestmark = pytest.mark.needs("image", "unicorn", "hocket")


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    prepare(folder, ROOT / "robot_tests" / "applications")
    return folder


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def suites(tmp_path, material, port):
    def run(*tests, hocket=HOCKET):
        variables = {
            "RENODEKEYWORDS": Path(__file__).with_name("stand_in_renode.resource"),
            "MATERIAL": material,
            "HOCKET": hocket,
        }
        done = subprocess.run(
            [
                *(sys.executable, "-m", "robot", "--outputdir", str(tmp_path)),
                *("--log", "NONE", "--report", "NONE", "--console", "quiet"),
                *(w for name, value in variables.items() for w in ("-v", f"{name}:{value}")),
                *(w for test in tests for w in ("--test", test)),
                str(ROOT / "robot_tests"),
            ],
            env={**os.environ, "HOCKET_NPU_PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (tmp_path / "output.xml").is_file(), done.stderr
        return read("renode", tmp_path / "output.xml")

    return run


def logs(folder):
    return "".join(path.read_text() for path in folder.glob("npu-server-*.log"))


def test_networks_run_on_an_npu_that_the_suite_starts_and_stops(suites, tmp_path, port):
    result = suites("Three Networks Compute On The Device What The Reference Computes")
    assert (result.messages, result.count("PASS")) == ({}, 1)
    assert "client connected" in logs(tmp_path)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_a_hang_is_survived_there_too(suites):
    result = suites("A Reset In The Middle Of A Segment Costs That Job")
    assert (result.messages, result.count("PASS")) == ({}, 1)


def test_a_container_that_the_server_refuses_is_left_to_the_device(suites, tmp_path):
    """The server then serves the board's NPU."""
    result = suites("A Bit Of The Weights", "Something Else")
    assert (result.messages, result.count("PASS")) == ({}, 2)
    assert "listening" in logs(tmp_path)


def test_a_port_that_is_taken_fails_with_the_servers_own_words(suites, port):
    with socket.create_server(("127.0.0.1", port)):
        (message,) = suites(
            "Without An Application It Says So And Offers A Prompt"
        ).messages.values()
    assert "cannot listen" in message
    assert "HOCKET_NPU_PORT" in message


def test_where_hocket_is_not_found_it_says_where_it_looked(suites, tmp_path):
    result = suites("The Prompt Computes", hocket=tmp_path / "none")
    (message,) = result.messages.values()
    assert f"no hocket command at {tmp_path}" in message
    assert "--variable HOCKET" in message
