# SPDX-License-Identifier: Apache-2.0
"""Comparisons, sums and extremes of other types, choices by indices and conditions."""

from __future__ import annotations

import numpy as np

from ..exact.case import Case
from .plain_case import Operand, Plain


def comparisons() -> list[Case]:
    found: list[Case] = []
    for kind in ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
        options = {
            "EQUAL": "EqualOptions",
            "NOT_EQUAL": "NotEqualOptions",
            "GREATER": "GreaterOptions",
            "GREATER_EQUAL": "GreaterEqualOptions",
            "LESS": "LessOptions",
            "LESS_EQUAL": "LessEqualOptions",
        }[kind]

        def case(name: str, a: Operand, b: Operand, k: str = kind, o: str = options) -> Plain:
            shape = tuple(np.broadcast_shapes(a.shape, b.shape))
            result = Operand(shape, "bool")
            return Plain(name, a.dtype, kind=k, operands=(a, b), results=(result,), options=o)

        shape = (1, 5, 6, 3)
        found += [
            case("same-scale", Operand(shape, scale=(0.05, 3)), Operand(shape, scale=(0.05, 3))),
            case("scales", Operand(shape, scale=(0.05, 3)), Operand(shape, scale=(0.031, -9))),
            case(
                "broadcast",
                Operand(shape, scale=(0.05, -7)),
                Operand((1, 1, 6, 1), scale=(0.031, 2)),
            ),
            case("plain", Operand(shape, "int32"), Operand(shape, "int32")),
            case("small", Operand(shape, "int32", limit=3), Operand((3,), "int32", limit=3)),
        ]
    for kind, options in (("LOGICAL_AND", "LogicalAndOptions"), ("LOGICAL_OR", "LogicalOrOptions")):
        flags = Operand((1, 40), "bool")
        found.append(
            Plain(
                "plain",
                "bool",
                kind=kind,
                operands=(flags, flags),
                results=(flags,),
                options=options,
            )
        )
    return found


def arithmetic() -> list[Case]:
    found: list[Case] = []
    shape, other = (1, 4, 5, 3), (1, 1, 5, 1)
    for kind, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        for name, right in (("plain", shape), ("broadcast", other)):
            found.append(
                Plain(
                    name,
                    "int32",
                    kind=kind,
                    operands=(
                        Operand(shape, "int32", limit=30000),
                        Operand(right, "int32", limit=30000),
                    ),
                    results=(Operand(shape, "int32"),),
                    options=options,
                )
            )
    for kind in ("MAXIMUM", "MINIMUM"):
        found.append(
            Plain(
                "plain",
                "int32",
                kind=kind,
                operands=(Operand(shape, "int32"),) * 2,
                results=(Operand(shape, "int32"),),
                options="MaximumMinimumOptions",
            )
        )
    found.append(
        Plain(
            "plain",
            kind="ARG_MIN",
            operands=(Operand((1, 4, 4, 10), scale=(0.04, 3)), Operand((), "int32", values=(3,))),
            results=(Operand((1, 4, 4), "int32"),),
            options="ArgMinOptions",
            attributes=(("outputType", 2),),
        )
    )
    found.append(
        Plain(
            "middle-axis",
            kind="ARG_MAX",
            operands=(Operand((2, 7, 5), scale=(0.04, 3)), Operand((), "int32", values=(1,))),
            results=(Operand((2, 5), "int32"),),
            options="ArgMaxOptions",
            attributes=(("outputType", 2),),
        )
    )
    return found


def choices() -> list[Case]:
    shape = (1, 4, 5, 6)
    return [
        _gather("rows", (9, 7), 0, (4,)),
        _gather("axis1", (2, 6, 5), 1, (3,)),
        _gather("last-axis", (2, 3, 8), 2, (5,)),
        _gather("table", (20, 16), 0, (2, 3)),
        _gather_nd("points", (5, 6), (7, 2)),
        _gather_nd("rows", (5, 6, 3), (4, 1)),
        _gather_nd("deep", (3, 4, 5, 2), (6, 3)),
        _select("plain", shape, shape, shape),
        _select("broadcast-condition", (1, 4, 5, 1), shape, shape),
        _select("broadcast-operand", shape, (1,), shape),
        _select("plain", shape, shape, shape, "int16"),
        Plain(
            "plain",
            kind="BROADCAST_TO",
            options="BroadcastToOptions",
            operands=(
                Operand((1, 5, 1), scale=(0.05, 1)),
                Operand((3,), "int32", values=(4, 5, 3)),
            ),
            results=(Operand((4, 5, 3), scale=(0.05, 1)),),
        ),
    ]


