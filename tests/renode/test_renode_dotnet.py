# SPDX-License-Identifier: Apache-2.0
"""The script's way through .NET, which it takes under IronPython."""

import _fake_dotnet
import pytest
from _fake_dotnet import ByteArray

from hocket_host.ethosu.device.registers import Reg, Status
from rigs.fake_renode import Bus
from rigs.renode import Direct, Renode, compiled


@pytest.fixture
def dotnet(npu_server, monkeypatch):
    bench = Renode(**_fake_dotnet.install(monkeypatch))
    bench.machine.bus.buffer = ByteArray
    plain_write = Bus.WriteBytes

    def write(data, address):
        assert isinstance(data, ByteArray)
        plain_write(bench.machine.bus, data.data, address)

    bench.machine.bus.WriteBytes = write
    yield bench
    bench.close()


def test_a_network_leaves_the_same_bytes_behind(dotnet, direct):
    for bench in (dotnet, direct):
        bench.power_on().place(compiled("mlp_kws_int8"))
        for _ in range(2):
            bench.queue(bench.network.command_stream)
            bench.infer()
            bench.clear_irq()
    assert dotnet.npu.errors == []
    assert dotnet.status() & Status.END_REACHED
    assert dotnet.arena() == direct.arena()


def test_assemblies_that_a_version_lacks_are_done_without(dotnet):
    assert dotnet.read(Reg.ID) != 0
    assert dotnet.npu.errors == []
    assert "System.Net.Sockets" in dotnet.npu.scope["clr"].references


def test_without_a_digest_everything_is_sent(dotnet, monkeypatch):
    def fail():
        raise TypeError("no SHA256 here")

    monkeypatch.setattr(_fake_dotnet.SHA256, "Create", fail)
    direct = Direct()
    for bench in (dotnet, direct):
        bench.power_on().place(compiled("mlp_kws_int8"))
        for _ in range(2):
            bench.queue(bench.network.command_stream)
            bench.infer()
            bench.clear_irq()
    assert dotnet.npu.errors == []
    assert dotnet.arena() == direct.arena()


def test_a_server_that_is_not_there_is_an_error_in_the_log(monkeypatch):
    names = _fake_dotnet.install(monkeypatch)
    monkeypatch.setenv("HOCKET_NPU_PORT", "1")
    bench = Renode(**names)
    assert bench.read(Reg.ID) == 0
    assert "hocket npu-server" in bench.npu.errors[0]
