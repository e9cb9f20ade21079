# SPDX-License-Identifier: Apache-2.0
"""Rules of urgency and of SysTick, without a processor."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from hocket_host.machines.unicorn import nvic as x
from hocket_host.machines.unicorn.cputime import CpuTime
from hocket_host.machines.unicorn.nvic import Nvic
from hocket_host.machines.unicorn.systick import CSR, CVR, RVR, SysTick
from hocket_host.sim.clock import Clock
from hocket_host.units import cycles_to_ns


def nvic(**priorities):
    found = Nvic(0xE0, lambda: None)
    for name, value in priorities.items():
        number = x.IRQ0 + int(name[3:])
        found.enable(number, True)
        found.set_priority(number, value)
    return found


def test_what_is_disabled_waits():
    n = Nvic(0xE0, lambda: None)
    n.set_level(3, True)
    assert n.candidate(0, 0, 0) is None
    n.enable(x.IRQ0 + 3, True)
    assert n.candidate(0, 0, 0) == x.IRQ0 + 3


def test_hard_fault_goes_before_interrupts_and_nmi_before_it():
    n = nvic(irq0=0)
    n.pend(x.IRQ0)
    n.pend(x.HARD_FAULT)
    assert n.candidate(0, 0, 0) == x.HARD_FAULT
    n.pend(x.NMI)
    n.enter(x.HARD_FAULT)
    assert n.candidate(1, 0x20, 1) == x.NMI


def test_a_pulse_is_remembered_and_a_level_comes_again():
    n = nvic(irq1=0x40)
    one = x.IRQ0 + 1
    n.set_level(1, True)
    n.set_level(1, False)
    assert n.candidate(0, 0, 0) == one
    n.enter(one)
    n.leave(one)
    assert n.candidate(0, 0, 0) is None
    n.set_level(1, True)
    n.enter(one)
    n.unpend(one)
    assert n.candidate(0, 0, 0) is None
    n.leave(one)
    assert n.candidate(0, 0, 0) == one
    n.unpend(one)
    assert n.candidate(0, 0, 0) == one


@given(
    st.dictionaries(st.integers(0, 20), st.integers(0, 255), min_size=1),
    st.integers(0, 7),
    st.data(),
)
def test_whoever_is_chosen_is_more_urgent_than_all_that_runs_and_waits(priorities, group, data):
    n = nvic(**{f"irq{irq}": value for irq, value in priorities.items()})
    n.group = group
    irqs = sorted(x.IRQ0 + irq for irq in priorities)
    for number in data.draw(st.lists(st.sampled_from(irqs), unique=True)):
        n.enter(number)
    for number in data.draw(st.lists(st.sampled_from(irqs), unique=True)):
        if number not in n.active:
            n.pend(number)
    basepri = data.draw(st.sampled_from([0, 0x20, 0x80, 0xE0]))
    chosen = n.candidate(0, basepri, 0)
    level = n.execution_priority(0, basepri, 0)
    below = [p for p in n.pending if n.priority(p) < level]
    assert (chosen is None) == (not below)
    if chosen is not None:
        key = min((n.priority(p), n.priorities[p], p) for p in n.pending)
        assert key == (n.priority(chosen), n.priorities[chosen], chosen)


class Bench:
    """A SysTick and cycles that pass when told to."""

    def __init__(self, hz=32_000_000):
        self.clock = Clock()
        self.time = CpuTime(self.clock, hz, lambda: 1)
        self.pended = []
        self.tick = SysTick(self.time, lambda: self.pended.append(self.time.cycles))

    def go(self, cycles):
        for _ in range(cycles):
            self.time.end(1)
            self.time.sync()


@given(st.integers(1, 40), st.sampled_from([1_000_000, 31_999_999, 32_000_000, 999_999_999]))
def test_systick_reaches_zero_every_reload_and_one_cycles(reload, hz):
    b = Bench(hz)
    b.tick.write(RVR, reload)
    b.tick.write(CVR, 1)
    b.tick.write(CSR, 7)
    b.go(5 * (reload + 1))
    assert b.pended == [(reload + 1) * i for i in range(1, 6)]


def test_systick_counts_down_from_its_reload_value():
    b = Bench()
    b.tick.write(RVR, 3)
    b.tick.write(CSR, 5)
    seen = []
    for _ in range(9):
        seen.append(b.tick.read(CVR))
        b.go(1)
    assert seen == [0, 3, 2, 1, 0, 3, 2, 1, 0]


def test_a_reload_value_counts_from_the_next_load_on():
    b = Bench()
    b.tick.write(RVR, 9)
    b.tick.write(CSR, 7)
    b.go(4)
    b.tick.write(RVR, 4)
    b.go(30)
    assert b.pended[:3] == [10, 15, 20]


def test_systick_stands_still_while_disabled():
    b = Bench()
    b.tick.write(RVR, 9)
    b.tick.write(CSR, 7)
    b.go(4)
    b.tick.write(CSR, 6)
    held = b.tick.read(CVR)
    b.go(50)
    assert b.tick.read(CVR) == held
    assert b.pended == []
    b.tick.write(CSR, 7)
    b.go(held)
    assert b.pended == [54 + held]


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_the_cycle_of_an_instant_is_the_first_at_or_after_it(when_ns, hz):
    time = CpuTime(SimpleNamespace(), hz, lambda: 0)
    cycle = time.cycle_of(when_ns)
    assert cycles_to_ns(cycle, hz) >= when_ns
    assert cycle == 0 or cycles_to_ns(cycle - 1, hz) < when_ns
