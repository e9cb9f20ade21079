# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Convolutions, by three primitives: directly, with every product's place checked against the edges;
# by gathering the windows of some pixels into scratch, as rows of a product for all channels; and,
# where channels do not mix, place by place for some channels of a pixel at once.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import fits, number
from .dense import Rows
from .operator import Operator

# Primitives.
_DIRECT = const(0)
_WINDOW = const(1)
_PLACES = const(2)

# Words of the parameters, the first ten as those of rows.
_COUNT = const(0)  # as ops.dense._COUNT
_CHUNK = const(1)  # as ops.dense._CHUNK
_PRIMITIVE = const(2)  # as ops.dense._PRIMITIVE
_SCALING = const(3)  # as ops.dense._SCALING
_BIAS = const(4)  # as ops.dense._BIAS
_DEPTH = const(5)  # as ops.dense._DEPTH
_CHANNELS = const(6)  # as ops.dense._CHANNELS
_TYPE = const(7)  # as ops.dense._TYPE
_WIDE = const(8)  # as ops.dense._WIDE
_PART = const(9)  # as ops.dense._PART
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
_OFFSET = const(23)  # added to elements of the input
_MULTIPLIER = const(24)  # channels an input channel, of a depthwise convolution; else 0
_GATHERED = const(25)  # most places of a window in a step
_PIXELS = const(26)  # whose windows are gathered together
_PIXEL_BYTES = const(27)  # of the input
_UP_Y = const(28)  # rows and columns of a window's places to one of the input; 1 but transposed
_UP_X = const(29)
_END = const(30)

_INT8 = const(0)  # as ops.fixed._INT8

_MOST_UP = const(0x1FFFFFFF)

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S


# Accumulators of outputs at .. at + n, each in three steps: where its window lies, its bias, and
# the products of the window's places inside the input. Weights lie as the schema has them:
#
#   deep       (channel, ky, kx, input channel)    an output sees all channels of the input
#   depthwise  (ky, kx, channel)                   an output sees channel // multiplier
#
# An accumulator is a word; a wide one is two, of which the first has the low 16 bits.
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
    # Compared without sign, what lies before the input is beyond it.
    height = uint(p[_HEIGHT])
    width = uint(p[_WIDTH])
    narrow = 1 if p[_TYPE] == _INT8 else 0
    offset = (p[_OFFSET] & _M ^ _S) - _S
    # An 8-bit value is loaded with 128 added.
    if narrow:
        offset -= 128
    count = 1 if multiplier else depth
    for i in range(n):
        # The window.
        k = at + i
        channel = k % channels
        k = k // channels
        left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - p[_PAD_X]
        k = k // p[_OUT_WIDTH]
        y = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - p[_PAD_Y]
        batch = k // p[_OUT_HEIGHT] * p[_HEIGHT]
        # The bias.
        low = 0
        if wide:
            k = 2 * (p[_BIAS] + 2 * channel)
            low = p16[k]
            v = ((p16[k + 3] ^ 0x8000) - 0x8000) << 16 | p16[k + 2]
        else:
            k = 2 * (p[_BIAS] + channel)
            v = ((p16[k + 1] ^ 0x8000) - 0x8000) << 16 | p16[k]
        # The products, of a place of the window at a time.
        for ky in range(ky_count):
            if uint(y) < height:
                x = left
                for kx in range(kx_count):
                    if uint(x) < width:
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
                                j += 1
                                w += 1
                        elif wide == 0:
                            while w < end:
                                v += ((x16[j] ^ 0x8000) - 0x8000) * ((w8[w] ^ 0x80) - 0x80)
                                j += 1
                                w += 1
                        while w < end:
                            # Into a wide accumulator, as many products as fit a word.
                            k = w + 128
                            if k > end:
                                k = end
                            s = low
                            while w < k:
                                s += ((x16[j] ^ 0x8000) - 0x8000) * ((w8[w] ^ 0x80) - 0x80)
                                j += 1
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