def _gather(name: str, shape: tuple[int, ...], axis: int, indices: tuple[int, ...]) -> Plain:
    dtype, scale = "int8", (0.05, 1)
    result = (*shape[:axis], *indices, *shape[axis + 1 :])
    return Plain(
        name,
        dtype,
        kind="GATHER",
        options="GatherOptions",
        attributes=(("axis", axis),),
        operands=(
            Operand(shape, dtype, scale),
            Operand(indices, "int32", limit=shape[axis] - 1),
        ),
        results=(Operand(result, dtype, scale),),
    )


def _gather_nd(name: str, shape: tuple[int, ...], indices: tuple[int, ...]) -> Plain:
    depth = indices[-1]
    return Plain(
        name,
        kind="GATHER_ND",
        options="GatherNdOptions",
        operands=(
            Operand(shape, scale=(0.05, 1)),
            Operand(indices, "int32", limit=min(shape[:depth]) - 1),
        ),
        results=(Operand((*indices[:-1], *shape[depth:]), scale=(0.05, 1)),),
    )


def _select(
    name: str,
    condition: tuple[int, ...],
    left: tuple[int, ...],
    right: tuple[int, ...],
    dtype: str = "int8",
) -> Plain:
    scale = (0.05, 0)
    shape = tuple(np.broadcast_shapes(condition, left, right))
    return Plain(
        name,
        dtype,
        kind="SELECT_V2",
        options="SelectV2Options",
        operands=(
            Operand(condition, "bool"),
            Operand(left, dtype, scale),
            Operand(right, dtype, scale),
        ),
        results=(Operand(shape, dtype, scale),),
    )


def single() -> list[Case]:
    """One element: what a step costs beside its items."""
    shape = (1, 1)
    scaled = Operand(shape, scale=(0.05, 3))
    wide = Operand(shape, "int16", (0.0005, 0))
    flag = Operand(shape, "bool")
    half = Operand(shape, "int16", (2**-15, 0))
    return [
        Plain("single", kind="ADD", operands=(scaled, scaled), results=(scaled,),
              options="AddOptions"),
        Plain("single", kind="EQUAL", operands=(scaled, scaled), results=(flag,),
              options="EqualOptions"),
        Plain("single", "int16", kind="ABS", operands=(wide,), results=(wide,),
              options="AbsOptions"),
        Plain("single", "int16", kind="TANH", operands=(Operand(shape, "int16", (2**-12, 0)),),
              results=(half,)),
        Plain("single", "int16", kind="CAST", operands=(wide,), results=(Operand(shape, "int32"),),
              options="CastOptions"),
        Plain("single", "int16", kind="QUANTIZE", operands=(wide,), results=(scaled,),
              options="QuantizeOptions"),
        Plain("single", kind="SOFTMAX", operands=(scaled,), results=(Operand(shape, scale=(1 / 256,
              -128)),), options="SoftmaxOptions", attributes=(("beta", 1.0),)),
        Plain("single", kind="SELECT_V2", operands=(flag, scaled, scaled), results=(scaled,),
              options="SelectV2Options"),
    ]  # fmt: skip


def slopes() -> list[Case]:
    """PRELU with slopes of every channel, of everything, and at the ends of the type."""

    def prelu(name: str, shape: tuple[int, ...], slope: tuple[int, ...], given: float, alpha: float,
              result: float, zeros: tuple[int, int, int]) -> Plain:  # fmt: skip
        random = np.random.default_rng(len(name))
        values = tuple(random.integers(-128, 128, int(np.prod(slope))).tolist())
        return Plain(
            name,
            kind="PRELU",
            operands=(
                Operand(shape, scale=(given, zeros[0])),
                Operand(slope, scale=(alpha, zeros[1]), values=values),
            ),
            results=(Operand(shape, scale=(result, zeros[2])),),
        )

    shape = (1, 4, 5, 6)
    return [
        prelu("channels", shape, (1, 1, 6), 0.05, 0.004, 0.05, (-3, 2, 5)),
        prelu("all", shape, (1, 1, 1), 0.05, 0.02, 0.03, (127, -128, 0)),
        prelu("every", shape, (4, 5, 6), 0.011, 0.03, 0.09, (-128, 0, -128)),
    ]
