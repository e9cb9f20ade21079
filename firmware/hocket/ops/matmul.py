# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Products of two matrices that are both computed.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .operator import Operator

# Words of the parameters.
_COUNT = const(0)  # of outputs
_CHUNK = const(1)  # most of them in a step
_SCALING = const(2)  # at which word
_DEPTH = const(3)
_TYPE = const(4)  # int8 or int16
_COLUMNS = const(5)
_ROWS = const(6)
_LEFT = const(7)  # strides in elements: of batch, row, product
_RIGHT = const(10)  # of batch, column, product
_LEFT_OFFSET = const(13)  # what is added to elements
_RIGHT_OFFSET = const(14)
_PART = const(15)  # most products of one output in a step
_END = const(16)

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Products first .. last of outputs at .. at + n; later parts are of one output. The first three
# arguments are only registers, as of dense.dot8.
@micropython.viper
def multiply(
    x: int, y: int, v: int, params, left, right, acc, at: int, n: int, first: int, last: int
):
    p = ptr32(params)
    l8 = ptr8(left)
    l16 = ptr16(left)
    r8 = ptr8(right)
    r16 = ptr16(right)
    a = ptr32(acc)
    a16 = ptr16(acc)
    columns = p[_COLUMNS]
    rows = p[_ROWS]
    kind = p[_TYPE]
    offset_l = (p[_LEFT_OFFSET] & _M ^ _S) - _S
    offset_r = (p[_RIGHT_OFFSET] & _M ^ _S) - _S
    step_l = p[_LEFT + 2]
    step_r = p[_RIGHT + 2]
    for i in range(n):
        k = at + i
        column = k % columns
        k = k // columns
        x = k // rows * p[_LEFT] + k % rows * p[_LEFT + 1]
        y = k // rows * p[_RIGHT] + column * p[_RIGHT + 1]
        x += first * step_l
        y += first * step_r
        v = 0
        low = 0
        if first:
            if kind:
                low = a16[0]
                v = ((a16[3] ^ 0x8000) - 0x8000) << 16 | a16[2]
            else:
                v = ((a16[1] ^ 0x8000) - 0x8000) << 16 | a16[0]
        if kind == 0:
            for _ in range(first, last):
                v += ((l8[x] ^ 0x80) - 0x80 + offset_l) * ((r8[y] ^ 0x80) - 0x80 + offset_r)
                x += step_l
                y += step_r
            a[i] = v
        else:
            for _ in range(first, last):
                # Each product fills a word.
                s = ((l16[x] ^ 0x8000) - 0x8000) * ((r16[y] ^ 0x8000) - 0x8000)
                low += s & 0xFFFF
                v += (s >> 16) + (low >> 16)
                low = low & 0xFFFF
                x += step_l
                y += step_r
            a[2 * i] = low
            a[2 * i + 1] = v


class Matrices(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.left = inputs[0].raw
        self.right = inputs[1].raw
        self.target = target.raw
        self.acc = scratch
        self.scaling = number(params, _SCALING)
        self.depth = number(params, _DEPTH, 1)
        self.part = number(params, _PART, 1)
        self.parts = -(-self.depth // self.part)
        count = number(params, _COUNT)
        chunk = bounds.chunk(params, self.parts)
        size = 2 if number(params, _TYPE) else 1
        columns = number(params, _COLUMNS, 1)
        rows = number(params, _ROWS, 1)
        batches = -(-count // (rows * columns))
        for what, view, at, n in (
            ("input 0", self.left, _LEFT, rows), ("input 1", self.right, _RIGHT, columns),
        ):  # fmt: skip
            end = (batches - 1) * number(params, at) + (n - 1) * number(params, at + 1) + 1
            fits(what, view, end + (self.depth - 1) * number(params, at + 2, 1), size)
        most = min(count, chunk)
        fits("scratch", scratch, most, 4 * size)
        bounds.scaling(params, self.scaling, count, self.target, scratch, most)
        Operator.__init__(self, count * self.parts, chunk)

    def block(self, at, n):
        p = self.params
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.depth:
            last = self.depth
        at //= self.parts
        multiply(0, 0, 0, p, self.left, self.right, self.acc, at, n, first, last)
        if last == self.depth:
            fixed.finish(p, self.scaling, self.acc, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Matrices(params, inputs, outputs[0], scratch)
