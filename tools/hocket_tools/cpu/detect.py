# SPDX-License-Identifier: Apache-2.0
"""TFLite_Detection_PostProcess: boxes of an SSD network decoded, and the best ones kept.

The reference decodes with doubles, of which the device does products and sums; quotients and
exponentials are tables by the 256 values of an encoding of 8 bits.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..container.device import Words, constants
from ..tflite.flex import numbers
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator, constant
from .costs import Spent, Work, chunk_of, spent, work
from .packing import TYPES, PackedOperator, packed, per_tensor
from .registry import Operator, register

_PARAMETERS = Words("ops.detect")
_STATE_BYTES = 4 * Words("ops.detect", "the state").size
_TYPES = ("int8", "uint8", "float32")
_MOST_DETECTIONS = 200
_MOST_CLASSES = 160
_MOST_BOXES = 1 << 15
#: Of a step, whatever a board's costs say.
_MOST_SCORES, _MOST_ITEMS = 256, 64
#: Magnitudes with which no double on the way leaves the normal floats, whatever cancels.
_LEAST, _GREATEST = 2.0**-30, 2.0**60
_BIAS: int = constants("ops.doubles")["BIAS"]
#: What a container counts an operator's cycles with.
_MOST_CYCLES = 1 << 32


@dataclass(frozen=True)
class _Options:
    most: int
    classes_per_box: int
    per_class: int
    classes: int
    regular: bool
    least: float
    overlap: float
    scales: tuple[float, ...]
    """Of y, x, h and w, as float32."""


def _options(source: SourceOperator) -> _Options | None:
    """Options of the custom operator; None where they are no map of numbers."""
    found = numbers(source.custom_options)
    if found is None:
        return None
    try:
        return _Options(
            most=int(found["max_detections"]),
            classes_per_box=int(found.get("max_classes_per_detection", 0)),
            per_class=int(found.get("detections_per_class", 100)),
            classes=int(found["num_classes"]),
            regular=bool(found.get("use_regular_nms", False)),
            least=float(np.float32(found["nms_score_threshold"])),
            overlap=float(np.float32(found["nms_iou_threshold"])),
            scales=tuple(float(np.float32(found[f"{c}_scale"])) for c in "yxhw"),
        )
    except (KeyError, ValueError, OverflowError):
        return None


def _dequantised(tensor: TfliteTensor, values: Any) -> NDArray[np.float32]:
    """Floats of quantised values, as DEQUANTIZE gives them."""
    scale, zero = per_tensor(tensor)
    return (np.asarray(values).astype(np.float32) - np.float32(zero)) * np.float32(scale)


def _values(tensor: TfliteTensor) -> NDArray[np.int64]:
    """All values of an 8-bit type, ascending."""
    info = np.iinfo(tensor.dtype)
    return np.arange(info.min, info.max + 1)


def _encodings(source: SourceOperator) -> TfliteTensor | None:
    """The 8-bit tensor that box encodings are, or were dequantised from."""
    given = source.input(0)
    if given.dtype != "float32":
        return given
    return source.origins[0] if source.origins else None


def _anchors(source: SourceOperator) -> NDArray[np.float32] | None:
    values = constant(source.input(2))
    if values is None or values.dtype == np.float32:
        return values
    return _dequantised(source.input(2), values)


def _tables(source: SourceOperator, options: _Options) -> list[NDArray[np.float64]]:
    """What sizes of anchors are multiplied by: moves of the centre (y, x), half sizes (h, w)."""
    encodings = _encodings(source)
    assert encodings is not None
    reals = _dequantised(encodings, _values(encodings)).astype(np.float64)
    tables = [reals / np.float64(scale) for scale in options.scales]
    halves = [[0.5 * math.exp(min(v, 700.0)) for v in table] for table in tables[2:]]
    return [*tables[:2], *map(np.array, halves)]


def _usual(values: NDArray[Any]) -> bool:
    """Whether doubles of these, their products and sums are zeros or normal floats."""
    large = np.abs(values[values != 0])
    return bool(np.isfinite(values).all() and ((large >= _LEAST) & (large <= _GREATEST)).all())


def _extended(anchors: NDArray[np.float32], tables: list[NDArray[np.float64]]) -> bool:
    """Whether every box has an extent, whatever its encoding; the reference fails without."""
    wide = anchors.astype(np.float64)
    for axis in range(2):
        size = wide[:, 2 + axis, None]
        centres = (tables[axis] * size + wide[:, axis, None]).astype(np.float32)
        half = (tables[2 + axis].min() * size).astype(np.float32)
        if not (centres - half < centres + half).all():
            return False
    return True


def _entries(table: NDArray[np.float64]) -> bytes:
    """Exponent and sign, then 53 bits of the fraction by 12, of each double."""
    rows = []
    for value in table.tolist():
        fraction, exponent = math.frexp(abs(value))
        whole = int(fraction * (1 << 53))
        head = 0 if value == 0 else (exponent - 1 + _BIAS) << 1 | (value < 0)
        rows.append(struct.pack("<6H", head, *(whole >> 12 * i & 0xFFF for i in range(5))))
    return b"".join(rows)


def _signed(value: int) -> int:
    """Magnitude and sign, as floats' bits are."""
    return abs(value) | (value < 0) << 31


