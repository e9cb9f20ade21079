# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest

from hocket_host.board.board import load
from hocket_host.errors import HocketError
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device.registers import Reg
from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.isa import Cmd, encode
from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.machines.common import MachineError, NpuOptions
from hocket_host.machines.cpython.shims.protocol import Machine
from hocket_host.machines.hosted import HostedBoard, IdleError
from hocket_host.sim.bus import BusFault
from hocket_host.sim.irq import InterruptError
from hocket_host.units import cycles_to_ns
from rigs.npu import CYCLES, HZ, MARK, STARTUP, TAIL, CopyModel, copies, copy_timing, to_bytes

BOARD = load("corstone300")
NPU = BOARD.npu_base
ENTRY = 100
RUN_NS = 10 * (STARTUP + 2 * CYCLES + TAIL)


def make(**changes):
    board = replace(BOARD, flash_size=0x1_0000, sram_size=0x1_0000, arena_base=BOARD.sram_base,
                    arena_size=0x1_0000, irq_cpu_cycles=ENTRY, **changes)  # fmt: skip
    npu = NpuOptions(npu_config("ethos-u55-128"), hz=HZ, timing=copy_timing, strict=True,
                     model=lambda bus: CopyModel(bus.memory))  # fmt: skip
    soc = HostedBoard(board, npu)
    soc.bus.load(BOARD.flash_base, bytes([MARK]) * 64)
    stream = to_bytes([*copies(2), *encode(Cmd.NPU_OP_STOP, 0xFFFF)])
    soc.bus.load(BOARD.flash_base + 0x100, stream)
    soc.advance(10_000)
    for register, value in (
        (Reg.QBASE, BOARD.flash_base + 0x100), (Reg.QSIZE, len(stream)),
        (Reg.BASEP0, BOARD.flash_base), (Reg.BASEP0 + 8, BOARD.sram_base),
    ):  # fmt: skip
        soc.write(NPU + register, 4, value)
    return soc


def run(soc):
    soc.write(NPU + Reg.CMD, 4, 0xD)
    return soc.now_ns()


def acknowledge(soc, log):
    def handler(number):
        log.append((number, soc.now_ns()))
        soc.write(NPU + Reg.CMD, 4, 0xE)

    return handler


ENTRY_NS = cycles_to_ns(ENTRY, BOARD.cpu_hz)


def test_it_is_a_machine_for_the_shims():
    assert isinstance(make(), Machine)


def test_a_run_is_announced_by_the_boards_interrupt_after_its_entry():
    soc, log = make(), []
    soc.set_irq_handler(BOARD.npu_irq, acknowledge(soc, log))
    start_ns = run(soc)
    soc.wait_for_interrupt(None)
    assert log == [(BOARD.npu_irq, start_ns + RUN_NS + ENTRY_NS)]
    assert bytes(soc.view(BOARD.sram_base, 3)) == bytes([MARK, MARK, 0])


def test_the_secure_alias_is_the_same_npu():
    soc = make()
    assert soc.read(BOARD.npu_secure_base + Reg.QBASE, 4) == BOARD.flash_base + 0x100


def test_an_interrupt_extends_the_computation_it_falls_into():
    soc, log = make(), []

    def handler(number):
        acknowledge(soc, log)(number)
        soc.advance(5_000)

    soc.set_irq_handler(BOARD.npu_irq, handler)
    start_ns = run(soc)
    soc.advance(RUN_NS + 1_000)
    assert log[0][1] == start_ns + RUN_NS + ENTRY_NS
    assert soc.now_ns() == start_ns + RUN_NS + 1_000 + ENTRY_NS + 5_000


def test_a_masked_interrupt_ends_the_wait_and_is_taken_on_unmasking():
    soc, log = make(), []
    soc.set_irq_handler(BOARD.npu_irq, acknowledge(soc, log))
    start_ns = run(soc)
    state = soc.disable_irq()
    soc.wait_for_interrupt(None)
    assert (soc.now_ns(), log) == (start_ns + RUN_NS, [])
    soc.enable_irq(state)
    assert len(log) == 1


def test_a_wait_ends_at_its_limit():
    soc = make()
    run(soc)
    until_ns = soc.now_ns() + 500
    soc.wait_for_interrupt(until_ns)
    assert soc.now_ns() == until_ns


def test_a_wait_for_the_past_returns_at_once():
    soc = make()
    before_ns = soc.now_ns()
    soc.wait_for_interrupt(before_ns - 1)
    assert soc.now_ns() == before_ns


def test_sleep_is_accounted():
    soc, log = make(), []
    soc.set_irq_handler(BOARD.npu_irq, acknowledge(soc, log))
    run(soc)
    soc.wait_for_interrupt(None)
    soc.advance(1_000)
    assert soc.idle_ns == RUN_NS


def test_a_wait_that_nothing_can_end_is_an_error():
    with pytest.raises(IdleError, match="for ever"):
        make().wait_for_interrupt(None)


def test_a_handler_must_not_wait():
    soc = make()
    soc.set_irq_handler(BOARD.npu_irq, lambda number: soc.wait_for_interrupt(None))
    run(soc)
    with pytest.raises(InterruptError, match="handler waits"):
        soc.wait_for_interrupt(None)


