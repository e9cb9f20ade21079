# SPDX-License-Identifier: Apache-2.0
"""DMA: a one-dimensional copy between memories, or into SHRAM (look-up tables)."""

from __future__ import annotations

from .compiled import kernel
from .row import DMA_DESTINATION, DMA_FROM_SHRAM, DMA_LENGTH, DMA_SOURCE, DMA_TO_SHRAM


@kernel
def copy(memory, shram, row):  # type: ignore[no-untyped-def]
    """Run one DMA."""
    n = row[DMA_LENGTH]
    source = shram if row[DMA_FROM_SHRAM] else memory
    destination = shram if row[DMA_TO_SHRAM] else memory
    here = source[row[DMA_SOURCE] : row[DMA_SOURCE] + n]
    there = destination[row[DMA_DESTINATION] : row[DMA_DESTINATION] + n]
    for i in range(n):
        there[i] = here[i]
