# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Elements into another type or scale: rescaled or cast integers, integers to float, float to
# integers. Floats are handled as their bits, so that nothing depends on the target's own.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .operator import Operator, word
from .reduce import narrow

# Words of the parameters; behind them what the kind needs: a loading and perhaps a scaling, the
# scale of floats, or thresholds.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_KIND = const(2)
_WIDTH = const(3)  # bytes of a result
_LOADING = const(4)

_SCALING = const(18)  # behind the loading

_RESCALE = const(0)
_CAST = const(1)
_TO_FLOAT = const(2)
_FROM_FLOAT = const(3)
_DIVIDE_FLOAT = const(4)

# Words of the scale of floats, behind the others.
_MANTISSA = const(4)  # 24 bits
_EXPONENT = const(5)  # of its last bit, biased by 150
_ZERO = const(6)
_END = const(7)

_THRESHOLDS = const(4)  # as many as results; the first counts for none

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Float32 of (element - zero point) * scale, rounded to nearest even, for int16.
@micropython.viper
def to_float(params, source, target, at: int, n: int):
    p = ptr32(params)
    x = ptr16(source)
    o = ptr16(target)
    zero = (p[_ZERO] & _M ^ _S) - _S
    high_m = p[_MANTISSA] >> 12
    low_m = p[_MANTISSA] & 0xFFF
    for i in range(at, at + n):
        v = (x[i] ^ 0x8000) - 0x8000 - zero
        sign = 0
        if v < 0:
            v = -v
            sign = 0x8000
        if v == 0:
            o[2 * i] = 0
            o[2 * i + 1] = 0
        else:
            # Product of 17 and 24 bits: high * 2**12 + low.
            low = v * low_m
            high = v * high_m + (low >> 12)
            low = low & 0xFFF
            exponent = p[_EXPONENT]
            # Shifted to a mantissa of 24 bits, in high, and the rest below it.
            sticky = 0
            half = 0
            high_bits = 0
            k = high
            while k:
                k = k >> 1
                high_bits += 1
            drop = high_bits + 12 - 24
            if drop <= 0:
                high = (high << 12 | low) << -drop
            elif drop <= 12:
                k = low & ((1 << drop) - 1)
                half = k >> (drop - 1)
                sticky = k & ((1 << (drop - 1)) - 1)
                high = high << (12 - drop) | low >> drop
            else:
                k = high & ((1 << (drop - 12)) - 1)
                half = k >> (drop - 13)
                sticky = k & ((1 << (drop - 13)) - 1) | low
                high = high >> (drop - 12)
            if half:
                if sticky | high & 1:
                    high += 1
            exponent += drop
            if high >> 24:
                high = high >> 1
                exponent += 1
            o[2 * i] = high & 0xFFFF
            o[2 * i + 1] = sign | exponent << 7 | high >> 16 & 0x7F


# int8 by the thresholds between neighbouring results, which are in the order of floats' bits.
@micropython.viper
def from_float(params, source, target, at: int, n: int):
    t = ptr16(params)
    x = ptr16(source)
    o = ptr8(target)
    magnitude = _M
    magnitude = magnitude + magnitude + 1  # in two steps: it is no small integer of a board
    for i in range(at, at + n):
        v = ((x[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | x[2 * i]
        if v < 0:
            v = v ^ magnitude
        place = 0
        step = 128
        while step:
            k = 2 * (_THRESHOLDS + place + step)
            if v >= ((t[k + 1] ^ 0x8000) - 0x8000) << 16 | t[k]:
                place += step
            step = step >> 1
        o[i] = place - 128


# int16 of float32 / scale, by long division: the quotient rounded to 24 bits to the nearest even,
# as a float has them, then to an integer, halves away from zero. What lies outside is clamped.
@micropython.viper
def divide_float(params, source, target, at: int, n: int):
    p = ptr32(params)
    x = ptr16(source)
    o = ptr16(target)
    divisor = p[_MANTISSA]
    zero = (p[_ZERO] & _M ^ _S) - _S
    for i in range(at, at + n):
        high = x[2 * i + 1]
        exponent = (high >> 7 & 0xFF) - p[_EXPONENT]
        v = 0x20000
        if exponent < -3:
            v = 0
        elif exponent < 18:
            rest = (high & 0x7F | 0x80) << 16 | x[2 * i]
            # To shift out, so that the last bit counts ones.
            drop = 23 - exponent
            if rest < divisor:
                rest = rest << 1
                drop += 1
            v = 0
            for _ in range(24):
                v = v << 1
                if rest >= divisor:
                    rest -= divisor
                    v += 1
                rest = rest << 1
            if rest > divisor:
                v += 1
            elif rest == divisor:
                v += v & 1
            v = (v + (1 << (drop - 1))) >> drop
        if high & 0x8000:
            v = -v
        v += zero
        if v < -32768:
            v = -32768
        if v > 32767:
            v = 32767
        o[i] = v


class Convert(Operator):
    def __init__(self, params, source, target, scratch):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.acc = scratch
        self.kind = number(params, _KIND, 0, _DIVIDE_FLOAT)
        self.width = word(params, _WIDTH)
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        if self.kind >= _TO_FLOAT:
            self.check_floats(count)
        else:
            most = min(count, chunk)
            bounds.loading(params, _LOADING, self.source, count, "input")
            fits("scratch", scratch, most, 4)
            if self.kind == _RESCALE:
                bounds.scaling(params, _SCALING, count, self.target, scratch, most)
            else:
                fits("output", self.target, count, bounds.width(params, _WIDTH))
        Operator.__init__(self, count, chunk)

    def check_floats(self, count):
        p = self.params
        kind = self.kind
        if kind == _FROM_FLOAT:
            fits("parameters", p, _THRESHOLDS + 256, 4)
        else:
            # Products stay words, of which a loop goes through the bits.
            number(p, _MANTISSA, 1, 0xFFFFFF)
            fits("parameters", p, _END, 4)
            if not -0x8000 <= word(p, _ZERO) <= 0x7FFF:
                raise ValueError("zero point is out of bounds")
        fits("input", self.source, count, 2 if kind == _TO_FLOAT else 4)
        fits("output", self.target, count, (4, 1, 2)[kind - _TO_FLOAT])

    def block(self, at, n):
        p = self.params
        kind = self.kind
        if kind == _TO_FLOAT:
            to_float(p, self.source, self.target, at, n)
        elif kind == _FROM_FLOAT:
            from_float(p, self.source, self.target, at, n)
        elif kind == _DIVIDE_FLOAT:
            divide_float(p, self.source, self.target, at, n)
        else:
            fixed.load(p, _LOADING, self.source, at, n, self.acc)
            if kind == _RESCALE:
                fixed.finish(p, _SCALING, self.acc, self.target, at, n)
            else:
                narrow(self.acc, self.target, self.width, at, n)


def make(params, inputs, outputs, scratch):
    return Convert(params, inputs[0], outputs[0], scratch)
