# SPDX-License-Identifier: Apache-2.0
"""`hocket npu-server`, as it is started beside Renode."""

import contextlib
import re
import signal
import subprocess
import sys

import pytest
import typer

from hocket_host.errors import HocketError
from hocket_host.ethosu.device.registers import Reg
from hocket_tools.cli import npu_server as command
from rigs.renode import Renode, compiled, server

# Who is started in the background, by nohup for one, inherits that interrupts are ignored.
PROGRAM = """
import signal
import typer
signal.signal(signal.SIGINT, signal.default_int_handler)
from hocket_tools.cli import npu_server
app = typer.Typer()
app.callback()(lambda: None)
app.command()(npu_server.npu_server)
app()
"""


@pytest.fixture
def hocket():
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(command.npu_server)
    return lambda *arguments: app(["npu-server", *arguments], standalone_mode=False)


def test_it_says_what_it_serves_and_where_and_stops_when_interrupted(monkeypatch):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "npu-server", "--port", "0", "--clock", "50 MHz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, contextlib.ExitStack() as at_end:
        # Without it, a failure below would wait for the server for ever.
        at_end.callback(process.kill)
        what, where = process.stdout.readline(), process.stdout.readline()
        assert what.startswith("ethos-u55-128 at 50 MHz, Ethos_U55_High_End_Embedded, Shared_Sram")
        port = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", where).group(1)
        monkeypatch.setenv("HOCKET_NPU_PORT", port)
        rig = Renode()
        assert rig.read(Reg.CONFIG) == compiled("mlp_kws_int8").npu.config_register
        assert ("info", "ethos-u55-128 at 50000000 Hz, by the NPU server") in rig.npu.log
        rig.close()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "stopped\n")
    assert "client connected" in errors


def test_a_taken_port_is_an_error(hocket):
    with server() as other, pytest.raises(HocketError, match="cannot listen"):
        hocket("--port", str(other.port))


def test_an_unknown_accelerator_is_an_error_that_lists_the_known_ones(hocket):
    with pytest.raises(HocketError) as error:
        hocket("--port", "0", "--accelerator", "ethos-u55-512")
    assert "ethos-u55-128" in str(error.value)


def test_a_container_that_is_not_there_is_an_error(hocket, tmp_path):
    with pytest.raises(HocketError):
        hocket(str(tmp_path / "none.hkt"))


def test_options_that_a_container_decides_are_refused_beside_it(hocket, tmp_path):
    with pytest.raises(HocketError, match="the container decides") as error:
        hocket(str(tmp_path / "app.hkt"), "--clock", "50 MHz", "--board", "corstone300")
    assert error.value.found == "--clock, --board"
