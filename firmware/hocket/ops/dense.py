# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Dot products along contiguous rows: fully connected layers, and the core of convolutions whose
# windows were gathered.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .operator import Operator

# Words of the parameters.
_COUNT = const(0)  # of outputs
_CHUNK = const(1)  # most of them in a step
_PRIMITIVE = const(2)  # of a convolution
_SCALING = const(3)  # at which word the scaling is, and the biases
_BIAS = const(4)
_DEPTH = const(5)
_CHANNELS = const(6)
_TYPE = const(7)  # of inputs: int8 or int16
_WIDE = const(8)  # accumulators of 48 bits
_PART = const(9)  # most products of one output in a step
_END = const(10)

_INT8 = const(0)  # as ops.fixed._INT8


# Products first .. last of outputs at .. at + n into acc, of int8: four channels at once where a
# row has them. Inputs and weights count as their values plus 128. For inputs, what is too much is
# in the bias, as the zero point is; for weights, 128 times the sum of inputs is taken off.
#
# Viper keeps the first three locals in registers, and arguments come first: so w and u, which the
# caller gives as 0, are locals that are typed as arguments, and here and elsewhere are only that.
@micropython.viper
def dot8(w8: ptr8, w: int, u: int, params, source, acc, at: int, n: int, first: int, last: int):
    p = ptr32(params)
    x8 = ptr8(source)
    a = ptr32(acc)
    a16 = ptr16(acc)
    depth = p[_DEPTH]
    channels = p[_CHANNELS]
    back = 1 - 3 * depth
    channel = at % channels
    row = at // channels * depth
    i = 0
    while i < n:
        x = row + first
        w = channel * depth + first
        end = x + last - first
        k = p[_BIAS] + channel
        four = 0
        if n - i >= 4:
            if channels - channel >= 4:
                four = 1
        v0 = 0
        s = 0
        if four:
            v1 = 0
            v2 = 0
            v3 = 0
            while x < end:
                u = x8[x] ^ 0x80
                x += 1
                s += u
                v0 += (w8[w] ^ 0x80) * u
                w += depth
                v1 += (w8[w] ^ 0x80) * u
                w += depth
                v2 += (w8[w] ^ 0x80) * u
                w += depth
                v3 += (w8[w] ^ 0x80) * u
                w += back
            if first == 0:
                a[i] = p[k]
                a[i + 1] = p[k + 1]
                a[i + 2] = p[k + 2]
                a[i + 3] = p[k + 3]
            s = s << 7
            k = 2 * i
            a[i] = (((a16[k + 1] ^ 0x8000) - 0x8000) << 16 | a16[k]) + v0 - s
            a[i + 1] = (((a16[k + 3] ^ 0x8000) - 0x8000) << 16 | a16[k + 2]) + v1 - s
            a[i + 2] = (((a16[k + 5] ^ 0x8000) - 0x8000) << 16 | a16[k + 4]) + v2 - s
            a[i + 3] = (((a16[k + 7] ^ 0x8000) - 0x8000) << 16 | a16[k + 6]) + v3 - s
            i += 4
            channel += 4
        else:
            while x < end:
                u = x8[x] ^ 0x80
                x += 1
                s += u
                v0 += (w8[w] ^ 0x80) * u
                w += 1
            if first == 0:
                a[i] = p[k]
            k = 2 * i
            a[i] = (((a16[k + 1] ^ 0x8000) - 0x8000) << 16 | a16[k]) + v0 - (s << 7)
            i += 1
            channel += 1
        if channel == channels:
            channel = 0
            row += depth


