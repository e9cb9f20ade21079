# SPDX-License-Identifier: Apache-2.0
import pytest

from hocket_host.sim.irq import InterruptController, InterruptError


def controller():
    return InterruptController(lambda line: None)


def silencing(irq, line, log):
    """A handler that silences its line, as a driver's does."""

    def handler(number):
        log.append(line)
        irq.set_level(line, False)

    return handler


def test_a_raised_line_runs_its_handler_once():
    irq, log = controller(), []
    irq.set_handler(7, silencing(irq, 7, log))
    irq.set_level(7, True)
    irq.deliver()
    irq.deliver()
    assert log == [7]


def test_a_handler_is_told_its_line():
    irq, log = controller(), []

    def handler(number):
        irq.set_level(number, False)
        log.append(number)

    irq.set_handler(7, handler)
    irq.set_level(7, True)
    irq.deliver()
    assert log == [7]


def test_pending_lines_are_taken_lowest_first():
    irq, log = controller(), []
    for line in (9, 3, 5):
        irq.set_level(line, True)
    state = irq.disable()
    for line in (9, 3, 5):
        irq.set_handler(line, silencing(irq, line, log))
    irq.enable(state)
    assert log == [3, 5, 9]


def test_a_masked_line_waits_until_it_is_unmasked():
    irq, log = controller(), []
    irq.set_handler(7, silencing(irq, 7, log))
    state = irq.disable()
    irq.set_level(7, True)
    irq.deliver()
    assert (log, irq.wakes) == ([], True)
    irq.enable(state)
    assert log == [7]


def test_masks_nest():
    irq, log = controller(), []
    irq.set_handler(7, silencing(irq, 7, log))
    outer = irq.disable()
    inner = irq.disable()
    irq.set_level(7, True)
    irq.enable(inner)
    assert log == []
    irq.enable(outer)
    assert log == [7]


def test_a_line_without_handler_stays_pending_and_wakes_nobody():
    irq = controller()
    irq.set_level(7, True)
    irq.deliver()
    assert not irq.wakes
    log = []
    irq.set_handler(7, silencing(irq, 7, log))
    assert log == [7]


def test_a_handler_set_late_takes_what_is_pending():
    irq, log = controller(), []
    irq.set_level(7, True)
    irq.set_handler(7, silencing(irq, 7, log))
    assert log == [7]


def test_handlers_do_not_nest():
    irq, log = controller(), []

    def first(number):
        irq.set_level(1, False)
        irq.set_level(2, True)
        irq.deliver()
        log.append("first ends")

    irq.set_handler(1, first)
    irq.set_handler(2, silencing(irq, 2, log))
    irq.set_level(1, True)
    irq.deliver()
    assert log == ["first ends", 2]


def test_a_line_that_pulses_in_its_own_handler_is_taken_again():
    irq, log = controller(), []

    def handler(number):
        log.append(irq.taken)
        irq.set_level(1, False)
        if len(log) == 1:
            irq.set_level(1, True)

    irq.set_handler(1, handler)
    irq.set_level(1, True)
    irq.deliver()
    assert log == [1, 2]


def test_entry_is_charged_before_the_handler():
    log = []
    irq = InterruptController(lambda line: log.append(("entry", line)))
    irq.set_handler(4, silencing(irq, 4, log))
    irq.set_level(4, True)
    irq.deliver()
    assert log == [("entry", 4), 4]


def test_a_handler_that_never_silences_its_line_is_a_storm():
    irq = controller()
    irq.set_handler(4, lambda number: None)
    irq.set_level(4, True)
    with pytest.raises(InterruptError, match="storm"):
        irq.deliver()


def test_an_exception_in_a_handler_leaves_the_controller_usable():
    irq, log = controller(), []

    def broken(number):
        irq.set_level(1, False)
        raise ValueError("driver")

    irq.set_handler(1, broken)
    irq.set_level(1, True)
    with pytest.raises(ValueError, match="driver"):
        irq.deliver()
    irq.set_handler(2, silencing(irq, 2, log))
    irq.set_level(2, True)
    irq.deliver()
    assert log == [2]
