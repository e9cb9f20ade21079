# SPDX-License-Identifier: Apache-2.0
"""Operators that move data: concatenation, splits, slices, padding, transposition, resizing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder

from ..case import Case


def _ints(*values: int) -> Any:
    return np.array(values, np.int32)


@dataclass(frozen=True)
class Move(Case):
    """One operator with one input, some outputs, and constant parameter tensors."""

    kind: str = "RESHAPE"
    shape: tuple[int, ...] = (1, 6, 5, 8)
    outputs: tuple[tuple[int, ...], ...] = ((1, 6, 5, 8),)
    parameters: tuple[tuple[int, ...] | int, ...] = ()
    parameters_first: bool = False
    """SPLIT takes its axis before its input."""
    options: str | None = None
    attributes: tuple[tuple[str, Any], ...] = field(default=())
    scale: float = 0.05
    zero: int = -6
    pad_value: int | None = None
    """PADV2's constant, of the type of the input."""

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        quantisation = self.quantisation(self.scale, self.zero)
        source = model.input("input", self.shape, self.dtype, quantisation)
        constants = [
            model.constant(f"parameter{i}", np.array(values, np.int32))
            for i, values in enumerate(self.parameters)
        ]
        if self.pad_value is not None:
            value = np.array([self.pad_value], self.dtype)
            constants.append(model.constant("pad_value", value, quantisation))
        results = [
            model.output(f"output{i}", shape, self.dtype, quantisation)
            for i, shape in enumerate(self.outputs)
        ]
        inputs = [*constants, source] if self.parameters_first else [source, *constants]
        model.operator(self.op, inputs, results, self.options, version=2, **dict(self.attributes))


@dataclass(frozen=True)
class Pad(Case):
    """PAD, PADV2 or MIRROR_PAD."""

    kind: str = "PAD"
    shape: tuple[int, ...] = (1, 5, 6, 7)
    amounts: tuple[tuple[int, int], ...] = ((0, 0), (1, 2), (2, 1), (0, 0))
    value: int | None = None
    mode: int | None = None
    zero: int = -6

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        quantisation = self.quantisation(0.05, self.zero)
        shape = [s + a + b for s, (a, b) in zip(self.shape, self.amounts, strict=True)]
        inputs = [
            model.input("input", self.shape, self.dtype, quantisation),
            model.constant("paddings", np.array(self.amounts, np.int32)),
        ]
        if self.value is not None:
            inputs.append(model.constant("value", np.array([self.value], self.dtype), quantisation))
        result = model.output("output", shape, self.dtype, quantisation)
        options = {"PAD": "PadOptions", "PADV2": "PadV2Options", "MIRROR_PAD": "MirrorPadOptions"}
        attributes: dict[str, Any] = {} if self.mode is None else {"mode": self.mode}
        model.operator(self.op, inputs, (result,), options[self.kind], version=2, **attributes)


@dataclass(frozen=True)
class Join(Case):
    """CONCATENATION or PACK of several inputs."""

    kind: str = "CONCATENATION"
    shapes: tuple[tuple[int, ...], ...] = ((1, 4, 5, 6), (1, 4, 5, 6))
    axis: int = 3
    input_scales: tuple[float, ...] = ()
    """Of each input when they differ from the output's: TFLite then requantises."""

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        quantisation = self.quantisation(0.05, -6)
        scales = self.input_scales or (0.05,) * len(self.shapes)
        inputs = [
            model.input(f"input{i}", shape, self.dtype, self.quantisation(scale, -6))
            for i, (shape, scale) in enumerate(zip(self.shapes, scales, strict=True))
        ]
        first = self.shapes[0]
        if self.kind == "PACK":
            shape = (*first[: self.axis], len(inputs), *first[self.axis :])
            result = model.output("output", shape, self.dtype, quantisation)
            model.operator(
                self.op, inputs, (result,), "PackOptions",
                version=2, valuesCount=len(inputs), axis=self.axis,
            )  # fmt: skip
            return
        size = sum(shape[self.axis] for shape in self.shapes)
        shape = (*first[: self.axis], size, *first[self.axis + 1 :])
        result = model.output("output", shape, self.dtype, quantisation)
        model.operator(
            self.op, inputs, (result,), "ConcatenationOptions", version=2, axis=self.axis
        )


