# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Arithmetic on float32 by their bits, rounded to nearest even, as every CPU with such floats
# has it. The interpreter's own floats are objects, which a step may not make.
import micropython
from micropython import const

from . import bounds, fixed
from .bounds import number
from .operator import Operator

# Words of the parameters; behind them the loadings of the operands.
_COUNT = const(0)
_CHUNK = const(1)  # most elements in a step
_KIND = const(2)
_LOW = const(3)  # of results: bits of floats
_HIGH = const(4)
_LEFT = const(5)

_RIGHT = const(19)

_ADD = const(0)
_SUB = const(1)
_MUL = const(2)
_DIV = const(3)
_MAXIMUM = const(4)
_MINIMUM = const(5)
_COPY = const(6)


# left[i] = left[i] combined with right[i], in four steps: both are unpacked, what is no number is
# dealt with by each kind, the result is formed, and rounded. A float, and a result before it is
# rounded:
#
#   high half: sign 15 | exponent 14..7 | fraction 6..0      low half: fraction 15..0
#   e: exponent    h: 23 leading one, 22..0 fraction    r: 23..1 below the fraction, 0 anything lost
#
# x is the left operand and y the right one, or for sums the greater and the less: xe exponent, xm
# fraction with its leading one, sign and other. h, r and e are
# arguments only to be registers, as of dense.dot8.
@micropython.viper
def combine(h: int, r: int, e: int, kind: int, left, right, n: int):
    a = ptr16(left)
    b = ptr16(right)
    for i in range(n):
        xh = a[2 * i + 1]
        yh = b[2 * i + 1]
        sign = xh >> 15
        other = yh >> 15
        if kind == _SUB:
            other = other ^ 1
        xe = xh >> 7 & 0xFF
        ye = yh >> 7 & 0xFF
        xm = (xh & 0x7F) << 16 | a[2 * i]
        ym = (yh & 0x7F) << 16 | b[2 * i]
        special = 0  # an infinity, or no number
        if xe == 0xFF:
            special = 1
        if ye == 0xFF:
            special = 1
        # Leading ones; a number below the normal ones is moved until it has one.
        if xe:
            xm = xm | 0x800000
        elif xm:
            xe = 1
            while xm < 0x800000:
                xm = xm << 1
                xe -= 1
        if ye:
            ym = ym | 0x800000
        elif ym:
            ye = 1
            while ym < 0x800000:
                ym = ym << 1
                ye -= 1
        h = 0
        r = 0
        e = 0
        nan = 0
        if kind <= _SUB:
            if special:
                # Infinity is left; two of them must agree.
                e = 0xFF
                if xe == 0xFF:
                    if xm & 0x7FFFFF:
                        nan = 1
                    elif ye == 0xFF:
                        if sign != other:
                            nan = 1
                else:
                    sign = other
                if ye == 0xFF:
                    if ym & 0x7FFFFF:
                        nan = 1
            elif ym == 0:
                h = xm
                e = xe
                if xm == 0:
                    sign = sign & other
            elif xm == 0:
                h = ym
                e = ye
                sign = other
            else:
                # The less one, moved to the greater one's exponent, is h and r.
                swap = 0
                if ye > xe:
                    swap = 1
                elif ye == xe:
                    if ym > xm:
                        swap = 1
                if swap:
                    k = xe
                    xe = ye
                    ye = k
                    k = xm
                    xm = ym
                    ym = k
                    k = sign
                    sign = other
                    other = k
                e = xe
                k = xe - ye
                if k == 0:
                    h = ym
                elif k < 24:
                    h = ym >> k
                    r = (ym & ((1 << k) - 1)) << (24 - k)
                elif k < 48:
                    r = ym >> (k - 24)
                    if ym & ((1 << (k - 24)) - 1):
                        r = r | 1
                else:
                    r = 1
                if sign == other:
                    h = xm + h
                    if h >> 24:
                        r = r >> 1 | (h & 1) << 23 | r & 1
                        h = h >> 1
                        e += 1
                else:
                    h = xm - h
                    if r:
                        h -= 1
                        r = 0x1000000 - r
                    if h | r:
                        while h < 0x800000:
                            h = h << 1 | r >> 23
                            r = r << 1 & 0xFFFFFF
                            e -= 1
                    else:
                        sign = 0
                        e = 0
        elif kind == _MUL:
            sign = sign ^ other
            if special:
                # Infinity, but for nothing times it.
                e = 0xFF
                if xe == 0xFF:
                    if xm & 0x7FFFFF:
                        nan = 1
                if ye == 0xFF:
                    if ym & 0x7FFFFF:
                        nan = 1
                if xm == 0:
                    nan = 1
                if ym == 0:
                    nan = 1
            elif xm:
                if ym:
                    # 24 by 24 bits in halves of 12.
                    k = (xm >> 12) * (ym & 0xFFF) + (xm & 0xFFF) * (ym >> 12)
                    r = (xm & 0xFFF) * (ym & 0xFFF) + ((k & 0xFFF) << 12)
                    h = (xm >> 12) * (ym >> 12) + (k >> 12) + (r >> 24)
                    r = r & 0xFFFFFF
                    e = xe + ye - 126
                    if h < 0x800000:
                        h = h << 1 | r >> 23
                        r = r << 1 & 0xFFFFFF
                        e -= 1
        else:
            sign = sign ^ other
            if special:
                # Infinity above anything finite, and nothing below it.
                if xe == 0xFF:
                    e = 0xFF
                    if xm & 0x7FFFFF:
                        nan = 1
                    elif ye == 0xFF:
                        nan = 1
                if ye == 0xFF:
                    if ym & 0x7FFFFF:
                        nan = 1
            elif ym == 0:
                e = 0xFF
                if xm == 0:
                    nan = 1
            elif xm:
                # By long division; r is a half, and whether there is a rest.
                e = xe - ye + 127
                if xm < ym:
                    xm = xm << 1
                    e -= 1
                for _ in range(24):
                    h = h << 1
                    if xm >= ym:
                        xm -= ym
                        h += 1
                    xm = xm << 1
                if xm >= ym:
                    r = 0x800000
                    xm -= ym
                if xm:
                    r = r | 1
        # To nearest, halves to even; a fraction that is full carries into the exponent by itself.
        if nan:
            a[2 * i] = 0
            a[2 * i + 1] = 0xFFC0
        else:
            if e < 0xFF:
                if e <= 0:
                    # Below the normal numbers.
                    k = 1 - e
                    e = 0
                    if k > 24:
                        if h | r:
                            r = 1
                        h = 0
                    else:
                        e = (h & ((1 << k) - 1)) << (24 - k)
                        if r:
                            e = e | r >> k | 1
                        r = e
                        h = h >> k
                        e = 0
                if r & 0x800000:
                    if r & 0x7FFFFF | h & 1:
                        h += 1
                if e:
                    h = ((e - 1) << 23) + h
                if h >> 23 >= 0xFF:
                    h = 0xFF  # in two steps: shifted it is no small integer, which viper needs
                    h = h << 23
            else:
                h = 0xFF
                h = h << 23
            a[2 * i] = h & 0xFFFF
            a[2 * i + 1] = h >> 16 & 0x7FFF | sign << 15


