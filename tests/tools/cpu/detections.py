# SPDX-License-Identifier: Apache-2.0
"""Models that end in TFLite_Detection_PostProcess, and comparisons of it with tflite_micro."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from hocket_lab.cpu.check import Job, job_of
from hocket_tools.cpu import SourceOperator, pack, read_source
from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from hocket_tools.tflite.model import TfliteModel, read_tflite

KIND = "TFLite_Detection_PostProcess"
_DEFAULTS: dict[str, Any] = {
    "max_detections": 6, "max_classes_per_detection": 1, "detections_per_class": 5,
    "nms_score_threshold": 0.4, "nms_iou_threshold": 0.4, "use_regular_nms": False,
    "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0,
}  # fmt: skip


def options_of(values: dict[str, Any]) -> bytes:
    """The map of options that a converter writes."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in values.items():
            builder.Key(key)
            if isinstance(value, bool):
                builder.Bool(value)
            elif isinstance(value, int):
                builder.Int(value)
            else:
                builder.Float(value)
    return bytes(builder.Finish())


def anchors_of(boxes: int, seed: int = 0) -> NDArray[np.float32]:
    """Random anchors: y, x, h, w."""
    random = np.random.default_rng(seed)
    places, sizes = random.random((boxes, 2)), random.uniform(0.05, 0.5, (boxes, 2))
    return np.concatenate([places, sizes], 1).astype(np.float32)


@dataclass(frozen=True)
class Detection:
    """A tail of a network over encodings and scores of 8 bits."""

    boxes: int = 20
    classes: int = 3
    background: bool = True
    dtype: str = "int8"
    scores: str = "int8"
    """Type of the scores that are fed."""
    encoding: tuple[float, int] = (0.08, 3)
    direct: bool = False
    """Without DEQUANTIZE between."""
    anchors: NDArray[np.float32] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> int:
        """Scores a box."""
        return self.classes + self.background

    def tail(self, model: ModelBuilder, encodings: int, scores: int) -> None:
        """Add the operator and the outputs."""
        options = {"num_classes": self.classes, **_DEFAULTS, **self.options}
        anchors = anchors_of(self.boxes) if self.anchors is None else self.anchors
        most = options["max_detections"]
        shapes = {"boxes": (1, most, 4), "classes": (1, most), "scores": (1, most), "count": (1,)}
        outputs = [model.output(n, shape, np.float32, None) for n, shape in shapes.items()]
        given = [encodings, scores, model.constant("anchors", anchors)]
        model.custom(KIND, given, outputs, options_of(options))

    def model(self, direct: bool | None = None) -> bytes:
        """The tail alone."""
        model = ModelBuilder()
        zero = -128 if self.scores == "int8" else 0
        quantised = {
            "encodings": (self.dtype, 4, Quantisation.tensor(*self.encoding)),
            "scores": (self.scores, self.columns, Quantisation.tensor(1 / 256, zero)),
        }
        inputs = []
        for name, (dtype, width, scale) in quantised.items():
            shape = (1, self.boxes, width)
            real = dtype == "float32"
            given = model.input(name, shape, dtype, None if real else scale)
            if not (self.direct if direct is None else direct) and not real:
                floats = model.activation(f"{name}_float", shape, np.float32, None)
                model.operator("DEQUANTIZE", [given], [floats], "DequantizeOptions", version=2)
                given = floats
            inputs.append(given)
        self.tail(model, inputs[0], inputs[1])
        return model.finish()

    def random(self, seed: int, spread: int = 60, of_scores: int = 256) -> list[NDArray[Any]]:
        """Encodings around the zero point, and scores of so many values around the middle."""
        random = np.random.default_rng(seed)

        def drawn(dtype: str, width: int, spread: int, middle: int) -> NDArray[Any]:
            shape = (1, self.boxes, width)
            if dtype == "float32":
                return random.integers(0, of_scores, shape).astype(np.float32) / np.float32(256)
            info = np.iinfo(dtype)
            values = middle + random.integers(-spread, spread + 1, shape)
            return values.clip(info.min, info.max).astype(dtype)

        middle = 0 if self.scores == "int8" else 128
        return [
            drawn(self.dtype, 4, spread, self.encoding[1]),
            drawn(self.scores, self.columns, of_scores // 2, middle),
        ]


def operator_of(model: bytes, source: TfliteModel | None = None) -> SourceOperator:
    """The detection of a model."""
    [found] = [o for o in read_source(model, source) if o.kind == KIND]
    return found


def job(name: str, case: Detection, rounds: Sequence[Sequence[NDArray[Any]]]) -> Job:
    """A comparison of the operator alone, given what the reference's tensors held.

    tflite_micro takes floats alone, so quantised operands are dequantised before it.
    """
    data, oracle_data = case.model(), case.model(direct=False)
    model, oracle = read_tflite(data), Oracle(oracle_data)
    source, theirs = operator_of(data, model), operator_of(oracle_data)
    described = job_of(name, model, source, pack(source), [])
    for given in rounds:
        want = oracle.run(given)
        fed = list(given) if case.direct else [
            oracle.tensor(theirs.input(i).index) for i in range(2)
        ]  # fmt: skip
        hexed = [
            {str(t.index): np.ascontiguousarray(v).tobytes().hex() for t, v in pairs}
            for pairs in (
                zip((source.input(0), source.input(1)), fed, strict=True),
                zip(source.outputs, want, strict=True),
            )
        ]
        described["rounds"].append(hexed)
    return described
