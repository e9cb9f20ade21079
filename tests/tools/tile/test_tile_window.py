# SPDX-License-Identifier: Apache-2.0
"""Part of a kernel touches exactly its part of the kernel's maps."""

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Upscale
from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_lab.exact.cases import BY_ID
from hocket_tools.tile.cutting import Cutter
from hocket_tools.tile.window import OfmBox, may_begin, restricted, with_registers
from hocket_tools.vela import VelaOptions, compile_model
from hocket_tools.vela.options import vela_ini
from paths import MODELS

ACCELERATORS = ["ethos-u55-32", "ethos-u55-128", "ethos-u55-256"]
# Cascades, whose rolling buffers have several base addresses, come with a small arena.
SOURCES = [
    ("person_detect", {"optimise": "Size"}),
    ("mlp_vww96_int8", {"arena_cache_size": 48 << 10}),
    ("mlp_resnet8_int8", {}),
    ("micro_speech", {}),
]
ENLARGED = [name for name in BY_ID if name.startswith(("resize_nearest", "transpose_conv-int8"))]


@cache
def kernels(accelerator):
    found = []
    for name, options in SOURCES:
        compiled = compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator, **options))
        found += [(compiled.npu, op) for op in compiled.stream.operations if not op.is_dma]
    for name in ENLARGED:
        compiled = compile_model(BY_ID[name].model(), VelaOptions(accelerator))
        found += [(compiled.npu, op) for op in compiled.stream.operations if not op.is_dma]
    return found


def draw_range(data, size):
    first = data.draw(st.integers(0, size - 1))
    return first, data.draw(st.integers(first + 1, size))


@settings(max_examples=300)
@given(st.sampled_from(ACCELERATORS), st.data())
def test_a_part_reads_and_writes_where_the_whole_does(accelerator, data):
    config, op = data.draw(st.sampled_from(kernels(accelerator)))
    ofm = op.ofm()
    channels = (0, ofm.depth)
    if data.draw(st.booleans()):
        channels = draw_range(data, ofm.depth)
    box = OfmBox(*draw_range(data, ofm.height), *draw_range(data, ofm.width), *channels)
    part = restricted(op, box, config)
    assume(part is not None)
    out = part.ofm()
    assert (out.height, out.width, out.depth) == (
        box.y1 - box.y0, box.x1 - box.x0, box.c1 - box.c0,
    )  # fmt: skip
    for y in {0, out.height // 2, out.height - 1}:
        for x in {0, out.width // 2, out.width - 1}:
            for c in {0, out.depth // 2, out.depth - 1}:
                assert out.address(y, x, c) == ofm.address(box.y0 + y, box.x0 + x, box.c0 + c)
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        return
    whole, k, own = op.ifm(), op.kernel(), part.kernel()
    factor = 1 if op.upscale == Upscale.NONE else 2
    got = part.ifm()
    deep = box.c0 if got.depth < whole.depth else 0
    for y in range(out.height):
        for tap in range(k.height):
            row = (box.y0 + y) * k.stride_y - k.pad_top + tap
            here = y * own.stride_y - own.pad_top + tap
            inside = 0 <= row < whole.height * factor
            # Padding stays padding, and a row of the input the same row.
            assert inside == (0 <= here < got.height * factor) or factor == 2
            if inside and 0 <= here < got.height * factor:
                left = max(-own.pad_left, 0)
                column = (box.x0 * k.stride_x - k.pad_left) // factor
                if column >= 0:
                    assert got.address(here // factor, left, 0) == whole.address(
                        row // factor, column, deep
                    )


@settings(max_examples=60)
@given(st.data())
def test_an_enlarged_input_begins_only_before_both_copies_of_a_row(data):
    found = [(c, op) for c, op in kernels("ethos-u55-128") if op.upscale != Upscale.NONE]
    config, op = data.draw(st.sampled_from(found))
    ofm = op.ofm()
    assume(ofm.height > 1)
    y = data.draw(st.integers(1, ofm.height - 1))
    part = restricted(op, OfmBox(y, ofm.height, 0, ofm.width, 0, ofm.depth), config)
    assert (part is not None) == may_begin(op, y, rows=True)


def test_the_whole_is_its_own_part():
    for config, op in kernels("ethos-u55-128"):
        assert restricted(op, OfmBox.whole(op.ofm()), config) is op


@pytest.mark.parametrize("pad_top", [0, 1, 2])
def test_single_rows_begin_wherever_a_part_may(pad_top):
    config, op = next(
        (c, op)
        for c, op in kernels("ethos-u55-128")
        if op.upscale != Upscale.NONE and op.key == Cmd.NPU_OP_POOL and op.ofm().height > 4
    )
    op = with_registers(op, {int(Cmd.IFM_PAD_TOP): pad_top})
    ofm = op.ofm()
    begins = [
        y
        for y in range(1, ofm.height)
        if restricted(op, OfmBox(y, ofm.height, 0, ofm.width, 0, ofm.depth), config) is not None
    ]
    system = parse_system_config(vela_ini().read_text(), config)
    rows = Cutter(op, config, system)._finest_rows()
    assert [first for first, _ in rows] == [0, *begins]
    assert [last for _, last in rows] == [*begins, ofm.height]