@dataclass(frozen=True)
class Resize(Case):
    """RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR."""

    kind: str = "RESIZE_BILINEAR"
    size: tuple[int, int] = (5, 6)
    target: tuple[int, int] = (10, 12)
    depth: int = 9
    align_corners: bool = False
    half_pixel: bool = False
    options: ClassVar[dict[str, str]] = {
        "RESIZE_BILINEAR": "ResizeBilinearOptions",
        "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    }

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        quantisation = self.quantisation(0.05, -6)
        source = model.input("input", (1, *self.size, self.depth), self.dtype, quantisation)
        wanted = model.constant("size", _ints(*self.target))
        result = model.output("output", (1, *self.target, self.depth), self.dtype, quantisation)
        model.operator(
            self.op, (source, wanted), (result,), self.options[self.kind], version=3,
            alignCorners=self.align_corners, halfPixelCenters=self.half_pixel,
        )  # fmt: skip


def _joins() -> list[Case]:
    return [
        Join("depth"),
        Join("depth-odd", shapes=((1, 4, 5, 3), (1, 4, 5, 17), (1, 4, 5, 1))),
        Join("height", shapes=((1, 2, 5, 6), (1, 3, 5, 6)), axis=1),
        Join("width", shapes=((1, 4, 2, 6), (1, 4, 5, 6)), axis=2),
        Join("depth16", shapes=((1, 4, 4, 16), (1, 4, 4, 32))),
        Join("rescaled", input_scales=(0.05, 0.031)),
        Join("depth", dtype="int16"),
        Join("axis0", kind="PACK", shapes=((4, 5), (4, 5), (4, 5)), axis=0),
        Join("axis2", kind="PACK", shapes=((4, 5), (4, 5)), axis=2),
    ]


def _splits() -> list[Case]:
    return [
        Move("depth", kind="SPLIT", outputs=((1, 6, 5, 4),) * 2, parameters=(3,),
             parameters_first=True, options="SplitOptions", attributes=(("numSplits", 2),)),
        Move("height", kind="SPLIT", outputs=((1, 2, 5, 8),) * 3, parameters=(1,),
             parameters_first=True, options="SplitOptions", attributes=(("numSplits", 3),)),
        Move("depth-uneven", kind="SPLIT_V", outputs=((1, 6, 5, 1), (1, 6, 5, 7)),
             parameters=((1, 7), 3), options="SplitVOptions", attributes=(("numSplits", 2),)),
        Move("axis1", kind="UNPACK", outputs=((1, 5, 8),) * 6, options="UnpackOptions",
             attributes=(("num", 6), ("axis", 1))),
        Move("axis3", kind="UNPACK", outputs=((1, 6, 5),) * 8, options="UnpackOptions",
             attributes=(("num", 8), ("axis", 3))),
        Move("depth", dtype="int16", kind="SPLIT", outputs=((1, 6, 5, 4),) * 2, parameters=(3,),
             parameters_first=True, options="SplitOptions", attributes=(("numSplits", 2),)),
    ]  # fmt: skip


def _slices() -> list[Case]:
    strided: dict[str, Any] = {"kind": "STRIDED_SLICE", "options": "StridedSliceOptions"}
    return [
        Move("inner", kind="SLICE", outputs=((1, 3, 2, 5),),
             parameters=((0, 2, 1, 3), (1, 3, 2, 5)), options="SliceOptions"),
        Move("rest", kind="SLICE", outputs=((1, 4, 5, 8),),
             parameters=((0, 2, 0, 0), (1, -1, -1, -1)), options="SliceOptions"),
        Move("inner", dtype="int16", kind="SLICE", outputs=((1, 3, 2, 5),),
             parameters=((0, 2, 1, 3), (1, 3, 2, 5)), options="SliceOptions"),
        Move("inner", outputs=((1, 3, 3, 6),),
             parameters=((0, 1, 2, 1), (1, 4, 5, 7), (1, 1, 1, 1)), **strided),
        Move("negative-bounds", outputs=((1, 3, 5, 6),),
             parameters=((0, -4, 0, 1), (1, -1, 5, -1), (1, 1, 1, 1)), **strided),
        Move("stride2", outputs=((1, 3, 3, 8),),
             parameters=((0, 0, 0, 0), (1, 6, 5, 8), (1, 2, 2, 1)), **strided),
        Move("drop-axis", outputs=((1, 5, 8),),
             parameters=((0, 2, 0, 0), (1, 3, 5, 8), (1, 1, 1, 1)),
             attributes=(("shrinkAxisMask", 2),), **strided),
    ]  # fmt: skip


def _paddings() -> list[Case]:
    return [
        Pad("hw"),
        Pad("hw-zero-point-low", zero=-128),
        Pad("depth", amounts=((0, 0), (0, 0), (0, 0), (3, 5))),
        Pad("all", amounts=((0, 0), (1, 0), (0, 2), (1, 1)), shape=(1, 8, 4, 16)),
        Pad("large", amounts=((0, 0), (9, 5), (0, 11), (0, 0))),
        Pad("hw", dtype="int16"),
        Pad("value", kind="PADV2", value=55),
        Pad("reflect", kind="MIRROR_PAD", mode=0),
        Pad("symmetric", kind="MIRROR_PAD", mode=1),
    ]


def _reshapes() -> list[Case]:
    return [
        Move("flatten", outputs=((1, 240),), parameters=((1, 240),), options="ReshapeOptions",
             attributes=(("newShape", [1, 240]),)),
        Move("flatten", dtype="int16", outputs=((1, 240),), parameters=((1, 240),),
             options="ReshapeOptions", attributes=(("newShape", [1, 240]),)),
        Move("axis0", kind="SQUEEZE", outputs=((6, 5, 8),), options="SqueezeOptions",
             attributes=(("squeezeDims", [0]),)),
        Move("axis1", kind="EXPAND_DIMS", shape=(6, 8), outputs=((6, 1, 8),), parameters=(1,),
             options="ExpandDimsOptions"),
        Move("tile", kind="TILE", shape=(1, 3, 4, 5), outputs=((1, 6, 4, 15),),
             parameters=((1, 2, 1, 3),), options="TileOptions"),
        Move("depth", kind="REVERSE_V2", outputs=((1, 6, 5, 8),), parameters=((2,),),
             options="ReverseV2Options"),
        Move("block2", kind="DEPTH_TO_SPACE", outputs=((1, 12, 10, 2),),
             options="DepthToSpaceOptions", attributes=(("blockSize", 2),)),
        Move("block2", kind="SPACE_TO_DEPTH", shape=(1, 6, 4, 3), outputs=((1, 3, 2, 12),),
             options="SpaceToDepthOptions", attributes=(("blockSize", 2),)),
    ]  # fmt: skip


def _transpositions() -> list[Case]:
    def transpose(name: str, shape: tuple[int, ...], order: tuple[int, ...], **kw: Any) -> Move:
        result = tuple(shape[axis] for axis in order)
        return Move(name, kind="TRANSPOSE", shape=shape, outputs=(result,), parameters=(order,),
                    options="TransposeOptions", **kw)  # fmt: skip

    return [
        transpose("hw", (1, 4, 6, 9), (0, 2, 1, 3)),
        transpose("wc", (1, 4, 6, 9), (0, 1, 3, 2)),
        transpose("hc", (1, 4, 6, 9), (0, 3, 2, 1)),
        transpose("hwc-to-chw", (1, 4, 6, 9), (0, 3, 1, 2)),
        transpose("hwc-to-wch", (1, 4, 6, 9), (0, 2, 3, 1)),
        transpose("matrix", (7, 13), (1, 0)),
        transpose("hw", (1, 4, 6, 9), (0, 2, 1, 3), dtype="int16"),
        transpose("matrix", (7, 13), (1, 0), dtype="int16"),
    ]


def _resizes() -> list[Case]:
    make: Callable[..., Resize] = Resize
    cases: list[Case] = []
    for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        cases += [
            make("2x", kind=kind),
            make("4x", kind=kind, size=(3, 4), target=(12, 16)),
            make("8x", kind=kind, size=(2, 3), target=(16, 24), depth=3),
            make("2x-align-corners", kind=kind, target=(9, 11), align_corners=True),
            make("2x-half-pixel", kind=kind, half_pixel=True),
            make("from-one-pixel", kind=kind, size=(1, 1), target=(5, 7)),
            make("same-size", kind=kind, target=(5, 6)),
        ]
    cases.append(make("2x", dtype="int16", kind="RESIZE_BILINEAR"))
    cases.append(make("2x", dtype="int16", kind="RESIZE_NEAREST_NEIGHBOR"))
    return cases


CASES: tuple[Case, ...] = (
    *_joins(),
    *_splits(),
    *_slices(),
    *_paddings(),
    *_reshapes(),
    *_transpositions(),
    *_resizes(),
)
