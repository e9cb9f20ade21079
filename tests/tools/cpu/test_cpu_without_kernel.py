# SPDX-License-Identifier: Apache-2.0
"""Operators that tflite_micro does not run, or not reproducibly, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket_lab.cpu.check import job_of, run_on_micropython
from hocket_lab.cpu.plain_case import Operand, Plain
from hocket_tools.cpu import candidates, read_source
from hocket_tools.tflite.model import read_tflite

ZERO = -3


def differing(case: Plain, given: NDArray[Any], want: NDArray[Any]) -> int:
    data = case.model()
    model = read_tflite(data)
    source = read_source(data, model)[0]
    jobs = [
        job_of(case.id, model, source, packed, [((given,), (want,))])
        for packed in candidates(source)
    ]
    return sum(int(result["mismatches"]) for result in run_on_micropython(jobs))


def layer(
    kind: str, shape: tuple[int, ...], constants: list[Operand], result: tuple[int, ...]
) -> Plain:
    scale = (0.05, ZERO)
    return Plain(
        "numpy",
        kind=kind,
        operands=(Operand(shape, scale=scale), *constants),
        results=(Operand(result, scale=scale),),
        options={"TILE": "TileOptions", "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions"}[kind],
    )


def values(shape: tuple[int, ...]) -> NDArray[Any]:
    return np.random.default_rng(5).integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("times", [(1, 2, 3), (4, 1, 1), (2, 3, 2)])
def test_tile_repeats_the_input_along_each_axis(times: tuple[int, ...]) -> None:
    given = values((2, 3, 5))
    want = np.tile(given, times)
    case = layer("TILE", given.shape, [Operand((3,), "int32", values=times)], want.shape)
    assert differing(case, given, want) == 0


@pytest.mark.parametrize(
    ("blocks", "borders"), [((2, 3), ((1, 2), (0, 3))), ((2, 2), ((1, 0), (1, 1)))]
)
def test_borders_around_batches_of_pixels_are_the_zero_point(
    blocks: tuple[int, int], borders: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    given = values((2, 5, 6, 3))
    padded = np.pad(given, ((0, 0), *borders, (0, 0)), constant_values=ZERO)
    n, height, width, depth = padded.shape
    by_y, by_x = blocks
    split = padded.reshape(n, height // by_y, by_y, width // by_x, by_x, depth)
    want = split.transpose(2, 4, 0, 1, 3, 5).reshape(
        by_y * by_x * n, height // by_y, width // by_x, depth
    )
    constants = [
        Operand((2,), "int32", values=blocks),
        Operand((2, 2), "int32", values=tuple(v for side in borders for v in side)),
    ]
    case = layer("SPACE_TO_BATCH_ND", given.shape, constants, want.shape)
    assert differing(case, given, want) == 0