# Places first .. last of the windows of some pixels, in order; outside the input they are zero
# points. i and j are only registers, as of dense.dot8, and o8 is the window, which o32 is, too.
@micropython.viper
def gather(
    i: int, j: int, o8: ptr8, params, source, window, pixel: int, pixels: int, first: int, last: int
):
    p = ptr32(params)
    x8 = ptr8(source)
    x32 = ptr32(source)
    o32 = ptr32(window)
    size = p[_PIXEL_BYTES]
    width = p[_WIDTH]
    pad = 0 - ((p[_OFFSET] & _M ^ _S) - _S) & 0xFF
    up_y = p[_UP_Y]
    up_x = p[_UP_X]
    down = (p[_DILATION_Y] & _M ^ _S) - _S
    right = (p[_DILATION_X] & _M ^ _S) - _S
    words = size >> 2
    if size & 3:
        words = 0
    wide_pad = pad << 8 | pad
    wide_pad = wide_pad << 16 | wide_pad
    for which in range(pixels):
        k = pixel + which
        left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - ((p[_PAD_X] & _M ^ _S) - _S)
        k = k // p[_OUT_WIDTH]
        top = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - ((p[_PAD_Y] & _M ^ _S) - _S)
        k = k // p[_OUT_HEIGHT] * p[_HEIGHT]
        place = first
        ky = first // p[_KERNEL_X]
        kx = first % p[_KERNEL_X]
        i = (which * p[_KERNEL_Y] * p[_KERNEL_X] + first) * size
        while place < last:
            y = top + ky * down
            x = left + kx * right
            place += 1
            kx += 1
            if kx == p[_KERNEL_X]:
                kx = 0
                ky += 1
            inside = 0
            if y >= 0:
                if x >= 0:
                    if up_y > 1:
                        if y % up_y:
                            y = p[_HEIGHT] * up_y
                        y = y // up_y
                    if up_x > 1:
                        if x % up_x:
                            x = width * up_x
                        x = x // up_x
                    if y < p[_HEIGHT]:
                        if x < width:
                            inside = 1
            if words:
                i = i >> 2
                end = i + words
                if inside:
                    j = ((k + y) * width + x) * words
                    while i < end:
                        o32[i] = x32[j]
                        j += 1
                        i += 1
                else:
                    while i < end:
                        o32[i] = wide_pad
                        i += 1
                i = i << 2
            else:
                end = i + size
                if inside:
                    j = ((k + y) * width + x) * size
                    while i < end:
                        o8[i] = x8[j]
                        j += 1
                        i += 1
                else:
                    while i < end:
                        o8[i] = pad
                        i += 1


# Sums of channels at .. at + n of one pixel, of int8; one filter an input channel. The first three
# arguments are only registers, as of dense.dot8.
@micropython.viper
def by_places(i: int, j: int, w: int, params, source, weights, acc, pixel: int, at: int, n: int):
    p = ptr32(params)
    x8 = ptr8(source)
    w8 = ptr8(weights)
    a = ptr32(acc)
    channels = p[_CHANNELS]
    offset = (p[_OFFSET] & _M ^ _S) - _S - 128
    height = uint(p[_HEIGHT])
    width = uint(p[_WIDTH])
    k = p[_BIAS] + at
    i = 0
    while i < n:
        a[i] = p[k + i]
        i += 1
    k = pixel
    left = k % p[_OUT_WIDTH] * p[_STRIDE_X] - p[_PAD_X]
    k = k // p[_OUT_WIDTH]
    y = k % p[_OUT_HEIGHT] * p[_STRIDE_Y] - p[_PAD_Y]
    batch = k // p[_OUT_HEIGHT] * p[_HEIGHT]
    row = at
    for _ in range(p[_KERNEL_Y]):
        if uint(y) < height:
            x = left
            w = row
            for _ in range(p[_KERNEL_X]):
                if uint(x) < width:
                    j = ((batch + y) * p[_WIDTH] + x) * channels + at
                    i = 0
                    while i < n:
                        # Of the sum, only the low word counts.
                        a[i] = a[i] + ((w8[w] ^ 0x80) - 0x80) * ((x8[j] ^ 0x80) + offset)
                        i += 1
                        j += 1
                        w += 1
                    w -= n
                x += p[_DILATION_X]
                w += channels
        y += p[_DILATION_Y]
        row += p[_KERNEL_X] * channels


