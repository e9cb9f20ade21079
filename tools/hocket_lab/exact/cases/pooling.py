# SPDX-License-Identifier: Apache-2.0
"""Pooling and reductions: MAX/AVERAGE_POOL_2D, MEAN, SUM, REDUCE_MAX/MIN, ARG_MAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..case import ACTIVATIONS, PADDINGS, Case, window_output


@dataclass(frozen=True)
class Pool(Case):
    """MAX_POOL_2D or AVERAGE_POOL_2D."""

    kind: str = "MAX"
    size: tuple[int, int] = (8, 8)
    depth: int = 8
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)
    padding: str = "valid"
    activation: str = "none"
    zero: int = -4
    scale: float = 0.043

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return f"{self.kind}_POOL_2D"

    def build(self, model: ModelBuilder) -> None:
        """Add the pooling; TFLite's pooling keeps scale and zero point."""
        quantisation = self.quantisation(self.scale, self.zero)
        (height, width), (kh, kw), (sh, sw) = self.size, self.kernel, self.stride
        source = model.input("input", (1, height, width, self.depth), self.dtype, quantisation)
        shape = (
            1,
            window_output(height, kh, sh, self.padding),
            window_output(width, kw, sw, self.padding),
            self.depth,
        )
        result = model.output("output", shape, self.dtype, quantisation)
        model.operator(
            self.op,
            (source,),
            (result,),
            "Pool2DOptions",
            version=2,
            padding=PADDINGS[self.padding],
            strideH=sh,
            strideW=sw,
            filterHeight=kh,
            filterWidth=kw,
            fusedActivationFunction=ACTIVATIONS[self.activation],
        )


@dataclass(frozen=True)
class Reduce(Case):
    """MEAN, SUM, REDUCE_MAX or REDUCE_MIN over some axes."""

    kind: str = "MEAN"
    shape: tuple[int, ...] = (1, 6, 6, 8)
    axes: tuple[int, ...] = (1, 2)
    keep: bool = True
    scales: tuple[float, float] = (0.031, 0.031)
    zeros: tuple[int, int] = (-3, -3)

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the reduction."""
        unit = 1 / 256 if self.is_int16 else 1.0
        source = model.input(
            "input",
            self.shape,
            self.dtype,
            self.quantisation(self.scales[0] * unit, self.zeros[0]),
        )
        axes = model.constant("axes", np.array(self.axes, np.int32))
        reduced = [
            1 if axis in self.axes else size
            for axis, size in enumerate(self.shape)
            if self.keep or axis not in self.axes
        ]
        result = model.output(
            "output", reduced, self.dtype, self.quantisation(self.scales[1] * unit, self.zeros[1])
        )
        model.operator(
            self.op, (source, axes), (result,), "ReducerOptions", version=2, keepDims=self.keep
        )


@dataclass(frozen=True)
class ArgMax(Case):
    """ARG_MAX along the depth."""

    operator: ClassVar[str] = "ARG_MAX"
    shape: tuple[int, ...] = (1, 4, 4, 10)

    def build(self, model: ModelBuilder) -> None:
        """Add the search; its result is an int32 index without quantisation."""
        source = model.input("input", self.shape, self.dtype, Quantisation.tensor(0.04, 3))
        axis = model.constant("axis", np.array(len(self.shape) - 1, np.int32))
        result = model.output("output", self.shape[:-1], np.int32, None)
        model.operator(self.op, (source, axis), (result,), "ArgMaxOptions", version=2, outputType=2)


def _pools() -> list[Case]:
    shapes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("2x2", {}),
        ("3x3-same-stride1", {"kernel": (3, 3), "stride": (1, 1), "padding": "same"}),
        ("3x3-same-stride2-odd", {"kernel": (3, 3), "padding": "same", "size": (11, 7)}),
        ("3x3-valid-stride3", {"kernel": (3, 3), "stride": (3, 3), "size": (10, 11)}),
        ("5x4-same", {"kernel": (5, 4), "stride": (1, 2), "padding": "same", "depth": 17}),
        ("whole", {"kernel": (7, 5), "stride": (1, 1), "size": (7, 5), "depth": 33}),
        ("8x8-same", {"kernel": (8, 8), "stride": (1, 1), "padding": "same", "size": (9, 9)}),
        ("1x1-stride2", {"kernel": (1, 1), "size": (9, 7), "depth": 5}),
        ("relu6-depth1", {"activation": "relu6", "depth": 1}),
    )
    cases: list[Case] = [
        Pool(name, kind=kind, **attributes)
        for kind in ("MAX", "AVERAGE")
        for name, attributes in shapes
    ]
    cases += [
        Pool("2x2", dtype="int16", kind="MAX"),
        Pool("3x3-same", dtype="int16", kind="MAX", kernel=(3, 3), padding="same", depth=9),
        Pool("2x2", dtype="int16", kind="AVERAGE"),
        Pool("3x3-same", dtype="int16", kind="AVERAGE", kernel=(3, 3), padding="same", depth=9),
        Pool("whole", dtype="int16", kind="AVERAGE", kernel=(8, 8), depth=17),
        Pool("16x16-whole", kind="AVERAGE", kernel=(16, 16), size=(16, 16), depth=12),
        Pool("stride4-valid", kind="MAX", kernel=(4, 4), stride=(4, 4), size=(12, 12)),
    ]
    return cases


def _reductions() -> list[Case]:
    return [
        Reduce("hw"),
        Reduce("hw-drop-axes", keep=False, shape=(1, 5, 7, 17)),
        Reduce("h", axes=(1,)),
        Reduce("w", axes=(2,)),
        Reduce("rescaled", scales=(0.05, 0.011), zeros=(-20, 77)),
        Reduce("large", shape=(1, 24, 24, 6)),
        Reduce("depth-of-a-vector", shape=(1, 1, 1, 40), axes=(3,)),
        Reduce("2d", shape=(1, 30), axes=(1,)),
        Reduce("hw", dtype="int16"),
        Reduce("rescaled", dtype="int16", scales=(0.05, 0.02)),
        Reduce(
            "depth-double-rounding",
            kind="SUM",
            shape=(1, 3, 3, 8),
            axes=(3,),
            scales=(0.031, 0.12),
            zeros=(-3, 5),
        ),
        Reduce("depth", kind="SUM", axes=(3,), scales=(0.031, 0.05), zeros=(-3, 5)),
        Reduce("height", kind="SUM", axes=(1,), scales=(0.031, 0.05), zeros=(-3, 5)),
        Reduce("hw", kind="SUM", axes=(1, 2), scales=(0.031, 0.31), zeros=(-3, 5)),
        Reduce("hw", kind="REDUCE_MAX", shape=(1, 5, 4, 3)),
        Reduce("depth", kind="REDUCE_MAX", axes=(3,)),
        Reduce("h", kind="REDUCE_MIN", axes=(1,)),
    ]


CASES: tuple[Case, ...] = (
    *_pools(),
    *_reductions(),
    ArgMax("depth10"),
    ArgMax("depth127", shape=(1, 3, 2, 127)),
    ArgMax("vector", shape=(1, 12)),
)
