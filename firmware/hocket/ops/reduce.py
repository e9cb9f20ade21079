# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Sums, extremes and places of extremes over some axes of a tensor.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .operator import Operator

# Words of the parameters; behind them a scaling.
_COUNT = const(0)  # of outputs
_CHUNK = const(1)  # most of them in a step
_KIND = const(2)
_TYPE = const(3)
_START = const(4)  # a sum's first value
_SIZES = const(5)  # of the four axes that stay, then of the four that are reduced
_STRIDES = const(13)
_PART = const(21)  # most elements of one output in a step
_ELEMENTS = const(22)  # of one output
_SCALING = const(23)

_SUM = const(0)
_MAX = const(1)
_MIN = const(2)
_ARG_MAX = const(3)
_ARG_MIN = const(4)

_INT8 = const(0)  # as ops.fixed._INT8
_UINT8 = const(1)  # as ops.fixed._UINT8
_INT16 = const(2)  # as ops.fixed._INT16
_INT32 = const(3)  # as ops.fixed._INT32
_WIDTH = const(3)  # as ops.fixed._WIDTH

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Words of outputs at .. at + n, of their elements first .. last; parts are of one output. The first
# three arguments are only registers, as of dense.dot8.
@micropython.viper
def reduce(j: int, q: int, v: int, params, source, acc, at: int, n: int, first: int, last: int):
    p = ptr32(params)
    p16 = ptr16(params)
    x8 = ptr8(source)
    x16 = ptr16(source)
    a = ptr32(acc)
    a16 = ptr16(acc)
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
        best = 0
        if first:
            v = ((a16[1] ^ 0x8000) - 0x8000) << 16 | a16[0]
            best = a[1]
        elif kind == _SUM:
            v = ((p16[2 * _START + 1] ^ 0x8000) - 0x8000) << 16 | p16[2 * _START]
        q = first
        while q < last:
            j = q % n3
            end = q - j + n3
            if end > last:
                end = last
            j = base + j * d3
            k = q // n3
            for axis in range(6, 3, -1):
                size = p[_SIZES + axis]
                j += k % size * p[_STRIDES + axis]
                k = k // size
            while q < end:
                if dtype == _INT8:
                    x = (x8[j] ^ 0x80) - 0x80
                elif dtype == _INT16:
                    x = (x16[j] ^ 0x8000) - 0x8000
                elif dtype == _UINT8:
                    x = x8[j]
                else:
                    x = ((x16[2 * j + 1] ^ 0x8000) - 0x8000) << 16 | x16[2 * j]
                j += d3
                if kind == _SUM:
                    v += x
                elif q == 0:
                    v = x
                elif kind & 1:
                    if x > v:
                        v = x
                        best = q
                elif x < v:
                    v = x
                    best = q
                q += 1
        if last < p[_ELEMENTS]:
            a[1] = best
        elif kind >= _ARG_MAX:
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
        self.sums = number(params, _KIND) == _SUM
        self.width = bounds.width(params, _SCALING + _WIDTH)
        self.every = number(params, _ELEMENTS, 1)
        self.part = number(params, _PART, 1)
        self.parts = -(-self.every // self.part)
        count = number(params, _COUNT)
        chunk = bounds.chunk(params, self.parts)
        size = (1, 1, 2, 4)[number(params, _TYPE, 0, _INT32)]
        fits("input", self.source, bounds.box(params, _SIZES, _STRIDES, 8), size)
        fits("input", self.source, self.every, size)  # more would only take time
        most = min(count, chunk)
        fits("scratch", scratch, max(most, 2 if self.parts > 1 else 1), 4)
        if self.sums:
            bounds.scaling(params, _SCALING, count, self.target, scratch, most)
        else:
            fits("output", self.target, count, self.width)
        Operator.__init__(self, count * self.parts, chunk)

    def block(self, at, n):
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.every:
            last = self.every
        at //= self.parts
        reduce(0, 0, 0, self.params, self.source, self.acc, at, n, first, last)
        if last < self.every:
            return
        if self.sums:
            fixed.finish(self.params, _SCALING, self.acc, self.target, at, n)
        else:
            narrow(self.acc, self.target, self.width, at, n)


def make(params, inputs, outputs, scratch):
    return Reduce(params, inputs[0], outputs[0], scratch)
