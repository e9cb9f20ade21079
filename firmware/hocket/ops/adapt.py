# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# A user's frames to a tensor: real numbers as float32, or integers with a scale and zero point of
# their own, to what the tensor's scale and zero point make of them: rounded once, halves away from
# zero, and saturated. Floats are divided as TFLite's QUANTIZE divides them, to the bit. They are
# handled as their bits: on a board each would be an object.
import struct
from array import array

import micropython
from micropython import const

_BLOCK = const(64)

_M = const(0x3FFFFFFF)  # as ops.operator._M
_S = const(0x20000000)  # as ops.operator._S

# Words of the parameters of the kernels for floats.
_MANTISSA = const(0)
_EXPONENT = const(1)
_ZERO = const(2)
_LOW = const(3)
_HIGH = const(4)
_WIDTH = const(5)

_RANGES = {"b": (-128, 127), "B": (0, 255), "h": (-32768, 32767), "H": (0, 65535)}
_WIDTHS = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4}

# Words of the parameters of the kernel for integers; the last three as above.
_MULTIPLIER = const(0)  # 30 bits
_SHIFT = const(1)

# Powers of two that integers of 16 bits may grow by and stay within 30.
_MOST = const(13)


# target[at + i] of float32 source[first + i] for n elements. The quotient is rounded to 24 bits
# first, to nearest even, as floats are divided, then to an integer, halves away from zero.
@micropython.viper
def _quantize(params, source, first: int, target, at: int, n: int):
    p = ptr32(params)
    x = ptr16(source)
    o8 = ptr8(target)
    o16 = ptr16(target)
    o32 = ptr32(target)
    divisor = p[_MANTISSA]
    zero = (p[_ZERO] & _M ^ _S) - _S
    low = (p[_LOW] & _M ^ _S) - _S
    high = p[_HIGH]
    width = p[_WIDTH]
    most = _M
    most = most + most + 1  # in two steps: it is no small integer of a board
    for i in range(n):
        j = first + i << 1
        h = x[j + 1]
        v = 0
        e = h >> 7 & 0xFF
        rest = (h & 0x7F) << 16 | x[j]
        if e == 0xFF:
            # What is no number counts as zero.
            if rest == 0:
                v = most
        elif e:
            rest = rest | 0x800000
            e -= p[_EXPONENT]
            if rest < divisor:
                rest = rest << 1
                e -= 1
            if e > 30:
                v = most
            elif e > -3:
                for _ in range(24):
                    v = v << 1
                    if rest >= divisor:
                        rest -= divisor
                        v += 1
                    rest = rest << 1
                if rest > divisor:
                    v += 1
                elif rest == divisor:
                    v += v & 1
                e = 23 - e
                if e > 0:
                    v = (v + (1 << (e - 1))) >> e
                elif v >> 24:
                    if e == -7:
                        v = most
                    else:
                        v = v << -e
                else:
                    v = v << -e
        if width == 4:
            if h & 0x8000:
                if v == most:
                    v = -v - 1
                else:
                    v = -v
            o32[at + i] = v
        else:
            if v > 0x20000:
                v = 0x20000
            if h & 0x8000:
                v = -v
            v += zero
            if v < low:
                v = low
            if v > high:
                v = high
            if width == 1:
                o8[at + i] = v
            else:
                o16[at + i] = v


# acc[i] = source[first + i] - zero for n integers of one or two bytes, signed or not.
@micropython.viper
def _load(source, width: int, sign: int, zero: int, first: int, acc, n: int):
    s8 = ptr8(source)
    s16 = ptr16(source)
    o = ptr32(acc)
    for i in range(n):
        if width == 1:
            v = s8[first + i]
        else:
            v = s16[first + i]
        o[i] = (v ^ sign) - sign - zero


# target[at + i] = zero + clamped acc[i] * multiplier / 2**29 / 2**(shift - 14) for n integers of 16
# bits and sign.
@micropython.viper
def _rescale(params, acc, target, at: int, n: int):
    p = ptr32(params)
    a = ptr16(acc)
    o8 = ptr8(target)
    o16 = ptr16(target)
    o32 = ptr32(target)
    upper = p[_MULTIPLIER] >> 15
    lower = p[_MULTIPLIER] & 0x7FFF
    shift = p[_SHIFT] - 1
    zero = (p[_ZERO] & _M ^ _S) - _S
    low = (p[_LOW] & _M ^ _S) - _S
    high = p[_HIGH]
    width = p[_WIDTH]
    for i in range(n):
        v = a[2 * i]
        sign = a[2 * i + 1]
        if sign:
            v = 0x10000 - v
        v = v * upper + (v * lower >> 15)
        v = (v >> shift) + 1 >> 1
        if sign:
            v = -v
        v += zero
        if width == 4:
            o32[at + i] = v
        else:
            if v < low:
                v = low
            if v > high:
                v = high
            if width == 1:
                o8[at + i] = v
            else:
                o16[at + i] = v


