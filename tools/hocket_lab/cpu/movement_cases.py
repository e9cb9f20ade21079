# SPDX-License-Identifier: Apache-2.0
"""Moves that a step cannot do at once, and those that the NPU is not compared on."""

from __future__ import annotations

from ..exact.case import Case
from .plain_case import Operand, Plain

_PLACED = (0.05, -3)


def moves() -> list[Case]:
    """Moves that a step cannot do at once."""

    def move(
        name: str, kind: str, shape: tuple[int, ...], parameters: tuple[int, ...],
        result: tuple[int, ...],
    ) -> Plain:  # fmt: skip
        scale = (0.05, 1)
        constant = Operand((len(parameters),), "int32", values=parameters)
        options = "".join(part.capitalize() for part in kind.split("_"))
        return Plain(
            name,
            kind=kind,
            operands=(Operand(shape, scale=scale), constant),
            results=(Operand(result, scale=scale),),
            options=f"{options}Options",
        )

    return [
        move("long", "RESHAPE", (1, 5003), (5003, 1), (5003, 1)),
        move("large", "TRANSPOSE", (61, 83), (1, 0), (83, 61)),
        move("long-rows", "TRANSPOSE", (3, 2, 1500), (1, 0, 2), (2, 3, 1500)),
        move("five-axes", "TRANSPOSE", (2, 3, 4, 5, 2), (4, 2, 0, 3, 1), (2, 4, 2, 5, 3)),
        move("long", "REVERSE_V2", (1, 3001), (1,), (1, 3001)),
        move("longer", "RESHAPE", (1, 40001), (40001, 1), (40001, 1)),
        *_unaligned(),
    ]


def _unaligned() -> list[Case]:
    """Long blocks that do not lie at words, at all or but for their first bytes."""
    scale = (0.05, 1)
    row, parts = 1001, 5
    return [
        Plain(
            "unaligned",
            kind="SLICE",
            operands=(
                Operand((1, 16400), scale=scale),
                Operand((2,), "int32", values=(0, 1)),
                Operand((2,), "int32", values=(1, 16385)),
            ),
            results=(Operand((1, 16385), scale=scale),),
            options="SliceOptions",
        ),
        Plain(
            "unaligned",
            kind="SPLIT",
            operands=(
                Operand((), "int32", values=(1,)),
                Operand((2, parts * row), scale=scale),
            ),
            results=(Operand((2, row), scale=scale),) * parts,
            options="SplitOptions",
            attributes=(("numSplits", parts),),
        ),
    ]


def placements() -> list[Case]:
    """Borders that mirror, batches of pixels, repetitions, constants.

    Without borders around batches of pixels: tflite_micro fills those with whatever its memory
    holds.
    """
    borders = ((0, 0, 2, 1, 1, 3, 0, 0),), ((0, 0, 2, 5, 0, 3, 1, 0),)
    none = (0, 0, 0, 0)
    return [
        _place("reflect", "MIRROR_PAD", (1, 5, 6, 3), borders[0], (1, 8, 10, 3), mode=0),
        _place("symmetric", "MIRROR_PAD", (1, 5, 6, 3), borders[1], (1, 12, 9, 4), mode=1),
        _place("even", "SPACE_TO_BATCH_ND", (1, 4, 6, 3), ((2, 2), none), (4, 2, 3, 3)),
        _place("batches", "SPACE_TO_BATCH_ND", (2, 4, 6, 3), ((2, 3), none), (12, 2, 2, 3)),
        _place("even", "BATCH_TO_SPACE_ND", (4, 2, 3, 3), ((2, 2), none), (1, 4, 6, 3)),
        _place("cropped", "BATCH_TO_SPACE_ND", (8, 4, 3, 3), ((2, 2), (1, 2, 0, 1)), (2, 5, 5, 3)),
        *_constants(),
    ]


def _place(
    name: str,
    kind: str,
    shape: tuple[int, ...],
    parameters: tuple[tuple[int, ...], ...],
    result: tuple[int, ...],
    **attributes: int,
) -> Plain:
    options = {
        "MIRROR_PAD": "MirrorPadOptions", "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
        "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    }  # fmt: skip
    constants = [
        Operand((len(p) // 2, 2) if len(p) == 2 * len(shape) or i else (len(p),), "int32", values=p)
        for i, p in enumerate(parameters)
    ]
    return Plain(
        name,
        kind=kind,
        operands=(Operand(shape, scale=_PLACED), *constants),
        results=(Operand(result, scale=_PLACED),),
        options=options[kind],
        attributes=tuple(attributes.items()),
    )


def _constants() -> list[Case]:
    """Results that no element of an input decides."""
    return [
        Plain(
            "plain",
            kind="FILL",
            operands=(Operand((3,), "int32", values=(2, 5, 7)), Operand((), scale=_PLACED)),
            results=(Operand((2, 5, 7), scale=_PLACED),),
            options="FillOptions",
        ),
        Plain(
            "plain",
            kind="ZEROS_LIKE",
            operands=(Operand((2, 5, 7), scale=_PLACED),),
            results=(Operand((2, 5, 7), scale=_PLACED),),
            options="ZerosLikeOptions",
        ),
        Plain(
            "plain",
            kind="SHAPE",
            operands=(Operand((2, 5, 7, 300), scale=_PLACED),),
            results=(Operand((4,), "int32"),),
            options="ShapeOptions",
            attributes=(("outType", 2),),
        ),
    ]
