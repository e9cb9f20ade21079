# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Softmax along the last axis. Exponentials come from tables; each row is gone through three times,
# in steps: for its greatest element, for the sum, for the results.
import micropython
from micropython import const

from . import fixed
from .bounds import factor, fits, number
from .operator import Operator

# Words of the parameters; behind them the tables.
_ROWS = const(0)  # how many
_CHUNK = const(1)  # of parts of rows in a step: 1
_DEPTH = const(2)
_MOST = const(3)  # elements of a row in a step
_TYPE = const(4)  # int8 or int16
_WIDTH = const(5)  # bytes of a result
_ENTRIES = const(6)  # of the int8 table: (exponential, what it adds to the sum)
_SCALE = const(7)  # factor of differences of int16
_TABLES = const(10)

_WIDE_ENTRIES = const(1027)  # halves up to the last of the two tables for int16

# Words of the state, at the start of scratch.
_FACTOR = const(0)  # of results
_GREATEST = const(3)
_SUM = const(4)
_STATE = const(5)


# The greatest of elements at .. at + n and, unless they are a row's first, of those before.
@micropython.viper
def greatest(source, wide: int, state, at: int, n: int, first: int):
    x8 = ptr8(source)
    x16 = ptr16(source)
    s = ptr16(state)
    w = ptr32(state)
    best = (s[2 * _GREATEST] ^ 0x8000) - 0x8000
    if first:
        best = -0x8000
        w[_SUM] = 0
    for i in range(at, at + n):
        if wide:
            v = (x16[i] ^ 0x8000) - 0x8000
        else:
            v = (x8[i] ^ 0x80) - 0x80
        if v > best:
            best = v
    w[_GREATEST] = best


# Exponentials of int8 elements into words; with add, what they add to the sum.
@micropython.viper
def exponentials(params, source, state, buf, at: int, n: int, add: int):
    p = ptr32(params)
    x = ptr8(source)
    s = ptr16(state)
    w = ptr32(state)
    b = ptr32(buf)
    best = (s[2 * _GREATEST] ^ 0x8000) - 0x8000
    entries = uint(p[_ENTRIES])
    total = w[_SUM]
    for i in range(n):
        k = best - (x[at + i] ^ 0x80) + 0x80
        v = 0
        if uint(k) < entries:  # no less than none either, should the source have changed
            k = _TABLES + 2 * k
            v = p[k]
            if add:
                total += p[k + 1]
        b[i] = v
    w[_SUM] = total


# The scaling of exponentials by the reciprocal of their sum, by three steps of Newton's from
# 48/17 - 32/17 d, as gemmlowp has it. All in 32 bits.
@micropython.viper
def reciprocal(state, bits: int):
    w = ptr32(state)
    total = w[_SUM]
    if total < 1:
        total = 1  # else no bit would lead
    zeros = 1
    top = 1 << 29
    top = top + top  # in two steps, as larger constants are no small integers of a board
    d = total
    while d < top:
        d = d << 1
        zeros += 1
    # Now d is half of one plus the sum's fraction, of which zeros lead the word.
    x = 757935405
    x = x + x
    a = -1010580540
    b = d
    for stage in range(7):
        if stage == 0:
            a = -1010580540
            b = d
        elif stage & 1:
            a = x
            b = d
        # High half of the doubled product, as in fixed.scale.
        ah = a >> 16
        al = a & 0xFFFF
        bh = b >> 16
        bl = b & 0xFFFF
        p = ah * bl
        q = al * bh
        r = (al * bl) >> 16 & 0xFFFF
        r = (
            2 * (ah * bh)
            + (p >> 15)
            + (q >> 15)
            + (((p & 0x7FFF) + (q & 0x7FFF) + r + 0x4000) >> 15)
        )
        if stage == 0:
            x = x + r
        elif stage & 1:
            a = (1 << 29) - r
            b = x
        else:
            x = x + 4 * r
    if x >= top:
        x = top - 1 + top
    else:
        x = x + x
    w[_FACTOR] = x
    w[_FACTOR + 1] = 0
    # Twelve integer bits of the sum less its leading zeros, and 31 less those of a result.
    w[_FACTOR + 2] = 12 - zeros + 31 - bits


