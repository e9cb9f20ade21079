# SPDX-License-Identifier: Apache-2.0
"""Weights and scale records of some of a kernel's output channels, encoded on their own.

A weight stream covers a whole kernel: its order follows the blocks of output channels, and nothing
in it says where one ends. So a slice of channels is decoded, gathered in the slice's own order and
encoded again. The order is that of Vela's ``ethos_u55_weight_encoder.cpp``: blocks of output depth,
blocks of input depth, 8x8 parts of the window, then micro-blocks. Scales are ten bytes a channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ethosu import mlw_codec
from numpy.typing import NDArray

from hocket_host.errors import HocketError
from hocket_host.ethosu.compute.kernels import mlw
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operation import Operation

SCALE_BYTES = 10
#: Alignment of weights and scales, and granule of their lengths.
ALIGNMENT = 16

#: Scale 2**30 and shift 30, as Vela writes it for 32-bit outputs.
_IDENTITY = 1 << 30 | 30 << 32
_IFM_UBLOCK = 8
_SUBKERNEL = 8

Index = NDArray[np.int64]


class TileError(HocketError):
    """A bound that makes no sense, or a compiled network that cannot be taken apart."""


@dataclass(frozen=True)
class Order:
    """What decides the order of a weight stream."""

    depthwise: bool
    part_kernel: bool
    height: int
    """Of the window, in weights."""
    width: int
    part_height: int
    """Rows of the window that are taken together: fewer than 8 when dilated."""
    part_width: int
    in_depth: int
    in_block: int
    block_depth: int
    """OFM block depth."""
    ublock_depth: int
    multiple: int
    """Weights of a part of the window are filled up to a multiple of this."""

    @classmethod
    def of(cls, op: Operation, config: NpuConfig) -> Order:
        """Order of a convolution's weights, from its registers."""
        kernel, ifm = op.kernel(), op.ifm()
        depthwise = op.key == Cmd.NPU_OP_DEPTHWISE
        part_kernel = not depthwise and kernel.part_kernel_first
        wide = ifm.bits == 16
        multiple = 4 if depthwise else 1
        if part_kernel:
            multiple = 2 if wide else 4
        return cls(
            depthwise=depthwise,
            part_kernel=part_kernel,
            height=(kernel.height - 1) // kernel.dilation_y + 1,
            width=(kernel.width - 1) // kernel.dilation_x + 1,
            part_height=_SUBKERNEL // kernel.dilation_y,
            part_width=_SUBKERNEL // kernel.dilation_x,
            in_depth=1 if depthwise else ifm.depth,
            in_block=16 if wide or part_kernel else 32,
            block_depth=op.register(Cmd.OFM_BLK_DEPTH_M1) + 1,
            ublock_depth=config.ofm_ublock[2],
            multiple=multiple,
        )

    def places(self, depth: int) -> Index:
        """Where each weight of a stream of ``depth`` channels belongs.

        Returns
        -------
        ndarray
            Flat index into weights ``[channel][y][x][input]``; -1 for one that only fills up.
        """
        found = []
        for o_block in range(0, depth, self.block_depth):
            channels = min(self.block_depth, depth - o_block)
            micro = np.arange(o_block, o_block + channels, self.ublock_depth)
            for i_block in range(0, self.in_depth, self.in_block):
                for y in range(0, self.height, self.part_height):
                    for x in range(0, self.width, self.part_width):
                        found.append(self._part(depth, micro, i_block, y, x))
        return np.concatenate(found)

    def _part(self, depth: int, micro: Index, i_block: int, y0: int, x0: int) -> Index:
        height = min(self.height - y0, self.part_height)
        width = min(self.width - x0, self.part_width)
        elements = -(-height * width // self.multiple) * self.multiple
        steps, deep = np.arange(i_block, i_block + 1), 1
        if not self.depthwise:
            clipped = min(self.in_block, self.in_depth - i_block)
            inputs = clipped if self.part_kernel else self.in_block
            steps, deep = np.arange(i_block, i_block + inputs, _IFM_UBLOCK), _IFM_UBLOCK
        outer, inner = (steps, steps[:1] * 0) if self.part_kernel else (steps[:1] * 0, steps)
        i1, o1, e, i2, o2, i3 = np.ix_(
            outer, micro, np.arange(elements), inner,
            np.arange(self.ublock_depth), np.arange(deep),
        )  # fmt: skip
        o, i = o1 + o2, i1 + i2 + i3
        y, x = e // width, e % width
        at = ((o * self.height + y0 + y) * self.width + x0 + x) * self.in_depth + i
        real = (o < depth) & (i < self.in_depth) & (y < height)
        return np.where(real, at, -1).ravel()


@dataclass(frozen=True)
class Encoded:
    """Weights and scales of a slice, each filled up to `ALIGNMENT`; weights empty for pooling."""

    weights: bytes
    scales: bytes


class Slicer:
    """Weights and scales of one kernel, ready to be sliced.

    Parameters
    ----------
    op
        The kernel: a convolution, or pooling with a scale list.
    config
        Accelerator that it is for.
    weights
        Its compressed weights; empty for pooling.
    scales
        Its scale records.

    Raises
    ------
    TileError
        The weights do not decode to what the kernel uses.
    """

    def __init__(self, op: Operation, config: NpuConfig, weights: bytes, scales: bytes) -> None:
        self.depth = op.ofm().depth
        self.scales = scales
        self.order = Order.of(op, config) if weights else None
        self._known: dict[tuple[int, int], Encoded] = {}
        if self.order is None:
            return
        places = self.order.places(self.depth)
        padded = np.zeros(len(weights) + mlw.SLACK, np.uint8)
        padded[: len(weights)] = np.frombuffer(weights, np.uint8)
        stream = np.empty(len(places), np.int16)
        count = mlw.decode(padded, len(weights), stream)
        if count != len(places):
            raise TileError(
                "weights do not decode",
                where=f"command stream word {op.word}",
                found=f"{count} weights" if count >= 0 else "a damaged stream",
                expected=f"{len(places)} weights",
                try_="compile the model again",
            )
        real = places >= 0
        o = self.order
        self._dense = np.zeros((self.depth, o.height * o.width * o.in_depth), np.int16)
        self._dense.ravel()[places[real]] = stream[real]

    def slice(self, first: int, last: int) -> Encoded:
        """Weights and scales of the channels ``[first, last)``."""
        key = (first, last)
        found = self._known.get(key)
        if found is None:
            weights = b"" if self.order is None else self._encode(first, last)
            scales = self.scales[SCALE_BYTES * first : SCALE_BYTES * last]
            found = self._known[key] = Encoded(_filled(weights), _filled(scales))
        return found

    def inputs(self, first: int, last: int, *, bias: bool) -> Encoded:
        """All channels' weights for the inputs ``[first, last)`` of a 1x1 window.

        Scales are the identity; the bias is added only where it is asked for.
        """
        assert self.order is not None
        order = replace(self.order, in_depth=last - first)
        places = order.places(self.depth)
        dense = self._dense[:, first:last].ravel()
        weights = mlw_codec.encode(np.where(places >= 0, dense[places], 0).tolist())
        records = [
            (r[:5] if bias else bytes(5)) + _IDENTITY.to_bytes(5, "little") for r in self._records()
        ]
        return Encoded(_filled(bytes(weights)), _filled(b"".join(records)))

    def scaling(self) -> list[int]:
        """Scale of each channel as OFM_SCALE has it: shift above 32 bits of scale."""
        return [int.from_bytes(r[5:9], "little") | (r[9] & 0x3F) << 32 for r in self._records()]

    def largest_sum(self, widest: int) -> int:
        """Largest magnitude that a sum could reach with inputs up to ``widest``."""
        weights = np.abs(self._dense.astype(np.int64)).sum(axis=1) * widest
        biases = [abs(int.from_bytes(r[:5], "little", signed=True)) for r in self._records()]
        return int(max(w + b for w, b in zip(weights.tolist(), biases, strict=True)))

    def _records(self) -> list[bytes]:
        return [self.scales[SCALE_BYTES * c : SCALE_BYTES * (c + 1)] for c in range(self.depth)]

    def _encode(self, first: int, last: int) -> bytes:
        assert self.order is not None
        places = self.order.places(last - first)
        dense = self._dense[first:last].ravel()
        stream = np.where(places >= 0, dense[places], 0)
        return bytes(mlw_codec.encode(stream.tolist()))


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
