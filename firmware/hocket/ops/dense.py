# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Dot products along contiguous rows: fully connected layers, and the core of convolutions whose
# windows were gathered; and products of two matrices that are both computed.
import micropython
from micropython import const

from . import fixed
from .operator import Operator, word

# Primitives.
_ROWS = const(0)
_MATRICES = const(1)

# Words of the parameters.
_SCALING = const(3)  # at which word the scaling is, and the biases
_BIAS = const(4)
_DEPTH = const(5)
_CHANNELS = const(6)
_TYPE = const(7)  # of inputs: 0 int8, 1 bytes with 128 added, 2 int16
_WIDE = const(8)  # accumulators of 48 bits
_PART = const(9)  # most products a step

# Of a product of matrices: strides in elements, and what is added to elements.
_COLUMNS = const(10)
_ROWS_COUNT = const(11)
_LEFT = const(12)  # strides of batch, row, product
_RIGHT = const(15)  # of batch, column, product
_LEFT_OFFSET = const(18)
_RIGHT_OFFSET = const(19)

_M = const(0x3FFFFFFF)
_S = const(0x20000000)


# Products first .. last of outputs at .. at + n into acc. An 8-bit input counts as its value plus
# 128: what is too much is in the bias, as the zero point is. Weights are int8.
@micropython.viper
def dot(params, source, weights, acc, at: int, n: int, first: int, last: int):
    p = ptr32(params)
    p16 = ptr16(params)
    x8 = ptr8(source)
    x16 = ptr16(source)
    w8 = ptr8(weights)
    a = ptr32(acc)
    a16 = ptr16(acc)
    depth = p[_DEPTH]
    channels = p[_CHANNELS]
    kind = p[_TYPE]
    wide = p[_WIDE]
    bias = p[_BIAS]
    for i in range(n):
        channel = (at + i) % channels
        x = (at + i) // channels * depth + first
        w = channel * depth + first
        end = w + last - first
        low = 0
        if first:
            k = 2 * i
            v = ((a16[k + 1] ^ 0x8000) - 0x8000) << 16 | a16[k]
            if wide:
                k = 4 * i
                low = a16[k]
                v = ((a16[k + 3] ^ 0x8000) - 0x8000) << 16 | a16[k + 2]
        elif wide:
            k = 2 * (bias + 2 * channel)
            low = p16[k]
            v = ((p16[k + 3] ^ 0x8000) - 0x8000) << 16 | p16[k + 2]
        else:
            k = 2 * (bias + channel)
            v = ((p16[k + 1] ^ 0x8000) - 0x8000) << 16 | p16[k]
        if kind == 0:
            while w < end:
                v += (x8[x] ^ 0x80) * ((w8[w] ^ 0x80) - 0x80)
                x += 1
                w += 1
        elif kind == 1:
            while w < end:
                v += x8[x] * ((w8[w] ^ 0x80) - 0x80)
                x += 1
                w += 1
        elif wide == 0:
            while w < end:
                v += ((x16[x] ^ 0x8000) - 0x8000) * ((w8[w] ^ 0x80) - 0x80)
                x += 1
                w += 1
        else:
            while w < end:
                # As many products as fit a word.
                k = w + 128
                if k > end:
                    k = end
                s = low
                while w < k:
                    s += ((x16[x] ^ 0x8000) - 0x8000) * ((w8[w] ^ 0x80) - 0x80)
                    x += 1
                    w += 1
                low = s & 0xFFFF
                v += s >> 16
        if wide:
            a[2 * i] = low
            a[2 * i + 1] = v
        else:
            a[i] = v


# Outputs at .. at + n of a product of matrices.
@micropython.viper
def multiply(params, left, right, acc, at: int, n: int):
    p = ptr32(params)
    l8 = ptr8(left)
    l16 = ptr16(left)
    r8 = ptr8(right)
    r16 = ptr16(right)
    a = ptr32(acc)
    depth = p[_DEPTH]
    columns = p[_COLUMNS]
    rows = p[_ROWS_COUNT]
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
        v = 0
        low = 0
        if kind == 0:
            for _ in range(depth):
                v += ((l8[x] ^ 0x80) - 0x80 + offset_l) * ((r8[y] ^ 0x80) - 0x80 + offset_r)
                x += step_l
                y += step_r
            a[i] = v
        else:
            for _ in range(depth):
                # Each product fills a word.
                s = ((l16[x] ^ 0x8000) - 0x8000) * ((r16[y] ^ 0x8000) - 0x8000)
                low += s & 0xFFFF
                v += (s >> 16) + (low >> 16)
                low = low & 0xFFFF
                x += step_l
                y += step_r
            a[2 * i] = low
            a[2 * i + 1] = v


class Rows(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.source = inputs[0].raw
        self.weights = inputs[1].raw
        self.target = target.raw
        self.acc = scratch
        self.scaling = word(params, _SCALING)
        self.depth = word(params, _DEPTH)
        self.part = word(params, _PART)
        self.parts = -(-self.depth // self.part)
        Operator.__init__(self, word(params, 0) * self.parts, word(params, 1))

    def block(self, at, n):
        p = self.params
        if self.parts == 1:
            dot(p, self.source, self.weights, self.acc, at, n, 0, self.depth)
            fixed.finish(p, self.scaling, self.acc, self.target, at, n)
            return
        # One part of one row.
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.depth:
            last = self.depth
        at //= self.parts
        dot(p, self.source, self.weights, self.acc, at, 1, first, last)
        if last == self.depth:
            fixed.finish(p, self.scaling, self.acc, self.target, at, 1)


class Matrices(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.left = inputs[0].raw
        self.right = inputs[1].raw
        self.target = target.raw
        self.acc = scratch
        self.scaling = word(params, _SCALING)
        Operator.__init__(self, word(params, 0), word(params, 1))

    def block(self, at, n):
        multiply(self.params, self.left, self.right, self.acc, at, n)
        fixed.finish(self.params, self.scaling, self.acc, self.target, at, n)


def make(params, inputs, outputs, scratch):
    kind = Matrices if word(params, 2) == _MATRICES else Rows
    return kind(params, inputs, outputs[0], scratch)
