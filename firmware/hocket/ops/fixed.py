# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Fixed-point arithmetic as TFLite's. Products of 32 bits are formed in scale() and finish(), in
# both by the same lines: a call for every element would cost more than the product.
#
# Viper's integers have 32 bits on a board, 64 on a desktop and no limit on CPython, and only the
# products named below may differ between them in their upper bits, which are masked off. A word of
# memory is loaded as two halves, because a negative one loaded whole is large on a 64-bit target.
import micropython
from micropython import const

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S

# Types of elements.
_INT8 = const(0)
_UINT8 = const(1)  # or bool
_INT16 = const(2)
_INT32 = const(3)  # or float32, by its bits

# Words of a factor: what a value is multiplied by, and shifts before and after.
_MULTIPLIER = const(0)
_LEFT = const(1)
_RIGHT = const(2)
_FACTOR = const(3)

# Words of a scaling, then a factor a channel.
_ZERO = const(0)
_LOW = const(1)
_HIGH = const(2)
_WIDTH = const(3)  # bytes of an output element
_CHANNELS = const(4)
_WIDE = const(5)  # accumulators have two words: the low 16 bits, then the rest
_FACTORS = const(6)


# buf[i] = rounded(buf[i] * 2**left * multiplier / 2**31 / 2**right) for n words: first rounded half
# up at bit 31, then half away from zero, as SaturatingRoundingDoublingHighMul followed by
# RoundingDivideByPOT. The parameters hold a factor.
@micropython.viper
def scale(params, where: int, buf, n: int):
    p32 = ptr32(params)
    multiplier = p32[where + _MULTIPLIER]
    left = p32[where + _LEFT]
    right = p32[where + _RIGHT]
    b = ptr32(buf)
    h = ptr16(buf)
    mh = multiplier >> 16
    ml = multiplier & 0xFFFF
    mask = (1 << right) - 1
    half = mask >> 1
    for i in range(n):
        xh = (h[2 * i + 1] ^ 0x8000) - 0x8000
        xl = h[2 * i]
        if left:
            xl = (xh << 16 | xl) << left
            xh = (xl >> 16 & 0xFFFF ^ 0x8000) - 0x8000
            xl = xl & 0xFFFF
        p = xh * ml
        q = xl * mh
        # This product may pass the word; its upper half is right all the same.
        r = (xl * ml) >> 16 & 0xFFFF
        v = (
            2 * (xh * mh)
            + (p >> 15)
            + (q >> 15)
            + (((p & 0x7FFF) + (q & 0x7FFF) + r + 0x4000) >> 15)
        )
        if right:
            t = half
            if v < 0:
                t += 1
            r = v & mask
            v = v >> right
            if r > t:
                v += 1
        b[i] = v


# out[at + i] = clamp(zero + scaled(acc[i])) for n accumulators; element at + i is of channel
# (at + i) % channels.
@micropython.viper
def finish(params, where: int, acc, out, at: int, n: int):
    p32 = ptr32(params)
    h = ptr16(acc)
    o8 = ptr8(out)
    o16 = ptr16(out)
    o32 = ptr32(out)
    zero = (p32[where + _ZERO] & _M ^ _S) - _S
    low = (p32[where + _LOW] & _M ^ _S) - _S
    high = (p32[where + _HIGH] & _M ^ _S) - _S
    width = p32[where + _WIDTH]
    channels = p32[where + _CHANNELS]
    wide = p32[where + _WIDE]
    channel = at % channels
    for i in range(n):
        row = where + _FACTORS + _FACTOR * channel
        channel += 1
        if channel == channels:
            channel = 0
        m = p32[row + _MULTIPLIER]
        if wide:
            # Product of 48 and 15 bits in limbs of 16, shifted to one bit above the result.
            r = h[4 * i] * m
            xl = r & 0xFFFF
            r = h[4 * i + 2] * m + (r >> 16)
            xh = r & 0xFFFF
            v = ((h[4 * i + 3] ^ 0x8000) - 0x8000) * m + (r >> 16)
            r = p32[row + _RIGHT]
            if r >= 32:
                v = v >> (r - 32)
            elif r >= 16:
                v = v << (32 - r) | xh >> (r - 16)
            else:
                v = v << (32 - r) | xh << (16 - r) | xl >> r
            v = (v + 1) >> 1
        else:
            xh = (h[2 * i + 1] ^ 0x8000) - 0x8000
            xl = h[2 * i]
            r = p32[row + _LEFT]
            if r:
                xl = (xh << 16 | xl) << r
                xh = (xl >> 16 & 0xFFFF ^ 0x8000) - 0x8000
                xl = xl & 0xFFFF
            ml = m & 0xFFFF
            m = m >> 16
            p = xh * ml
            q = xl * m
            r = (xl * ml) >> 16 & 0xFFFF
            v = 2 * (xh * m) + (p >> 15) + (q >> 15)
            v += ((p & 0x7FFF) + (q & 0x7FFF) + r + 0x4000) >> 15
            r = p32[row + _RIGHT]
            if r:
                mask = (1 << r) - 1
                t = mask >> 1
                if v < 0:
                    t += 1
                mask = v & mask
                v = v >> r
                if mask > t:
                    v += 1
        v += zero
        if width < 4:
            if low > v:
                v = low
            if high < v:
                v = high
        if width == 1:
            o8[at + i] = v
        elif width == 2:
            o16[at + i] = v
        else:
            o32[at + i] = v


# Words of a loading.
_TYPE = const(0)
_OFFSET = const(1)  # added to each element
_SHIFT = const(2)  # then shifted left
_FLAT = const(3)  # element i of the source is for element i of the result
_SIZES = const(4)  # of the five axes of the result
_STRIDES = const(9)  # in elements of the source, along them
_LOADING = const(14)


# buf[i] = (source[place of at + i] + offset) << shift for n elements, as words.
@micropython.viper
def load(params, where: int, source, at: int, n: int, buf):
    p = ptr32(params)
    b = ptr32(buf)
    s8 = ptr8(source)
    s16 = ptr16(source)
    kind = p[where + _TYPE]
    offset = (p[where + _OFFSET] & _M ^ _S) - _S
    shift = p[where + _SHIFT]
    flat = p[where + _FLAT]
    n1 = n
    step = 1
    if flat == 0:
        n1 = p[where + _SIZES + 4]
        step = p[where + _STRIDES + 4]
    i = 0
    j = at
    i4 = 0
    while i < n:
        if flat == 0:
            # First element of this row of the innermost axis.
            k = (at + i) // n1
            i4 = (at + i) % n1
            j = i4 * step
            for axis in range(3, -1, -1):
                size = p[where + _SIZES + axis]
                j += k % size * p[where + _STRIDES + axis]
                k = k // size
        end = i + n1 - i4
        if n < end:
            end = n
        while i < end:
            if kind == _INT8:
                v = (s8[j] ^ 0x80) - 0x80
            elif kind == _UINT8:
                v = s8[j]
            elif kind == _INT16:
                v = (s16[j] ^ 0x8000) - 0x8000
            else:
                v = ((s16[2 * j + 1] ^ 0x8000) - 0x8000) << 16 | s16[2 * j]
            b[i] = (v + offset) << shift
            j += step
            i += 1
