# SPDX-License-Identifier: Apache-2.0
"""MAX_POOL_2D and AVERAGE_POOL_2D."""

from __future__ import annotations

from ..container.device import Words
from ..tflite.operators import SourceOperator
from .conv import padding_before
from .costs import STEP_CYCLES, chunk_of, spent, work
from .packing import TYPES, PackedOperator, activation_limits, packed
from .registry import Operator, register

_PARAMETERS = Words("ops.pool")
_MOST = 1024


class Pool(Operator):
    """A window over height and width, channel by channel."""

    kinds = ("MAX_POOL_2D", "AVERAGE_POOL_2D")

    def supports(self, source: SourceOperator) -> str | None:
        """int8 and int16."""
        given = source.input(0)
        if given.dtype not in ("int8", "int16"):
            return f"an input of {given.dtype}"
        if source.option("fusedActivationFunction", 0) not in (0, 1, 2, 3):
            return "a fused activation that is not a clamp"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Geometry and clamp."""
        given, result = source.input(0), source.outputs[0]
        _, height, width, depth = given.shape
        _, out_height, out_width, _ = result.shape
        ky, kx = source.option("filterHeight", 1), source.option("filterWidth", 1)
        sy, sx = source.option("strideH", 1), source.option("strideW", 1)
        padding = source.option("padding", 0)
        low, high = activation_limits(source.option("fusedActivationFunction", 0), result)
        row = work("pool", row=1, place=kx)
        output = work("pool", output=1)
        room = STEP_CYCLES - (output + work("pool", step=1)).cycles
        part = min(ky, max(1, room // max(row.cycles, 1)))
        parts = -(-ky // part)
        item = output + row * ky
        chunk = 1 if parts > 1 else chunk_of(item, min(_MOST, result.elements))
        header = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, mean=int(source.kind == "AVERAGE_POOL_2D"),
            type=TYPES[given.dtype], height=height, width=width, depth=depth,
            out_height=out_height, out_width=out_width, kernel_y=ky, kernel_x=kx, stride_y=sy,
            stride_x=sx, pad_y=padding_before(height, ky, sy, 1, out_height, padding),
            pad_x=padding_before(width, kx, sx, 1, out_width, padding), low=low, high=high,
            part=part,
        )  # fmt: skip
        return packed(
            "pool",
            primitive,
            header,
            inputs=(given,),
            outputs=(result,),
            scratch_bytes=8,
            spent=spent(
                -(-result.elements * parts // chunk),
                (output + row * part) * chunk,
                (output * parts + row * ky) * result.elements,
            ),
        )


register(Pool())
