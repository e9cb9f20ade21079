# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821 - viper has its own names
# What an operator checks of its parameters when it is made: that every access of its kernels, which
# check nothing, lies inside the views it was given. Extents are of integers without limit; where
# one fits, the indices that lead to it fit the words of a kernel, which drop what is above them.
import micropython
from micropython import const

from .operator import word

_MOST = const(0x1FFFFFFF)
_SHIFT_BITS = const(6)  # of a shift that a kernel takes

_CHUNK = const(1)  # of parameters; the first is a count

# What fixed reads.
_LEFT = const(1)  # as ops.fixed._LEFT
_RIGHT = const(2)  # as ops.fixed._RIGHT
_FACTOR = const(3)  # as ops.fixed._FACTOR
_WIDTH = const(3)  # as ops.fixed._WIDTH
_CHANNELS = const(4)  # as ops.fixed._CHANNELS
_WIDE = const(5)  # as ops.fixed._WIDE
_FACTORS = const(6)  # as ops.fixed._FACTORS
_TYPE = const(0)  # as ops.fixed._TYPE
_SHIFT = const(2)  # as ops.fixed._SHIFT
_FLAT = const(3)  # as ops.fixed._FLAT
_SIZES = const(4)  # as ops.fixed._SIZES
_STRIDES = const(9)  # as ops.fixed._STRIDES
_INT32 = const(3)  # as ops.fixed._INT32


# A word that kernels read as it is, with no sign: from least to most.
def number(params, i, least=0, most=_MOST):
    fits("parameters", params, i + 1, 4)
    v = word(params, i)
    if params[4 * i + 3] & 0xC0 or not least <= v <= most:
        raise ValueError("word %d of the parameters is out of bounds" % i)
    return v


# Items of a step; one, of those that are done in parts.
def chunk(params, parts):
    return number(params, _CHUNK, 1, 1 if parts > 1 else _MOST)


# Of a view: that it holds so many elements of so many bytes.
def fits(what, view, count, size=1):
    if count * size > len(view):
        raise ValueError("%s: %d bytes, accesses to %d" % (what, len(view), count * size))


# Bytes of an element: 1, 2 or 4.
def width(params, i):
    v = number(params, i, 1, 4)
    if v == 3:
        raise ValueError("elements of 3 bytes")
    return v


# Elements from the first place of a box to its last, both included.
def box(params, sizes, strides, axes):
    n = 1
    for axis in range(axes):
        n += (number(params, sizes + axis, 1) - 1) * number(params, strides + axis)
    return n


# A loading of count elements, as fixed.load reads it.
def loading(params, where, view, count, what):
    kind = number(params, where + _TYPE, 0, _INT32)
    number(params, where + _SHIFT, 0, 31)
    if not number(params, where + _FLAT):
        count = box(params, where + _SIZES, where + _STRIDES, _STRIDES - _SIZES)
    fits(what, view, count, (1, 1, 2, 4)[kind])


# A factor, as fixed.scale reads it.
def factor(params, where):
    number(params, where + _LEFT, 0, 63)
    number(params, where + _RIGHT, 0, 63)


# A scaling of count elements into a target, n of them at a time from accumulators.
def scaling(params, where, count, target, acc, n):
    fits("output", target, count, width(params, where + _WIDTH))
    channels = number(params, where + _CHANNELS, 1)
    fits("parameters", params, where + _FACTORS + _FACTOR * channels, 4)
    if not shifts(params, where + _FACTORS, channels):
        raise ValueError("shift of a scaling is out of bounds")
    fits("scratch", acc, n, 8 if number(params, where + _WIDE) else 4)


@micropython.viper
def shifts(params, row: int, n: int) -> bool:
    p = ptr32(params)
    bad = 0
    for _ in range(n):
        bad = bad | p[row + _LEFT] >> _SHIFT_BITS | p[row + _RIGHT] >> _SHIFT_BITS
        row += _FACTOR
    return bad == 0


# Places of as many images as count outputs are of, of so many channels each: images' height and
# width are at one word, and outputs' at another.
def images(params, at, channels, count, outputs):
    place = number(params, at, 1) * number(params, at + 1, 1)
    every = number(params, outputs, 1) * number(params, outputs + 1, 1) * channels
    return -(-count // every) * place
