# SPDX-License-Identifier: Apache-2.0
"""What is no quantised TFLite model: other formats, float models, Vela's own output."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from .example import SHAPE, Example, network, random, refused


def examples() -> Iterator[Example]:
    """Each is refused by what it is."""
    yield Example("keras.keras", _zip("metadata.json", "model.weights.h5"), refused("Keras model"))
    yield Example("keras.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), refused("Keras model in HDF5"))
    yield Example("model.onnx", _onnx(), refused("an ONNX model"))
    yield Example("program.pt2", _zip("p/archive_format", "p/data.bin"), refused("(.pt2)"))
    yield Example("program.pte", b"\x1c\0\0\0ET12" + bytes(64), refused("ExecuTorch program"))
    yield Example("weights.pt", _zip("w/data.pkl", "w/version"), refused("PyTorch checkpoint"))
    yield Example("empty.tflite", b"", refused("not a TFLite file"))
    yield Example("page.tflite", b"<!DOCTYPE html><html></html>", refused("a text file"))
    yield Example("float32.tflite", _floats(np.float32), refused("a float32 model"))
    yield Example("float16.tflite", _half(), refused("a float16 model"))
    yield Example("dynamic-range.tflite", _floats(np.int8), refused("a dynamic-range model"))
    yield Example("compiled.tflite", _compiled(), refused("compiled by Vela already"))


def _zip(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return held.getvalue()


def _onnx() -> bytes:
    """A ModelProto: the format's version, the producer's name, an empty graph."""
    return b"\x08\x09" + b"\x12\x07pytorch" + b"\x3a\x00" + b"\x42\x02\x10\x11"


def _floats(weights: type) -> bytes:
    """A dense layer of floats, whose weights are floats or integers."""
    model = ModelBuilder()
    given = model.input("given", (1, 24), np.float32, None)
    middle = model.activation("middle", (1, 8), np.float32, None)
    result = model.output("result", (1, 8), np.float32, None)
    values: NDArray[Any] = random("floats").integers(-100, 100, (8, 24)).astype(weights)
    scale = Quantisation.tensor(0.01) if weights is np.int8 else None
    kernel = model.constant("w", values, scale)
    model.operator(
        "FULLY_CONNECTED", (given, kernel), (middle,), "FullyConnectedOptions", version=3
    )
    model.operator("ELU", (middle,), (result,))
    return model.finish()


def _half() -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.float32, None)
    result = model.output("result", SHAPE, np.float32, None)
    kernel = model.activation("w", (4, 1, 1, 4), np.float32, None)
    halves = model.constant("w16", random("half").random((4, 1, 1, 4)).astype(np.float16))
    model.operator("DEQUANTIZE", (halves,), (kernel,), "DequantizeOptions")
    model.operator(
        "CONV_2D",
        (given, kernel),
        (result,),
        "Conv2DOptions",
        padding=schema.Padding.SAME,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
    )
    return model.finish()


def _compiled() -> bytes:
    from hocket_tools.vela import VelaOptions
    from hocket_tools.vela._process import run_compiler
    from hocket_tools.vela.options import resolve

    answer = run_compiler(network(), resolve(VelaOptions("ethos-u55-128")), graph=True)
    return answer.blobs[0]
