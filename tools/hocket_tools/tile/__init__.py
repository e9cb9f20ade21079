# SPDX-License-Identifier: Apache-2.0
"""Cuts operations that are too long for a deadline into tiles, without compiling again."""

from .bound import bound_tiles
from .weights import TileError

__all__ = ["TileError", "bound_tiles"]
