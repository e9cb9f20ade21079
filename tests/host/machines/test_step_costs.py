# SPDX-License-Identifier: Apache-2.0
"""Time of the steps of CPU operators."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from hocket_host.machines.costs import StepCosts
from hocket_host.units import cycles_to_ns

HZ = 30_000_000


def app(longest, nominal, worst):
    """A second network whose second step is the processor's."""
    nets = [SimpleNamespace(first_step=0, steps=3), SimpleNamespace(first_step=3, steps=2)]
    return SimpleNamespace(
        nets=nets,
        step_cycles={4: nominal}.__getitem__,
        step_worst_cycles={4: worst}.__getitem__,
        cpu_step_cycles={4: longest}.__getitem__,
    )


def test_the_last_cpu_step_takes_what_remains_of_the_nominal_cycles():
    costs = StepCosts(app(300, 750, 900), HZ, worst=False)
    assert [costs.cpu_step_ns(1, 1, last) for last in (False, False, True)] == [
        10_000,
        10_000,
        5_000,
    ]


def test_the_worst_case_is_taken_on_request():
    costs = StepCosts(app(300, 750, 900), HZ, worst=True)
    assert [costs.cpu_step_ns(1, 1, last) for last in (False, False, True)] == [10_000] * 3


def test_cpu_steps_beyond_the_cycles_of_the_step_take_no_time():
    costs = StepCosts(app(300, 300, 300), HZ, worst=False)
    assert [costs.cpu_step_ns(1, 1, last) for last in (False, False, True)] == [10_000, 0, 0]


def test_each_inference_begins_with_the_whole_step():
    costs = StepCosts(app(300, 750, 900), HZ, worst=False)
    costs.cpu_step_ns(1, 1, False)
    costs.begin(0)
    assert costs.cpu_step_ns(1, 1, True) == 15_000
    assert costs.cpu_step_ns(1, 1, True) == 25_000


def test_an_inference_given_up_leaves_nothing_to_the_next():
    costs = StepCosts(app(300, 750, 900), HZ, worst=False)
    costs.cpu_step_ns(1, 1, False)
    costs.begin(1)
    assert costs.cpu_step_ns(1, 1, True) == 25_000


@given(st.integers(1, 10**6), st.integers(1, 40), st.integers(1, 10**9))
def test_all_cpu_steps_together_take_the_time_of_the_operator(longest, count, hz):
    whole = max(longest * count - longest // 3, longest)
    costs = StepCosts(app(longest, whole, whole), hz, worst=False)
    spent = [costs.cpu_step_ns(1, 1, i == count - 1) for i in range(count)]
    assert sum(spent) == cycles_to_ns(whole, hz)
    assert max(spent) <= cycles_to_ns(longest, hz)
