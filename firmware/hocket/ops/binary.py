# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Elementwise operators on two operands, of integers, with any broadcast.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import number
from .operator import Operator

# Words of the parameters; behind them the scaling of the result.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_KIND = const(2)
_FLAGS = const(3)
_UNUSED = const(4)
_LEFT = const(8)  # loadings of the operands, and their factors
_LEFT_FACTOR = const(22)
_RIGHT = const(25)
_RIGHT_FACTOR = const(39)
_RESULT = const(42)

_ADD = const(0)
_SUB = const(1)
_MUL = const(2)
_MAXIMUM = const(3)
_MINIMUM = const(4)
_SQUARED_DIFFERENCE = const(5)
_EQUAL = const(6)
_NOT_EQUAL = const(7)
_GREATER = const(8)
_GREATER_EQUAL = const(9)
_LESS = const(10)
_LESS_EQUAL = const(11)
_LOGICAL_AND = const(12)
_LOGICAL_OR = const(13)

# Flags: which operands are scaled, and whether the result is.
_SCALE_LEFT = const(1)
_SCALE_RIGHT = const(2)
_SCALE_RESULT = const(4)

# Of a scaling.
_LOW = const(1)  # as ops.fixed._LOW
_HIGH = const(2)  # as ops.fixed._HIGH
_WIDTH = const(3)  # as ops.fixed._WIDTH

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# a[i] = a[i] combined with b[i], over words.
@micropython.viper
def combine(kind: int, left, right, n: int):
    a = ptr32(left)
    ah = ptr16(left)
    bh = ptr16(right)
    for i in range(n):
        x = ((ah[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | ah[2 * i]
        y = ((bh[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | bh[2 * i]
        if kind == _ADD:
            x += y
        elif kind == _SUB:
            x -= y
        elif kind == _MUL:
            x = x * y
        elif kind == _SQUARED_DIFFERENCE:
            x -= y
            x = x * x
        elif kind == _MAXIMUM:
            if y > x:
                x = y
        elif kind == _MINIMUM:
            if y < x:
                x = y
        else:
            t = 0
            if kind == _EQUAL:
                if x == y:
                    t = 1
            elif kind == _NOT_EQUAL:
                if x != y:
                    t = 1
            elif kind == _GREATER:
                if x > y:
                    t = 1
            elif kind == _GREATER_EQUAL:
                if x >= y:
                    t = 1
            elif kind == _LESS:
                if x < y:
                    t = 1
            elif kind == _LESS_EQUAL:
                if x <= y:
                    t = 1
            elif kind == _LOGICAL_AND:
                t = x & y
            elif kind == _LOGICAL_OR:
                t = x | y
            x = t
        a[i] = x


# Words to elements of width bytes, clamped where narrower than a word.
@micropython.viper
def store(params, where: int, source, target, at: int, n: int):
    p = ptr32(params)
    h = ptr16(source)
    o8 = ptr8(target)
    o16 = ptr16(target)
    low = (p[where + _LOW] & _M ^ _S) - _S
    high = (p[where + _HIGH] & _M ^ _S) - _S
    width = p[where + _WIDTH]
    for i in range(n):
        if width == 4:
            o16[2 * (at + i)] = h[2 * i]
            o16[2 * (at + i) + 1] = h[2 * i + 1]
        else:
            x = ((h[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | h[2 * i]
            if low > x:
                x = low
            if high < x:
                x = high
            if width == 1:
                o8[at + i] = x
            else:
                o16[at + i] = x


class Binary(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.kind = number(params, _KIND)
        self.flags = number(params, _FLAGS)
        self.left = inputs[0].raw
        self.right = inputs[1].raw
        self.target = target.raw
        chunk = number(params, _CHUNK, 1)
        bounds.fits("scratch", scratch, chunk, 8)
        self.a = scratch[: 4 * chunk]
        self.b = scratch[4 * chunk : 8 * chunk]
        count = number(params, _COUNT)
        bounds.loading(params, _LEFT, self.left, count, "input 0")
        bounds.loading(params, _RIGHT, self.right, count, "input 1")
        bounds.factor(params, _LEFT_FACTOR)
        bounds.factor(params, _RIGHT_FACTOR)
        if self.flags & _SCALE_RESULT:
            bounds.scaling(params, _RESULT, count, self.target, self.a, chunk)
        else:
            bounds.fits("output", self.target, count, bounds.width(params, _RESULT + _WIDTH))
        Operator.__init__(self, count, chunk)

    def block(self, at, n):
        p = self.params
        fixed.load(p, _LEFT, self.left, at, n, self.a)
        fixed.load(p, _RIGHT, self.right, at, n, self.b)
        flags = self.flags
        if flags & _SCALE_LEFT:
            fixed.scale(p, _LEFT_FACTOR, self.a, n)
        if flags & _SCALE_RIGHT:
            fixed.scale(p, _RIGHT_FACTOR, self.b, n)
        combine(self.kind, self.a, self.b, n)
        if flags & _SCALE_RESULT:
            fixed.finish(p, _RESULT, self.a, self.target, at, n)
        else:
            store(p, _RESULT, self.a, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Binary(params, inputs, outputs[0], scratch)
