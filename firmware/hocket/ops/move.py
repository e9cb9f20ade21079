# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Everything that only moves elements: reshapes, joins, splits, slices, pads, transpositions,
# variables. The host turns each into fills and copies along five axes.
import micropython
from micropython import const

from .bounds import fits, number
from .operator import Operator, word

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S

# Words of the parameters; behind them the copies or the blocks.
_PRIMITIVE = const(0)
_CHUNK = const(1)  # most rows in a step, or blocks
_COPIES = const(2)  # how many
_FIRST = const(3)

_BLOCK = const(5)  # words of a block: input, output, from, to, bytes

# Primitives.
_BLOCKS = const(0)
_STRIDED = const(1)

# Words of a copy. Rows are what the four outer axes count; a row has n4 runs of bytes.
_SOURCE = const(0)  # index of an input; _FILL: the value instead
_TARGET = const(1)
_VALUE = const(2)  # of each byte of a run: little-endian, repeated every _RUN bytes
_RUN = const(3)
_SIZES = const(4)
_READ = const(9)  # strides in bytes
_WRITTEN = const(14)
_READ_AT = const(19)
_WRITTEN_AT = const(20)
_COPY = const(21)

_FILL = const(255)


class _Key:
    def __getitem__(self, key):
        return key


_ALL = _Key()[:]  # made once, because a slice is an object


# Rows at .. at + n of one copy.
@micropython.viper
def copy_rows(params, copy: int, source, target, at: int, n: int):
    p = ptr32(params)
    a = ptr8(source)
    b = ptr8(target)
    run = p[copy + _RUN]
    count = p[copy + _SIZES + 4]
    da = (p[copy + _READ + 4] & _M ^ _S) - _S
    db = (p[copy + _WRITTEN + 4] & _M ^ _S) - _S
    for row in range(at, at + n):
        i = (p[copy + _READ_AT] & _M ^ _S) - _S
        j = p[copy + _WRITTEN_AT]
        k = row
        for axis in range(3, -1, -1):
            size = p[copy + _SIZES + axis]
            if size > 1:
                c = k % size
                k = k // size
                i += c * ((p[copy + _READ + axis] & _M ^ _S) - _S)
                j += c * ((p[copy + _WRITTEN + axis] & _M ^ _S) - _S)
        if run == 1:
            for _ in range(count):
                b[j] = a[i]
                i += da
                j += db
        else:
            for _ in range(count):
                for k in range(run):
                    b[j + k] = a[i + k]
                i += da
                j += db


# Checks where a copy goes in a view: from a place on, by the strides at a word of it.
def _reach(what, view, params, copy, strides, start):
    end = start + number(params, copy + _RUN, 1)
    for axis in range(5):
        n = (number(params, copy + _SIZES + axis, 1) - 1) * word(params, copy + strides + axis)
        if n < 0:
            start += n
        else:
            end += n
    if start < 0:
        raise ValueError("%s: access before it, at %d" % (what, start))
    fits(what, view, end)


# Target and source of block i.
def _block(params, i, inputs, outputs):
    source, target, a, b, n = [number(params, _FIRST + _BLOCK * i + k) for k in range(_BLOCK)]
    source = inputs[source].raw
    target = outputs[target].raw
    fits("input", source, a + n)
    fits("output", target, b + n)
    return target[b : b + n], source[a : a + n]


# Some copies after each other, each of some rows.
class Strided(Operator):
    def __init__(self, params, inputs, outputs):
        self.params = params
        self.sources = []
        self.targets = []
        self.copies = []
        at = _FIRST
        for _ in range(number(params, _COPIES, 1)):
            source = number(params, at + _SOURCE)
            if source == _FILL:
                self.sources.append(params[4 * (at + _VALUE) : 4 * (at + _VALUE) + 4])
            else:
                self.sources.append(inputs[source].raw)
            self.targets.append(outputs[number(params, at + _TARGET)].raw)
            _reach("input", self.sources[-1], params, at, _READ, word(params, at + _READ_AT))
            _reach(
                "output", self.targets[-1], params, at, _WRITTEN, number(params, at + _WRITTEN_AT)
            )
            rows = 1
            for axis in range(4):
                rows *= number(params, at + _SIZES + axis)
            # More than one write of each byte would only take time.
            row = number(params, at + _SIZES + 4) * number(params, at + _RUN)
            fits("output", self.targets[-1], rows, row)
            self.copies.append((at, rows))
            at += _COPY
        self.copy = 0
        Operator.__init__(self, 0, number(params, _CHUNK, 1))
        self.reset()

    def reset(self):
        self.copy = 0
        self.at = 0
        self.count = self.copies[0][1]

    def step(self):
        if not Operator.step(self):
            return False
        copy = self.copy + 1
        if copy == len(self.copies):
            self.reset()
            return True
        self.copy = copy
        self.count = self.copies[copy][1]
        return False

    def block(self, at, n):
        i = self.copy
        copy_rows(self.params, self.copies[i][0], self.sources[i], self.targets[i], at, n)


# Copies of whole blocks, by the interpreter's own copying. A step is short enough that the way to
# it counts: it neither calls a method of its own nor counts items.
class Blocks:
    # A step does some blocks.
    def __init__(self, params, inputs, outputs):
        some = number(params, _CHUNK, 1)
        blocks = []
        for i in range(number(params, _COPIES, 1)):
            blocks.append(_block(params, i, inputs, outputs))
        self.steps = [blocks[i : i + some] for i in range(0, len(blocks), some)]
        self.at = 0

    def step(self):
        at = self.at
        steps = self.steps
        every = _ALL
        for target, source in steps[at]:
            target[every] = source
        at += 1
        if at < len(steps):
            self.at = at
            return False
        self.at = 0
        return True

    def reset(self):
        self.at = 0


# A copy of one block.
class Block:
    def __init__(self, params, inputs, outputs):
        self.target, self.source = _block(params, 0, inputs, outputs)

    def step(self):
        self.target[_ALL] = self.source
        return True

    def reset(self):
        pass


def make(params, inputs, outputs, scratch):
    if number(params, _PRIMITIVE) == _BLOCKS:
        return (Block if number(params, _COPIES) == 1 else Blocks)(params, inputs, outputs)
    return Strided(params, inputs, outputs)
