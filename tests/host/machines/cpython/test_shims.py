# SPDX-License-Identifier: Apache-2.0
"""The shims: what firmware sees of the machine under it."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import (
    Machine,
    ShimError,
    current,
    install,
    installed,
    uninstall,
)
from hocket_host.machines.cpython.shims.utime import TICKS_PERIOD
from hocket_host.machines.cpython.shims.viper import ptr8, ptr16, ptr32, uint
from hocket_tools.container.device import constants

BASE = 0x21000000


class SmallMachine:
    """256 bytes of memory and a clock."""

    def __init__(self) -> None:
        self.memory = bytearray(256)
        self.ns = 0
        self.waits: list[int | None] = []
        self.handlers: dict[int, Callable[[int], object] | None] = {}
        self.masked = 0

    def read(self, address: int, size: int) -> int:
        return int.from_bytes(self.memory[address - BASE : address - BASE + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        self.memory[address - BASE : address - BASE + size] = value.to_bytes(size, "little")

    def view(self, address: int, length: int) -> memoryview:
        return memoryview(self.memory)[address - BASE : address - BASE + length]

    def now_ns(self) -> int:
        return self.ns

    def advance(self, ns: int) -> None:
        self.ns += ns

    def wait_for_interrupt(self, until_ns: int | None) -> None:
        self.waits.append(until_ns)

    def set_irq_handler(self, number: int, handler: Callable[[int], object] | None) -> None:
        self.handlers[number] = handler

    def disable_irq(self) -> object:
        self.masked += 1
        return self.masked - 1

    def enable_irq(self, state: object) -> None:
        assert isinstance(state, int)
        self.masked = state


@pytest.fixture
def small() -> Iterator[SmallMachine]:
    machine = SmallMachine()
    with installed(machine):
        yield machine


def module(name: str) -> Any:
    return importlib.import_module(name)


def test_modules_are_importable_while_installed(small: SmallMachine) -> None:
    for name in ("machine", "micropython", "uctypes", "utime"):
        assert module(name).__name__ == f"hocket_host.machines.cpython.shims.{name}"


def test_uninstall_puts_back_what_was_there() -> None:
    before = {name: sys.modules.get(name) for name in ("machine", "micropython", "uctypes")}
    with installed(SmallMachine()):
        pass
    assert {name: sys.modules.get(name) for name in before} == before
    assert not hasattr(builtins, "ptr32")


def test_uninstall_twice_does_no_harm() -> None:
    install(SmallMachine())
    uninstall()
    uninstall()


def test_installations_nest(small: SmallMachine) -> None:
    other = SmallMachine()
    with installed(other):
        assert current() is other
    assert current() is small


def test_modules_follow_the_machine_that_is_installed(small: SmallMachine) -> None:
    utime = module("utime")
    other = SmallMachine()
    other.ns = 5_000
    with installed(other):
        assert utime.ticks_us() == 5
    assert utime.ticks_us() == 0


def test_use_without_a_machine_says_what_to_do() -> None:
    with pytest.raises(ShimError, match=r"shims\.install"):
        current()


def test_an_object_that_is_no_machine_is_named_with_what_it_lacks() -> None:
    with pytest.raises(ShimError, match=r"without .*advance"):
        install(object())  # type: ignore[arg-type]


def test_machines_of_the_package_fit_the_protocol() -> None:
    assert isinstance(ProcessMemory(), Machine)


def test_mem32_reads_signed_as_arm_does(small: SmallMachine) -> None:
    mem32 = module("machine").mem32
    mem32[BASE] = 0xFFFFFFF0
    assert mem32[BASE] == -16
    assert small.memory[:4] == b"\xf0\xff\xff\xff"


def test_mem32_reads_unsigned_where_the_machine_says_so(small: SmallMachine) -> None:
    small.signed_mem32 = False  # type: ignore[attr-defined]
    small.memory[3] = 0x80
    assert module("machine").mem32[BASE] == 0x80000000


def test_narrow_memory_is_unsigned_and_drops_upper_bits(small: SmallMachine) -> None:
    machine = module("machine")
    machine.mem16[BASE] = -1
    machine.mem8[BASE + 2] = 0x1FE
    assert (machine.mem16[BASE], machine.mem8[BASE + 2]) == (0xFFFF, 0xFE)


def test_ticks_wrap_at_two_to_the_thirty(small: SmallMachine) -> None:
    utime = module("utime")
    small.ns = ((1 << 30) + 7) * 1000
    assert utime.ticks_us() == 7
    assert utime.ticks_add((1 << 30) - 1, 2) == 1
    assert utime.ticks_diff(1, (1 << 30) - 1) == 2
    assert utime.ticks_diff((1 << 30) - 1, 1) == -2


def test_ticks_in_milliseconds_wrap_too(small: SmallMachine) -> None:
    small.ns = ((1 << 30) + 7) * 1_000_000
    assert module("utime").ticks_ms() == 7


def test_sleeping_moves_virtual_time(small: SmallMachine) -> None:
    utime = module("utime")
    utime.sleep_us(3)
    utime.sleep_ms(2)
    utime.sleep(0.5)
    assert small.ns == 502_003_000
    assert (utime.time(), utime.time_ns()) == (0, 502_003_000)


def test_idle_until_waits_to_the_instant_of_the_tick(small: SmallMachine) -> None:
    small.ns = ((1 << 30) - 1) * 1000 + 300
    module("machine").idle_until(2)
    assert small.waits == [((1 << 30) + 2) * 1000]


def test_idle_until_a_tick_that_is_past_does_not_wait(small: SmallMachine) -> None:
    small.ns = 10_000
    module("machine").idle_until(10)
    module("machine").idle_until(3)
    assert small.waits == []


def test_idle_waits_without_limit(small: SmallMachine) -> None:
    module("machine").idle()
    assert small.waits == [None]


def test_interrupt_calls_reach_the_machine(small: SmallMachine) -> None:
    machine = module("machine")
    machine.set_irq_handler(56, print)
    state = machine.disable_irq()
    assert small.masked == 1
    machine.enable_irq(state)
    assert small.masked == 0
    assert small.handlers == {56: print}


def test_no_bytes_are_nowhere(small: SmallMachine) -> None:
    assert len(module("uctypes").bytearray_at(0, 0)) == 0


def test_bytearray_at_is_in_place_and_bytes_at_a_copy(small: SmallMachine) -> None:
    uctypes = module("uctypes")
    view = uctypes.bytearray_at(BASE + 8, 4)
    copy = uctypes.bytes_at(BASE + 8, 4)
    view[0] = 9
    assert small.memory[8] == 9
    assert copy == bytes(4)


def test_addressof_finds_memory_of_the_machine(small: SmallMachine) -> None:
    uctypes = module("uctypes")
    view = uctypes.bytearray_at(BASE + 16, 32)
    assert uctypes.addressof(view) == BASE + 16
    assert uctypes.addressof(view[8:]) == BASE + 24


def test_addressof_does_not_know_memory_of_another_machine(small: SmallMachine) -> None:
    uctypes = module("uctypes")
    view = uctypes.bytearray_at(BASE, 32)
    with installed(SmallMachine()), pytest.raises(ShimError):
        uctypes.addressof(view)
    assert uctypes.addressof(view) == BASE


def test_addressof_refuses_objects_outside_the_machine(small: SmallMachine) -> None:
    uctypes = module("uctypes")
    outside = bytearray(8)
    with pytest.raises(ShimError, match="not in the machine's memory"):
        uctypes.addressof(outside)


def test_pointer_to_an_address_reads_and_writes_the_machine(small: SmallMachine) -> None:
    ptr32(BASE)[2] = 0x80000001
    assert small.memory[8:12] == b"\x01\x00\x00\x80"
    assert uint(ptr32(BASE)[2]) == 0x80000001
    assert uint(-1) == 0xFFFFFFFF
    assert uint(-(1 << 32) + 1) > 1 << 32  # no small number, as a desktop has it
    assert ptr16(BASE)[5] == 0x8000
    assert ptr8(BASE)[11] == 0x80


@pytest.mark.parametrize(("pointer", "size"), [(ptr8, 1), (ptr16, 2), (ptr32, 4)])
def test_pointer_to_a_buffer_drops_upper_bits(pointer: Callable[[object], Any], size: int) -> None:
    buffer = bytearray(8)
    pointer(buffer)[1] = -1
    assert buffer == bytes(size) + b"\xff" * size + bytes(8 - 2 * size)


def test_word_pointer_loads_signed_like_a_register() -> None:
    buffer = bytearray(b"\xff\xff\xff\xff")
    assert ptr32(buffer)[0] == -1
    assert ptr16(buffer)[0] == 0xFFFF


def test_pointer_to_a_buffer_of_odd_length_reaches_its_whole_elements() -> None:
    assert ptr16(bytearray(b"\1\2\3"))[0] == 0x0201


def test_viper_code_runs_unchanged(small: SmallMachine) -> None:
    source = """
