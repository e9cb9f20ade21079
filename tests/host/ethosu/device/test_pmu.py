# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device import pmu as p
from hocket_host.ethosu.device.pmu import Pmu, PmuEvent
from hocket_host.ethosu.device.queue import mac_cycles
from hocket_host.ethosu.device.registers import Reg, Status
from hocket_host.ethosu.stream.isa import Cmd
from rigs.npu import CYCLES, STARTUP, STOP, TAIL, Bench
from rigs.npu import copies as stream_of

CYCLE_COUNTER = 1 << 31


class Counted:
    """A PMU whose totals are set by hand."""

    def __init__(self):
        self.total = 0
        self.pmu = Pmu({PmuEvent.CYCLE: lambda: self.total})
        self.pmu.write(p.PMCR, 1)
        self.pmu.write(p.PMCNTENSET, CYCLE_COUNTER | 1)
        self.pmu.write(p.PMEVTYPER0, PmuEvent.CYCLE)

    def cycles(self):
        return self.pmu.read(p.PMCCNTR_HI) << 32 | self.pmu.read(p.PMCCNTR_LO)


@pytest.fixture
def bench():
    bench = Bench().power_on()
    bench.write(p.PMCR, 1)
    bench.write(p.PMCNTENSET, CYCLE_COUNTER | 0xF)
    return bench


def test_it_says_how_many_event_counters_there_are():
    assert Bench().read(p.PMCR) == 4 << 11


def test_cycles_are_counted_while_the_npu_runs_and_rests(bench):
    bench.cycles(40)
    bench.start(stream_of(1) + STOP)
    bench.cycles(500)
    assert bench.read(p.PMCCNTR_LO) == 540


def test_active_and_idle_cycles_add_up(bench):
    bench.write(p.PMEVTYPER0, PmuEvent.NPU_ACTIVE)
    bench.write(p.PMEVTYPER0 + 4, PmuEvent.NPU_IDLE)
    bench.cycles(40)
    bench.start(stream_of(2) + STOP)
    bench.cycles(1000)
    active = STARTUP + 2 * CYCLES + TAIL
    assert bench.read(p.PMEVCNTR0) == active
    assert bench.read(p.PMEVCNTR0 + 4) == 1040 - active


def test_a_disabled_counter_stands_still(bench):
    bench.cycles(10)
    bench.write(p.PMCNTENCLR, CYCLE_COUNTER)
    bench.cycles(10)
    assert bench.read(p.PMCCNTR_LO) == 10


def test_the_main_switch_stops_all_counters(bench):
    bench.write(p.PMEVTYPER0, PmuEvent.CYCLE)
    bench.cycles(10)
    bench.write(p.PMCR, 0)
    bench.cycles(10)
    assert (bench.read(p.PMCCNTR_LO), bench.read(p.PMEVCNTR0)) == (10, 10)


def test_counters_are_cleared_by_their_bits_of_the_control_register(bench):
    bench.write(p.PMEVTYPER0, PmuEvent.CYCLE)
    bench.cycles(10)
    bench.write(p.PMCR, 1 | 2)
    assert (bench.read(p.PMCCNTR_LO), bench.read(p.PMEVCNTR0)) == (10, 0)
    bench.write(p.PMCR, 1 | 4)
    assert bench.read(p.PMCCNTR_LO) == 0


def test_an_event_that_is_not_modelled_counts_nothing(bench):
    bench.write(p.PMEVTYPER0, 0x50)
    bench.start(stream_of(2) + STOP)
    bench.cycles(1000)
    assert bench.read(p.PMEVCNTR0) == 0


def test_a_new_event_does_not_inherit_the_old_ones_count(bench):
    bench.write(p.PMEVTYPER0, PmuEvent.NPU_ACTIVE)
    bench.start(stream_of(1) + STOP)
    bench.cycles(1000)
    active = bench.read(p.PMEVCNTR0)
    bench.write(p.PMEVTYPER0, PmuEvent.CYCLE)
    bench.cycles(7)
    assert bench.read(p.PMEVCNTR0) == active + 7


def test_a_reset_clears_it(bench):
    bench.cycles(10)
    bench.write(Reg.RESET, 0)
    bench.power_on()
    assert bench.read(p.PMCCNTR_LO) == 0
    assert bench.read(p.PMCNTENSET) == 0


@given(st.integers(0, (1 << 48) - 1), st.integers(0, 1 << 49))
def test_the_cycle_counter_wraps_at_48_bits_and_says_so(start, count):
    counted = Counted()
    counted.pmu.write(p.PMCCNTR_LO, start & 0xFFFF_FFFF)
    counted.pmu.write(p.PMCCNTR_HI, start >> 32)
    counted.total = count
    assert counted.cycles() == (start + count) % (1 << 48)
    assert bool(counted.pmu.read(p.PMOVSSET) & CYCLE_COUNTER) == (start + count >= 1 << 48)


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 1 << 33))
def test_event_counters_wrap_at_32_bits_and_say_so(start, count):
    counted = Counted()
    counted.pmu.write(p.PMEVCNTR0, start)
    counted.total = count
    assert counted.pmu.read(p.PMEVCNTR0) == (start + count) % (1 << 32)
    assert bool(counted.pmu.read(p.PMOVSCLR) & 1) == (start + count >= 1 << 32)


def test_an_overflow_shows_in_status_when_its_interrupt_is_enabled(bench):
    bench.write(p.PMEVTYPER0, PmuEvent.CYCLE)
    bench.write(p.PMEVCNTR0, 0xFFFF_FFFF)
    bench.cycles(1)
    assert not bench.read(Reg.STATUS) & Status.PMU_IRQ
    bench.write(p.PMINTSET, 1)
    assert bench.read(Reg.STATUS) & Status.PMU_IRQ
    bench.write(p.PMOVSCLR, 1)
    assert not bench.read(Reg.STATUS) & Status.PMU_IRQ


@pytest.mark.parametrize(
    ("key", "bits", "expected"),
    [
        (Cmd.NPU_OP_CONV, 8, 5 * 4 * 16 * 3 * 3 * 8 // 128),
        (Cmd.NPU_OP_CONV, 16, 2 * 5 * 4 * 16 * 3 * 3 * 8 // 128),
        (Cmd.NPU_OP_DEPTHWISE, 8, -(-5 * 4 * 16 * 3 * 3 // 128)),
        (Cmd.NPU_OP_POOL, 8, 0),
    ],
)
def test_mac_cycles_are_those_of_full_use(key, bits, expected):
    op = SimpleNamespace(
        key=key,
        ofm=lambda: SimpleNamespace(height=5, width=4, depth=16),
        ifm=lambda: SimpleNamespace(depth=8, bits=bits),
        kernel=lambda: SimpleNamespace(height=3, width=3),
    )
    assert mac_cycles(op, npu_config("ethos-u55-128")) == expected
