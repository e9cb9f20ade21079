# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on float32, which networks have at their edges, by soft floats of the device's own."""

from __future__ import annotations

import struct

from ..container.device import Words, constants
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import PackedOperator, loading, packed, row_length
from .registry import Operator, register

_PARAMETERS = Words("ops.floats")
_CODES = constants("ops.floats")
_UNITS = {
    "ADD": "sum", "SUB": "sum", "MUL": "product", "DIV": "quotient", "MAXIMUM": "choice",
    "MINIMUM": "choice", "RELU": "copy", "RELU6": "copy",
}  # fmt: skip
_MOST = 64
#: The reference clamps to finite values even without an activation.
_MOST_FINITE = 3.4028234663852886e38
_LIMITS = {
    0: (-_MOST_FINITE, _MOST_FINITE), 1: (0.0, _MOST_FINITE), 2: (-1.0, 1.0), 3: (0.0, 6.0),
}  # fmt: skip


class Floats(Operator):
    """One or two operands, with broadcast, and a clamp."""

    kinds = tuple(_UNITS)
    primitives = ("soft",)

    def supports(self, source: SourceOperator) -> str | None:
        """float32 throughout; at most five axes where it broadcasts."""
        result = source.outputs[0]
        for tensor in (*_operands(source), result):
            if tensor.dtype != "float32":
                return f"an operand of {tensor.dtype}"
        if len(result.shape) > 5 and any(t.shape != result.shape for t in _operands(source)):
            return "a broadcast of more than five axes"
        if source.option("fusedActivationFunction", 0) not in _LIMITS:
            return "a fused activation that is not a clamp"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Loadings of the operands, and the clamp."""
        operands, result = _operands(source), source.outputs[0]
        fused = {"RELU": 1, "RELU6": 3}.get(
            source.kind, source.option("fusedActivationFunction", 0)
        )
        broadcast = sum(row_length(t, result.shape) > 0 for t in operands)
        item = work("floats", row=broadcast, **{_UNITS[source.kind]: 1})
        chunk = chunk_of(item, min(_MOST, max(result.elements, 1)))
        low, high = (struct.pack("<f", limit) for limit in _LIMITS[fused])
        params = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, kind=_CODES.get(source.kind, _CODES["COPY"]),
            low=low, high=high,
        )  # fmt: skip
        return packed(
            "floats",
            primitive,
            params + b"".join(loading(t, result.shape) for t in operands),
            inputs=operands,
            outputs=(result,),
            scratch_bytes=8 * chunk,
            spent=spent(-(-result.elements // chunk), item * chunk, item * result.elements),
        )


def _operands(source: SourceOperator) -> list[TfliteTensor]:
    count = 1 if source.kind in ("RELU", "RELU6") else 2
    return [source.input(i) for i in range(count)]


register(Floats())
