# SPDX-License-Identifier: Apache-2.0
"""Grey images for the networks that see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .cards import ZooError

DIGIT_SIDE = 16


def read_grey(path: Path | str, side: int) -> npt.NDArray[np.uint8]:
    """Read an image as 8-bit grey, uint8[side, side], resized when it has another size.

    Raises
    ------
    ZooError
        The file is not an image that Pillow reads.
    """
    try:
        with Image.open(path) as source:
            image = source.convert("L")
    except (UnidentifiedImageError, OSError) as error:
        raise ZooError(
            "not a readable image", where=path, found=error, expected="a PNG or similar"
        ) from error
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.uint8)


def to_int8(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Return pixels less 128, which is exact: the tensors' zero point is -128, scale 1/255."""
    return np.clip(pixels.astype(np.int16) - 128, -128, 127).astype(np.int8)