# Results of int8 and int16: words less an offset, clamped.
@micropython.viper
def put(buf, target, width: int, at: int, n: int):
    h = ptr16(buf)
    o8 = ptr8(target)
    o16 = ptr16(target)
    half = 0x80 if width == 1 else 0x8000
    for i in range(n):
        v = (((h[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | h[2 * i]) - half
        if v > half - 1:
            v = half - 1
        if width == 1:
            o8[at + i] = v
        else:
            o16[at + i] = v


# Differences to the greatest, as words to be scaled to the table's range.
@micropython.viper
def differences(source, state, buf, at: int, n: int):
    x = ptr16(source)
    s = ptr16(state)
    b = ptr32(buf)
    best = (s[2 * _GREATEST] ^ 0x8000) - 0x8000
    for i in range(n):
        b[i] = (x[at + i] ^ 0x8000) - 0x8000 - best


# Scaled differences to exponentials, kept in the target; their sum.
@micropython.viper
def look_up(params, state, buf, target, at: int, n: int):
    t = ptr16(params)
    h = ptr16(buf)
    w = ptr32(state)
    o = ptr16(target)
    total = w[_SUM]
    for i in range(n):
        v = (((h[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | h[2 * i]) + 32767
        if v < -32768:
            v = -32768
        if v > 32767:
            v = 32767
        k = 2 * _TABLES + 256 + (v >> 7)
        base = (t[k] ^ 0x8000) - 0x8000
        slope = (t[k + 1] ^ 0x8000) - 0x8000 - base
        v = base + ((slope * (v & 0x7F) + 64) >> 7)
        o[at + i] = v
        total += v
    w[_SUM] = total


# Exponentials in the target to results.
@micropython.viper
def divide(params, state, target, at: int, n: int):
    t = ptr16(params)
    w = ptr32(state)
    o = ptr16(target)
    total = w[_SUM]
    if total < 2:
        total = 2  # else no bit would lead, or none be shifted out
    bits = 0
    k = total
    while k:
        k = k >> 1
        bits += 1
    # The sum with its top bit at bit 16, rounded, less one.
    if bits > 17:
        k = (total + (1 << (bits - 18))) >> (bits - 17)
    else:
        k = total << (17 - bits)
    v = k - (1 << 15) - (1 << 16)
    if v > 32767:
        v = 32767
    k = 2 * _TABLES + 514 + 256 + (v >> 7)
    base = (t[k] ^ 0x8000) - 0x8000
    slope = (t[k + 1] ^ 0x8000) - 0x8000 - base
    factor = base + ((slope * (v & 0x7F) + 64) >> 7)
    shift = bits - 1
    half = 1 << (shift - 1)
    for i in range(at, at + n):
        v = (((o[i] ^ 0x8000) - 0x8000) * factor + half) >> shift
        if v < 0:
            v = 0
        if v > 32767:
            v = 32767
        o[i] = v


class Softmax(Operator):
    def __init__(self, params, source, target, scratch):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.state = scratch[: 4 * _STATE]
        self.buf = scratch[4 * _STATE :]
        self.most = number(params, _MOST, 1)
        self.wide = number(params, _TYPE)
        # The sum of a row of int16 is a word.
        self.depth = number(params, _DEPTH, 1, 0xFFFF if self.wide else 0xFFFFFF)
        self.width = number(params, _WIDTH, 1, 2)
        self.parts = -(-self.depth // self.most)
        count = number(params, _ROWS, 1)
        fits("scratch", scratch, _STATE + min(self.depth, self.most), 4)
        fits("input", self.source, count * self.depth, 2 if self.wide else 1)
        if self.wide:
            factor(params, _SCALE)
            fits("output", self.target, count * self.depth, 2)
            fits("parameters", params, 2 * _TABLES + _WIDE_ENTRIES, 2)
        else:
            fits("output", self.target, count * self.depth, self.width)
            fits("parameters", params, _TABLES + 2 * number(params, _ENTRIES), 4)
        Operator.__init__(self, count * 3 * self.parts, 1)

    def block(self, at, n):
        part = at % self.parts
        first = part * self.most
        n = self.depth - first
        if n > self.most:
            n = self.most
        at //= self.parts
        phase = at % 3
        first += at // 3 * self.depth
        if phase == 0:
            greatest(self.source, self.wide, self.state, first, n, part == 0)
        elif self.wide:
            self.wide_pass(phase, first, n)
        else:
            self.narrow_pass(phase, part, first, n)

    def narrow_pass(self, phase, part, first, n):
        p = self.params
        exponentials(p, self.source, self.state, self.buf, first, n, phase == 1)
        if phase == 1:
            if part == self.parts - 1:
                reciprocal(self.state, 8 * self.width)
        else:
            fixed.scale(self.state, _FACTOR, self.buf, n)
            put(self.buf, self.target, self.width, first, n)

    def wide_pass(self, phase, first, n):
        p = self.params
        if phase == 1:
            differences(self.source, self.state, self.buf, first, n)
            fixed.scale(p, _SCALE, self.buf, n)
            look_up(p, self.state, self.buf, self.target, first, n)
        else:
            divide(p, self.state, self.target, first, n)


def make(params, inputs, outputs, scratch):
    return Softmax(params, inputs[0], outputs[0], scratch)
