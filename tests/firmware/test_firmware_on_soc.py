# SPDX-License-Identifier: Apache-2.0
"""The firmware over the emulated board: its driver at the real register interface."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hocket_host.board.board import load
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.timing.timing import StreamTiming
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.cpython.shims import installed
from hocket_host.machines.hosted import HostedBoard
from hocket_tools.container import (
    DType,
    Image,
    Model,
    Overrun,
    PlanEntry,
    Policy,
    Region,
    Step,
    Task,
    Tensor,
    build,
    region_slots,
)

CYCLES = 50_000
HZ = 50_000_000
STOP = b"\x00\x00\xff\xff"
WAIT = b"\x12\x00\x00\x00"  # NPU_OP_KERNEL_WAIT


def network(name: str, steps: int, arena: int) -> Model:
    return Model(
        name=name,
        regions=region_slots(Region.read_only(b"weights" * 9), Region.arena(arena, 256)),
        inputs=(Tensor("x", (16,), DType.INT8, 0.125, -7, 1, 16, 16),),
        outputs=(Tensor("y", (4,), DType.INT8, 0.5, 0, 1, 80, 4),),
        # Waits of a number of their own, so that no two streams are one.
        steps=tuple(
            Step(f"{name}/{i}", WAIT * i + STOP, CYCLES, CYCLES, i, 0) for i in range(steps)
        ),
        arena_offset=arena,
        arena_size=256,
    )


def container() -> bytes:
    image = Image(
        accelerator="ethos-u55-128",
        npu_config=0x1807,
        npu_id=0x10066001,
        npu_hz=HZ,
        arena_size=512,
        policy=Policy.FP,
        models=(network("slow", 5, 0), network("fast", 2, 256)),
        tasks=(
            Task("slow", 0, 20_000_000, 20_000_000, 0, 1, Overrun.SKIP, 0),
            Task("fast", 1, 5_000_000, 5_000_000, 0, 0, Overrun.SKIP, 0),
        ),
        plan=(
            PlanEntry(5, CYCLES, 5 * CYCLES, 0, 20_000_000),
            PlanEntry(2, CYCLES, 2 * CYCLES, 0, 5_000_000),
        ),
    )
    return build(image)


class NothingToDo:
    """A functional model of streams without an operation."""

    def __init__(self, bus: object) -> None:
        pass

    def compile(self, stream: bytes) -> SimpleNamespace:
        return SimpleNamespace(operations=[], word_ends=[])

    def bind(self, plan: object, bases: object, extents: object) -> SimpleNamespace:
        return SimpleNamespace(run=lambda first=0, last=None: None)


@pytest.fixture
def soc() -> Iterator[HostedBoard]:
    timing = StreamTiming((), CYCLES, 0, 0, 0, 0, False)
    soc = HostedBoard(
        load("corstone300"),
        NpuOptions(
            npu_config("ethos-u55-128"),
            hz=HZ,
            strict=True,
            model=NothingToDo,
            timing=lambda operations: timing,
        ),
    )
    soc.bus.load(soc.board.flash_base, container())
    with installed(soc):
        yield soc


def kernel_on(soc: HostedBoard, policy: str | None = None) -> Any:
    import hocket

    app = hocket.load(soc.board.flash_base)
    constants = SimpleNamespace(
        NPU_BASE=soc.board.npu_base,
        NPU_IRQ=soc.board.npu_irq,
        ARENA_BASE=soc.board.arena_base,
        ARENA_SIZE=soc.board.arena_size,
    )
    return hocket.Kernel(app, policy=policy, port=hocket.Port(constants))


def test_every_job_completes_within_its_deadline(soc: HostedBoard) -> None:
    kernel = kernel_on(soc)
    kernel.run(100_000)
    stats = {name: kernel.stats(name) for name in ("slow", "fast")}
    assert (stats["slow"].completed, stats["fast"].completed) == (5, 20)
    assert (stats["slow"].misses, stats["fast"].misses) == (0, 0)


def test_the_counter_of_the_npu_gives_the_cycles_of_each_task(soc: HostedBoard) -> None:
    kernel = kernel_on(soc)
    kernel.run(100_000)
    # The counter runs from the start to the handler's look at it, which comes after entry.
    entry = soc.board.dispatch_cpu_cycles * HZ // soc.cpu_hz
    for name, segments in (("slow", 25), ("fast", 40)):
        cycles = kernel.stats(name).npu_cycles
        assert segments * CYCLES <= cycles <= segments * (CYCLES + entry + 1)


def test_the_processor_sleeps_while_the_npu_works(soc: HostedBoard) -> None:
    kernel_on(soc).run(100_000)
    assert soc.idle_ns > 90_000_000


def test_an_urgent_job_waits_for_one_segment_at_most(soc: HostedBoard) -> None:
    kernel = kernel_on(soc)
    kernel.run(100_000)
    assert kernel.stats("fast").blocking_max_us <= CYCLES * 1_000_000 // HZ


def test_run_to_completion_blocks_for_whole_jobs(soc: HostedBoard) -> None:
    kernel = kernel_on(soc, "fifo")
    kernel.run(100_000)
    assert kernel.stats("fast").blocking_max_us > CYCLES * 1_000_000 // HZ


def test_close_leaves_the_npu_stopped_and_unhooked(soc: HostedBoard) -> None:
    kernel = kernel_on(soc)
    kernel.run(500)
    assert kernel.npu.status() & 1
    kernel.close()
    assert not kernel.npu.status() & 1
    assert soc.npu.problems == []


def test_a_run_is_repeatable(soc: HostedBoard) -> None:
    kernel = kernel_on(soc)
    kernel.run(50_000)
    first = list(kernel.trace.records())
    again = HostedBoard(
        soc.board,
        NpuOptions(
            soc.npu.config,
            hz=HZ,
            strict=True,
            model=NothingToDo,
            timing=lambda operations: StreamTiming((), CYCLES, 0, 0, 0, 0, False),
        ),
    )
    again.bus.load(soc.board.flash_base, container())
    with installed(again):
        kernel = kernel_on(again)
        kernel.run(50_000)
        assert list(kernel.trace.records()) == first


def test_an_npu_of_another_size_is_refused(soc: HostedBoard) -> None:
    other = HostedBoard(
        soc.board,
        NpuOptions(
            npu_config("ethos-u55-256"),
            hz=HZ,
            strict=True,
            model=NothingToDo,
            timing=lambda operations: StreamTiming((), CYCLES, 0, 0, 0, 0, False),
        ),
    )
    other.bus.load(soc.board.flash_base, container())
    with installed(other), pytest.raises(ValueError, match=r"256 MACs.*128 MACs"):
        kernel_on(other)
