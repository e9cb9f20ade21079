# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.isa import Cmd, Command, CommandStreamError, encode_all
from hocket_host.ethosu.stream.operands import Access, FeatureMap


def _stream(*pairs: tuple[int, int]) -> bytes:
    return encode_all([Command(0, int(key), value) for key, value in pairs])


def _copy(source: int, destination: int, length: int) -> list[tuple[int, int]]:
    return [
        (Cmd.DMA0_SRC_REGION, 0),
        (Cmd.DMA0_DST_REGION, 1),
        (Cmd.DMA0_SRC, source),
        (Cmd.DMA0_DST, destination),
        (Cmd.DMA0_LEN, length),
        (Cmd.NPU_OP_DMA_START, 0),
    ]


def test_a_dma_reads_its_source_and_writes_its_destination() -> None:
    (dma,) = parse(_stream(*_copy(16, 32, 48), (Cmd.NPU_OP_STOP, 0xFFFF))).operations
    assert dma.accesses() == [Access(0, 16, 64, False), Access(1, 32, 80, True)]


def test_each_operation_keeps_the_registers_of_its_own_moment() -> None:
    first, second = parse(_stream(*_copy(16, 32, 48), *_copy(80, 96, 16))).operations
    assert (first.registers[Cmd.DMA0_SRC], second.registers[Cmd.DMA0_SRC]) == (16, 80)


def test_an_operation_owns_the_commands_since_the_one_before() -> None:
    first, second = parse(
        _stream(*_copy(16, 32, 48), (Cmd.NPU_OP_DMA_WAIT, 0), *_copy(0, 0, 1))
    ).operations
    assert (second.first_word, second.dma_wait, first.dma_wait) == (first.word + 1, 0, None)


def test_a_register_never_set_is_an_error_that_names_it() -> None:
    (dma,) = parse(_stream((Cmd.DMA0_SRC_REGION, 0), (Cmd.NPU_OP_DMA_START, 0))).operations
    with pytest.raises(CommandStreamError, match="DMA0_DST_REGION unset"):
        dma.dma()


def test_commands_after_stop_are_refused() -> None:
    with pytest.raises(CommandStreamError, match="after NPU_OP_STOP"):
        parse(_stream((Cmd.NPU_OP_STOP, 0xFFFF), (Cmd.BLOCKDEP, 0)))


def test_a_strided_dma_is_refused() -> None:
    copy = dict(_copy(0, 0, 16)) | {Cmd.DMA0_SRC_REGION: 1 << 9}
    (dma,) = parse(_stream(*copy.items())).operations
    with pytest.raises(CommandStreamError, match="strided"):
        dma.dma()


@st.composite
def _maps(draw: st.DrawFn) -> FeatureMap:
    height, width, depth = draw(st.tuples(*[st.integers(1, 9)] * 2, st.integers(1, 40)))
    nhcwb16, bits = draw(st.booleans()), draw(st.sampled_from([8, 16, 32]))
    row = width * (16 if nhcwb16 else depth) * bits // 8
    stride_y = row * ((depth + 15) // 16) if nhcwb16 else row
    # No tile is larger than the whole map: they may touch, but not overlap.
    apart = height * stride_y + draw(st.sampled_from([0, 16, 4096]))
    return FeatureMap(
        region=1,
        bases=(0, apart, 2 * apart, 3 * apart),
        height0=draw(st.integers(1, height)),
        height1=draw(st.integers(1, height)),
        width0=draw(st.integers(1, width)),
        stride_y=stride_y,
        stride_x=(16 if nhcwb16 else depth) * bits // 8,
        stride_c=row,
        height=height,
        width=width,
        depth=depth,
        bits=bits,
        signed=True,
        nhcwb16=nhcwb16,
        zero_point=0,
    )


@given(_maps())
def test_extents_cover_every_element(fm: FeatureMap) -> None:
    extents = fm.extents()
    for y in range(fm.height):
        for x in range(fm.width):
            for c in range(fm.depth):
                at = fm.address(y, x, c)
                assert any(a <= at and at + fm.element_bytes <= b for a, b in extents)


@given(_maps())
def test_elements_never_share_a_byte(fm: FeatureMap) -> None:
    at = [
        fm.address(y, x, c)
        for y in range(fm.height)
        for x in range(fm.width)
        for c in range(fm.depth)
    ]
    step = fm.element_bytes
    assert all(b - a >= step for a, b in pairwise(sorted(at)))
