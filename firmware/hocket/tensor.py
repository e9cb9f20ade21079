# SPDX-License-Identifier: Apache-2.0
# An input or output of a net, in place. MicroPython has no typed view of an address, so the
# signed and the 16-bit elements are composed here.
from array import array

from .port import as_bytes


class _Key:
    def __getitem__(self, key):
        return key


_ALL = _Key()[:]  # made once, because a slice is an object
del _Key  # for its memory


class Tensor:
    __slots__ = (
        "_sign", "_width", "dtype", "name", "raw", "scale", "shape", "typecode", "zero_point",
    )  # fmt: skip

    # raw is a byte view of the tensor's memory; info as in the container.
    def __init__(self, info, raw):
        self.name = info.name
        self.shape = info.shape
        self.dtype = info.dtype
        self.scale = info.scale
        self.zero_point = info.zero_point
        self.typecode = info.typecode
        self.raw = raw
        self._width = {"b": 1, "B": 1, "h": 2, "H": 2}.get(info.typecode, 4)
        self._sign = 1 << 8 * self._width - 1 if info.typecode in "bhi" else 0
        if info.typecode not in "bBhHiIf":
            raise ValueError("tensor %s: %s is of no known type" % (info.name, info.dtype))

    def __len__(self):
        return len(self.raw) // self._width

    # An element, or a copy of a slice as an array.
    def __getitem__(self, i):
        if not isinstance(i, int):
            width = self._width
            start, stop = _bounds(i, len(self))
            return array(self.typecode, bytes(self.raw[start * width : stop * width]))
        raw = self.raw
        i = self._at(i)
        if self.typecode == "f":
            return array("f", bytes(raw[i : i + 4]))[0]
        if self._width == 1:
            value = raw[i]
        elif self._width == 2:
            value = raw[i] | raw[i + 1] << 8
        else:
            value = raw[i] | raw[i + 1] << 8 | raw[i + 2] << 16 | raw[i + 3] << 24
        sign = self._sign
        return (value ^ sign) - sign

    # An element, or a slice from a buffer or a sequence of numbers.
    def __setitem__(self, i, value):
        if not isinstance(i, int):
            start, stop = _bounds(i, len(self))
            if start == 0 and stop == len(self):
                self.write(value)
                return
            if len(value) != stop - start:
                raise ValueError("%d elements, must be %d" % (len(value), stop - start))
            for at in range(start, stop):
                self[at] = value[at - start]
            return
        if self.typecode == "f":
            i = self._at(i)
            self.raw[i : i + 4] = bytes(array("f", [value]))
            return
        least = -self._sign
        if not least <= value <= least + (1 << 8 * self._width) - 1:
            raise ValueError("%d is no %s" % (value, self.dtype))
        i = self._at(i)
        raw = self.raw
        raw[i] = value & 0xFF
        for byte in range(1, self._width):
            raw[i + byte] = value >> 8 * byte & 0xFF

    def __iter__(self):
        for i in range(len(self)):
            yield self[i]

    def _at(self, i):
        count = len(self)
        if i < 0:
            i += count
        if not 0 <= i < count:
            raise IndexError("tensor %s has %d elements" % (self.name, count))
        return i * self._width

    # Copies a buffer of the tensor's elements, or of its bytes, without allocating in the second
    # case and in that of one byte an element.
    def write(self, data):
        # Two calls, because a tuple of types would be allocated.
        if isinstance(data, list) or isinstance(data, tuple):
            data = array(self.typecode, data)
        size = len(self.raw)
        if len(data) == size:
            self.raw[_ALL] = as_bytes(data)
        elif len(data) == len(self):
            self.raw[_ALL] = as_bytes(bytes(data))
        else:
            raise ValueError(
                "tensor %s: %d elements, must be %d" % (self.name, len(data), len(self))
            )

    # Takes frames of real numbers, or of integers with a scale and zero point of their own, by
    # this tensor's: adaptor.write(frame). Made once; writing allocates nothing.
    def adaptor(self, typecode="f", scale=1.0, zero_point=0):
        from .ops.adapt import Adaptor

        return Adaptor(self, typecode, scale, zero_point)


def _bounds(key, count):
    if key.step not in (None, 1):
        raise ValueError("a slice of a tensor has no step")
    start = 0 if key.start is None else key.start
    stop = count if key.stop is None else key.stop
    if start < 0:
        start += count
    if stop < 0:
        stop += count
    start = min(max(start, 0), count)
    return start, min(max(stop, start), count)
