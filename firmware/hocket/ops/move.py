# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Everything that only moves elements: reshapes, joins, splits, slices, pads, transpositions,
# variables. The host turns each into fills and copies along five axes.
import micropython
from micropython import const

from .bounds import fits, number
from .operator import Operator, word

_M = const(0x3FFFFFFF)
_S = const(0x20000000)

# Primitives.
_BLOCKS = const(0)
_STRIDED = const(1)

# Words of a piece. Rows are what the four outer axes count; a row has n4 runs of bytes.
_SOURCE = const(0)  # index of an input; _FILL: the value instead
_TARGET = const(1)
_VALUE = const(2)  # of each byte of a run: little-endian, repeated every _RUN bytes
_RUN = const(3)
_SIZES = const(4)
_FROM = const(9)  # strides in bytes
_TO = const(14)
_FROM_AT = const(19)
_TO_AT = const(20)
_PIECE = const(21)
_FILL = const(255)


class _Key:
    def __getitem__(self, key):
        return key


_ALL = _Key()[:]  # made once, because a slice is an object


# Rows at .. at + n of one piece.
@micropython.viper
def copy_rows(params, piece: int, source, target, at: int, n: int):
    p = ptr32(params)
    a = ptr8(source)
    b = ptr8(target)
    run = p[piece + _RUN]
    count = p[piece + _SIZES + 4]
    da = (p[piece + _FROM + 4] & _M ^ _S) - _S
    db = (p[piece + _TO + 4] & _M ^ _S) - _S
    for row in range(at, at + n):
        i = (p[piece + _FROM_AT] & _M ^ _S) - _S
        j = p[piece + _TO_AT]
        k = row
        for axis in range(3, -1, -1):
            size = p[piece + _SIZES + axis]
            if size > 1:
                c = k % size
                k = k // size
                i += c * ((p[piece + _FROM + axis] & _M ^ _S) - _S)
                j += c * ((p[piece + _TO + axis] & _M ^ _S) - _S)
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


# Checks where a piece goes in a view: from a place on, by the strides at a word of it.
def _reach(what, view, params, piece, strides, start):
    end = start + number(params, piece + _RUN, 1)
    for axis in range(5):
        n = (number(params, piece + _SIZES + axis, 1) - 1) * word(params, piece + strides + axis)
        if n < 0:
            start += n
        else:
            end += n
    if start < 0:
        raise ValueError("%s: access before it, at %d" % (what, start))
    fits(what, view, end)


# Target and source of block i.
def _block(params, i, inputs, outputs):
    source, target, a, b, n = [number(params, 3 + 5 * i + k) for k in range(5)]
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
        self.pieces = []
        at = 3
        for _ in range(number(params, 2, 1)):
            source = number(params, at + _SOURCE)
            if source == _FILL:
                self.sources.append(params[4 * (at + _VALUE) : 4 * (at + _VALUE) + 4])
            else:
                self.sources.append(inputs[source].raw)
            self.targets.append(outputs[number(params, at + _TARGET)].raw)
            _reach("input", self.sources[-1], params, at, _FROM, word(params, at + _FROM_AT))
            _reach("output", self.targets[-1], params, at, _TO, number(params, at + _TO_AT))
            rows = 1
            for axis in range(4):
                rows *= number(params, at + _SIZES + axis)
            # More than one write of each byte would only take time.
            row = number(params, at + _SIZES + 4) * number(params, at + _RUN)
            fits("output", self.targets[-1], rows, row)
            self.pieces.append((at, rows))
            at += _PIECE
        self.piece = 0
        Operator.__init__(self, 0, number(params, 1, 1))
        self.reset()

    def reset(self):
        self.piece = 0
        self.at = 0
        self.count = self.pieces[0][1]

    def step(self):
        if not Operator.step(self):
            return False
        piece = self.piece + 1
        if piece == len(self.pieces):
            self.reset()
            return True
        self.piece = piece
        self.count = self.pieces[piece][1]
        return False

    def block(self, at, n):
        i = self.piece
        copy_rows(self.params, self.pieces[i][0], self.sources[i], self.targets[i], at, n)


# Copies of whole blocks, by the interpreter's own copying. A step is short enough that the way to
# it counts: it neither calls a method of its own nor counts items.
class Blocks:
    # A block is (input, output, from, to, bytes); a step does some.
    def __init__(self, params, inputs, outputs):
        some = number(params, 1, 1)
        blocks = []
        for i in range(number(params, 2, 1)):
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
    if number(params, 0) == _BLOCKS:
        return (Block if number(params, 2) == 1 else Blocks)(params, inputs, outputs)
    return Strided(params, inputs, outputs)