class Direct(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.source = inputs[0].raw
        self.weights = inputs[1].raw
        self.target = target.raw
        self.acc = scratch
        self.scaling = number(params, _SCALING)
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        self.check(count, min(count, chunk))
        Operator.__init__(self, count, chunk)

    # Of count outputs, most of them in a step. Places beyond the edges are no access.
    def check(self, count, most):
        p = self.params
        channels = number(p, _CHANNELS, 1)
        depth = number(p, _INPUT_DEPTH, 1)
        multiplier = number(p, _MULTIPLIER)
        wide = 2 if number(p, _WIDE) else 1
        places = bounds.images(p, _HEIGHT, channels, count, _OUT_HEIGHT)
        fits("input", self.source, places * depth, 2 if number(p, _TYPE) else 1)
        if multiplier:
            if (channels - 1) // multiplier >= depth:
                raise ValueError("input: %d channels, accesses to more" % depth)
            depth = 1
        window = number(p, _KERNEL_Y, 1) * number(p, _KERNEL_X, 1)
        fits("weights", self.weights, window * channels, depth)
        fits("parameters", p, number(p, _BIAS) + wide * channels, 4)
        fits("scratch", self.acc, most, 4 * wide)
        bounds.scaling(p, self.scaling, count, self.target, self.acc, most)

    def block(self, at, n):
        convolve(self.params, self.source, self.weights, self.acc, at, n)
        fixed.finish(self.params, self.scaling, self.acc, self.target, at, n)


# Some channels of one pixel a step.
class Places(Direct):
    def __init__(self, params, inputs, target, scratch):
        Direct.__init__(self, params, inputs, target, scratch)
        self.channels = number(params, _CHANNELS)
        if number(params, _INPUT_DEPTH) != self.channels or not number(params, _MULTIPLIER):
            raise ValueError("channels that are not the input's")
        if self.count < self.channels:
            raise ValueError("no outputs")
        self.most = self.chunk
        self.groups = -(-self.channels // self.most)
        Operator.__init__(self, self.count // self.channels * self.groups, 1)

    def block(self, at, n):
        pixel = at // self.groups
        channel = at % self.groups * self.most
        n = self.channels - channel
        if n > self.most:
            n = self.most
        p = self.params
        by_places(0, 0, 0, p, self.source, self.weights, self.acc, pixel, channel, n)
        at = pixel * self.channels + channel
        fixed.finish(p, self.scaling, self.acc, self.target, at, n)


# The windows of some pixels are gathered in steps of their own, then multiplied.
class Window(Rows):
    def __init__(self, params, inputs, target, scratch):
        channels = number(params, _CHANNELS, 1)
        count = number(params, _COUNT, 1)
        self.pixels = number(params, _PIXELS, 1)
        self.image = inputs[0].raw
        self.every = count // channels
        self.places = number(params, _KERNEL_Y, 1) * number(params, _KERNEL_X, 1)
        self.gathered = number(params, _GATHERED, 1)
        acc = (8 if number(params, _WIDE) else 4) * number(params, _CHUNK)
        size = number(params, _PIXEL_BYTES, 1)
        places = bounds.images(params, _HEIGHT, 1, self.every, _OUT_HEIGHT)
        fits("input", self.image, places, size)
        fits("scratch", scratch, acc + self.pixels * self.places * size)
        # What stands for no place of the input is its extent times this, as a word.
        for axis in range(2):
            number(params, _HEIGHT + axis, 1, _MOST_UP // max(number(params, _UP_Y + axis), 1))
        Rows.__init__(
            self,
            params,
            scratch[acc:],
            inputs[1].raw,
            target,
            scratch[:acc],
            count,
            self.pixels * channels,
            -(-self.places // self.gathered),
        )

    def block(self, at, n):
        step = at % self.steps
        if step < self.before:
            pixel = at // self.steps * self.pixels
            pixels = self.every - pixel
            if pixels > self.pixels:
                pixels = self.pixels
            first = step * self.gathered
            last = first + self.gathered
            if last > self.places:
                last = self.places
            window = self.source
            gather(0, 0, window, self.params, self.image, window, pixel, pixels, first, last)
        else:
            Rows.block(self, at, n)


def make(params, inputs, outputs, scratch):
    kind = number(params, _PRIMITIVE)
    target = outputs[0]
    if kind == _WINDOW:
        return Window(params, inputs, target.raw, scratch)
    if kind == _PLACES:
        return Places(params, inputs, target, scratch)
    return Direct(params, inputs, target, scratch)
