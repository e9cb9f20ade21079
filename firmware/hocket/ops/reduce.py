# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Sums, extremes and places of extremes over some axes of a tensor.
import micropython
from micropython import const

from . import fixed
from .operator import Operator, word

_KIND = const(2)
_TYPE = const(3)  # 0 int8, 1 uint8 or bool, 2 int16, 3 int32
_START = const(4)  # a sum's first value
_SIZES = const(5)  # of the four axes that stay, then of the four that are reduced
_STRIDES = const(13)
_SCALING = const(21)

_SUM = const(0)
_MAX = const(1)
_MIN = const(2)
_ARG_MAX = const(3)
_ARG_MIN = const(4)

_M = const(0x3FFFFFFF)
_S = const(0x20000000)


# Words of outputs at .. at + n.
@micropython.viper
def reduce(params, source, acc, at: int, n: int):
    p = ptr32(params)
    p16 = ptr16(params)
    x8 = ptr8(source)
    x16 = ptr16(source)
    a = ptr32(acc)
    kind = p[_KIND]
    dtype = p[_TYPE]
    n3 = p[_SIZES + 7]
    d3 = p[_STRIDES + 7]
    for i in range(n):
        base = 0
        k = at + i
        for axis in range(3, -1, -1):
            size = p[_SIZES + axis]
            base += k % size * p[_STRIDES + axis]
            k = k // size
        v = 0
        if kind == _SUM:
            v = ((p16[2 * _START + 1] ^ 0x8000) - 0x8000) << 16 | p16[2 * _START]
        best = 0
        place = 0
        for i0 in range(p[_SIZES + 4]):
            for i1 in range(p[_SIZES + 5]):
                for i2 in range(p[_SIZES + 6]):
                    j = base + i0 * p[_STRIDES + 4] + i1 * p[_STRIDES + 5] + i2 * p[_STRIDES + 6]
                    for _ in range(n3):
                        if dtype == 0:
                            x = (x8[j] ^ 0x80) - 0x80
                        elif dtype == 2:
                            x = (x16[j] ^ 0x8000) - 0x8000
                        elif dtype == 1:
                            x = x8[j]
                        else:
                            x = ((x16[2 * j + 1] ^ 0x8000) - 0x8000) << 16 | x16[2 * j]
                        j += d3
                        if kind == _SUM:
                            v += x
                        elif place == 0:
                            v = x
                        elif kind & 1:
                            if x > v:
                                v = x
                                best = place
                        elif x < v:
                            v = x
                            best = place
                        place += 1
        if kind >= _ARG_MAX:
            v = best
        a[i] = v


# Words to elements of a width, unchanged.
@micropython.viper
def narrow(acc, target, width: int, at: int, n: int):
    h = ptr16(acc)
    o8 = ptr8(target)
    o16 = ptr16(target)
    for i in range(n):
        if width == 1:
            o8[at + i] = h[2 * i]
        elif width == 2:
            o16[at + i] = h[2 * i]
        else:
            o16[2 * (at + i)] = h[2 * i]
            o16[2 * (at + i) + 1] = h[2 * i + 1]


class Reduce(Operator):
    def __init__(self, params, source, target, scratch):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.acc = scratch
        self.sums = word(params, _KIND) == _SUM
        self.width = word(params, _SCALING + 3)
        Operator.__init__(self, word(params, 0), word(params, 1))

    def block(self, at, n):
        reduce(self.params, self.source, self.acc, at, n)
        if self.sums:
            fixed.finish(self.params, _SCALING, self.acc, self.target, at, n)
        else:
            narrow(self.acc, self.target, self.width, at, n)


def make(params, inputs, outputs, scratch):
    return Reduce(params, inputs[0], outputs[0], scratch)
