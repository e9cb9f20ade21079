# SPDX-License-Identifier: Apache-2.0
"""The one compiled function that runs rows of a program, with no Python in between."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .conv import convolve
from .dma import copy
from .elementwise import elementwise
from .pool import pool
from .row import (
    DMA_COPY,
    ELEMENTWISE,
    F_BYTES,
    IFM,
    KIND,
    POOL,
    ROW,
    SLOT,
    WORK_ACC,
    WORK_IFM,
    WORK_IFM2,
    WORK_LINE,
)
from .weights import S_SCALES, S_TAP_COUNT, S_TAPS, S_WEIGHTS, current

#: Returned when every row has run.
DONE = -1


@kernel
def execute(memory, work, program, first, last):  # type: ignore[no-untyped-def]
    """Run rows ``[first, last)``.

    Parameters
    ----------
    memory
        uint8, the whole address space.
    work
        uint8: SHRAM's bytes, then room for the input buffers, accumulators and finished lines.
    program
        int64: rows, then weight slots.
    first, last
        Indices of rows.

    Returns
    -------
    int
        `DONE`, or the row before which its weight slot has to be refilled.
    """
    for index in range(first, last):
        row = program[index * ROW : (index + 1) * ROW]
        kind = row[KIND]
        if kind == DMA_COPY:
            copy(memory, work, row)
            continue
        line = work[row[WORK_LINE] :].view(np.int32)
        wide = work[row[WORK_ACC] :].view(np.int64)
        if kind == ELEMENTWISE:
            elementwise(
                memory, row, work, work[row[WORK_IFM] :].view(np.int32),
                work[row[WORK_IFM2] :].view(np.int32), wide, line,
            )  # fmt: skip
            continue
        slot = program[row[SLOT] :]
        scales = slot
        if row[SLOT]:
            if not current(memory, row, slot):
                return index
            scales = slot[slot[S_SCALES] :]
        if kind == POOL:
            pool(memory, row, work, work[row[WORK_IFM] :].view(np.int32), scales, wide, line)
            continue
        taps = slot[slot[S_TAPS] : slot[S_TAPS] + slot[S_TAP_COUNT]]
        weights = slot[slot[S_WEIGHTS] :].view(np.int16)
        if row[IFM + F_BYTES] == 1:
            convolve(
                memory, row, work, work[row[WORK_IFM] :].view(np.int16), weights, scales, taps,
                work[row[WORK_ACC] :].view(np.int32), line,
            )  # fmt: skip
        else:
            convolve(
                memory, row, work, work[row[WORK_IFM] :].view(np.int32), weights, scales, taps,
                wide, line,
            )  # fmt: skip
    return DONE
