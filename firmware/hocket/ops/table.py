# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Any function of one 8-bit element, as a table of what each value gives: 1, 2 or 4 bytes.
import micropython
from micropython import const

from .bounds import fits, number, width
from .operator import Operator

# Words of the parameters; behind them the table, in the order of the stored byte.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_WIDTH = const(2)  # bytes of an entry
_UNUSED = const(3)
_TABLE = const(4)


@micropython.viper
def look_up(table, width: int, source, target, at: int, n: int):
    a = ptr8(source)
    if width == 1:
        t = ptr8(table)
        o = ptr8(target)
        for i in range(at, at + n):
            o[i] = t[a[i]]
    else:
        t16 = ptr16(table)
        o16 = ptr16(target)
        if width == 2:
            for i in range(at, at + n):
                o16[i] = t16[a[i]]
        else:
            for i in range(at, at + n):
                k = 2 * a[i]
                o16[2 * i] = t16[k]
                o16[2 * i + 1] = t16[k + 1]


class Table(Operator):
    def __init__(self, params, source, target):
        self.width = width(params, _WIDTH)
        fits("parameters", params, 4 * _TABLE + 256 * self.width)
        self.table = params[4 * _TABLE : 4 * _TABLE + 256 * self.width]
        self.source = source.raw
        self.target = target.raw
        count = number(params, _COUNT)
        fits("input", self.source, count)
        fits("output", self.target, count, self.width)
        Operator.__init__(self, count, number(params, _CHUNK, 1))

    def block(self, at, n):
        look_up(self.table, self.width, self.source, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Table(params, inputs[0], outputs[0])
