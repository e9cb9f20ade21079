# SPDX-License-Identifier: Apache-2.0
"""Types and scales into others."""

from __future__ import annotations

from ..exact.case import Case
from .plain_case import Operand, Plain


def conversions() -> list[Case]:
    shape = (1, 300)

    found = [
        _convert("plain", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(0.05, -3))),
        _convert(
            "unit", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(1 / 256, -128))
        ),
        _convert(
            "plain", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (0.00031, 0))
        ),
        _convert(
            "unit", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (2**-15, 0))
        ),
        _convert(
            "coarse", "QUANTIZE", Operand(shape, "float32"), Operand(shape, "int16", (3.7, 0))
        ),
        _convert("coarse", "QUANTIZE", Operand(shape, "float32"), Operand(shape, scale=(0.7, 127))),
        _convert(
            "plain",
            "QUANTIZE",
            Operand(shape, "int32", (0.001, 0), limit=200000),
            Operand(shape, scale=(0.9, 4)),
        ),
        _convert(
            "plain",
            "QUANTIZE",
            Operand(shape, "int32", (0.001, 0), limit=200000),
            Operand(shape, "int16", (0.004, 0)),
        ),
        _convert(
            "up",
            "QUANTIZE",
            Operand(shape, "int16", (0.05, 0)),
            Operand(shape, "int32", (0.0003, 0)),
        ),
        _convert(
            "plain", "DEQUANTIZE", Operand(shape, scale=(0.0472, -11)), Operand(shape, "float32")
        ),
        _convert(
            "plain", "DEQUANTIZE", Operand(shape, "uint8", (0.0039, 128)), Operand(shape, "float32")
        ),
        _convert(
            "plain", "DEQUANTIZE", Operand(shape, "int16", (0.000317, 0)), Operand(shape, "float32")
        ),
        _convert(
            "large", "DEQUANTIZE", Operand(shape, "int16", (3.7e5, 0)), Operand(shape, "float32")
        ),
        _convert(
            "zero-point",
            "DEQUANTIZE",
            Operand(shape, "int16", (1 / 3, 1234)),
            Operand(shape, "float32"),
        ),
    ]
    for a in ("int8", "int16", "int32"):
        for b in ("int8", "int16", "int32", "float32"):
            if a != b and (a, b) != ("int32", "float32"):
                found.append(_convert("plain", "CAST", Operand(shape, a), Operand(shape, b)))
    return list(found)


def _convert(name: str, kind: str, a: Operand, b: Operand) -> Plain:
    return Plain(
        f"{name}-to-{b.dtype}",
        a.dtype,
        kind=kind,
        operands=(a,),
        results=(b,),
        options={"CAST": "CastOptions"}.get(kind, f"{kind.capitalize()}Options"),
    )


def arithmetic() -> list[Case]:
    """float32 with itself, with a row, with a scalar, clamped."""
    shape = (1, 7, 11, 3)
    result = Operand(shape, "float32")
    scalar = Operand((1,), "float32", values=(0.1,))
    found: list[Case] = []
    for kind in ("ADD", "SUB", "MUL", "DIV"):
        options = f"{kind.capitalize()}Options"
        for name, right, fused in (
            ("plain", result, 0), ("scalar", scalar, 0),
            ("row", Operand((1, 1, 11, 1), "float32"), 3), ("relu", result, 1),
        ):  # fmt: skip
            found.append(
                Plain(
                    name, "float32", kind=kind, operands=(result, right), results=(result,),
                    options=options, attributes=(("fusedActivationFunction", fused),),
                )
            )  # fmt: skip
    for kind in ("MAXIMUM", "MINIMUM"):
        found.append(
            Plain(
                "plain", "float32", kind=kind, operands=(result, Operand((3,), "float32")),
                results=(result,), options="MaximumMinimumOptions",
            )
        )  # fmt: skip
    for kind in ("RELU", "RELU6"):
        found.append(Plain("plain", "float32", kind=kind, operands=(result,), results=(result,)))
    return found
