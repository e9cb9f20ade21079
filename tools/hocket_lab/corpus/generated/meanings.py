# SPDX-License-Identifier: Apache-2.0
"""Files that say a thing twice: shapes and their signatures, metadata, operands that are shapes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from .example import SCALE, Example, changed, network, random, refused, weights

_SIGNATURES = {
    "rows": (-1, 5, 6, 4), "columns": (1, 6, 5, 4), "channels": (-1, 6, 6, 8),
    "batch": (2, 6, 6, 4), "rank": (-1, 36, 4), "scalar": (1,), "open": (-1, -1, -1, 4),
}  # fmt: skip
_DETECTION = "TFLite_Detection_PostProcess"


def examples() -> Iterator[Example]:
    """What tflite_micro makes of each is the right result."""
    for name, signature in _SIGNATURES.items():
        for tensor in ("given", "middle", "result"):
            yield Example(f"signature-{name}-{tensor}.tflite", _signed(signature, tensor))
    for name, offsets in {
        "all": [-1] * 7,
        "some": [-1, -1, 0, -1, -1, -1, 512],
        "few": [-1],
    }.items():
        plan = struct.pack(f"<iii{len(offsets)}i", 1, 0, len(offsets), *offsets)
        yield Example(f"metadata-plan-{name}.tflite", _noted("OfflineMemoryAllocation", plan))
    yield Example("metadata-unknown.tflite", _noted("vendor.layout", b"\1\2\3"))
    yield Example("metadata-note.tflite", _noted("TFLITE_METADATA", b"notes"))
    yield Example(
        "metadata-compression.tflite",
        _noted("COMPRESSION_METADATA", b"\0" * 16),
        refused("compressed constants"),
    )
    for given in (False, True):
        for dtype in ("int8", "int16"):
            how = "given" if given else "constant"
            yield Example(f"transpose-conv-{dtype}-{how}.tflite", _transposed(dtype, given))
    yield Example("reshape-given.tflite", _reshaped())
    for name, shapes in {
        "scalars": ((), (), (), ()), "counts": ((10,), (10,), (10,), ()),
        "closed": ((1, 6, 4), (1, 6), (1, 6), (1,)),
    }.items():  # fmt: skip
        yield Example(f"detection-{name}.tflite", _detecting(shapes))
    yield Example(
        "detection-other-sizes.tflite",
        _detecting(((1, 9, 4), (1, 9), (1, 9), (1,))),
        refused("outputs of other sizes than for 6 detections"),
    )


def _signed(signature: tuple[int, ...], tensor: str) -> bytes:
    def change(tree: Any) -> None:
        (found,) = [t for t in tree.subgraphs[0].tensors if t.name in (tensor, tensor.encode())]
        found.shapeSignature = list(signature)

    return changed(network(), change)


def _noted(name: str, value: bytes) -> bytes:
    def change(tree: Any) -> None:
        buffer, note = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(value, np.uint8)
        tree.buffers.append(buffer)
        note.name, note.buffer = name, len(tree.buffers) - 1
        tree.metadata = [*(tree.metadata or ()), note]

    return changed(network(), change)


def _transposed(dtype: str, given: bool) -> bytes:
    model = ModelBuilder()
    wide = dtype == "int16"
    scale = Quantisation.tensor(0.01) if wide else SCALE
    out = (1, 4, 22, 6)
    shape = (
        model.input("shape", (4,), np.int32, None)
        if given
        else model.constant("shape", np.array(out, np.int32))
    )
    image = model.input("given", (1, 1, 10, 8), dtype, scale)
    scales = Quantisation.channels([0.004] * 6, 0)
    kernel = model.constant("w", weights("transposed", (6, 4, 4, 8)), scales)
    result = model.output("result", out, dtype, scale)
    model.operator(
        "TRANSPOSE_CONV",
        (shape, kernel, image),
        (result,),
        "TransposeConvOptions",
        padding=schema.Padding.VALID,
        strideH=1,
        strideW=2,
    )
    return model.finish()


def _reshaped() -> bytes:
    model = ModelBuilder()
    image = model.input("given", (1, 4, 6), np.int8, SCALE)
    shape = model.input("shape", (2,), np.int32, None)
    middle = model.activation("middle", (1, 24), np.int8, SCALE)
    result = model.output("result", (1, 24), np.int8, SCALE)
    model.operator("RESHAPE", (image, shape), (middle,), "ReshapeOptions")
    model.operator("RELU", (middle,), (result,))
    return model.finish()


def _detecting(shapes: tuple[tuple[int, ...], ...]) -> bytes:
    boxes, classes = 20, 3
    model = ModelBuilder()
    scale = Quantisation.tensor(0.08, 3)
    places = model.input("places", (1, boxes, 4), np.int8, scale)
    columns = (1, boxes, classes + 1)
    scores = model.input("scores", columns, np.int8, Quantisation.tensor(1 / 256, -128))
    floats = [
        model.activation(f"{name} float", shape, np.float32, None)
        for name, shape in (("places", (1, boxes, 4)), ("scores", columns))
    ]
    for given, real in zip((places, scores), floats, strict=True):
        model.operator("DEQUANTIZE", (given,), (real,), "DequantizeOptions", version=2)
    draw = random("anchors")
    anchors = np.concatenate([draw.random((boxes, 2)), draw.uniform(0.05, 0.5, (boxes, 2))], 1)
    outputs = [
        model.output(name, shape, np.float32, None)
        for name, shape in zip(("boxes", "classes", "scores", "count"), shapes, strict=True)
    ]
    operands = [*floats, model.constant("anchors", anchors.astype(np.float32))]
    model.custom(_DETECTION, operands, outputs, _detection_options(classes))
    return model.finish()


def _detection_options(classes: int) -> bytes:
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, whole in {
            "max_detections": 6, "max_classes_per_detection": 1, "detections_per_class": 5,
            "num_classes": classes,
        }.items():  # fmt: skip
            builder.Key(key)
            builder.Int(whole)
        for name, real in {
            "nms_score_threshold": 0.4, "nms_iou_threshold": 0.4, "y_scale": 10.0,
            "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
        }.items():  # fmt: skip
            builder.Key(name)
            builder.Float(real)
        builder.Key("use_regular_nms")
        builder.Bool(False)
    return bytes(builder.Finish())
