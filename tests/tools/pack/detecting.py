# SPDX-License-Identifier: Apache-2.0
"""A small network of two heads, whose boxes and scores end in a detection."""

from __future__ import annotations

from typing import Any

import numpy as np
from flatbuffers import flexbuffers

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

_SIDE, _DEPTH, _ANCHORS, _CLASSES = 6, 8, 2, 3
_SCALE = Quantisation.tensor(0.05, -4)


def _convolution(
    model: ModelBuilder, name: str, given: int, depths: tuple[int, int], result: Quantisation
) -> int:
    random = np.random.default_rng(len(name))
    deep, wide = depths
    weights = random.integers(-127, 128, (wide, 3, 3, deep), np.int8)
    output = model.activation(name, (1, _SIDE, _SIDE, wide), np.int8, result)
    model.operator(
        "CONV_2D",
        [
            given,
            model.constant(f"{name}_w", weights, Quantisation.channels([0.005] * wide, 0)),
            model.constant(
                f"{name}_b", random.integers(-900, 900, (wide,), np.int32),
                Quantisation.channels([0.005 * 0.05] * wide, 0),
            ),
        ],
        [output], "Conv2DOptions", version=3, strideH=1, strideW=1, dilationHFactor=1,
        dilationWFactor=1,
    )  # fmt: skip
    return output


def _anchors(boxes: int) -> Any:
    places = [(y, x) for y in range(_SIDE) for x in range(_SIDE) for _ in range(_ANCHORS)]
    rows = [
        ((y + 0.5) / _SIDE, (x + 0.5) / _SIDE, *((0.3, 0.5) if i % 2 else (0.4, 0.2)))
        for i, (y, x) in enumerate(places)
    ]
    return np.array(rows, np.float32).reshape(boxes, 4)


def ssd_model(**options: Any) -> bytes:
    """Convolutions, LOGISTIC scores, DEQUANTIZE, and TFLite_Detection_PostProcess."""
    model = ModelBuilder()
    boxes, columns = _SIDE * _SIDE * _ANCHORS, _CLASSES + 1
    image = model.input("image", (1, _SIDE, _SIDE, 3), np.int8, _SCALE)
    features = _convolution(model, "features", image, (3, _DEPTH), _SCALE)
    heads = []
    for name, width in (("encodings", 4), ("scores", columns)):
        head = _convolution(model, name, features, (_DEPTH, _ANCHORS * width), _SCALE)
        shape, scale = (1, boxes, width), _SCALE
        rows = model.activation(f"{name}_rows", shape, np.int8, scale)
        sizes = model.constant(f"{name}_shape", np.array(shape, np.int32))
        model.operator("RESHAPE", [head, sizes], [rows], "ReshapeOptions", newShape=list(shape))
        if name == "scores":
            scale = Quantisation.tensor(1 / 256, -128)
            shares = model.activation("shares", shape, np.int8, scale)
            model.operator("LOGISTIC", [rows], [shares])
            rows = shares
        floats = model.activation(f"{name}_floats", shape, np.float32, None)
        model.operator("DEQUANTIZE", [rows], [floats], "DequantizeOptions", version=2)
        heads.append(floats)
    most = 10
    given = {
        "max_detections": most, "max_classes_per_detection": 1, "detections_per_class": 6,
        "num_classes": _CLASSES, "nms_score_threshold": 0.5, "nms_iou_threshold": 0.4,
        "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0, **options,
    }  # fmt: skip
    writer = flexbuffers.Builder()
    with writer.Map():
        for key, value in given.items():
            writer.Key(key)
            if isinstance(value, bool):
                writer.Bool(value)
            elif isinstance(value, int):
                writer.Int(value)
            else:
                writer.Float(value)
    shapes = {"boxes": (1, most, 4), "classes": (1, most), "rates": (1, most), "count": (1,)}
    outputs = [model.output(n, shape, np.float32, None) for n, shape in shapes.items()]
    anchors = model.constant("anchors", _anchors(boxes))
    model.custom("TFLite_Detection_PostProcess", [*heads, anchors], outputs, bytes(writer.Finish()))
    return model.finish()