# target[at + i] = float32 of acc[i] * scale for n integers of 16 bits and sign, rounded to nearest
# even.
@micropython.viper
def _scale(params, acc, target, at: int, n: int):
    p = ptr32(params)
    a = ptr16(acc)
    o = ptr16(target)
    upper = p[_MANTISSA] >> 12
    lower = p[_MANTISSA] & 0xFFF
    for i in range(n):
        v = ((a[2 * i + 1] ^ 0x8000) - 0x8000) << 16 | a[2 * i]
        sign = 0
        if v < 0:
            v = -v
            sign = 0x8000
        j = at + i << 1
        if v == 0:
            o[j] = 0
            o[j + 1] = 0
        else:
            e = p[_EXPONENT] + 16
            while v >> 16 == 0:
                v = v << 1
                e -= 1
            # Product of 17 and 24 bits, 28 or 29 of them in v, the rest in low.
            low = v * lower
            v = v * upper + (low >> 12)
            drop = 4
            if v >> 28:
                drop = 5
                e += 1
            rest = (v & ((1 << drop) - 1)) - (1 << (drop - 1))
            v = v >> drop
            if rest > 0:
                v += 1
            elif rest == 0:
                if low & 0xFFF:
                    v += 1
                else:
                    v += v & 1
            if v >> 24:
                v = v >> 1
                e += 1
            o[j] = v & 0xFFFF
            o[j + 1] = sign | e << 7 | v >> 16 & 0x7F


# Mantissa of 24 bits and biased exponent of a positive float32.
def _float(scale, what):
    bits = struct.unpack("<I", struct.pack("<f", scale))[0]
    exponent = bits >> 23
    if not 27 <= exponent < 227:
        raise ValueError("%s: scale %r, must be from 1e-30 to 1e+30" % (what, scale))
    return bits & 0x7FFFFF | 0x800000, exponent


# Quotient of two scales as a multiplier of 30 bits, and how far products of its upper half are to
# be shifted right.
def _multiplier(scale, other, what):
    m1, e1 = _float(scale, what)
    m2, e2 = _float(other, what)
    shift = e1 - e2
    if m1 < m2:
        m1 <<= 1
        shift -= 1
    if shift > _MOST:
        raise ValueError("%s: a scale of %r is too large beside %r" % (what, scale, other))
    # Rounded; it stays below 2**30, because m1 is less than 2 * m2 by 2**-24 of it at least.
    return ((m1 << 30) // m2 + 1) >> 1, min(14 - shift, 32)


class Adaptor:
    # typecode is of the frames: f, or one of bBhH; scale and zero point are theirs, if integers.
    def __init__(self, tensor, typecode="f", scale=1.0, zero_point=0):
        self.tensor = tensor
        self.typecode = typecode
        to = tensor.typecode
        what = "tensor %s" % tensor.name
        if typecode != "f" and typecode not in _RANGES:
            raise ValueError("%s: frames of %r, must be one of f, b, B, h, H" % (what, typecode))
        if to == "f" and typecode == "f":
            self._kind = 0
            return
        if to not in _RANGES and to not in "if":
            raise ValueError("%s: %s takes no frames by scale" % (what, tensor.dtype))
        if to == "i" and tensor.zero_point:
            raise ValueError("%s: %s has no zero point" % (what, tensor.dtype))
        low, high = _RANGES.get(to, (0, 0))
        width = _WIDTHS[to]
        if typecode == "f":
            self._kind = 1
            mantissa, exponent = _float(tensor.scale, what)
            self._params = _words(mantissa, exponent, tensor.zero_point, low, high, width)
            return
        self._width = _WIDTHS[typecode]
        self._sign = 1 << 8 * self._width - 1 if typecode in "bh" else 0
        least, greatest = _RANGES[typecode]
        if not least <= zero_point <= greatest:
            raise ValueError("%s: zero point %d of frames is no %s" % (what, zero_point, typecode))
        self._zero = zero_point
        self._acc = bytearray(4 * _BLOCK)
        if to == "f":
            self._kind = 2
            self._params = _words(*_float(scale, what))
        else:
            self._kind = 3
            multiplier, shift = _multiplier(scale, tensor.scale, what)
            self._params = _words(multiplier, shift, tensor.zero_point, low, high, width)

    # Elements first..first+n of a frame, a buffer of the typecode, to a buffer of the tensor's
    # type from element at on. Allocates nothing.
    def convert(self, frame, first, target, at, n):
        kind = self._kind
        if kind == 1:
            _quantize(self._params, frame, first, target, at, n)
            return
        if kind == 0:
            _copy(frame, first, target, at, n)
            return
        acc = self._acc
        while n > 0:
            count = n if n < _BLOCK else _BLOCK
            _load(frame, self._width, self._sign, self._zero, first, acc, count)
            if kind == 2:
                _scale(self._params, acc, target, at, count)
            else:
                _rescale(self._params, acc, target, at, count)
            first += count
            at += count
            n -= count

    # A whole frame to the tensor, or its elements at..at+n, so that a task may yield in between. A
    # sequence is copied first; a buffer of the typecode, or of its bytes, is not.
    def write(self, frame, at=0, n=None):
        if isinstance(frame, list) or isinstance(frame, tuple):
            frame = array(self.typecode, frame)
        count = len(self.tensor)
        if len(frame) != count and len(frame) != count * _WIDTHS[self.typecode]:
            raise ValueError(
                "tensor %s: frame of %d elements, must be %d"
                % (self.tensor.name, len(frame), count)
            )
        if n is None:
            n = count - at
        if not 0 <= at <= at + n <= count:
            raise IndexError("tensor %s has %d elements" % (self.tensor.name, count))
        self.convert(frame, at, self.tensor.raw, at, n)


@micropython.viper
def _copy(source, first: int, target, at: int, n: int):
    s = ptr16(source)
    t = ptr16(target)
    for i in range(2 * n):
        t[2 * at + i] = s[2 * first + i]


def _words(*values):
    packed = bytearray(4 * len(values))
    for i in range(len(values)):
        struct.pack_into("<I", packed, 4 * i, values[i] & 0xFFFFFFFF)
    return packed
