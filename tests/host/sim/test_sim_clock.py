# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.sim.clock import Clock, ClockError

INSTANTS = st.lists(st.integers(0, 20), max_size=30)


@given(INSTANTS)
def test_events_fire_in_order_of_time_then_of_asking(instants):
    clock, fired = Clock(), []
    for number, when in enumerate(instants):
        clock.at(when, lambda n=number: fired.append((clock.now_ns, n)))
    clock.run_until(20)
    assert fired == sorted((when, number) for number, when in enumerate(instants))


@given(INSTANTS, st.data())
def test_cancelled_events_do_not_fire_and_the_others_do(instants, data):
    clock, fired = Clock(), []
    events = [clock.at(when, lambda n=n: fired.append(n)) for n, when in enumerate(instants)]
    gone = data.draw(st.sets(st.sampled_from(range(len(events))))) if events else set()
    for number in gone:
        clock.cancel(events[number])
    clock.run_until(20)
    assert sorted(fired) == [n for n in range(len(events)) if n not in gone]


@given(INSTANTS)
def test_the_same_requests_give_the_same_trace(instants):
    traces = []
    for _ in range(2):
        clock, trace = Clock(), []
        for number, when in enumerate(instants):

            def act(n=number, clock=clock, trace=trace):
                trace.append((clock.now_ns, n))
                if n % 3 == 0:
                    clock.after(n, lambda: trace.append((clock.now_ns, -n)))

            clock.at(when, act)
        clock.run_until(100)
        traces.append(trace)
    assert traces[0] == traces[1]


def test_an_event_may_ask_for_another_at_its_own_instant():
    clock, fired = Clock(), []
    clock.at(5, lambda: clock.after(0, lambda: fired.append(clock.now_ns)))
    clock.run_until(5)
    assert fired == [5]


def test_the_past_is_refused():
    clock = Clock()
    clock.run_until(10)
    with pytest.raises(ClockError, match="past"):
        clock.at(9, lambda: None)


def test_time_does_not_move_over_an_event():
    clock = Clock()
    clock.at(5, lambda: None, "due")
    with pytest.raises(ClockError, match="5 ns"):
        clock.move_to(6)


def test_next_skips_cancelled_events():
    clock = Clock()
    clock.cancel(clock.at(1, lambda: None))
    clock.at(2, lambda: None)
    assert clock.next_ns == 2
