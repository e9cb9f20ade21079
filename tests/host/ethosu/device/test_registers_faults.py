# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.errors import HocketError
from hocket_host.ethosu.device.registers import Ending, NpuProgrammingError, Reg, Status
from hocket_host.ethosu.stream.isa import Cmd
from rigs.npu import (
    CONSTANTS,
    CYCLES,
    FLASH,
    SETUP,
    SRAM,
    STARTUP,
    STOP,
    Bench,
    words,
)
from rigs.npu import copies as stream_of
from rigs.npu import copy as operation

IRQ = Status.IRQ
UNKNOWN = 0x0000_03FF


@pytest.fixture
def bench():
    return Bench().power_on()


def status(bench):
    return Status(bench.read(Reg.STATUS) & 0xFFFF)


def test_an_unknown_command_is_a_parse_error_after_what_precedes_it(bench):
    bench.start([*stream_of(2), UNKNOWN, *operation(2), *STOP])
    bench.cycles(1000)
    assert (status(bench), bench.irq) == (Status.PARSE_ERROR | IRQ, True)
    assert bench.copied() == [0, 1]
    assert bench.read(Reg.QREAD) == 4 * len(stream_of(2))


def test_an_unset_register_is_a_parse_error(bench):
    bench.start(operation(0) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.PARSE_ERROR | IRQ
    assert bench.copied() == []


def test_a_queue_that_ends_inside_a_command_is_a_parse_error(bench):
    stream = stream_of(1) + words((Cmd.DMA0_SRC, 1))[:1]
    bench.start(stream)
    bench.cycles(1000)
    assert status(bench) == Status.PARSE_ERROR | IRQ
    assert bench.copied() == [0]


def test_a_write_to_flash_is_a_bus_abort_after_what_precedes_it(bench):
    to_flash = words((Cmd.DMA0_DST_REGION, 0)) + operation(2)
    bench.start(stream_of(2) + to_flash + operation(3) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.BUS_ABORT | IRQ
    assert bench.copied() == [0, 1]


@pytest.mark.parametrize("target", [0x1_0000, (1 << 32) - 0x2000, FLASH - SRAM])
def test_an_operation_that_leaves_its_window_is_a_bus_abort(bench, target):
    bench.start(stream_of(1) + operation(1, target) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.BUS_ABORT | IRQ
    assert bench.copied() == [0]


def test_leaving_a_window_never_arrives_in_its_neighbour_of_flat_memory(bench):
    distance = bench.bus.offset_of(SRAM) - bench.bus.offset_of(CONSTANTS)
    bench.start(stream_of(1) + words((Cmd.DMA0_DST_REGION, 0)) + operation(1, distance) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.BUS_ABORT | IRQ


def test_a_base_pointer_to_nowhere_matters_only_when_it_is_used(bench):
    bench.load(stream_of(1) + STOP)
    bench.write(Reg.BASEP0 + 16, 0xDEAD_0000)
    bench.go()
    bench.cycles(1000)
    assert status(bench) == Status.END_REACHED | IRQ
    bench.clear_irq()
    bench.load(stream_of(1) + STOP)
    bench.write(Reg.BASEP0 + 8, 0xDEAD_0000)
    bench.go()
    bench.cycles(1000)
    assert status(bench) & Status.BUS_ABORT


@pytest.mark.parametrize("at", [0x1000, FLASH + 0xFFF0])
def test_a_queue_outside_memory_is_a_bus_abort(bench, at):
    bench.load(stream_of(4) + STOP)
    bench.write(Reg.QBASE, at)
    bench.go()
    bench.cycles(1000)
    assert status(bench) == Status.BUS_ABORT | IRQ


def test_data_that_does_not_decode_is_a_weight_fault(bench):
    bench.model.broken_at = 1
    bench.start(stream_of(3) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.WEIGHT_FAULT | IRQ
    assert bench.copied() == [0]


def test_after_a_fault_only_a_reset_helps(bench):
    bench.start([UNKNOWN, *STOP])
    bench.cycles(1000)
    bench.clear_irq()
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.PARSE_ERROR
    bench.write(Reg.RESET, 0)
    bench.power_on()
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.END_REACHED | IRQ


def test_starting_after_a_fault_is_an_error_of_the_driver():
    bench = Bench(strict=True).power_on()
    bench.start([UNKNOWN, *STOP])
    bench.cycles(1000)
    bench.clear_irq()
    with pytest.raises(NpuProgrammingError, match="after a fault"):
        bench.start(stream_of(1) + STOP)


@pytest.mark.parametrize(
    ("fault", "bit"),
    [
        (Ending.BUS_ABORT, Status.BUS_ABORT),
        (Ending.PARSE_ERROR, Status.PARSE_ERROR),
        (Ending.WEIGHT_FAULT, Status.WEIGHT_FAULT),
    ],
)
def test_an_injected_fault_hits_the_next_run_only(bench, fault, bit):
    bench.npu.inject(fault, 2)
    start_ns = bench.start(stream_of(4) + STOP)
    bench.cycles(1000)
    assert status(bench) == bit | IRQ
    assert bench.copied() == [0, 1]
    assert bench.events[-1].at_ns - start_ns == (STARTUP + 2 * CYCLES) * 10
    bench.write(Reg.RESET, 0)
    bench.power_on()
    bench.start(stream_of(4) + STOP)
    bench.cycles(1000)
    assert status(bench) == Status.END_REACHED | IRQ


def test_a_hang_never_ends_and_freezes_the_progress(bench):
    bench.npu.inject(Ending.HANG, 1)
    bench.start(stream_of(3) + STOP)
    bench.cycles(1_000_000)
    assert (status(bench), bench.irq) == (Status.RUNNING, False)
    assert bench.read(Reg.QREAD) == 4 * len(stream_of(1))


def test_a_hang_ignores_a_stop_request_and_yields_to_a_reset(bench):
    bench.npu.inject(Ending.HANG, 1)
    bench.start(stream_of(3) + STOP)
    bench.cycles(1000)
    bench.stop()
    bench.cycles(1000)
    assert status(bench) == Status.RUNNING
    bench.write(Reg.RESET, 0)
    bench.power_on()
    assert status(bench) == 0
    assert bench.kinds() == ["start", "hang", "reset"]


def test_only_faults_can_be_injected(bench):
    with pytest.raises(HocketError, match="not a fault"):
        bench.npu.inject(Ending.STOP, 0)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 0xFFFF_FFFF), max_size=12),
    st.integers(0, 3),
    st.sampled_from([SETUP, []]),
)
def test_whatever_the_queue_holds_a_run_ends_in_a_defined_state(noise, good, setup):
    bench = Bench().power_on()
    operations = [word for k in range(good) for word in operation(k)]
    bench.start(setup + operations + noise)
    bench.cycles(10_000)
    assert not bench.npu.running
    ended = bool(status(bench) & Status.END_REACHED)
    faulted = bool(status(bench) & (Status.PARSE_ERROR | Status.BUS_ABORT))
    assert ended != faulted
