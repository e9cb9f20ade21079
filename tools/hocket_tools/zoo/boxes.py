# SPDX-License-Identifier: Apache-2.0
"""Boxes to and from the detector's output grids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .scenes import SHAPES, Box

STRIDE = 8
# Longest edge that an output of 1.0 means, in pixels.
LONGEST = 64.0


def encode(
    boxes: Sequence[Box], side: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the grids that the network should put out for `boxes`.

    Parameters
    ----------
    boxes
        Boxes in pixels.
    side
        Edge of the image, in pixels.

    Returns
    -------
    scores
        float32[side / 8, side / 8, shapes], 1 in the cell of a box's centre.
    places
        float32[side / 8, side / 8, 4]: centre inside the cell (x, y), width, height, 0 .. 1.
    """
    cells = side // STRIDE
    scores = np.zeros((cells, cells, len(SHAPES)), dtype=np.float32)
    places = np.zeros((cells, cells, 4), dtype=np.float32)
    for box in boxes:
        x = (box.left + box.right) / 2 / STRIDE
        y = (box.top + box.bottom) / 2 / STRIDE
        column = min(max(int(x), 0), cells - 1)
        row = min(max(int(y), 0), cells - 1)
        scores[row, column] = 0.0
        scores[row, column, SHAPES.index(box.kind)] = 1.0
        places[row, column] = (
            x - column,
            y - row,
            (box.right - box.left) / LONGEST,
            (box.bottom - box.top) / LONGEST,
        )
    return scores, np.clip(places, 0.0, 1.0)


def decode(
    scores: npt.NDArray[np.float32], places: npt.NDArray[np.float32], threshold: float
) -> list[Box]:
    """Return the boxes that two output grids tell of, best first.

    A box that overlaps a better one by more than 0.4 is dropped, of whatever kind.

    Parameters
    ----------
    scores
        float32[rows, columns, shapes], 0 .. 1.
    places
        float32[rows, columns, 4], as ``encode`` makes them.
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


def match(found: Sequence[Box], true: Sequence[Box]) -> list[bool]:
    """Say of each found box, best first, whether it hits a box of its kind not hit before.

    A hit overlaps by at least one half.
    """
    left = list(true)
    hits = []
    for box in found:
        same = [one for one in left if one.kind == box.kind and box.overlap(one) >= 0.5]
        if same:
            left.remove(max(same, key=box.overlap))
        hits.append(bool(same))
    return hits
