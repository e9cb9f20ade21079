# SPDX-License-Identifier: Apache-2.0
"""The device's container reader on CPython, over the memory of an emulated machine."""

import ctypes
import sys

import pytest

from hocket_host.machines.cpython import shims
from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_tools.container import (
    CpuProgram,
    Image,
    Model,
    Operand,
    Policy,
    Region,
    Step,
    build,
    region_slots,
)

STREAM = bytes(range(16))


@pytest.fixture
def load():
    with shims.installed(ProcessMemory()):
        from hocket.container import load

        yield load


def placed(network):
    """Memory with a container, and the multiple of 16 that it lies at."""
    data = build(Image("ethos-u55-128", 0x1807, 1 << 28, 10**8, 64, Policy.FIFO, (network,)))
    memory = ctypes.create_string_buffer(len(data) + 16)
    address = -(-ctypes.addressof(memory) // 16) * 16
    ctypes.memmove(address, data, len(data))
    return memory, address


@pytest.fixture
def flash():
    network = Model(
        "net",
        region_slots(Region.read_only(b"w" * 40), Region.arena(0, 64)),
        (),
        (),
        (Step("only", STREAM, 10, 12, 0, 1),),
        0,
        64,
    )
    return placed(network)


def test_a_container_is_read_at_its_address(load, flash):
    memory, address = flash
    app = load(address)
    at = app.step_offset(0)
    assert app.address == address
    assert bytes(app.buffer[at : at + app.step_size(0)]) == STREAM
    assert STREAM in memory.raw


def test_a_container_is_not_copied(load, flash):
    _, address = flash
    app = load(address)
    ctypes.memset(address + app.step_offset(0), 0xAA, 1)
    assert app.buffer[app.step_offset(0)] == 0xAA


def test_an_address_off_a_multiple_of_sixteen_is_refused(load, flash):
    with pytest.raises(ValueError, match="16-byte aligned"):
        load(flash[1] + 4)


def test_a_file_is_read_into_memory(flash, load, tmp_path):
    path = tmp_path / "app.hkt"
    path.write_bytes(ctypes.string_at(flash[1], load(flash[1]).size))
    assert load(str(path)).net("net").steps == 1


def test_a_step_for_the_processor_is_refused_where_the_firmware_has_no_operators(load, monkeypatch):
    program = CpuProgram(0, b"", (), (Operand(1, 0, 4),))
    network = Model(
        "net",
        region_slots(Region(), Region.arena(0, 64)),
        (),
        (),
        (Step.cpu("reshape", program, 0, 0),),
        0,
        64,
    )
    _memory, address = placed(network)
    assert load(address).step_is_cpu(0)
    monkeypatch.setitem(sys.modules, "hocket.programs", None)
    with pytest.raises(ValueError, match="no operators"):
        load(address)
