# SPDX-License-Identifier: Apache-2.0
# What happened when: a ring of two words a record, oldest dropped first and counted.
from array import array

import micropython
from micropython import const

RELEASE = const(1)  # argument: microseconds that it was late
START = const(2)  # argument: step of the net
END = const(3)  # argument: step of the net
COMPLETE = const(4)
MISS = const(5)
SKIP = const(6)
FAULT = const(7)  # argument: low half of STATUS
RESUME = const(8)
CPU_START = const(9)  # of a CPU step; argument: step of the net
CPU_END = const(10)

KINDS = (
    None, "release", "start", "end", "complete", "miss", "skip", "fault", "resume", "cpu start",
    "cpu end",
)  # fmt: skip

_MASK = const(0x3FFFFFFF)  # as port._MASK

# Words of the ring, then two a record.
_CAPACITY = const(0)
_NEXT = const(1)
_COUNT = const(2)
_LOST = const(3)
_HEAD = const(4)


# The interrupt writes too, so a task that records disables interrupts around it.
@micropython.viper
def put(ring, tick: int, kind: int, detail: int):
    w = ptr32(ring)  # noqa: F821
    at = w[_NEXT]
    i = _HEAD + 2 * at
    w[i] = tick
    w[i + 1] = kind << 24 | detail
    at += 1
    if at == w[_CAPACITY]:
        at = 0
    w[_NEXT] = at
    if w[_COUNT] == w[_CAPACITY]:
        w[_LOST] = (w[_LOST] + 1) & _MASK
    else:
        w[_COUNT] += 1


# detail of put() is task << 16 | argument.
class Trace:
    def __init__(self, capacity=256):
        if capacity < 1:
            raise ValueError("trace of %d records" % capacity)
        self.ring = array("I", bytes(4 * (_HEAD + 2 * capacity)))
        self.ring[_CAPACITY] = capacity

    def __len__(self):
        return self.ring[_COUNT]

    @property
    def lost(self):
        return self.ring[_LOST]

    def clear(self):
        self.ring[_NEXT] = self.ring[_COUNT] = self.ring[_LOST] = 0

    # Records from the oldest on, as (tick, kind, task, argument).
    def records(self):
        ring = self.ring
        capacity = ring[_CAPACITY]
        at = (ring[_NEXT] - ring[_COUNT]) % capacity
        for _ in range(ring[_COUNT]):
            word = ring[_HEAD + 2 * at + 1]
            yield ring[_HEAD + 2 * at], word >> 24, word >> 16 & 0xFF, word & 0xFFFF
            at = (at + 1) % capacity
