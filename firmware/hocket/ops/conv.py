# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Convolutions, by two primitives: directly, with every product's place checked against the edges;
# or by gathering each window into scratch once, for all channels.
import micropython
from micropython import const

from . import fixed
from .dense import dot
from .operator import Operator, word

# Primitives.
_DIRECT = const(0)
_WINDOW = const(1)

# Words of the parameters; up to _WIDE as those of rows.
_SCALING = const(3)
_BIAS = const(4)
_DEPTH = const(5)  # of a window, or of what is multiplied of it
_CHANNELS = const(6)
_TYPE = const(7)
_WIDE = const(8)
_PART = const(9)  # most products of one output in a step
_HEIGHT = const(10)  # of the input
_WIDTH = const(11)
_INPUT_DEPTH = const(12)
_OUT_HEIGHT = const(13)
_OUT_WIDTH = const(14)
_KERNEL_Y = const(15)
_KERNEL_X = const(16)
_STRIDE_Y = const(17)
_STRIDE_X = const(18)
_DILATION_Y = const(19)
_DILATION_X = const(20)
_PAD_Y = const(21)
_PAD_X = const(22)
_OFFSET = const(23)
_GATHERED = const(25)  # most places of a window in a step
_ALONE = const(26)  # whether windows are gathered in steps of their own
_MULTIPLIER = const(24)  # channels an input channel, of a depthwise convolution; else 0

_M = const(0x3FFFFFFF)
_S = const(0x20000000)


# Accumulators of outputs at .. at + n.
@micropython.viper
def convolve(params, source, weights, acc, at: int, n: int):
    p = ptr32(params)
    p16 = ptr16(params)
    x8 = ptr8(source)
    x16 = ptr16(source)
    w8 = ptr8(weights)
    a = ptr32(acc)
    channels = p[_CHANNELS]
    wide = p[_WIDE]
    depth = p[_INPUT_DEPTH]
    ky_count = p[_KERNEL_Y]
    kx_count = p[_KERNEL_X]
    multiplier = p[_MULTIPLIER]
    narrow = 1 if p[_TYPE] == 0 else 0
    offset = (p[_OFFSET] & _M ^ _S) - _S
    # An 8-bit value is loaded with 128 added.
    if narrow:
        offset -= 128
    count = depth
    step = 1
    if multiplier:
        count = 1
    for i in range(n):
        k = at + i
        channel = k % channels
        k = k // channels
        left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - p[_PAD_X]
        k = k // p[_OUT_WIDTH]
        y = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - p[_PAD_Y]
        batch = k // p[_OUT_HEIGHT] * p[_HEIGHT]
        low = 0
        if wide:
            k = 2 * (p[_BIAS] + 2 * channel)
            low = p16[k]
            v = ((p16[k + 3] ^ 0x8000) - 0x8000) << 16 | p16[k + 2]
        else:
            k = 2 * (p[_BIAS] + channel)
            v = ((p16[k + 1] ^ 0x8000) - 0x8000) << 16 | p16[k]
        for ky in range(ky_count):
            if y >= 0:
                if y < p[_HEIGHT]:
                    x = left
                    for kx in range(kx_count):
                        if x >= 0:
                            if x < p[_WIDTH]:
                                j = ((batch + y) * p[_WIDTH] + x) * depth
                                if multiplier:
                                    j += channel // multiplier
                                    w = (ky * kx_count + kx) * channels + channel
                                else:
                                    w = ((channel * ky_count + ky) * kx_count + kx) * depth
                                end = w + count
                                if narrow:
                                    while w < end:
                                        v += ((x8[j] ^ 0x80) + offset) * ((w8[w] ^ 0x80) - 0x80)
                                        j += step
                                        w += 1
                                elif wide == 0:
                                    while w < end:
                                        v += ((x16[j] ^ 0x8000) - 0x8000) * ((w8[w] ^ 0x80) - 0x80)
                                        j += step
                                        w += 1
                                else:
                                    while w < end:
                                        # As many products as fit a word.
                                        k = w + 128
                                        if k > end:
                                            k = end
                                        s = low
                                        while w < k:
                                            s += ((x16[j] ^ 0x8000) - 0x8000) * (
                                                (w8[w] ^ 0x80) - 0x80
                                            )
                                            j += step
                                            w += 1
                                        low = s & 0xFFFF
                                        v += s >> 16
                        x += p[_DILATION_X]
            y += p[_DILATION_Y]
        if wide:
            a[2 * i] = low
            a[2 * i + 1] = v
        else:
            a[i] = v


