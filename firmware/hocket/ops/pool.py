# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Greatest element or mean of a window over height and width, channel by channel.
import micropython
from micropython import const

from .bounds import chunk, fits, images, number
from .operator import Operator

# Words of the parameters.
_COUNT = const(0)  # of outputs
_CHUNK = const(1)  # most of them in a step
_MEAN = const(2)  # or else the greatest
_TYPE = const(3)  # int8 or int16
_HEIGHT = const(4)
_WIDTH = const(5)
_DEPTH = const(6)
_OUT_HEIGHT = const(7)
_OUT_WIDTH = const(8)
_KERNEL_Y = const(9)
_KERNEL_X = const(10)
_STRIDE_Y = const(11)
_STRIDE_X = const(12)
_PAD_Y = const(13)
_PAD_X = const(14)
_LOW = const(15)
_HIGH = const(16)
_PART = const(17)  # most rows of one window in a step
_END = const(18)

_INT8 = const(0)  # as ops.fixed._INT8

_WINDOW = const(0x100000)  # most places of a window

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Rows first .. last of the windows of outputs at .. at + n; parts are of one output, whose sum and
# count are kept in acc between them. The first three arguments are only registers, as of
# dense.dot8.
@micropython.viper
def pool(
    j: int, v: int, k: int, params, source, target, acc, at: int, n: int, first: int, last: int
):
    p = ptr32(params)
    x8 = ptr8(source)
    x16 = ptr16(source)
    o8 = ptr8(target)
    o16 = ptr16(target)
    a = ptr32(acc)
    a16 = ptr16(acc)
    depth = p[_DEPTH]
    # Compared without sign, what lies before the input is beyond it.
    height = uint(p[_HEIGHT])
    width = uint(p[_WIDTH])
    mean = p[_MEAN]
    narrow = 1 if p[_TYPE] == _INT8 else 0
    low = (p[_LOW] & _M ^ _S) - _S
    high = (p[_HIGH] & _M ^ _S) - _S
    for i in range(at, at + n):
        channel = i % depth
        k = i // depth
        left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - p[_PAD_X]
        k = k // p[_OUT_WIDTH]
        y = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - p[_PAD_Y]
        batch = k // p[_OUT_HEIGHT] * p[_HEIGHT]
        v = 0 if mean else -0x8000
        count = 0
        if first:
            v = ((a16[1] ^ 0x8000) - 0x8000) << 16 | a16[0]
            count = a[1]
        y += first
        for _ in range(first, last):
            if uint(y) < height:
                x = left
                for _ in range(p[_KERNEL_X]):
                    if uint(x) < width:
                        j = ((batch + y) * p[_WIDTH] + x) * depth + channel
                        if narrow:
                            k = (x8[j] ^ 0x80) - 0x80
                        else:
                            k = (x16[j] ^ 0x8000) - 0x8000
                        if mean:
                            v += k
                            count += 1
                        elif k > v:
                            v = k
                    x += 1
            y += 1
        if last < p[_KERNEL_Y]:
            a[0] = v
            a[1] = count
        elif mean:
            # To the nearest, halves away from zero.
            if v > 0:
                v = (v + count // 2) // count
            else:
                v = -((count // 2 - v) // count)
        if last == p[_KERNEL_Y]:
            if v < low:
                v = low
            if v > high:
                v = high
            if narrow:
                o8[i] = v
            else:
                o16[i] = v


class Pool(Operator):
    def __init__(self, params, source, target, scratch):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.acc = scratch
        self.rows = number(params, _KERNEL_Y, 1)
        self.part = number(params, _PART, 1)
        self.parts = -(-self.rows // self.part)
        count = number(params, _COUNT)
        size = 1 if number(params, _TYPE) == _INT8 else 2
        depth = number(params, _DEPTH, 1)
        number(params, _KERNEL_X, 1, _WINDOW // self.rows)
        fits("input", self.source, images(params, _HEIGHT, depth, count, _OUT_HEIGHT) * depth, size)
        fits("output", self.target, count, size)
        if self.parts > 1:
            fits("scratch", scratch, 8)
        Operator.__init__(self, count * self.parts, chunk(params, self.parts))

    def block(self, at, n):
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.rows:
            last = self.rows
        at //= self.parts
        pool(0, 0, 0, self.params, self.source, self.target, self.acc, at, n, first, last)


def make(params, inputs, outputs, scratch):
    return Pool(params, inputs[0], outputs[0], scratch)
