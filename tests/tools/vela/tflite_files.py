# SPDX-License-Identifier: Apache-2.0
"""Builds one-operator TFLite files for the tests."""

import flatbuffers


def _vector(builder, values, kind):
    size = {"i": 4, "q": 8, "f": 4, "o": 4}[kind]
    builder.StartVector(size, len(values), size)
    prepend = {
        "i": builder.PrependInt32,
        "q": builder.PrependInt64,
        "f": builder.PrependFloat32,
        "o": builder.PrependUOffsetTRelative,
    }[kind]
    for value in reversed(values):
        prepend(value)
    return builder.EndVector()


def one_operator(code, dtypes, *, shape=(1, 8), scale=0.5, zero_point=0):
    """A model with one operator; ``dtypes`` are schema codes of its inputs, then its output."""
    b = flatbuffers.Builder(1024)
    tensors = []
    for index, dtype in enumerate(dtypes):
        quantization = 0
        if dtype != 0:
            scales, zeros = _vector(b, [scale], "f"), _vector(b, [zero_point], "q")
            b.StartObject(7)
            b.PrependUOffsetTRelativeSlot(2, scales, 0)
            b.PrependUOffsetTRelativeSlot(3, zeros, 0)
            quantization = b.EndObject()
        name, extents = b.CreateString(f"layer/t{index}"), _vector(b, list(shape), "i")
        b.StartObject(10)
        b.PrependUOffsetTRelativeSlot(0, extents, 0)
        b.PrependInt8Slot(1, dtype, 0)
        b.PrependUint32Slot(2, 0, 0)
        b.PrependUOffsetTRelativeSlot(3, name, 0)
        if quantization:
            b.PrependUOffsetTRelativeSlot(4, quantization, 0)
        tensors.append(b.EndObject())
    last = len(dtypes) - 1
    ins, outs = _vector(b, list(range(last)), "i"), _vector(b, [last], "i")
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(1, ins, 0)
    b.PrependUOffsetTRelativeSlot(2, outs, 0)
    operators = _vector(b, [b.EndObject()], "o")
    tensors = _vector(b, tensors, "o")
    ins, outs = _vector(b, list(range(last)), "i"), _vector(b, [last], "i")
    b.StartObject(5)
    for slot, value in enumerate((tensors, ins, outs, operators)):
        b.PrependUOffsetTRelativeSlot(slot, value, 0)
    graphs = _vector(b, [b.EndObject()], "o")
    b.StartObject(3)
    buffers = _vector(b, [b.EndObject()], "o")
    b.StartObject(4)
    b.PrependInt8Slot(0, min(code, 127), 0)
    b.PrependInt32Slot(2, 1, 0)
    b.PrependInt32Slot(3, code, 0)
    codes = _vector(b, [b.EndObject()], "o")
    b.StartObject(8)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, codes, 0)
    b.PrependUOffsetTRelativeSlot(2, graphs, 0)
    b.PrependUOffsetTRelativeSlot(4, buffers, 0)
    b.Finish(b.EndObject(), b"TFL3")
    return bytes(b.Output())
