# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821 - viper has its own names
# The micro front end for speech, equal to TensorFlow's to the bit: from samples of 16 bits to one
# number a channel and step. Set-up allocates; a frame does not.
from array import array

import micropython
from micropython import const

from . import levels, transform

# Half words of the tables' header, which the host makes.
_VERSION = const(1)
_HEADER = const(16)
_GAINS = const(126)
_LOGS = const(129)

# Kinds of work; a later stage of the transform has 4 * m, which is more than these.
_WINDOW = const(0)
_FIRST = const(1)
_ENERGIES = const(2)
_BANK = const(3)
_FEATURES = const(4)


@micropython.viper
def _copy(source, target, at: int, n: int):
    s = ptr16(source)
    t = ptr16(target)
    for i in range(n):
        t[at + i] = s[i]


@micropython.viper
def _clear(target, n: int):
    t = ptr16(target)
    for i in range(n):
        t[i] = 0


# How far the greatest magnitude may be shifted left in 16 bits.
@micropython.viper
def _headroom(top: int) -> int:
    n = 15
    while top:
        top = top >> 1
        n -= 1
    return n


# Full circle of the cosine from its quarter.
@micropython.viper
def _circle(quarter, out, n: int):
    q = ptr16(quarter)
    o = ptr16(out)
    n4 = n >> 2
    for i in range(n4 + 1):
        v = q[i]
        o[i] = v
        if i:
            o[n - i] = v
        o[2 * n4 - i] = -v
        o[2 * n4 + i] = -v


class Frontend:
    # Tables as of the host's build_tables; microWakeWord's when None.
    def __init__(self, tables=None):
        if tables is None:
            from .micro import TABLES as tables
        raw = memoryview(bytearray(tables))
        header = array("H", bytes(raw[: 2 * _HEADER]))
        size, step, length, channels, start, bins = header[1:7]
        sizes = (size, length // 4 + 1, channels + 1, bins, _GAINS, _LOGS)
        if header[0] != _VERSION or len(raw) != 2 * (_HEADER + sum(sizes)):
            raise ValueError(
                "tables of version %d, %d bytes, must be of version %d" % (header[0], len(raw), 1)
            )
        parts = []
        at = _HEADER
        for n in sizes:
            parts.append(raw[2 * at : 2 * (at + n)])
            at += n
        self._window, quarter, self._widths, self._weights, self._gains, self._logs = parts
        self.step_samples = step
        self.channels = channels
        self.features = array("H", bytes(2 * channels))
        self._size = size
        self._length = length // 2  # complex
        self._start = start
        self._params = array("I", header[7:])
        self._capacity = -(-size // step) * step
        self._ring = bytearray(2 * self._capacity)
        # Samples in the window, then energies.
        self._spectrum = bytearray(2 * length)
        self._work = bytearray(2 * length)
        self._cosines = bytearray(2 * length)
        _circle(quarter, self._cosines, length)
        self._carry = array("I", (0, 0, 0))
        self._levels = array("I", bytes(4 * channels))
        self._noise = bytearray(4 * channels)
        radix = self._length
        while radix > 4:
            radix >>= 2
        self._radix = radix
        # Work of a frame in order: kind, or 4 * m of a later stage; items; items of a piece.
        plan = [(_WINDOW, length, 96), (_FIRST, self._length // radix, 16)]
        m = radix
        while m < self._length:
            plan.append((4 * m, self._length // 4, 16))
            m *= 4
        plan.append((_ENERGIES, self._length // 2, 32))
        plan.append((_BANK, channels + 1, 6))
        plan.append((_FEATURES, channels, 10))
        self._plan = plan
        self.reset()

    # Forgets all samples and the noise.
    def reset(self):
        self._free = self._first = 0
        self._missing = self._capacity
        self._phase = -1
        self._at = 0
        _clear(self._noise, len(self._noise) // 2)

    # Takes the samples of one step, a buffer of 16 bits each. True when a frame is complete: then
    # step() is to be called until it is done.
    def push(self, samples):
        n = self.step_samples
        if len(samples) != n and len(samples) != 2 * n:
            raise ValueError("%d samples, must be %d" % (len(samples), n))
        if self._phase >= 0:
            raise ValueError("the frame before is not done")
        _copy(samples, self._ring, self._free, n)
        self._free = (self._free + n) % self._capacity
        self._missing -= n
        if self._missing > 0:
            return False
        self._missing = n
        self._phase = 0
        self._top = 0
        return True

    # One piece of a frame. True when the features are there, until the next step of them begins.
    def step(self):
        phase = self._phase
        if phase < 0:
            return True
        kind, items, n = self._plan[phase]
        at = self._at
        if at + n > items:
            n = items - at
        if kind == _WINDOW:
            self._top = transform.window(
                self._window, self._size, self._ring, self._capacity, self._first,
                self._spectrum, at, n, self._top,
            )  # fmt: skip
        elif kind == _FIRST:
            if at == 0:
                self._shift = _headroom(self._top)
            transform.first(
                self._spectrum, self._shift, self._work, self._length, self._radix, at, n
            )
        elif kind == _ENERGIES:
            transform.energies(self._cosines, self._work, self._length, self._spectrum, at, n)
        elif kind == _BANK:
            if at == 0:
                _clear(self._carry, 6)
            levels.bank(
                self._widths, self._weights, self._spectrum, self._start, self._carry,
                self._levels, self._shift, at, n,
            )  # fmt: skip
        elif kind == _FEATURES:
            levels.features(
                self._params, self._levels, self._noise, self._gains, self._logs,
                self.features, at, n,
            )  # fmt: skip
        else:
            transform.stage(self._cosines, self._work, self._length, kind >> 2, at, n)
        at += n
        if at < items:
            self._at = at
            return False
        self._at = 0
        phase += 1
        if phase < len(self._plan):
            self._phase = phase
            return False
        self._phase = -1
        self._first = (self._first + self.step_samples) % self._capacity
        return True

    # The samples of one step, and the whole frame if they complete one: then True.
    def feed(self, samples):
        if not self.push(samples):
            return False
        while not self.step():
            pass
        return True
