# SPDX-License-Identifier: Apache-2.0
"""Cuts operations that are too long for a deadline into pieces, without compiling again."""

from .bound import bound_pieces
from .errors import PieceError

__all__ = ["PieceError", "bound_pieces"]
