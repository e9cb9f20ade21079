# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# One frame through a filter bank of rank one or more: the state, which the net keeps, moves on by
# one; its newest column is the frame times the feature weights; then sums along time.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .dense import Rows
from .operator import Operator

# Words of the parameters; behind them biases, scaling, and parameters of products of rows.
_SHIFT_CHUNK = const(0)  # elements of the state moved in a step
_NEWEST_CHUNK = const(1)  # filters whose newest value is put into the state
_UNIT_CHUNK = const(2)  # outputs
_FILTERS = const(3)
_BATCHES = const(4)
_MEMORY = const(5)
_RANK = const(6)
_WIDTH = const(7)  # bytes of an element of the state
_ZERO = const(8)  # point of the state
_UNIT_BIAS = const(9)  # at which word
_UNIT_SCALING = const(10)
_FEATURES = const(11)  # at which word products of rows have their parameters
_ACC = const(12)  # bytes of accumulators
_END = const(13)

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Elements at .. at + n of the state become those one later.
@micropython.viper
def move_on(state, width: int, at: int, n: int):
    a = ptr8(state)
    for i in range(at * width, (at + n) * width):
        a[i] = a[i + width]


# Newest values of filters at .. at + n into the state.
@micropython.viper
def newest(params, values, state, at: int, n: int):
    p = ptr32(params)
    a8 = ptr8(values)
    a16 = ptr16(values)
    s8 = ptr8(state)
    s16 = ptr16(state)
    memory = p[_MEMORY]
    zero = (p[_ZERO] & _M ^ _S) - _S
    j = at * memory + memory - 1
    for i in range(n):
        if p[_WIDTH] == 1:
            s8[j] = a8[at + i] + zero
        else:
            s16[j] = a16[at + i]
        j += memory


# Accumulators of outputs at .. at + n.
@micropython.viper
def along_time(params, weights, state, acc, at: int, n: int):
    p = ptr32(params)
    p16 = ptr16(params)
    w8 = ptr8(weights)
    w16 = ptr16(weights)
    s8 = ptr8(state)
    s16 = ptr16(state)
    a = ptr32(acc)
    count = p[_MEMORY] * p[_RANK]
    units = p[_FILTERS] // p[_RANK]
    zero = (p[_ZERO] & _M ^ _S) - _S
    narrow = 1 if p[_WIDTH] == 1 else 0
    for i in range(n):
        unit = (at + i) % units
        k = 2 * (p[_UNIT_BIAS] + unit)
        v = ((p16[k + 1] ^ 0x8000) - 0x8000) << 16 | p16[k]
        k = unit * count
        j = (at + i) * count
        end = k + count
        while k < end:
            if narrow:
                v += ((w8[k] ^ 0x80) - 0x80) * ((s8[j] ^ 0x80) - 0x80 - zero)
            else:
                v += ((w16[k] ^ 0x8000) - 0x8000) * ((s16[j] ^ 0x8000) - 0x8000)
            k += 1
            j += 1
        a[i] = v


class Svdf(Operator):
    # Inputs: frame, feature weights, time weights, state.
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.times = inputs[2].raw
        self.state = inputs[3].raw
        self.target = target.raw
        self.width = number(params, _WIDTH, 1, 2)
        acc = number(params, _ACC)
        self.acc = scratch[:acc]
        self.values = scratch[acc:]
        filters = number(params, _BATCHES, 1) * number(params, _FILTERS, 1)
        self.rows = Rows(
            params[4 * number(params, _FEATURES) :],
            inputs[0].raw,
            inputs[1].raw,
            self.values,
            self.acc,
            filters,
            filters,
            0,
        )
        # (items, items a step) of the passes beside the products, which are the second.
        memory = number(params, _MEMORY, 1)
        rank = number(params, _RANK, 1, number(params, _FILTERS))
        chunk = number(params, _UNIT_CHUNK, 1)
        self.passes = (
            (filters * memory - 1, number(params, _SHIFT_CHUNK, 1)),
            (0, 0),
            (filters, number(params, _NEWEST_CHUNK, 1)),
            (filters // rank, chunk),
        )
        units = number(params, _FILTERS) // rank
        fits("state", self.state, filters * memory, self.width)
        fits("scratch", self.values, filters, self.width)
        fits("weights", self.times, units * rank * memory, self.width)
        fits("parameters", params, number(params, _UNIT_BIAS) + units, 4)
        most = min(chunk, filters // rank)
        fits("scratch", self.acc, most, 4)
        self.scaling = number(params, _UNIT_SCALING)
        bounds.scaling(params, self.scaling, filters // rank, self.target, self.acc, most)
        self.phase = 0
        Operator.__init__(self, 0, 0)
        self.reset()

    def reset(self):
        self.rows.reset()
        self.begin(0)

    def begin(self, phase):
        self.phase = phase
        self.at = 0
        self.count = self.passes[phase][0]
        self.chunk = self.passes[phase][1]

    def step(self):
        done = self.rows.step() if self.phase == 1 else Operator.step(self)
        if not done:
            return False
        phase = (self.phase + 1) % 4
        self.begin(phase)
        return phase == 0

    def block(self, at, n):
        p = self.params
        if self.phase == 0:
            move_on(self.state, self.width, at, n)
        elif self.phase == 2:
            newest(p, self.values, self.state, at, n)
        else:
            along_time(p, self.times, self.state, self.acc, at, n)
            fixed.finish(p, self.scaling, self.acc, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Svdf(params, inputs, outputs[0], scratch)