def test_a_run_started_in_the_handler_goes_on_at_once():
    soc, log = make(), []

    def handler(number):
        acknowledge(soc, log)(number)
        if len(log) == 1:
            soc.write(NPU + Reg.QBASE, 4, BOARD.flash_base + 0x100)
            run(soc)

    soc.set_irq_handler(BOARD.npu_irq, handler)
    start_ns = run(soc)
    soc.advance(3 * RUN_NS)
    assert [at for _, at in log] == [
        start_ns + RUN_NS + ENTRY_NS,
        start_ns + 2 * (RUN_NS + ENTRY_NS),
    ]


def test_register_accesses_are_free():
    soc = make()
    before_ns = soc.now_ns()
    for _ in range(100):
        soc.read(NPU + Reg.STATUS, 4)
        soc.write(NPU + Reg.QCONFIG, 4, 2)
    assert soc.now_ns() == before_ns


def test_a_loop_that_polls_a_register_lets_time_pass():
    soc = make()
    soc.write(NPU + Reg.RESET, 4, 0)
    turns = 0
    while soc.read(NPU + Reg.STATUS, 4) & 8:
        turns += 1
        assert turns < 1000


def test_a_loop_that_polls_the_time_lets_it_pass():
    soc = make()
    until_ns = soc.now_ns() + 100_000
    while soc.now_ns() < until_ns:
        pass


def test_polling_plain_memory_is_free():
    soc = make()
    before_ns = soc.now_ns()
    for _ in range(10):
        soc.read(BOARD.sram_base, 4)
    assert soc.now_ns() == before_ns


def test_time_does_not_run_backwards():
    with pytest.raises(HocketError, match="backwards"):
        make().advance(-1)


def test_flash_is_read_only():
    with pytest.raises(BusFault, match="read-only"):
        make().write(BOARD.flash_base, 4, 0)


def test_the_uart_prints():
    out = []
    soc = make()
    soc.uart.output = out.append
    soc.write(BOARD.uart0_base + 8, 4, 1)
    for byte in b"hi":
        soc.write(BOARD.uart0_base, 4, byte)
    assert b"".join(out) == b"hi"


def test_a_timer_of_the_board_interrupts():
    soc, log = make(timer0_base=0x4800_0000, timer0_irq=3), []

    def handler(number):
        soc.write(0x4800_000C, 4, 1)
        log.append(number)

    soc.set_irq_handler(3, handler)
    soc.write(0x4800_0008, 4, 32)
    soc.write(0x4800_0000, 4, 9)
    soc.wait_for_interrupt(None)
    assert log == [3]


def test_two_runs_of_one_program_give_the_same_trace():
    traces = []
    for _ in range(2):
        soc, log = make(), []
        soc.npu.observers.append(lambda event, log=log: log.append((event.kind, event.at_ns)))
        soc.set_irq_handler(BOARD.npu_irq, acknowledge(soc, log))
        run(soc)
        soc.advance(777)
        soc.wait_for_interrupt(None)
        traces.append(log)
    assert traces[0] == traces[1]


def test_an_npu_without_timing_is_refused():
    with pytest.raises(MachineError, match="not configured"):
        HostedBoard(BOARD, NpuOptions(npu_config("ethos-u55-128")))


INI = """
[System_Config.Small]
core_clock=100e6
axi0_port=Sram
axi1_port=OffChipFlash
Sram_clock_scale=1.0
Sram_burst_length=32
Sram_read_latency=32
Sram_write_latency=32
OffChipFlash_clock_scale=0.125
OffChipFlash_burst_length=128
OffChipFlash_read_latency=64
OffChipFlash_write_latency=64
[Memory_Mode.Shared]
const_mem_area=Axi1
arena_mem_area=Axi0
cache_mem_area=Axi0
"""


def test_the_real_models_stand_behind_the_registers():
    config = npu_config("ethos-u55-128")
    system = parse_system_config(INI, config, system_config="Small", memory_mode="Shared")
    soc, ends = HostedBoard(BOARD, NpuOptions(config, system, strict=True)), []
    stream = to_bytes([*copies(2), *encode(Cmd.NPU_OP_STOP, 0xFFFF)])
    soc.bus.load(BOARD.flash_base, stream)
    soc.bus.load(BOARD.flash_base + 0x1000, bytes([MARK]) * 64)
    soc.npu.observers.append(ends.append)
    soc.advance(10_000)
    for register, value in (
        (Reg.QBASE, BOARD.flash_base), (Reg.QSIZE, len(stream)),
        (Reg.BASEP0, BOARD.flash_base + 0x1000), (Reg.BASEP0 + 8, BOARD.arena_base),
    ):  # fmt: skip
        soc.write(NPU + register, 4, value)
    start_ns = run(soc)
    soc.set_irq_handler(BOARD.npu_irq, acknowledge(soc, []))
    soc.wait_for_interrupt(None)
    expected = stream_cycles(parse(stream).operations, config, system).total_cycles
    assert ends[-1].at_ns - start_ns == cycles_to_ns(expected, system.clock_hz)
    assert bytes(soc.view(BOARD.arena_base, 3)) == bytes([MARK, MARK, 0])
