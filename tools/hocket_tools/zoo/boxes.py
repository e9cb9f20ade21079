# SPDX-License-Identifier: Apache-2.0
"""Boxes from the detector's output grids."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .scenes import SHAPES, Box

STRIDE = 8
# Longest edge that an output of 1.0 means, in pixels.
LONGEST = 64.0


def decode(
    scores: npt.NDArray[np.float32], places: npt.NDArray[np.float32], threshold: float
) -> list[Box]:
    """Return the boxes in two output grids, best first.

    A box that overlaps a better one by more than 0.4 is dropped, of whatever kind.

    Parameters
    ----------
    scores
        float32[rows, columns, shapes], 0 .. 1.
    places
        float32[rows, columns, 4]: centre inside the cell (x, y), width, height, 0 .. 1.
    threshold
        Lowest score that counts.
    """
    best = np.max(scores, axis=2)
    rows, columns = np.nonzero(best >= threshold)
    found: list[Box] = []
    for row, column in sorted(zip(rows, columns, strict=True), key=lambda rc: -best[rc]):
        dx, dy, width, height = (float(value) for value in places[row, column])
        x, y = (float(column) + dx) * STRIDE, (float(row) + dy) * STRIDE
        half_width, half_height = width * LONGEST / 2, height * LONGEST / 2
        box = Box(
            SHAPES[int(np.argmax(scores[row, column]))],
            x - half_width,
            y - half_height,
            x + half_width,
            y + half_height,
            float(best[row, column]),
        )
        if half_width > 0 and half_height > 0 and all(box.overlap(one) <= 0.4 for one in found):
            found.append(box)
    return found