# Places first .. last of the window of one output pixel, each byte with 128 added; outside the
# input they are zero points.
@micropython.viper
def gather(params, source, window, pixel: int, first: int, last: int):
    p = ptr32(params)
    x8 = ptr8(source)
    o = ptr8(window)
    depth = p[_INPUT_DEPTH]
    pad = 128 - ((p[_OFFSET] & _M ^ _S) - _S)
    k = pixel
    left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - p[_PAD_X]
    k = k // p[_OUT_WIDTH]
    top = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - p[_PAD_Y]
    batch = k // p[_OUT_HEIGHT] * p[_HEIGHT]
    i = first * depth
    for place in range(first, last):
        y = top + place // p[_KERNEL_X] * p[_DILATION_Y]
        x = left + place % p[_KERNEL_X] * p[_DILATION_X]
        end = i + depth
        inside = 0
        if y >= 0:
            if y < p[_HEIGHT]:
                if x >= 0:
                    if x < p[_WIDTH]:
                        inside = 1
        if inside:
            j = ((batch + y) * p[_WIDTH] + x) * depth
            while i < end:
                o[i] = x8[j] ^ 0x80
                j += 1
                i += 1
        else:
            while i < end:
                o[i] = pad
                i += 1


class Direct(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.source = inputs[0].raw
        self.weights = inputs[1].raw
        self.target = target.raw
        self.acc = scratch
        self.scaling = word(params, _SCALING)
        Operator.__init__(self, word(params, 0), word(params, 1))

    def block(self, at, n):
        convolve(self.params, self.source, self.weights, self.acc, at, n)
        fixed.finish(self.params, self.scaling, self.acc, self.target, at, n)


# A step does some channels of one pixel, or a part of one; a large window is gathered in steps of
# its own.
class Window(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.source = inputs[0].raw
        self.weights = inputs[1].raw
        self.target = target.raw
        self.scaling = word(params, _SCALING)
        self.channels = word(params, _CHANNELS)
        self.depth = word(params, _DEPTH)
        self.most = word(params, 1)
        self.groups = -(-self.channels // self.most)
        self.part = word(params, _PART)
        self.parts = -(-self.depth // self.part)
        self.places = word(params, _KERNEL_Y) * word(params, _KERNEL_X)
        self.gathered = word(params, _GATHERED)
        self.gathers = 0  # with the first channels
        if word(params, _ALONE):
            self.gathers = -(-self.places // self.gathered)
        self.steps = self.gathers + self.groups * self.parts
        self.acc = scratch[: 4 * self.most]
        self.window = scratch[4 * self.most :]
        Operator.__init__(self, word(params, 0) // self.channels * self.steps, 1)

    def block(self, at, n):
        pixel = at // self.steps
        at %= self.steps
        if at < self.gathers or at == 0:
            first = at * self.gathered
            last = first + self.gathered
            if last > self.places:
                last = self.places
            gather(self.params, self.source, self.window, pixel, first, last)
            if self.gathers:
                return
        self.multiply(pixel, at - self.gathers)

    def multiply(self, pixel, at):
        p = self.params
        channel = at // self.parts * self.most
        n = self.channels - channel
        if n > self.most:
            n = self.most
        first = at % self.parts * self.part
        last = first + self.part
        if last > self.depth:
            last = self.depth
        dot(p, self.window, self.weights, self.acc, channel, n, first, last)
        if last == self.depth:
            place = pixel * self.channels + channel
            fixed.finish(p, self.scaling, self.acc, self.target, place, n)


def make(params, inputs, outputs, scratch):
    kind = Window if word(params, 2) == _WINDOW else Direct
    return kind(params, inputs, outputs[0], scratch)