@dataclass(frozen=True)
class _Plan:
    """Chunks of steps, and what the steps cost at most."""

    chunks: tuple[int, ...]
    spent: Spent


class Detect(Operator):
    """Fast and regular suppression of what overlaps, in the reference's order."""

    kinds = ("TFLite_Detection_PostProcess",)
    primitives = ("soft",)

    def supports(self, source: SourceOperator) -> str | None:
        """Encodings of 8 bits, or dequantised from such; scores of 8 bits or floats."""
        if len(source.inputs) != 3 or len(source.outputs) != 4:
            return f"{len(source.inputs)} inputs and {len(source.outputs)} outputs, not 3 and 4"
        options = _options(source)
        if options is None:
            return "options that cannot be read"
        return (
            _why_not_options(options) or _why_not_tensors(source, options) or _why_not_values(
                source, options
            ) or self._why_not_long(source, options)
        )  # fmt: skip

    def _why_not_long(self, source: SourceOperator, options: _Options) -> str | None:
        cycles = _plan(source, options).spent.cycles
        return f"up to {cycles} cycles, beyond 32 bits" if cycles >= _MOST_CYCLES else None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Tables of quotients and exponentials, and the anchors."""
        options = _options(source)
        anchors, encodings = _anchors(source), _encodings(source)
        assert options is not None
        assert anchors is not None
        assert encodings is not None
        scores = source.input(1)
        boxes, columns = scores.shape[1:]
        body = b""

        def add(data: bytes) -> int:
            nonlocal body
            at = _PARAMETERS.size + len(body) // 4
            body += data
            return at

        known: dict[bytes, int] = {}
        places = []
        for table in _tables(source, options):
            data = _entries(table)
            if data not in known:
                known[data] = add(data)
            places.append(known[data])
        keys = add(_dequantised(encodings, _values(encodings)).tobytes())
        at_anchors = add(np.ascontiguousarray(anchors, np.float32).tobytes())
        at_reals, least = 0, struct.unpack("<I", struct.pack("<f", options.least))[0]
        if scores.dtype != "float32":
            reals = _dequantised(scores, _values(scores))
            at_reals = add(reals.tobytes())
            first = int(np.count_nonzero(reals < np.float32(options.least)))
            least = _signed(int(_values(scores)[0]) + first)
        plan = _plan(source, options)
        most = options.most
        head = _PARAMETERS.pack(
            boxes=boxes, columns=columns, classes=options.classes, limit=_limit(options),
            most=most, searches=options.classes if options.regular else 1,
            fast=int(not options.regular), encoding=TYPES[source.input(0).dtype],
            width=source.input(0).shape[2], score=TYPES[scores.dtype], least=least,
            overlap=struct.pack("<f", options.overlap), tables=places, keys=keys, reals=at_reals,
            anchors=at_anchors, chunks=plan.chunks,
        )  # fmt: skip
        return packed(
            "detect",
            primitive,
            head + body,
            inputs=(source.input(0), scores),
            outputs=source.outputs,
            scratch_bytes=-(-(_STATE_BYTES + 25 * boxes + 16 * most) // 4) * 4,
            spent=plan.spent,
        )


def _why_not_options(options: _Options) -> str | None:
    if not 0 < options.most <= _MOST_DETECTIONS:
        return f"{options.most} detections, not 1 to {_MOST_DETECTIONS}"
    if not 0 < options.classes <= _MOST_CLASSES:
        return f"{options.classes} classes, not 1 to {_MOST_CLASSES}"
    if not 0.0 < options.overlap <= 1.0:
        return f"an overlap of {options.overlap}, which tflite_micro fails on"
    if not math.isfinite(options.least):
        return f"a least score of {options.least}"
    if not all(scale > 0 and math.isfinite(scale) for scale in options.scales):
        return "scales that are not above 0"
    if options.regular:
        return None if options.per_class > 0 else "no detections of a class"
    if min(options.classes_per_box, options.classes) != 1:
        # Its index goes on by one a class and is multiplied by the classes a box.
        return "several classes a box, which tflite_micro writes beyond its outputs"
    return None


def _why_not_tensors(source: SourceOperator, options: _Options) -> str | None:
    given, scores, anchors = (source.input(i) for i in range(3))
    for tensor in (given, scores):
        if tensor.dtype not in _TYPES:
            return f"an input of {tensor.dtype}"
        if tensor.dtype != "float32" and tensor.quantization is None:
            return "an input of 8 bits without quantisation"
    if len(given.shape) != 3 or given.shape[0] != 1 or given.shape[2] < 4:
        return f"box encodings of shape {given.shape}"
    boxes = given.shape[1]
    if not 0 < boxes < _MOST_BOXES:
        return f"{boxes} boxes, not 1 to {_MOST_BOXES - 1}"
    if scores.shape not in ((1, boxes, options.classes), (1, boxes, options.classes + 1)):
        return f"scores of shape {scores.shape} for {boxes} boxes and {options.classes} classes"
    if anchors.shape != (boxes, 4) or constant(anchors) is None:
        return "anchors that are not one constant row a box"
    if anchors.dtype not in _TYPES:
        return f"anchors of {anchors.dtype}"
    wanted = (4 * options.most, options.most, options.most, 1)
    if tuple(t.elements for t in source.outputs) != wanted:
        return f"outputs of other sizes than for {options.most} detections"
    if any(t.dtype != "float32" for t in source.outputs):
        return "outputs that are not float32"
    encodings = _encodings(source)
    if encodings is None or encodings.dtype not in ("int8", "uint8"):
        return (
            "box encodings of float32 that were not dequantised from 8 bits, whose exponentials "
            "are no table"
        )
    return None


def _why_not_values(source: SourceOperator, options: _Options) -> str | None:
    anchors = _anchors(source)
    assert anchors is not None
    tables = _tables(source, options)
    usual = _usual(anchors) and all(_usual(table) for table in tables)
    if not usual or not (anchors[:, 2:] > 0).all():
        return "anchors or encodings beyond 2**-30 to 2**60, or anchors without a size"
    if not _extended(anchors, tables):
        return "encodings of boxes without an extent, which tflite_micro fails on"
    return None


def _limit(options: _Options) -> int:
    """Detections that one search looks for: more than there may be in all have no place."""
    return min(options.per_class, options.most) if options.regular else options.most


def _plan(source: SourceOperator, options: _Options) -> _Plan:
    """Chunks of the steps and their costs.

    Every cost is in units of soft floats, which take longer than moves of as many words.
    """
    boxes, most = source.input(0).shape[1], options.most
    searches = options.classes if options.regular else 1
    limit = _limit(options)
    scored = 1 if options.regular else options.classes
    search = work("floats", copy=6)
    # A double rounded after a product costs as two floats, and seven with a sum.
    centre = work("floats", sum=14) + search
    corners = work("floats", product=5, sum=6) + search * 2
    rated = work("floats", copy=1, row=scored)
    seen = work("floats", copy=1)
    compared = work("floats", choice=2)
    overlap = work("floats", sum=4, product=1, quotient=1, choice=8)
    row = work("floats", choice=2)
    chosen = rated + work("floats", copy=2)
    moved = work("floats", copy=1, row=1)
    looks = chunk_of(compared, boxes, overlap)
    chunks = (
        chunk_of(rated, min(boxes, max(1, _MOST_SCORES // scored))),
        chunk_of(seen, min(boxes, _MOST_ITEMS)), looks, chunk_of(row, most),
        chunk_of(moved, min(most, _MOST_ITEMS), work("floats", copy=2)),
    )  # fmt: skip
    found = min(limit, boxes)
    # After each detection but the last that there may be, those left are compared with it.
    later = min(limit - 1, boxes)
    left = sum(boxes - s for s in range(1, later + 1))
    steps = 2 * boxes + -(-most // chunks[3])
    one = -(-boxes // chunks[0]) + -(-boxes // chunks[1]) + 1
    one += found * (1 + -(-most // chunks[4]))
    one += later * -(-boxes // looks) + left
    steps += searches * one
    total = (centre + corners) * boxes + row * most
    each = (rated + seen) * boxes + (compared + seen) * (boxes * later) + overlap * left
    total += (each + (chosen + moved * most + work("floats", copy=2)) * found) * searches
    longest: list[tuple[Work, int]] = [
        (centre, 1), (corners, 1), (rated * chunks[0], 1), (seen * chunks[1], 1),
        (compared * looks + overlap, 1), (chosen, 1), (row * chunks[3], 1),
        (moved * chunks[4] + work("floats", copy=2), 1),
    ]  # fmt: skip
    return _Plan(chunks, spent(steps, work("floats"), total, longest))


register(Detect())
