# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Slices chosen by indices that are computed.
import micropython
from micropython import const

from .bounds import fits, number
from .operator import Operator

# Words of the parameters.
_COUNT = const(0)  # of slices
_CHUNK = const(1)  # most slices in a step, or parts of them
_BYTES = const(2)  # of a slice
_INDICES = const(3)  # how many a slice has
_TUPLES = const(4)  # how many slices share an outer place
_SPAN = const(5)  # bytes of the input from one outer place to the next
_STEPS = const(6)  # bytes that each of four indices moves by
_AXES = const(10)  # size of each axis
_CHUNK_BYTES = const(14)  # most of a slice in a step
_END = const(15)


# Bytes from .. to of slice i. What lies outside the input is zeros, never another's memory.
@micropython.viper
def copy_slice(params, source, indices, target, i: int, first: int, last: int):
    p = ptr32(params)
    a = ptr8(source)
    x = ptr16(indices)
    b = ptr8(target)
    size = p[_BYTES]
    count = p[_INDICES]
    tuples = p[_TUPLES]
    j = i // tuples * p[_SPAN]
    k = i % tuples * count
    inside = 1
    for axis in range(count):
        v = ((x[2 * (k + axis) + 1] ^ 0x8000) - 0x8000) << 16 | x[2 * (k + axis)]
        if v < 0:
            inside = 0
        elif v >= p[_AXES + axis]:
            inside = 0
        else:
            j += v * p[_STEPS + axis]
    o = i * size
    for k in range(first, last):
        if inside:
            b[o + k] = a[j + k]
        else:
            b[o + k] = 0


class Gather(Operator):
    def __init__(self, params, source, indices, target):
        self.params = params
        self.source = source.raw
        self.indices = indices.raw
        self.target = target.raw
        self.bytes = number(params, _BYTES, 1)
        self.most = number(params, _CHUNK_BYTES, 1)
        self.parts = -(-self.bytes // self.most)
        count = number(params, _COUNT)
        tuples = number(params, _TUPLES, 1)
        axes = number(params, _INDICES, 0, _AXES - _STEPS)
        end = self.bytes + (count - 1) // tuples * number(params, _SPAN)
        for axis in range(axes):
            end += (number(params, _AXES + axis, 1) - 1) * number(params, _STEPS + axis)
        fits("input", self.source, end)
        fits("indices", self.indices, min(tuples, count) * axes, 4)
        fits("output", self.target, count, self.bytes)
        Operator.__init__(self, count * self.parts, number(params, _CHUNK, 1))

    def block(self, at, n):
        for i in range(at, at + n):
            first = i % self.parts * self.most
            last = first + self.most
            if last > self.bytes:
                last = self.bytes
            copy_slice(
                self.params, self.source, self.indices, self.target, i // self.parts, first, last
            )


def make(params, inputs, outputs, scratch):
    return Gather(params, inputs[0], inputs[1], outputs[0])
