# SPDX-License-Identifier: Apache-2.0
"""Which kernels of a stream find the pipeline filled by the kernel before."""

from __future__ import annotations

from ..stream.isa import Cmd
from ..stream.operation import Operation
from .timing_kernel import OperationCycles

# A kernel that continues the one before: same work on another slice of depth.
_SAME_WORK = tuple(
    int(Cmd[name])
    for name in (
        "KERNEL_WIDTH_M1", "KERNEL_HEIGHT_M1", "KERNEL_STRIDE", "IFM_UPSCALE", "IFM_PRECISION",
        "OFM_PRECISION", "IFM_STRIDE_X", "IFM_STRIDE_Y", "OFM_STRIDE_X", "OFM_STRIDE_Y",
        "OFM_WIDTH_M1", "OFM_HEIGHT_M1", "OFM_BLK_WIDTH_M1", "OFM_BLK_HEIGHT_M1",
        "OFM_BLK_DEPTH_M1", "IFM_REGION", "OFM_REGION", "ACC_FORMAT",
    )
)  # fmt: skip

# Stripes of one layer, which a cascade interleaves with those of others: same weights as well.
_SAME_LAYER = (
    *(k for k in _SAME_WORK if k != Cmd.OFM_HEIGHT_M1),
    *(
        int(Cmd[name])
        for name in ("WEIGHT_REGION", "WEIGHT_BASE", "WEIGHT_LENGTH", "SCALE_REGION", "SCALE_BASE")
    ),
)


class Pipeline:
    """Which kernels find the pipeline filled, so that their first fetch and the last write of the
    kernel before are hidden.

    Vela charges both once a layer, not once a kernel. Here a kernel is taken to go on with a layer
    if its block dependency lets it overlap the kernel before, and it is the next slice of the same
    layer's depth, or a further stripe of a layer that a cascade runs in turns with others: the same
    weights, not loaded anew, on other rows of taller maps.
    """

    def __init__(self) -> None:
        self._layers: dict[tuple[int | None, ...], Operation] = {}
        self._before: tuple[Operation, OperationCycles] | None = None

    def load(self, op: Operation) -> None:
        """Forget the layers whose weights a DMA replaces."""
        copy = op.dma()
        if copy.destination_internal:
            return
        target = copy.destination
        end = target.start + target.length
        for layer, last in list(self._layers.items()):
            r = last.registers
            base = r.get(Cmd.WEIGHT_BASE, -1)
            if r.get(Cmd.WEIGHT_REGION) == target.region and target.start <= base < end:
                del self._layers[layer]

    def cycles(self, op: Operation, own: OperationCycles, *, busy: bool) -> int:
        """Duration of the next kernel; ``busy`` if it starts as the one before ends."""
        before, self._before = self._before, (op, own)
        known = False
        if op.key in (Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE):
            layer = (op.key, *map(op.registers.get, _SAME_LAYER))
            last = self._layers.get(layer)
            known = last is not None and self._next_stripe(op, last)
            self._layers[layer] = op
        if before is None or not busy or not op.register(Cmd.BLOCKDEP) & 3:
            return own.nominal
        if not known and not self._next_slice(op, before[0]):
            return own.nominal
        return max(own.compute - own.fill - before[1].drain, own.memory, 1)

    @staticmethod
    def _next_stripe(op: Operation, last: Operation) -> bool:
        """Whether rows follow on those of ``last``: by position, or around a rolling buffer.

        A single pixel is no stripe: recurrent layers run on the same weights again and again.
        """
        if not op.register(Cmd.OFM_WIDTH_M1):
            return False
        row = op.register(Cmd.OFM_STRIDE_Y)
        step = op.register(Cmd.OFM_BASE0) - last.register(Cmd.OFM_BASE0)
        rows = last.register(Cmd.OFM_HEIGHT_M1) + 1
        return step == rows * row or (step <= 0 and row > 0 and step % row == 0)

    @staticmethod
    def _next_slice(op: Operation, before: Operation) -> bool:
        if op.key != before.key or op.param != before.param:
            return False
        mine, other = op.registers, before.registers
        if any(mine.get(k) != other.get(k) for k in _SAME_WORK):
            return False
        return mine.get(Cmd.IFM_BASE0) != other.get(Cmd.OFM_BASE0)
