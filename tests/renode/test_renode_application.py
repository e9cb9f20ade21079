# SPDX-License-Identifier: Apache-2.0
"""The firmware's own dispatcher and driver, with the NPU behind Renode's script and the server."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from hocket_host.ethosu.config import npu_config
from hocket_host.machines import setup
from hocket_host.machines.hosted import HostedBoard
from hocket_host.server import NpuServer, ServedNpu
from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run import run
from rigs.fake_renode import PythonPeripheral, TimeInterval
from rigs.renode import RENODE, ROOT

APPLICATION = """
[npu]
clock = "50 MHz"
[tasks.words]
model = "micro_speech.tflite"
period = "10 ms"
[tasks.large]
model = "mlp_kws_int8.tflite"
period = "25 ms"
"""
DURATION_NS = 100_000_000


class Machine:
    """Renode's machine as the script sees it, on the time and memory of an emulated board."""

    def __init__(self, soc):
        self._soc = soc
        self.npuIrq = SimpleNamespace(OnGPIO=self._line)

    def _line(self, number, value):
        self._soc.interrupts.set_level(self._soc.board.npu_irq, value)

    def __getitem__(self, name):
        return {"sysbus.npuIrq": self.npuIrq}[name]

    def GetSystemBus(self, peripheral):  # noqa: N802
        return self

    @property
    def ElapsedVirtualTime(self):  # noqa: N802
        return SimpleNamespace(TimeElapsed=TimeInterval(self._soc.clock.now_ns))

    def ScheduleAction(self, delay, action):  # noqa: N802
        self._soc.clock.after(delay.Ticks, lambda: action(delay))

    def TryGetCurrentCPU(self):  # noqa: N802
        return False, None

    def ReadBytes(self, address, count):  # noqa: N802
        return bytes(self._soc.bus.view(address, count))

    def WriteBytes(self, data, address):  # noqa: N802
        self._soc.bus.view(address, len(data))[:] = data


class Registers:
    """The script as a device of the board's bus."""

    def __init__(self, peripheral):
        self._peripheral = peripheral

    def read(self, offset, size):
        assert size == 4
        return self._peripheral.ReadDoubleWord(offset)

    def write(self, offset, size, value):
        assert size == 4
        self._peripheral.WriteDoubleWord(offset, value)


@pytest.fixture
def packed(tmp_path):
    for name in ("micro_speech", "mlp_kws_int8"):
        shutil.copy(ROOT / "tests" / "models" / f"{name}.tflite", tmp_path)
    (tmp_path / "app.toml").write_text(APPLICATION)
    return pack(load(tmp_path / "app.toml"), cut="all")


def executed(packed):
    """Outputs of every job in order, and the response times by task."""
    outputs = []

    def heard(task, inputs, results):
        outputs.append((task, [r.tobytes() for r in results]))

    outcome = run.execute(packed, DURATION_NS, on_job=heard)
    responses = {task.name: task.responses_ns for task in outcome.run.tasks}
    return outputs, responses


def test_an_application_gives_the_same_outputs_at_the_same_times(packed, monkeypatch):
    expected, direct = executed(packed)
    peripherals = []

    def board_with_server(*arguments, **options):
        soc = HostedBoard(*arguments, **options)
        peripherals.append(PythonPeripheral(Machine(soc), RENODE / "ethos_u55.py"))
        registers = Registers(peripherals[-1])
        windows = soc.bus._windows
        windows[:] = [replace(w, device=registers) if w.device is soc.npu else w for w in windows]
        return soc

    platform = ServedNpu(
        npu_config(packed.image.accelerator),
        packed.target.system,
        packed.target.board,
    )
    with NpuServer(platform, port=0) as server:
        monkeypatch.setenv("HOCKET_NPU_PORT", str(server.port))
        monkeypatch.setattr(setup, "HostedBoard", board_with_server)
        outputs, responses = executed(packed)
        [peripheral] = peripherals
        peripheral.scope["npu"].close()
    assert peripheral.errors == []
    assert len(expected) > 10
    assert outputs == expected
    # An end is announced up to a microsecond late, for each segment that a job has to wait for.
    segments = sum(len(model.steps) for model in packed.image.models)
    for name, times in direct.items():
        assert len(times) == len(responses[name])
        for early, late in zip(times, responses[name], strict=True):
            assert early <= late <= early + 3 * segments * 1000