# left[i] = the greater or the less of left[i] and right[i]; the right one where they are equal.
@micropython.viper
def choose(less: int, left, right, n: int):
    a = ptr16(left)
    b = ptr16(right)
    for i in range(n):
        x = (a[2 * i + 1] & 0x7FFF) << 16 | a[2 * i]
        if a[2 * i + 1] & 0x8000:
            x = 0 - x
        y = (b[2 * i + 1] & 0x7FFF) << 16 | b[2 * i]
        if b[2 * i + 1] & 0x8000:
            y = 0 - y
        if less:
            x = 0 - x
            y = 0 - y
        if x <= y:
            a[2 * i] = b[2 * i]
            a[2 * i + 1] = b[2 * i + 1]


# Floats between the limits into the target; what is no number stays so.
@micropython.viper
def clamp(params, buf, target, at: int, n: int):
    p = ptr16(params)
    a = ptr16(buf)
    o = ptr16(target)
    low = (p[2 * _LOW + 1] & 0x7FFF) << 16 | p[2 * _LOW]
    if p[2 * _LOW + 1] & 0x8000:
        low = 0 - low
    high = (p[2 * _HIGH + 1] & 0x7FFF) << 16 | p[2 * _HIGH]
    if p[2 * _HIGH + 1] & 0x8000:
        high = 0 - high
    for i in range(n):
        x = (a[2 * i + 1] & 0x7FFF) << 16 | a[2 * i]
        if x - 1 >> 23 >= 0xFF:
            x = low
        elif a[2 * i + 1] & 0x8000:
            x = 0 - x
        k = 2 * (at + i)
        if x < low:
            o[k] = p[2 * _LOW]
            o[k + 1] = p[2 * _LOW + 1]
        elif high < x:
            o[k] = p[2 * _HIGH]
            o[k + 1] = p[2 * _HIGH + 1]
        else:
            o[k] = a[2 * i]
            o[k + 1] = a[2 * i + 1]


class Floats(Operator):
    def __init__(self, params, inputs, target, scratch):
        self.params = params
        self.kind = number(params, _KIND, 0, _COPY)
        self.left = inputs[0].raw
        self.right = inputs[-1].raw
        self.target = target.raw
        count = number(params, _COUNT)
        chunk = number(params, _CHUNK, 1)
        bounds.fits("scratch", scratch, chunk, 4 if self.kind == _COPY else 8)
        bounds.loading(params, _LEFT, self.left, count, "input 0")
        if self.kind != _COPY:
            bounds.loading(params, _RIGHT, self.right, count, "input 1")
        bounds.fits("output", self.target, count, 4)
        self.a = scratch[: 4 * chunk]
        self.b = scratch[4 * chunk :]
        Operator.__init__(self, count, chunk)

    def block(self, at, n):
        p = self.params
        kind = self.kind
        fixed.load(p, _LEFT, self.left, at, n, self.a)
        if kind != _COPY:
            fixed.load(p, _RIGHT, self.right, at, n, self.b)
            if kind <= _DIV:
                combine(0, 0, 0, kind, self.a, self.b, n)
            else:
                choose(kind - _MAXIMUM, self.a, self.b, n)
        clamp(p, self.a, self.target, at, n)


def make(params, inputs, outputs, scratch):
    return Floats(params, inputs, outputs[0], scratch)
