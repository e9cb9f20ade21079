# SPDX-License-Identifier: Apache-2.0
"""What operations work on and how: feature maps, windows, spans of bytes, modes.

These are the typed values that `Operation` makes of its registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class PoolMode(IntEnum):
    """Parameter of NPU_OP_POOL."""

    MAX = 0
    AVERAGE = 1
    REDUCE_SUM = 2


class Elementwise(IntEnum):
    """Parameter of NPU_OP_ELEMENTWISE."""

    MUL = 0
    ADD = 1
    SUB = 2
    MIN = 3
    MAX = 4
    LRELU = 5
    ABS = 6
    CLZ = 7
    SHR = 8
    SHL = 9


UNARY = frozenset({Elementwise.LRELU, Elementwise.ABS, Elementwise.CLZ})


class Rounding(IntEnum):
    """Round mode of a precision register."""

    DOUBLE = 0
    """TFLite's: saturating rounding doubling high multiply, then rounding shift."""
    TRUNCATE = 1
    NATURAL = 2


class IfmScale(IntEnum):
    """How ADD and SUB scale their operands."""

    BOTH_16 = 0
    OPA_32 = 1
    OPB_32 = 2


class Upscale(IntEnum):
    """IFM_UPSCALE: 2x2 enlargement on read."""

    NONE = 0
    NEAREST = 1
    TRANSPOSE = 2


class Clip(IntEnum):
    """Clip range of the ACTIVATION register."""

    OFM_PRECISION = 0
    FORCE_UINT8 = 2
    FORCE_INT8 = 3
    FORCE_INT16 = 5


TANH = 3
SIGMOID = 4
LUT_FIRST = 16
LUT_LAST = 23


@dataclass(frozen=True)
class FeatureMap:
    """A tensor as the NPU addresses it: up to four tiles, byte strides, one precision."""

    region: int
    bases: tuple[int, int, int, int]
    """Byte offsets of tiles 0 (top left), 1 (top right), 2 (bottom left), 3 (bottom right)."""
    height0: int
    height1: int
    width0: int
    stride_y: int
    stride_x: int
    stride_c: int
    height: int
    width: int
    depth: int
    bits: int
    signed: bool
    nhcwb16: bool
    zero_point: int

    @property
    def element_bytes(self) -> int:
        """Size of one element in bytes."""
        return self.bits // 8

    def address(self, y: int, x: int, c: int) -> int:
        """Byte offset in the region of one element."""
        if x < self.width0:
            tile, x0 = (0, 0) if y < self.height0 else (2, 0)
        else:
            tile, x0 = (1, self.width0) if y < self.height1 else (3, self.width0)
        y0 = (0, 0, self.height0, self.height1)[tile]
        at = self.bases[tile] + (y - y0) * self.stride_y
        if self.nhcwb16:
            return (
                at
                + (x - x0) * 16 * self.element_bytes
                + (c // 16) * self.stride_c
                + (c % 16) * self.element_bytes
            )
        return at + (x - x0) * self.stride_x + c * self.element_bytes

    def tiles(self) -> list[tuple[int, int, int, int, int]]:
        """Non-empty tiles as ``(tile, y0, y1, x0, x1)`` in element coordinates."""
        w0 = min(self.width0, self.width)
        h0, h1 = min(self.height0, self.height), min(self.height1, self.height)
        parts = [
            (0, 0, h0, 0, w0),
            (1, 0, h1, w0, self.width),
            (2, h0, self.height, 0, w0),
            (3, h1, self.height, w0, self.width),
        ]
        return [p for p in parts if p[2] > p[1] and p[4] > p[3]]

    def extents(self) -> list[tuple[int, int]]:
        """Half-open byte ranges in the region that cover each tile."""
        ranges = []
        for _, y0, y1, x0, x1 in self.tiles():
            corners = [
                self.address(y, x, c)
                for y in (y0, y1 - 1)
                for x in (x0, x1 - 1)
                for c in {0, self.depth - 1, min(15, self.depth - 1)}
            ]
            ranges.append((min(corners), max(corners) + self.element_bytes))
        return ranges


@dataclass(frozen=True)
class Kernel:
    """Window of a convolution or pooling; sizes are after dilation."""

    height: int
    width: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    part_kernel_first: bool
    """Weight order: part of the kernel first, else depth first."""
    pad_top: int
    pad_left: int
    pad_bottom: int
    pad_right: int


@dataclass(frozen=True)
class Span:
    """Bytes of a region: compressed weights or scales."""

    region: int
    start: int
    length: int


@dataclass(frozen=True)
class Dma:
    """A one-dimensional copy; ``internal`` addresses are SHRAM offsets (look-up tables)."""

    source: Span
    destination: Span
    source_internal: bool
    destination_internal: bool


@dataclass(frozen=True)
class Access:
    """Bytes an operation reads or writes: ``region`` is -1 for SHRAM."""

    region: int
    start: int
    end: int
    write: bool
