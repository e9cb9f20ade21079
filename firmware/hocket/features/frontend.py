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


@micropython.viper
def _clear(target, start: int, stop: int):
    t = ptr16(target)
    for i in range(start, stop):
        t[i] = 0


# How far the greatest magnitude may be shifted left in 16 bits.
@micropython.viper
def _headroom(top: int) -> int:
    n = 15
    while top:
        top = top >> 1
        n -= 1
    return n


@micropython.viper
def _copy(source, target, at: int, n: int):
    s = ptr16(source)
    t = ptr16(target)
    for i in range(n):
        t[at + i] = s[i]


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
                "tables of version %d, %d bytes, must be of version %d and whole"
                % (header[0], len(raw), _VERSION)
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
        self._first_bin = start
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
        # Work of a frame in order: method, its argument, items, and items of a CPU step, which
        # takes about 30000 instructions.
        plan = [
            (self._windowed, 0, size, 240),
            (self._first_stage, radix, self._length // radix, 32),
        ]
        m = radix
        while m < self._length:
            plan.append((self._stage, m, self._length // 4, 32))
            m *= 4
        plan.append((self._energies, 0, self._length // 2, 64))
        plan.append((self._bank, 0, channels + 1, 14))
        plan.append((self._finish, 0, channels, 20))
        self._plan = plan
        self.reset()

    # Forgets all samples and the noise.
    def reset(self):
        self._free = self._start = 0
        self._missing = self._capacity
        self._phase = -1
        self._at = 0
        _clear(self._noise, 0, len(self._noise) // 2)

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

    # One CPU step of a frame. True when the features are there, until the next step of them begins.
    def step(self):
        phase = self._phase
        if phase < 0:
            return True
        work, argument, items, n = self._plan[phase]
        at = self._at
        if at + n > items:
            n = items - at
        work(argument, at, n)
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
        self._start = (self._start + self.step_samples) % self._capacity
        return True

    # The samples of one step, and the whole frame if they complete one: then True.
    def feed(self, samples):
        if not self.push(samples):
            return False
        while not self.step():
            pass
        return True

    def _windowed(self, _, at, n):
        self._top = transform.window(
            self._window, self._ring, self._capacity, self._start, self._spectrum, at, n, self._top
        )

    # How far the samples may be shifted, zeros behind them, and no sum yet.
    def _open(self):
        size = self._size
        self._shift = _headroom(self._top & 0x7FFF)
        if self._top >> 15 and self._shift:
            transform.drop_least(self._spectrum, size)
        _clear(self._spectrum, size, 2 * self._length)
        _clear(self._carry, 0, 6)

    def _first_stage(self, radix, at, n):
        if at == 0:
            self._open()
        transform.first(self._spectrum, self._shift, self._work, self._length, radix, at, n)

    def _stage(self, m, at, n):
        transform.stage(self._cosines, self._work, self._length, m, at, n)

    def _energies(self, _, at, n):
        transform.energies(self._cosines, self._work, self._length, self._spectrum, at, n)

    def _bank(self, _, at, n):
        levels.bank(
            self._widths, self._weights, self._spectrum, self._first_bin, self._carry,
            self._levels, self._shift, at, n,
        )  # fmt: skip

    def _finish(self, _, at, n):
        levels.features(
            self._params, self._levels, self._noise, self._gains, self._logs, self.features, at, n
        )
