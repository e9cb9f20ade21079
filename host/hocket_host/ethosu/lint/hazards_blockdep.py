# SPDX-License-Identifier: Apache-2.0
"""How far a kernel may run into the one before it: the largest safe BLOCKDEP.

With BLOCKDEP ``n`` a kernel's block ``i`` may be read while the last ``n - i`` blocks of the kernel
before are still unwritten. So ``n`` is safe when no block ``i`` reads bytes that block ``last - j``
writes, for all ``i + j < n``. Vela decides by tensor coordinates (``CalcBlockDep`` in
``ethos_u55_register_cs_generator.cpp``); here bytes are compared, which needs no knowledge of
tensors and covers rolling buffers and slices alike. Blocks are walked as Vela walks them: depth
first, then width, then height, in steps of the OFM block for the writer and of the IFM area that
one OFM block needs for the reader.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operands import FeatureMap, Upscale
from ..stream.operation import Operation
from ..timing.shram import Shape, blocks, required_input, shape_of

MAX_BLOCKDEP = 3

_Box = tuple[int, int, int, int, int, int]
"""``y0, y1, x0, x1, c0, c1``: half-open."""


def _jobs(area: Shape, job: Shape, *, last: bool) -> list[_Box]:
    """The first blocks of an area, or the last with the very last one first."""
    across = area.tiles(job)
    count = across.volume
    wanted = range(min(count, MAX_BLOCKDEP))
    found = []
    for n in wanted:
        i = count - 1 - n if last else n
        z, x, y = (
            i % across.depth,
            i // across.depth % across.width,
            i // (across.depth * across.width),
        )
        corner = (y * job.height, x * job.width, z * job.depth)
        end = [min(a + s, limit) for a, s, limit in zip(corner, job, area, strict=True)]
        found.append((corner[0], end[0], corner[1], end[1], corner[2], end[2]))
    return found


def _runs(fm: FeatureMap, box: _Box) -> tuple[NDArray[np.int64], int]:
    """Start addresses of equally long runs of bytes that make up a box, and their length."""
    y0, y1, x0, x1, c0, c1 = box
    size = fm.element_bytes
    ys, xs = np.arange(y0, y1), np.arange(x0, x1)
    left = xs < fm.width0
    base, row = np.zeros((len(ys), len(xs)), np.int64), np.zeros((len(ys), len(xs)), np.int64)
    for column, height, tiles in ((left, fm.height0, (0, 2)), (~left, fm.height1, (1, 3))):
        upper = ys < height
        rows = np.where(upper, ys, ys - height)
        bases = np.where(upper, fm.bases[tiles[0]], fm.bases[tiles[1]])
        base[:, column] = bases[:, None]
        row[:, column] = rows[:, None]
    column = np.where(left, xs, xs - fm.width0)
    step = 16 * size if fm.nhcwb16 else fm.stride_x
    pixel = base + row * fm.stride_y + column[None, :] * step
    if not fm.nhcwb16:
        return pixel.ravel() + c0 * size, (c1 - c0) * size
    bricks = np.arange(c0 // 16, -(-c1 // 16))
    # Bricks are compared whole: blocks divide depth by 8 at least, and a wider run errs to safety
    # only where two blocks share a brick, so the partial ones are kept exact.
    if len(bricks) == 1:
        start = pixel.ravel() + bricks[0] * fm.stride_c + (c0 - 16 * bricks[0]) * size
        return start, (c1 - c0) * size
    starts = pixel.ravel()[None, :] + (bricks * fm.stride_c)[:, None]
    return starts.ravel(), 16 * size


def _overlap(a: tuple[NDArray[np.int64], int], b: tuple[NDArray[np.int64], int]) -> bool:
    """Whether any run of one shares a byte with any run of the other."""
    (first, n), (second, m) = a, b
    if not n or not m:
        return False
    ordered = np.sort(first)
    # A run starting at s meets one of `first` in (s - n, s + m).
    low = np.searchsorted(ordered, second - n, side="right")
    high = np.searchsorted(ordered, second + m, side="left")
    return bool((low < high).any())


def _spans_meet(a: FeatureMap, b: FeatureMap) -> bool:
    return a.region == b.region and any(
        s < f and e < t for s, t in a.extents() for e, f in b.extents()
    )


def _same_layout(a: FeatureMap, b: FeatureMap) -> bool:
    return (a.nhcwb16, a.bits, a.stride_y, a.stride_x, a.stride_c) == (
        b.nhcwb16,
        b.bits,
        b.stride_y,
        b.stride_x,
        b.stride_c,
    )


def _reader_job(op: Operation, config: NpuConfig) -> Shape:
    kernel = blocks(op, config)
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        return kernel.ofm
    k = op.kernel()
    return Shape(
        required_input(kernel.ofm.height, k.stride_y, k.height, Upscale.NONE),
        required_input(kernel.ofm.width, k.stride_x, k.width, Upscale.NONE),
        kernel.ifm.depth,
    )


def largest_blockdep(op: Operation, before: Operation, config: NpuConfig) -> int:
    """Largest BLOCKDEP of ``op`` that keeps it behind what ``before`` still writes.

    Parameters
    ----------
    op, before
        Two kernels, next to each other but for DMAs.
    config
        Accelerator that they run on.

    Raises
    ------
    CommandStreamError
        A register that one of them reads was never set.
    """
    if config.lut_banks == 0 and before.lut_slot is not None and op.lut_slot is None:
        return 0  # its accumulators overwrite the table that the kernel before still reads
    written = before.ofm()
    maps = [op.ifm()]
    second = op.ifm2()
    if second is not None:
        maps.append(second)
    read = [fm for fm in maps if _spans_meet(fm, written)]
    if not read:
        return MAX_BLOCKDEP
    if not all(_same_layout(fm, written) for fm in read):
        return 0
    volumes = [shape_of(fm).volume for fm in maps]
    if any(shape_of(fm).volume < max(volumes) for fm in read):
        return 0  # broadcast: its blocks do not advance with the kernel's
    job = _reader_job(op, config)
    writes = [
        _runs(written, b) for b in _jobs(shape_of(written), blocks(before, config).ofm, last=True)
    ]
    safe = MAX_BLOCKDEP
    for fm in read:
        reads = [_runs(fm, b) for b in _jobs(shape_of(fm), job, last=False)]
        limit = min(len(reads), len(writes))
        for level in range(min(limit, safe)):
            if any(_overlap(reads[i], writes[level - i]) for i in range(level + 1)):
                limit = level
                break
        safe = min(safe, limit)
    return safe
