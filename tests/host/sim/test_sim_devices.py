# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.sim import timer as t
from hocket_host.sim import uart as u
from hocket_host.sim.clock import Clock
from hocket_host.sim.timer import Timer
from hocket_host.sim.uart import Uart
from hocket_host.units import cycles_to_ns


class Line:
    def __init__(self):
        self.high = False
        self.edges = []

    def __call__(self, high):
        if high != self.high:
            self.edges.append(high)
        self.high = high


def test_uart_sends_bytes_once_enabled():
    sent = []
    uart = Uart(sent.append)
    uart.write(u.DATA, 4, 0x41)
    uart.write(u.CTRL, 4, 1)
    uart.write(u.DATA, 4, 0x142)
    assert sent == [b"B"]


def test_uart_gives_what_was_fed_in_order():
    uart = Uart()
    uart.write(u.CTRL, 4, 2)
    uart.feed(b"ok")
    got = []
    while uart.read(u.STATE, 4) & 2:
        got.append(uart.read(u.DATA, 4))
    assert bytes(got) == b"ok"


def test_uart_receive_interrupt_stays_until_the_queue_is_read_and_cleared():
    line = Line()
    uart = Uart(rx_level=line)
    uart.write(u.CTRL, 4, 2 | 8)
    uart.feed(b"ab")
    assert line.high
    uart.read(u.DATA, 4)
    uart.write(u.INTSTATUS, 4, 2)
    assert line.high, "a byte still waits"
    uart.read(u.DATA, 4)
    uart.write(u.INTSTATUS, 4, 2)
    assert not line.high


def test_uart_transmit_interrupt_is_cleared_by_writing_one():
    line = Line()
    uart = Uart(tx_level=line)
    uart.write(u.CTRL, 4, 1 | 4)
    uart.write(u.DATA, 4, 0x41)
    assert uart.read(u.INTSTATUS, 4) == 1
    uart.write(u.INTSTATUS, 4, 1)
    assert line.edges == [True, False]


def test_uart_keeps_its_divisor_and_names_its_part():
    uart = Uart()
    uart.write(u.BAUDDIV, 4, 0x1_0123_4567)
    assert uart.read(u.BAUDDIV, 4) == 0x3_4567
    assert [uart.read(at, 4) for at in (0xFF0, 0xFF4, 0xFF8, 0xFFC)] == [0x0D, 0xF0, 0x05, 0xB1]


def running_timer(hz, reload):
    clock, line = Clock(), Line()
    timer = Timer(clock, hz, line)
    timer.write(t.RELOAD, 4, reload)
    timer.write(t.CTRL, 4, 1 | 8)
    return clock, line, timer


@given(st.integers(1, 1000), st.integers(1, 1_000_000_000), st.integers(1, 20))
def test_timer_periods_do_not_drift(reload, hz, periods):
    clock, line, timer = running_timer(hz, reload)
    for number in range(1, periods + 1):
        clock.fire_next()
        assert clock.now_ns == cycles_to_ns(number * reload, hz)
        timer.write(t.INTSTATUS, 4, 1)
    assert line.edges == [True, False] * periods


def test_timer_counts_down_virtual_time():
    clock, _, timer = running_timer(1_000_000, 100)
    clock.move_to(30_000)
    assert timer.read(t.VALUE, 4) == 70


def test_timer_stops_and_goes_on_where_it_was():
    clock, line, timer = running_timer(1_000_000, 100)
    clock.move_to(30_000)
    timer.write(t.CTRL, 4, 0)
    clock.move_to(500_000)
    assert (timer.read(t.VALUE, 4), line.high) == (70, False)
    timer.write(t.CTRL, 4, 9)
    clock.fire_next()
    assert clock.now_ns == 570_000


def test_timer_without_its_interrupt_enabled_is_silent():
    clock, line, timer = running_timer(1_000_000, 10)
    timer.write(t.CTRL, 4, 1)
    clock.run_until(100_000)
    assert not line.high
