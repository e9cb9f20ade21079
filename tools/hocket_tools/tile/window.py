# SPDX-License-Identifier: Apache-2.0
"""A kernel restricted to part of its output: which registers change, and to what.

The part is a box of the OFM. Its inputs follow from the window: padding remains only at the edges
that the part touches, bases move by whole rows, columns and channels, and tiles (rolling buffers)
shrink by what is left out. Buffers in SHRAM keep their places unless the smaller maps ask for
others. Weights and scales of a slice of channels are not this module's business.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from hocket_host.ethosu.compute.kernels.scaling import average_scale
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.lint.shram_layout import layout_faults, required_layout
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import FeatureMap, PoolMode, Upscale
from hocket_host.ethosu.stream.operation import Operation

_BRICK = 16
_NHCWB16 = 3 << 6
#: A base takes 48 bits: the payload and the parameter.
_BASE_MASK = (1 << 48) - 1


class OfmBox(NamedTuple):
    """Half-open ranges of rows, columns and channels."""

    y0: int
    y1: int
    x0: int
    x1: int
    c0: int
    c1: int

    @classmethod
    def whole(cls, fm: FeatureMap) -> OfmBox:
        """All of a feature map."""
        return cls(0, fm.height, 0, fm.width, 0, fm.depth)


Registers = dict[int, int]


class _Span(NamedTuple):
    """What a range of output rows (or columns) needs of the input's."""

    first: int
    last: int
    before: int
    """Padding before the first."""
    after: int


