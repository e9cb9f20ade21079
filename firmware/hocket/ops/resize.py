# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Images in another size. The host lists for each output row and column where it comes from.
import micropython
from micropython import const

from .bounds import chunk, fits, images, number
from .operator import Operator

# Words of the parameters; behind them, for each row and then column of the result, the two that it
# is made of and the share of the second in 1024ths.
_COUNT = const(0)  # of pixels
_CHUNK = const(1)  # most of them in a step
_BILINEAR = const(2)  # of int8; else the nearest
_WIDTH = const(3)  # bytes of an element
_HEIGHT = const(4)
_COLUMNS = const(5)
_DEPTH = const(6)
_OUT_HEIGHT = const(7)
_OUT_COLUMNS = const(8)
_PART = const(9)  # most channels of a pixel in a step
_PLACES = const(10)

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Channels first .. last of pixels at .. at + n. The first three arguments are only registers, as
# of dense.dot8.
@micropython.viper
def resize(j: int, o: int, v: int, params, source, target, at: int, n: int, first: int, last: int):
    p = ptr32(params)
    a = ptr8(source)
    b = ptr8(target)
    depth = p[_DEPTH]
    width = p[_COLUMNS]
    for i in range(at, at + n):
        k = i // p[_OUT_COLUMNS]
        x = _PLACES + 3 * (p[_OUT_HEIGHT] + i % p[_OUT_COLUMNS])
        y = _PLACES + 3 * (k % p[_OUT_HEIGHT])
        k = k // p[_OUT_HEIGHT] * p[_HEIGHT]
        j = ((k + p[y]) * width + p[x]) * depth + first
        o = i * depth + first
        if p[_BILINEAR] == 0:
            k = (last - first) * p[_WIDTH]
            j = j * p[_WIDTH]
            o = o * p[_WIDTH]
            for _ in range(k):
                b[o] = a[j]
                o += 1
                j += 1
        else:
            right = (p[x + 1] - p[x]) * depth
            down = (p[y + 1] - p[y]) * width * depth
            fx = (p[x + 2] & _M ^ _S) - _S
            fy = (p[y + 2] & _M ^ _S) - _S
            for _ in range(first, last):
                v = ((a[j] ^ 0x80) - 0x80) * (1024 - fx)
                v += ((a[j + right] ^ 0x80) - 0x80) * fx
                k = ((a[j + down] ^ 0x80) - 0x80) * (1024 - fx)
                k += ((a[j + down + right] ^ 0x80) - 0x80) * fx
                v = v * (1024 - fy) + k * fy
                if v > 0:
                    v = (v + 0x80000) >> 20
                else:
                    v = -((0x80000 - v) >> 20)
                b[o] = v
                j += 1
                o += 1


class Resize(Operator):
    def __init__(self, params, source, target):
        self.params = params
        self.source = source.raw
        self.target = target.raw
        self.depth = number(params, _DEPTH, 1)
        self.part = number(params, _PART, 1)
        self.parts = -(-self.depth // self.part)
        count = number(params, _COUNT)
        size = 1
        ends = 2
        if number(params, _BILINEAR) == 0:
            size = number(params, _WIDTH, 1)
            ends = 1
        place = _PLACES
        for axis in range(2):
            most = number(params, _HEIGHT + axis, 1) - 1
            for _ in range(number(params, _OUT_HEIGHT + axis, 1)):
                for k in range(ends):
                    number(params, place + k, 0, most)
                place += 3
                fits("parameters", params, place, 4)
        places = images(params, _HEIGHT, 1, count, _OUT_HEIGHT)
        fits("input", self.source, places * self.depth, size)
        fits("output", self.target, count * self.depth, size)
        Operator.__init__(self, count * self.parts, chunk(params, self.parts))

    def block(self, at, n):
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.depth:
            last = self.depth
        at //= self.parts
        resize(0, 0, 0, self.params, self.source, self.target, at, n, first, last)


def make(params, inputs, outputs, scratch):
    return Resize(params, inputs[0], outputs[0])