# As dot8, of int16, one channel at a time; accumulators have a word, or two for 48 bits.
@micropython.viper
def dot16(w8: ptr8, w: int, x: int, params, source, acc, at: int, n: int, first: int, last: int):
    p = ptr32(params)
    p16 = ptr16(params)
    x16 = ptr16(source)
    a = ptr32(acc)
    a16 = ptr16(acc)
    depth = p[_DEPTH]
    channels = p[_CHANNELS]
    wide = p[_WIDE]
    bias = p[_BIAS]
    for i in range(n):
        channel = (at + i) % channels
        x = (at + i) // channels * depth + first
        w = channel * depth + first
        end = w + last - first
        if wide == 0:
            k = 2 * i
            if first:
                v = ((a16[k + 1] ^ 0x8000) - 0x8000) << 16 | a16[k]
            else:
                k = 2 * (bias + channel)
                v = ((p16[k + 1] ^ 0x8000) - 0x8000) << 16 | p16[k]
            while w < end:
                v += ((w8[w] ^ 0x80) - 0x80) * ((x16[x] ^ 0x8000) - 0x8000)
                x += 1
                w += 1
            a[i] = v
        else:
            if first:
                k = 4 * i
                s = a16[k]
                v = ((a16[k + 3] ^ 0x8000) - 0x8000) << 16 | a16[k + 2]
            else:
                k = 2 * (bias + 2 * channel)
                s = p16[k]
                v = ((p16[k + 3] ^ 0x8000) - 0x8000) << 16 | p16[k + 2]
            while w < end:
                # As many products as fit a word.
                k = w + 128
                if k > end:
                    k = end
                while w < k:
                    s += ((w8[w] ^ 0x80) - 0x80) * ((x16[x] ^ 0x8000) - 0x8000)
                    x += 1
                    w += 1
                v += s >> 16
                s = s & 0xFFFF
            a[2 * i] = s
            a[2 * i + 1] = v


# Outputs of rows in blocks: a step does some outputs of a block, or a part of the products of some.
# A block may begin with steps of its own, which put its rows where they are read.
class Rows(Operator):
    def __init__(self, params, source, weights, target, acc, count, outputs, before):
        self.params = params
        self.source = source
        self.weights = weights
        self.target = target
        self.acc = acc
        self.scaling = number(params, _SCALING)
        self.depth = number(params, _DEPTH, 1)
        self.narrow = number(params, _TYPE) == _INT8
        self.part = number(params, _PART, 1)
        self.parts = -(-self.depth // self.part)
        self.outputs = outputs
        self.most = number(params, _CHUNK, 1)
        self.all = count
        if outputs < 1:
            raise ValueError("no outputs")
        most = min(outputs, count)
        channels = number(params, _CHANNELS, 1)
        wide = 2 if number(params, _WIDE) else 1
        self.check(source, most)
        fits("weights", weights, channels, self.depth)
        fits("parameters", params, number(params, _BIAS) + wide * channels, 4)
        most = min(most, self.most)
        fits("scratch", acc, most, 4 * wide)
        bounds.scaling(params, self.scaling, count, target, acc, most)
        self.before = before
        self.steps = before + -(-outputs // self.most) * self.parts
        Operator.__init__(self, -(-count // outputs) * self.steps, 1)

    # Checks what holds the rows of some outputs.
    def check(self, source, outputs):
        rows = -(-outputs // number(self.params, _CHANNELS, 1))
        fits("input", source, rows * self.depth, 1 if self.narrow else 2)

    def block(self, at, n):
        base = at // self.steps * self.outputs
        at %= self.steps
        if at >= self.before:
            self.multiply(base, at - self.before)

    # One step's products; rows of the block lie at the source's start.
    def multiply(self, base, at):
        p = self.params
        output = at // self.parts * self.most
        n = self.outputs
        if n > self.all - base:
            n = self.all - base
        n -= output
        if n > self.most:
            n = self.most
        if n <= 0:
            return
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.depth:
            last = self.depth
        dot = dot8 if self.narrow else dot16
        dot(self.weights, 0, 0, p, self.source, self.acc, output, n, first, last)
        if last == self.depth:
            fixed.finish(p, self.scaling, self.acc, self.target, base + output, n)


def make(params, inputs, outputs, scratch):
    count = number(params, _COUNT, 1)
    source = inputs[0].raw
    return Rows(params, source, inputs[1].raw, outputs[0].raw, scratch, count, count, 0)