def _needed(
    first: int, last: int, stride: int, window: int, pad: int, size: int, factor: int
) -> _Span | None:
    """Input rows of the output rows ``[first, last)``; None where no register says it.

    ``size`` counts rows after enlargement by ``factor``.
    """
    top, bottom = first * stride - pad, (last - 1) * stride - pad + window
    start, end = max(top, 0), min(bottom, size)
    if start >= end or start % factor:
        return None
    return _Span(start // factor, -(-end // factor), start - top, bottom - end)


def _map_registers(prefix: str, fm: FeatureMap, box: OfmBox) -> Registers | None:
    """Registers of the part of a feature map; None where the part has no address of its own."""
    found: Registers = {}

    def put(name: str, value: int) -> None:
        found[int(Cmd[f"{prefix}_{name}"])] = value

    y0, y1, x0, x1, c0, _ = box
    if not fm.nhcwb16:
        channel = c0 * fm.element_bytes
    elif c0 % _BRICK == 0:
        channel = c0 // _BRICK * fm.stride_c
    else:
        return None
    columns = 16 * fm.element_bytes if fm.nhcwb16 else fm.stride_x
    left = x0 < fm.width0
    width0 = min(fm.width0 - x0, x1 - x0) if left else x1 - x0
    # Tiles 0 and 2 become those in which the part begins; 1 and 3 are used only if it crosses over.
    sides = [(0, left, x0 if left else x0 - fm.width0)]
    if width0 < x1 - x0:
        sides.append((1, False, 0))
    for side, in_left, x in sides:
        height0 = fm.height0 if in_left else fm.height1
        upper, lower = (fm.bases[0], fm.bases[2]) if in_left else (fm.bases[1], fm.bases[3])
        shift = x * columns + channel
        if y0 < height0:
            rows = min(height0 - y0, y1 - y0)
            put(f"BASE{side}", (upper + y0 * fm.stride_y + shift) & _BASE_MASK)
            if rows < y1 - y0:
                put(f"BASE{side + 2}", (lower + shift) & _BASE_MASK)
        else:
            rows = y1 - y0
            put(f"BASE{side}", (lower + (y0 - height0) * fm.stride_y + shift) & _BASE_MASK)
        put(f"HEIGHT{side}_M1", rows - 1)
    put("WIDTH0_M1", width0 - 1)
    return found


def _flattened(prefix: str, fm: FeatureMap, op: Operation, box: OfmBox) -> Registers | None:
    """A slice of one pixel's bricks as plain channels, where bricks follow each other."""
    size = fm.element_bytes
    in_brick = box.c0 // _BRICK == (box.c1 - 1) // _BRICK
    if fm.height * fm.width > 1 or not (in_brick or fm.stride_c == _BRICK * size):
        return None
    plain = replace(fm, nhcwb16=False)
    found = _map_registers(prefix, plain, box._replace(c0=0, c1=box.c1 - box.c0))
    if found is None:
        return None
    start = fm.address(0, 0, box.c0)
    precision = int(Cmd[f"{prefix}_PRECISION"])
    return {
        **found,
        int(Cmd[f"{prefix}_BASE0"]): start & _BASE_MASK,
        precision: op.register(precision) & ~_NHCWB16,
        int(Cmd[f"{prefix}_STRIDE_X"]): fm.stride_c,
    }


def _placed(prefix: str, fm: FeatureMap, op: Operation, box: OfmBox) -> Registers | None:
    found = _map_registers(prefix, fm, box)
    return _flattened(prefix, fm, op, box) if found is None else found


def _operands(op: Operation, box: OfmBox) -> Registers | None:
    """Inputs of an elementwise kernel."""
    if op.upscale != Upscale.NONE:
        return None
    found: Registers = {}
    second = op.ifm2()
    maps = [("IFM", op.ifm())] + ([] if second is None else [("IFM2", second)])
    for prefix, fm in maps:
        y0, y1 = (0, 1) if fm.height == 1 else (box.y0, box.y1)
        x0, x1 = (0, 1) if fm.width == 1 else (box.x0, box.x1)
        c0, c1 = (0, 1) if fm.depth == 1 else (box.c0, box.c1)
        part = _placed(prefix, fm, op, OfmBox(y0, y1, x0, x1, c0, c1))
        if part is None:
            return None
        found |= part
        if prefix == "IFM":
            found[int(Cmd.IFM_DEPTH_M1)] = c1 - c0 - 1
    return found


def _average(count: int, op: Operation) -> int:
    """OFM_SCALE that divides by ``count``.

    Averages with padding divide by the elements that are none, by themselves, and ignore the
    register; without padding they divide by what it says, also in a tile from inside a padded map.
    """
    scale, shift, *_ = average_scale(count, int(op.ofm_rounding))
    return int(scale) | int(shift) << 32


def _window(op: Operation, box: OfmBox) -> Registers | None:
    """Input and padding of a convolution or pooling."""
    k, ifm, ofm = op.kernel(), op.ifm(), op.ofm()
    factor = 1 if op.upscale == Upscale.NONE else 2
    height = (ofm.height - 1) * k.stride_y + k.height - k.pad_top - k.pad_bottom
    width = (ofm.width - 1) * k.stride_x + k.width - k.pad_left - k.pad_right
    rows = _needed(box.y0, box.y1, k.stride_y, k.height, k.pad_top, height, factor)
    columns = _needed(box.x0, box.x1, k.stride_x, k.width, k.pad_left, width, factor)
    if rows is None or columns is None:
        return None
    every = op.key == Cmd.NPU_OP_CONV or (
        op.key == Cmd.NPU_OP_POOL and op.param == PoolMode.REDUCE_SUM
    )
    c0, c1 = (0, ifm.depth) if every else (box.c0, box.c1)
    part = _placed(
        "IFM", ifm, op, OfmBox(rows.first, rows.last, columns.first, columns.last, c0, c1)
    )
    if part is None:
        return None
    padded = k.pad_top + k.pad_bottom + k.pad_left + k.pad_right > 0
    inside = rows.before + rows.after + columns.before + columns.after == 0
    if op.key == Cmd.NPU_OP_POOL and op.param == PoolMode.AVERAGE and padded and inside:
        part[int(Cmd.OFM_SCALE)] = _average(k.height * k.width, op)
    return {
        **part,
        int(Cmd.IFM_DEPTH_M1): c1 - c0 - 1,
        int(Cmd.IFM_PAD_TOP): rows.before,
        int(Cmd.IFM_PAD_BOTTOM): rows.after,
        int(Cmd.IFM_PAD_LEFT): columns.before,
        int(Cmd.IFM_PAD_RIGHT): columns.after,
    }


def may_begin(op: Operation, at: int, *, rows: bool) -> bool:
    """Whether a tile may begin at a row (or column) of the OFM: not between copies of an input."""
    if op.upscale == Upscale.NONE:
        return True
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        return False
    k = op.kernel()
    stride, pad = (k.stride_y, k.pad_top) if rows else (k.stride_x, k.pad_left)
    return max(at * stride - pad, 0) % 2 == 0


def with_registers(op: Operation, changes: Registers) -> Operation:
    """The same operation under other registers."""
    return replace(op, registers=MappingProxyType({**op.registers, **changes}), _cache={})


def restricted(op: Operation, box: OfmBox, config: NpuConfig) -> Operation | None:
    """A kernel that computes only a box of its OFM, but for weights and scales.

    Returns
    -------
    Operation or None
        None where no registers describe it: an enlarged input cannot begin between two copies of
        a row, a slice of bricks only at a brick, and the buffers must fit SHRAM as they lie.
    """
    ofm = op.ofm()
    if box == OfmBox.whole(ofm):
        return op
    output = _placed("OFM", ofm, op, box)
    inputs = (_operands if op.key == Cmd.NPU_OP_ELEMENTWISE else _window)(op, box)
    if output is None or inputs is None:
        return None
    part = with_registers(
        op,
        {
            **inputs,
            **output,
            int(Cmd.OFM_HEIGHT_M1): box.y1 - box.y0 - 1,
            int(Cmd.OFM_WIDTH_M1): box.x1 - box.x0 - 1,
            int(Cmd.OFM_DEPTH_M1): box.c1 - box.c0 - 1,
        },
    )
    return relaid(part, config)


def relaid(part: Operation, config: NpuConfig) -> Operation | None:
    """The kernel with its SHRAM buffers where its maps want them; None if they do not fit."""
    if not layout_faults(part, config):
        return part
    need = required_layout(part, config)
    changes = {int(Cmd.AB_START): need.accumulators[0]}
    if part.key == Cmd.NPU_OP_ELEMENTWISE:
        changes[int(Cmd.IFM_IB_END)] = need.lut_start
        if part.ifm2() is not None:
            changes[int(Cmd.IFM2_IB_START)] = need.ifm2[0]
    else:
        changes[int(Cmd.IFM_IB_END)] = need.ifm[1]
    moved = with_registers(part, changes)
    return None if layout_faults(moved, config) else moved