import micropython
from micropython import const
_TWO = const(2)
@micropython.viper
def total(data: ptr8, count: int) -> int:
    sum = 0
    for i in range(count):
        sum += int(ptr8(data)[i]) * _TWO
    return sum
@micropython.native
def same(x):
    return x
"""
    scope: dict[str, Any] = {}
    exec(source, scope)
    assert scope["total"](b"\1\2\3", 3) == 12
    assert scope["same"](5) == 5


def test_functions_without_effect_can_be_called(small: SmallMachine) -> None:
    micropython = module("micropython")
    assert micropython.heap_lock() == 1
    assert micropython.heap_locked() == 1
    assert micropython.heap_unlock() == 0
    micropython.alloc_emergency_exception_buf(100)
    micropython.kbd_intr(-1)
    micropython.opt_level(3)
    assert micropython.opt_level() == 3
    micropython.opt_level(0)


def test_scheduled_function_is_called(small: SmallMachine) -> None:
    seen: list[object] = []
    module("micropython").schedule(seen.append, 4)
    assert seen == [4]


def test_frequency_is_the_machines_own(small: SmallMachine) -> None:
    assert module("machine").freq() == 0
    small.cpu_hz = 32_000_000  # type: ignore[attr-defined]
    assert module("machine").freq() == 32_000_000


def test_process_machine_reaches_any_buffer() -> None:
    with installed(ProcessMemory()):
        uctypes = module("uctypes")
        buffer = bytearray(b"\1\2\3\4")
        address = uctypes.addressof(buffer)
        assert ptr32(address)[0] == 0x04030201
        ptr8(address)[3] = 9
        uctypes.bytearray_at(address, 4)[0] = 7
        assert buffer == b"\7\2\3\x09"


def test_process_machine_moves_time_as_told() -> None:
    machine = ProcessMemory()
    machine.advance(5)
    machine.wait_for_interrupt(3)
    machine.wait_for_interrupt(20)
    assert machine.now_ns() == 20
    with pytest.raises(RuntimeError, match="without end"):
        machine.wait_for_interrupt(None)


def test_ticks_wrap_as_the_devices_modules_take_them_to():
    assert constants("port")["MASK"] + 1 == TICKS_PERIOD
