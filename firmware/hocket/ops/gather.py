# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F821, PLR1730 - viper has its own names, and a call costs more than a branch
# Slices chosen by indices that are computed.
import micropython
from micropython import const

from .operator import Operator, word

_BYTES = const(2)  # of a slice
_INDICES = const(3)  # how many a slice has
_TUPLES = const(4)  # how many slices share an outer place
_SPAN = const(5)  # bytes of the input from one outer place to the next
_STEPS = const(6)  # bytes that each index moves by, then the size of each axis; four each
_CHUNK_BYTES = const(14)


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
        elif v >= p[_STEPS + 4 + axis]:
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
        self.bytes = word(params, _BYTES)
        self.most = word(params, _CHUNK_BYTES)
        self.parts = -(-self.bytes // self.most)
        Operator.__init__(self, word(params, 0) * self.parts, word(params, 1))

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
