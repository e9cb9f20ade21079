# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# An LSTM over a sequence. For every time step eight products of rows, then for some units at a time
# each gate, the cell state, the hidden state. Gates have 16 bits. Both states are tensors that the
# net keeps.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .curve import check, interpolate
from .dense import Rows
from .operator import Operator

# Words of the parameters; behind them those of products, and the table.
_UNITS = const(0)
_CHUNK = const(1)  # units of a step that is no product
_BATCHES = const(2)
_TIMES = const(3)
_FEATURES = const(4)
_WIDTH = const(5)  # bytes of an input, an output and the hidden state
_TIME_STRIDE = const(6)  # rows of the input from one time to the next
_BATCH_STRIDE = const(7)
_CLIP = const(8)  # of the cell state
_TANH = const(9)  # multiplier and shift of the cell state to a tangent's table
_FORGET = const(11)  # factors
_INPUT = const(14)
_HIDDEN = const(17)  # scaling of one channel
_ROWS = const(26)  # words at which the parameters of eight products are, and the table
_ACC = const(35)  # bytes of accumulators
_END = const(36)


# gate[i] plus other[i], saturated.
@micropython.viper
def add(gate, other, at: int, n: int):
    a = ptr16(gate)
    b = ptr16(other)
    for i in range(at, at + n):
        v = ((a[i] ^ 0x8000) - 0x8000) + ((b[i] ^ 0x8000) - 0x8000)
        if v > 32767:
            v = 32767
        if v < -32768:
            v = -32768
        a[i] = v


@micropython.viper
def multiply(left, right, product, at: int, n: int):
    a = ptr16(left)
    b = ptr16(right)
    o = ptr32(product)
    for i in range(n):
        o[i] = ((a[at + i] ^ 0x8000) - 0x8000) * ((b[at + i] ^ 0x8000) - 0x8000)


# cell[i] = the sum of two words, each and the sum saturated, clipped.
@micropython.viper
def accumulate(first, second, cell, clip: int, at: int, n: int):
    a = ptr16(first)
    b = ptr16(second)
    o = ptr16(cell)
    for i in range(n):
        v = ((a[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | a[2 * i]
        if v > 32767:
            v = 32767
        if v < -32768:
            v = -32768
        k = ((b[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | b[2 * i]
        if k > 32767:
            k = 32767
        if k < -32768:
            k = -32768
        v += k
        if v > 32767:
            v = 32767
        if v < -32768:
            v = -32768
        if clip:
            if v > clip:
                v = clip
            if v < -clip:
                v = -clip
        o[at + i] = v


@micropython.viper
def copy(source, target, at: int, n: int):
    a = ptr8(source)
    b = ptr8(target)
    for i in range(at, at + n):
        b[i] = a[i]


class Lstm(Operator):
    # Inputs: sequence, four weights of it, four of the hidden state, hidden state, cell state.
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        units = number(params, _UNITS, 1)
        width = number(params, _WIDTH, 1, 2)
        self.units = units
        self.width = width
        self.most = number(params, _CHUNK, 1)
        self.clip = number(params, _CLIP)
        self.factor = number(params, _TANH)
        self.shift = number(params, _TANH + 1)
        features = number(params, _FEATURES, 1) * width
        batches = number(params, _BATCHES, 1)
        times = number(params, _TIMES, 1)
        by_batch = number(params, _BATCH_STRIDE)
        by_time = number(params, _TIME_STRIDE)
        rows = (batches - 1) * by_batch + (times - 1) * by_time + 1
        fits("input", inputs[0].raw, rows, features)
        fits("output", target.raw, max(rows, batches * times), units * width)
        fits("hidden state", inputs[9].raw, batches * units, width)
        fits("cell state", inputs[10].raw, batches * units, 2)
        self.order = []
        for batch in range(batches):
            hidden = inputs[9].raw[batch * units * width : (batch + 1) * units * width]
            cell = inputs[10].raw[2 * batch * units : 2 * (batch + 1) * units]
            for time in range(times):
                row = batch * by_batch + time * by_time
                given = inputs[0].raw[row * features : (row + 1) * features]
                result = target.raw[row * units * width : (row + 1) * units * width]
                self.order.append((given, result, hidden, cell))
        acc = number(params, _ACC)
        size = -(-2 * units // 4) * 4
        at = acc
        gates = []
        for _ in range(9):
            gates.append(scratch[at : at + size])
            at += size
        self.gates = gates
        self.a = scratch[at : at + 4 * self.most]
        self.b = scratch[at + 4 * self.most : at + 8 * self.most]
        fits("scratch", scratch, at + 8 * self.most)
        for where in (_FORGET, _INPUT):
            bounds.factor(params, where)
        hidden = self.order[0][2]
        bounds.scaling(params, _HIDDEN, units, hidden, self.a, min(units, self.most))
        self.table = params[4 * number(params, _ROWS + 8) :]
        check(self.table, self.factor, self.shift)
        self.rows = []
        for i in range(8):
            block = params[4 * number(params, _ROWS + i) :]
            weights = inputs[1 + i].raw
            self.rows.append(
                Rows(block, weights, weights, gates[i], scratch[:acc], units, units, 0)
            )
            self.rows[i].check(self.order[0][0 if i < 4 else 2], units)
        self.reset()

    def reset(self):
        self.now = 0
        self.begin()
        for row in self.rows:
            row.reset()

    # At a place of the order.
    def begin(self):
        self.stage = 0
        self.at = 0
        for i in range(4):
            self.rows[i].source = self.order[self.now][0]
            self.rows[4 + i].source = self.order[self.now][2]

    def step(self):
        if self.stage < 8:
            if self.rows[self.stage].step():
                self.stage += 1
            return False
        n = self.units - self.at
        n = min(n, self.most)
        if self.stage < 12:
            self.gate(self.stage - 8, self.at, n)
        elif self.stage == 12:
            self.cell(self.at, n)
        else:
            self.hidden(self.at, n)
        self.at += n
        if self.at < self.units:
            return False
        self.at = 0
        self.stage += 1
        if self.stage < 14:
            return False
        done = self.now + 1 == len(self.order)
        self.now = 0 if done else self.now + 1
        self.begin()
        return done

    # Gates of input, forget, cell and output.
    def gate(self, i, at, n):
        gate = self.gates[i]
        add(gate, self.gates[4 + i], at, n)
        interpolate(0, 0, 0, 1 if i == 2 else 0, 3, 0, self.table, gate, gate, at, n)

    def cell(self, at, n):
        p = self.params
        gates = self.gates
        cell = self.order[self.now][3]
        multiply(cell, gates[1], self.a, at, n)
        fixed.scale(p, _FORGET, self.a, n)
        multiply(gates[0], gates[2], self.b, at, n)
        fixed.scale(p, _INPUT, self.b, n)
        accumulate(self.a, self.b, cell, self.clip, at, n)

    def hidden(self, at, n):
        place = self.order[self.now]
        tangent = self.gates[8]
        interpolate(0, 0, 0, 1, self.factor, self.shift, self.table, place[3], tangent, at, n)
        multiply(tangent, self.gates[3], self.a, at, n)
        fixed.finish(self.params, _HIDDEN, self.a, place[2], at, n)
        copy(place[2], place[1], at * self.width, n * self.width)


def make(params, inputs, outputs, scratch):
    return Lstm(params, inputs, outputs[0], scratch)
