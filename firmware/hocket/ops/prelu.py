# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Elements as they are where positive, and times a slope, which is an operand, where negative.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import number
from .operator import Operator

# Words of the parameters; behind them the scaling of the result.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_LEFT = const(2)  # loadings of both operands, then factors of elements and of products
_RIGHT = const(16)
_POSITIVE = const(30)
_NEGATIVE = const(33)
_RESULT = const(36)


# product[i] = given[i] * product[i], over words.
@micropython.viper
def multiply(given, product, n: int):
    a = ptr16(given)
    b = ptr16(product)
    o = ptr32(product)
    for i in range(n):
        x = ((a[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | a[2 * i]
        o[i] = x * (((b[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | b[2 * i])


# positive[i] = negative[i] where given[i] is negative, over words.
@micropython.viper
def choose(given, positive, negative, n: int):
    g = ptr16(given)
    a = ptr16(positive)
    b = ptr16(negative)
    for i in range(n):
        if g[2 * i + 1] & 0x8000:
            a[2 * i] = b[2 * i]
            a[2 * i + 1] = b[2 * i + 1]


class Prelu(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.source = inputs[0].raw
        self.slopes = inputs[1].raw
        self.target = target.raw
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        bounds.fits("scratch", scratch, chunk, 12)
        bounds.loading(params, _LEFT, self.source, count, "input 0")
        bounds.loading(params, _RIGHT, self.slopes, count, "input 1")
        bounds.factor(params, _POSITIVE)
        bounds.factor(params, _NEGATIVE)
        bounds.scaling(params, _RESULT, count, self.target, scratch[: 4 * chunk], chunk)
        self.given = scratch[: 4 * chunk]
        self.a = scratch[4 * chunk : 8 * chunk]
        self.b = scratch[8 * chunk : 12 * chunk]
        Operator.__init__(self, count, chunk)

    def block(self, at, n):
        p = self.params
        fixed.load(p, _LEFT, self.source, at, n, self.given)
        fixed.load(p, _LEFT, self.source, at, n, self.a)
        fixed.load(p, _RIGHT, self.slopes, at, n, self.b)
        multiply(self.given, self.b, n)
        fixed.scale(p, _POSITIVE, self.a, n)
        fixed.scale(p, _NEGATIVE, self.b, n)
        choose(self.given, self.a, self.b, n)
        fixed.finish(p, _RESULT, self.a, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Prelu(params, inputs, outputs[0], scratch)
