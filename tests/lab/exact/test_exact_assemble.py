# SPDX-License-Identifier: Apache-2.0
"""Tensors are put together from the parts that operations compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_lab.exact.intermediates import Part, assemble
from hocket_tools.tflite.model import TfliteTensor

_H, _W, _C = 4, 3, 20
_VALUES = np.arange(_H * _W * _C).reshape(_H, _W, _C).astype(np.uint8).view(np.int8)


def _tensor(shape: tuple[int, ...] = (1, _H, _W, _C), dtype: str = "int8") -> TfliteTensor:
    return TfliteTensor(0, "t", shape, dtype, None, False, None)


def _linear() -> NDArray[np.int64]:
    return np.arange(_VALUES.size, dtype=np.int64).reshape(_VALUES.shape)


def _part(at: Any, addresses: NDArray[np.int64], bricks: bool = False) -> Part:
    return Part(_VALUES[at], addresses[at], bricks)


def _assembled(parts: list[Part]) -> list[int] | None:
    found = assemble(parts, _tensor())
    return None if found is None else found.tolist()


_WANTED = _VALUES.reshape(-1).tolist()


def test_one_part_is_the_tensor() -> None:
    assert _assembled([_part(np.s_[:], _linear())]) == _WANTED


def test_slices_of_channels_join_along_the_depth() -> None:
    at = _linear()
    assert _assembled([_part(np.s_[:, :, :16], at), _part(np.s_[:, :, 16:], at)]) == _WANTED


def test_parts_out_of_order_are_placed_by_address() -> None:
    at = _linear()
    assert _assembled([_part(np.s_[2:], at), _part(np.s_[:2], at)]) == _WANTED


def test_interleaved_pixels_are_placed_by_address() -> None:
    at = _linear()
    parts = [_part(np.s_[y::2, x::2], at) for y in (0, 1) for x in (0, 1)]
    assert _assembled(parts) == _WANTED


def test_rows_of_a_rolling_buffer_join_in_order_of_execution() -> None:
    at = _linear() % (2 * _W * _C)
    assert _assembled([_part(np.s_[y : y + 1], at) for y in range(_H)]) == _WANTED


def test_bricks_are_reordered_to_channels_last() -> None:
    y, x, c = np.indices((_H, _W, _C))
    at = (y * 2 + c // 16) * _W * 16 + x * 16 + c % 16
    parts = [_part(np.s_[:1], at, True), _part(np.s_[1:], at, True)]
    assert _assembled(parts) == _WANTED


def test_parts_that_are_not_the_whole_tensor_give_none() -> None:
    assert _assembled([_part(np.s_[:3], _linear())]) is None


def test_parts_of_another_width_give_none() -> None:
    assert assemble([_part(np.s_[:], _linear())], _tensor(dtype="int16")) is None
