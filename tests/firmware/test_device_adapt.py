# SPDX-License-Identifier: Apache-2.0
# Frames of users to tensors, on CPython and on MicroPython.
from array import array

from device_helper import raised

from hocket.tensor import Tensor


class Info:
    name = "x"
    shape = (4,)


TYPES = {"b": "int8", "B": "uint8", "h": "int16", "i": "int32", "f": "float32", "I": "uint32"}
WIDTHS = {"b": 1, "B": 1, "h": 2, "i": 4, "f": 4, "I": 4}


def tensor(typecode, scale=0.5, zero_point=3, elements=4):
    info = Info()
    info.typecode = typecode
    info.dtype = TYPES[typecode]
    info.scale = scale
    info.zero_point = zero_point
    return Tensor(info, memoryview(bytearray(elements * WIDTHS[typecode])))


def test_reals_are_divided_by_the_scale_and_saturate():
    x = tensor("b")
    x.adaptor().write(array("f", [0.0, 1.0, -1e9, 1e9]))
    assert list(x) == [3, 5, -128, 127]


def test_halves_go_away_from_zero_before_the_zero_point():
    x = tensor("b")
    x.adaptor().write([0.25, -0.25, 0.75, -0.75])
    assert list(x) == [4, 2, 5, 1]


def test_unsigned_tensor_takes_reals():
    x = tensor("B", 1.0, 128)
    x.adaptor().write((-128.0, -129.0, 127.0, 128.0))
    assert list(x) == [0, 0, 255, 255]


def test_wide_tensors_take_reals():
    x = tensor("h", 0.25, -1)
    x.adaptor().write([100.0, -100.0, 8191.9, 1e6])
    assert list(x) == [399, -401, 32767, 32767]
    x = tensor("i", 0.5, 0)
    x.adaptor().write([1e6, -1e6, 1e30, -1e30])
    assert list(x) == [2000000, -2000000, 0x7FFFFFFF, -0x80000000]


def test_float_tensor_takes_reals_as_they_are():
    x = tensor("f", 0.0, 0)
    x.adaptor().write([0.5, -1.25, 3e10, 0.0])
    assert list(x) == [0.5, -1.25, struct_float(3e10), 0.0]


def struct_float(value):
    return array("f", [value])[0]


def test_float_tensor_takes_integers_by_their_scale():
    x = tensor("f", 0.0, 0)
    x.adaptor("B", 0.5, 128).write(b"\x00\x80\x81\xff")
    assert list(x) == [-64.0, 0.0, 0.5, 63.5]


def test_elements_of_a_float_tensor_are_reals():
    x = tensor("f", 0.0, 0)
    x[1] = 1.5
    assert x[1] == 1.5
    assert list(x[:2]) == [0.0, 1.5]
    x[:] = [1.0, 2.0, 3.0, 4.0]
    assert list(x) == [1.0, 2.0, 3.0, 4.0]


def test_pixels_take_the_way_of_their_scale():
    x = tensor("b", 1.0, -128)
    x.adaptor("B").write(b"\x00\x01\x80\xff")
    assert list(x) == [-128, -127, 0, 127]


def test_integers_saturate():
    x = tensor("b", 0.5, 0)
    x.adaptor("h").write(array("h", [-32768, 32767, -3, 3]))
    assert list(x) == [-128, 127, -6, 6]


def test_part_of_a_frame_goes_to_its_place():
    x = tensor("b", 1.0, 0)
    adaptor = x.adaptor("b")
    adaptor.write(b"\x01\x02\x03\x04", 1, 2)
    assert list(x) == [0, 2, 3, 0]


def test_part_beyond_the_tensor_is_refused():
    adaptor = tensor("b").adaptor("b")
    raised(IndexError, adaptor.write, bytes(4), 3, 2)


def test_frame_of_another_length_is_refused():
    adaptor = tensor("b").adaptor("h")
    assert "3 elements, must be 4" in str(raised(ValueError, adaptor.write, array("h", [1, 2, 3])))


def test_frames_and_tensors_of_other_types_are_refused():
    assert "float" not in str(raised(ValueError, tensor("b").adaptor, "i"))
    assert "uint32" in str(raised(ValueError, tensor("I").adaptor))


def test_scale_that_is_not_positive_is_refused():
    assert "scale" in str(raised(ValueError, tensor("b", 0.0).adaptor))
    assert "scale" in str(raised(ValueError, tensor("b").adaptor, "B", -1.0))


def test_scale_too_large_for_the_tensor_is_refused():
    assert "too large" in str(raised(ValueError, tensor("h", 1e-6, 0).adaptor, "H", 1.0))


def test_writing_allocates_nothing():
    import micropython

    cases = [
        (tensor("b").adaptor(), array("f", [1.0, 2.0, 3.0, 4.0])),
        (tensor("h").adaptor("H", 0.1), array("H", [1, 2, 3, 4])),
        (tensor("f").adaptor("h", 0.1), array("h", [1, 2, 3, 4])),
        (tensor("f").adaptor(), array("f", [1.0, 2.0, 3.0, 4.0])),
    ]
    for adaptor, frame in cases:
        micropython.heap_lock()
        try:
            adaptor.write(frame)
        finally:
            micropython.heap_unlock()
