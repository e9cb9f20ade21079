# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Functions of one int16 element: sigmoid and hyperbolic tangent between points of a table, slopes
# that differ for negative inputs, magnitudes.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .operator import Operator, word

# Words of the parameters; behind them those of a table or of a slope.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_KIND = const(2)
_BODY = const(3)

# Words of a table, behind the others: the input's scale, then 256 halves: sigmoid(i / 24) * 65536.
_MULTIPLIER = const(3)
_SHIFT = const(4)
_TABLE = const(5)

# Words of a slope, behind the others; then the scaling of the result.
_LOADING = const(3)
_IDENTITY = const(17)  # factors of positive and of negative elements, and whether to negate those
_SLOPE = const(20)
_NEGATIVE = const(23)
_RESULT = const(24)

_LOGISTIC = const(0)
_TANH = const(1)
_LEAKY_RELU = const(2)
_ABS = const(3)


# The sigmoid of elements times multiplier / 2**shift, in 24ths of 512ths; with tanh the tangent.
# The first three arguments are only registers, as of dense.dot8.
@micropython.viper
def interpolate(
    v: int, k: int, place: int, tanh: int, multiplier: int, shift: int, table, source, target,
    at: int, n: int,
):  # fmt: skip
    t = ptr16(table)
    x = ptr16(source)
    o = ptr16(target)
    half = 0
    if shift:
        half = 1 << (shift - 1)
    # A tangent is twice a sigmoid of twice the argument, less one.
    bits = 9 - tanh
    mask = (1 << bits) - 1
    for i in range(at, at + n):
        v = (((x[i] ^ 0x8000) - 0x8000) * multiplier + half) >> shift
        k = v
        if v < 0:
            k = 0 - v  # viper's unary minus would change v itself, which is in a register
        place = k >> bits
        if place >= 255:
            k = 0x7FFF << 10
            if tanh:
                k = 0xFFFF << 8
        else:
            low = t[place]
            k = (low << bits) + (k & mask) * (t[place + 1] - low)
        if tanh:
            if v >= 0:
                k = k - (1 << 23) + 128
            else:
                k = (1 << 23) - k + 127
            o[i] = k >> 8
        else:
            if v >= 0:
                k = k + 512
            else:
                k = (1 << 25) - k + 511
            o[i] = k >> 10


# other[i] where first[i] was negative, with its sign changed or not; other holds what it was of.
@micropython.viper
def by_sign(source, first, other, negative: int, at: int, n: int):
    x = ptr16(source)
    a = ptr32(first)
    b = ptr16(other)
    for i in range(n):
        if x[at + i] & 0x8000:
            v = ((b[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | b[2 * i]
            if negative:
                v = -v
            a[i] = v


@micropython.viper
def magnitude(buf, n: int):
    h = ptr16(buf)
    b = ptr32(buf)
    for i in range(n):
        v = ((h[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | h[2 * i]
        if v < 0:
            b[i] = -v


# What interpolate relies on: a whole table, and products that are words.
def check(table, multiplier, shift):
    fits("parameters", table, 256, 2)
    if not 0 <= multiplier < 0x8000 or not 0 <= shift <= 30:
        raise ValueError("scale of a table is out of bounds")


class Curve(Operator):
    def __init__(self, params, source, target, scratch):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.kind = number(params, _KIND, 0, _ABS)
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        fits("input", self.source, count, 2)
        self.a = scratch[: 4 * chunk]
        self.b = scratch[4 * chunk :]
        self.multiplier = word(params, _MULTIPLIER)
        self.shift = word(params, _SHIFT)
        self.table = params[4 * _TABLE :]
        self.negative = word(params, _NEGATIVE) if self.kind == _LEAKY_RELU else 0
        if self.kind <= _TANH:
            check(self.table, self.multiplier, self.shift)
            fits("output", self.target, count, 2)
        else:
            fits("scratch", scratch, chunk, 8 if self.kind == _LEAKY_RELU else 4)
            bounds.loading(params, _LOADING, self.source, count, "input")
            bounds.factor(params, _IDENTITY)
            bounds.factor(params, _SLOPE)
            bounds.scaling(params, _RESULT, count, self.target, self.a, chunk)
        Operator.__init__(self, count, chunk)

    def block(self, at, n):
        p = self.params
        if self.kind <= _TANH:
            interpolate(
                0, 0, 0, self.kind, self.multiplier, self.shift, self.table, self.source,
                self.target, at, n,
            )  # fmt: skip
            return
        fixed.load(p, _LOADING, self.source, at, n, self.a)
        if self.kind == _LEAKY_RELU:
            fixed.load(p, _LOADING, self.source, at, n, self.b)
            fixed.scale(p, _IDENTITY, self.a, n)
            fixed.scale(p, _SLOPE, self.b, n)
            by_sign(self.source, self.a, self.b, self.negative, at, n)
        else:
            magnitude(self.a, n)
        fixed.finish(p, _RESULT, self.a, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Curve(params, inputs[0], outputs[0], scratch)
