# SPDX-License-Identifier: Apache-2.0
# What the device's tests share; plain enough for MicroPython.
from hocket.kernel import Kernel
from hocket.testing import FakeApp, FakePort, Work
from hocket.trace import KINDS, Trace


# Kernel and port over an application; time and policy as asked for.
def make(app, policy=None, capacity=4096, **port):
    board = FakePort(app, **port)
    return Kernel(app, policy=policy, port=board, trace=Trace(capacity)), board


# (tick, task, argument) of the records of a kind.
def events(kernel, kind):
    return [(r[0], r[2], r[3]) for r in kernel.trace.records() if KINDS[r[1]] == kind]


# Tasks in the order in which their segments started.
def starts(kernel):
    return [task for _, task, _ in events(kernel, "start")]


# The heap is locked in the first turn of the kernel's loop, when all that it looks at again and
# again has been looked up.
class Locking:
    def __init__(self):
        import micropython

        self.turns = 0
        self._lock = micropython.heap_lock
        self.unlock = micropython.heap_unlock

    def feed(self):
        if self.turns == 0:
            self._lock()
        self.turns += 1


def locked_turns(kernel, turns):
    kernel.watchdog = Locking()
    kernel._running = True
    kernel._loop(turns)
    kernel.watchdog.unlock()
    assert kernel.watchdog.turns == turns


# The error that a call must raise.
def raised(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return error
    raise AssertionError("no " + kind.__name__)


__all__ = [
    "FakeApp",
    "FakePort",
    "Kernel",
    "Work",
    "events",
    "locked_turns",
    "make",
    "raised",
    "starts",
]
