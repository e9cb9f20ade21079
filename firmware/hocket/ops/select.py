# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# One of two operands by a condition, element by element, with any broadcast.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import number
from .operator import Operator
from .reduce import narrow

# Words of the parameters.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_WIDTH = const(2)  # bytes of one
_UNUSED = const(3)
_CONDITION = const(4)  # loadings of the condition and the operands
_LEFT = const(18)
_RIGHT = const(32)
_END = const(46)


# b[i] = a[i] where the condition holds, over words.
@micropython.viper
def choose(condition, left, right, n: int):
    c = ptr16(condition)
    a = ptr16(left)
    b = ptr16(right)
    for i in range(n):
        if c[2 * i]:
            b[2 * i] = a[2 * i]
            b[2 * i + 1] = a[2 * i + 1]


class Select(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.condition = inputs[0].raw
        self.left = inputs[1].raw
        self.right = inputs[2].raw
        self.target = target.raw
        self.width = bounds.width(params, _WIDTH)
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        bounds.fits("scratch", scratch, chunk, 12)
        bounds.loading(params, _CONDITION, self.condition, count, "input 0")
        bounds.loading(params, _LEFT, self.left, count, "input 1")
        bounds.loading(params, _RIGHT, self.right, count, "input 2")
        bounds.fits("output", self.target, count, self.width)
        self.c = scratch[: 4 * chunk]
        self.a = scratch[4 * chunk : 8 * chunk]
        self.b = scratch[8 * chunk : 12 * chunk]
        Operator.__init__(self, count, chunk)

    def block(self, at, n):
        p = self.params
        fixed.load(p, _CONDITION, self.condition, at, n, self.c)
        fixed.load(p, _LEFT, self.left, at, n, self.a)
        fixed.load(p, _RIGHT, self.right, at, n, self.b)
        choose(self.c, self.a, self.b, n)
        narrow(self.b, self.target, self.width, at, n)


def make(params, inputs, outputs, scratch):
    return Select(params, inputs, outputs[0], scratch)
