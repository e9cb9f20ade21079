# SPDX-License-Identifier: Apache-2.0
"""Cycles of one kernel, from its registers.

A kernel's OFM blocks pass through a pipeline: IFM fetch, MAC array, output unit (scaling,
activation, write). Its duration is that of the slowest stage for all blocks, plus filling and
draining the others, and never less than what its traffic needs on each memory. Formulas and
constants: Vela's estimator (``ethos_u55_performance.cpp`` for stages and traffic,
``ethos_u55.cpp`` and ``ethos_u65.cpp`` for the output table). Vela keeps doubles; here all is
integer, with rates as numerators over powers of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operands import (
    SIGMOID,
    TANH,
    UNARY,
    Elementwise,
    FeatureMap,
    Kernel,
    PoolMode,
)
from ..stream.operation import Operation
from .shram import SUBKERNEL, Blocks, Shape, Traversal, blocks, round_up, shape_of
from .system_config import MemoryTiming, SystemConfig


class Bound(Enum):
    """What decides how long an operation takes."""

    MAC = "MAC"
    OUTPUT = "output"
    ELEMENTWISE = "elementwise"
    ISSUE = "block issue"
    WEIGHTS = "weights"
    SCALES = "scales"
    IFM = "IFM"
    OFM = "OFM"
    DMA = "DMA"


@dataclass(frozen=True)
class OperationCycles:
    """Duration of one operation on its own, in NPU cycles."""

    nominal: int
    """With memory latency hidden by bursts in flight, as Vela estimates."""
    worst: int
    """With memory latency exposed; never below `nominal`."""
    bound: Bound
    compute: int
    """MAC and output stages with their filling and draining; 0 for a DMA."""
    memory: int
    """Traffic of the busiest memory; `nominal` is the larger of this and `compute`."""
    fill: int
    """Part of `compute` that a pipeline still busy with the kernel before would hide."""
    drain: int
    """Part of `compute` that the same kernel's continuation would hide."""


_RATE = 16
"""Denominator of the output table."""

# Cycles an element in the output unit, in 1/16: 32-bit unary, 32-bit binary, MUL to 32 bits,
# MUL or 40-bit accumulators, simple ADD/SUB, rescaling ADD/SUB, MAX pooling, everything else.
_OUTPUT = {
    32: (32, 48, 48, 48, 64, 96, 16, 32),
    64: (16, 24, 24, 24, 32, 48, 8, 16),
    128: (12, 20, 12, 12, 16, 24, 4, 8),
    256: (10, 18, 8, 6, 8, 12, 2, 4),
}
# The same for activations: look-up table (or TANH, SIGMOID), clipping, none.
_ACTIVATION = {32: (16, 16, 0), 64: (16, 16, 0), 128: (16, 8, 0), 256: (16, 4, 0)}


def _output_rate(op: Operation, config: NpuConfig, kernel: Blocks) -> int:
    elementwise = op.key == Cmd.NPU_OP_ELEMENTWISE
    multiply = elementwise and op.param == Elementwise.MUL
    ifm, ofm = op.ifm(), op.ofm()
    if elementwise and ifm.bits == 32:
        row = 0 if op.param in UNARY else 1
    elif multiply and ofm.bits == 32:
        row = 2
    elif multiply or (not elementwise and kernel.accumulator_bits == 40):
        row = 3
    elif elementwise and op.param in (Elementwise.ADD, Elementwise.SUB):
        row = 5
    elif op.key == Cmd.NPU_OP_POOL and op.param == PoolMode.MAX:
        row = 6
    else:
        row = 7
    activation = 2
    if op.lut_slot is not None or op.activation in (TANH, SIGMOID):
        activation = 0
    return max(_OUTPUT[config.macs][row], _ACTIVATION[config.macs][activation])


def _transfer(
    fm: FeatureMap, block: Shape, memory: MemoryTiming, elements: int, *, read: bool
) -> int:
    """Bytes of bandwidth that ``elements`` cost: short bursts waste the rest of a full one."""
    burst_bits = 64
    if fm.nhcwb16:
        if fm.width * fm.element_bytes * 16 == block.depth:
            burst_bits = fm.bits * block.width * block.depth
        else:
            burst_bits = 16 * fm.bits * block.width
    else:
        packed = fm.stride_x == block.depth
        if packed and (read or block.depth <= 16):
            burst_bits = fm.bits * block.width * block.depth
        elif read:
            burst_bits = fm.bits * block.depth
        else:
            burst_bits = min(64 * 8, 16 * fm.bits, block.depth * fm.bits)
    burst = max(min(memory.burst_bytes, burst_bits // 8), 1)
    return elements * fm.bits // 8 * memory.burst_bytes // burst


@dataclass(frozen=True)
class _Traffic:
    memory: MemoryTiming
    kind: Bound
    size: int
    write: bool


def _operand_elements(
    ifm: FeatureMap, second: FeatureMap | None, ofm: FeatureMap
) -> tuple[int, int]:
    """Elements read of both operands of an elementwise kernel, as Vela counts them.

    A single element costs one granule of the first operand's format if it is wider than 8 bits and
    nothing otherwise; next to a wide single element the second operand is not counted.
    """
    granule = 16 if ifm.nhcwb16 else 1
    whole = ofm.height * ofm.width * round_up(ofm.depth, granule)
    if shape_of(ifm).volume == 1:
        return (granule, 0) if ifm.bits > 8 else (0, whole)
    if second is None or shape_of(second).volume > 1:
        return whole, whole
    return whole, granule if second.bits > 8 else 0


def _traffic(op: Operation, kernel: Blocks, system: SystemConfig) -> list[_Traffic]:
    ifm, ofm, second = op.ifm(), op.ofm(), op.ifm2()
    found = []
    ifm_block = kernel.ifm.clip(shape_of(ifm))
    count = shape_of(ofm).tiles(kernel.ofm.clip(shape_of(ofm)))
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        first, other = _operand_elements(ifm, second, ofm)
        maps = [(ifm, first)] if second is None else [(ifm, first), (second, other)]
    else:
        k = op.kernel()
        depth_blocks = 1 if kernel.traversal == Traversal.EQUAL_DEPTH else count.depth
        depth = round_up(ifm.depth, 16) if ifm.nhcwb16 else ifm.depth
        h, w = _window(k)
        passes = -(-h // SUBKERNEL) * -(-w // SUBKERNEL)
        maps = [(ifm, ifm_block.area * depth * passes * count.area * depth_blocks)]
        for span, kind in ((op.weights(), Bound.WEIGHTS), (op.scales(), Bound.SCALES)):
            if span is not None and op.key != Cmd.NPU_OP_POOL:
                memory = system.region(span.region)
                found.append(_Traffic(memory, kind, span.length * count.area, write=False))
    for fm, elements in maps:
        memory = system.region(fm.region)
        size = _transfer(fm, kernel.ifm, memory, elements, read=True)
        found.append(_Traffic(memory, Bound.IFM, size, write=False))
    depth = round_up(ofm.depth, 16) if ofm.nhcwb16 else ofm.depth
    memory = system.region(ofm.region)
    size = _transfer(ofm, kernel.ofm, memory, ofm.height * ofm.width * depth, read=False)
    found.append(_Traffic(memory, Bound.OFM, size, write=True))
    return found


def _fill_cycles(fm: FeatureMap, block: Shape, system: SystemConfig, *, read: bool) -> int:
    """Cycles to read or write one block: latency and transfer."""
    memory = system.region(fm.region)
    size = _transfer(fm, block, memory, block.clip(shape_of(fm)).volume, read=read)
    return memory.transfer_cycles(size) + (memory.read_latency if read else memory.write_latency)


def _input_fill(op: Operation, kernel: Blocks, system: SystemConfig) -> int:
    maps = [op.ifm()]
    second = op.ifm2()
    if second is not None:
        maps.append(second)
    return max(_fill_cycles(fm, kernel.ifm, system, read=True) for fm in maps)


def _window(k: Kernel) -> tuple[int, int]:
    """Height and width of a window without the holes of its dilation."""
    return (k.height - 1) // k.dilation_y + 1, (k.width - 1) // k.dilation_x + 1


def _mac_block_cycles(op: Operation, config: NpuConfig, kernel: Blocks) -> int:
    """Cycles of the MAC array for one OFM block."""
    ifm, ofm = op.ifm(), op.ofm()
    window_h, window_w = _window(op.kernel())
    ifm_block = kernel.ifm.clip(shape_of(ifm))
    units = kernel.ofm.clip(shape_of(ofm)).tiles(kernel.ublock)
    weight_cycles = 4 * kernel.ublock.depth
    small = config.macs == 32
    wide = kernel.accumulator_bits == 40
    part_kernel = kernel.traversal == Traversal.PART_KERNEL
    depth_steps = -(-ifm_block.depth // 8)
    delay = (7 if wide else 3) if small else (3 if wide and config.macs <= 128 else 2)
    total = 0
    for x in range(0, window_w, SUBKERNEL):
        for y in range(0, window_h, SUBKERNEL):
            elements = min(window_h - y, SUBKERNEL) * min(window_w - x, SUBKERNEL)
            if op.key == Cmd.NPU_OP_POOL and not kernel.reduce_sum:
                steps = 1
                cycles = max(4, elements) * units.volume * (1 if small else ifm.bits // 2)
            elif op.key == Cmd.NPU_OP_DEPTHWISE:
                steps = -(-elements // 4)
                cycles = max(weight_cycles, 4 * units.area * (ifm.bits // 8)) * steps * units.depth
            elif part_kernel:
                steps = -(-elements // (2 if ifm.bits == 16 else 4))
                cycles = max(weight_cycles, 4 * units.area) * steps * units.depth * depth_steps
            else:
                steps = elements
                cycles = max(weight_cycles, 4 * units.area) * steps * units.depth
            wait = 0
            if units.area == 1:
                if units.depth == 1:
                    wait = delay * steps
                elif steps > 1:
                    wait = delay * (steps - 1) * units.depth
            if small and wide and units.depth > 1 and 1 in (units.width, units.height):
                wait += delay * units.depth
            total += cycles + wait * (depth_steps if part_kernel else 1)
    if kernel.traversal != Traversal.EQUAL_DEPTH:
        total *= -(-ifm.depth // ifm_block.depth)
    return total


def _mac_cycles(
    op: Operation, config: NpuConfig, kernel: Blocks, system: SystemConfig
) -> tuple[int, int, int, Bound]:
    """Cycles, and of these filling and draining; the stage that decides."""
    ofm = op.ofm()
    block = kernel.ofm.clip(shape_of(ofm))
    per_block = block.tiles(kernel.ublock).volume
    units = shape_of(ofm).tiles(kernel.ublock).volume
    # Everything per block is kept in 1/512 cycle: scales cost 5/128 a channel, issue a quarter.
    one = 512
    output = -(-_output_rate(op, config, kernel) * block.volume // _RATE) * one
    scales = op.scales()
    if scales is not None and op.key != Cmd.NPU_OP_POOL:
        latency = system.region(scales.region).read_latency
        output = max(output, 10 * block.depth * latency * one // 256)
    mac = _mac_block_cycles(op, config, kernel) * one
    fill = _input_fill(op, kernel, system)
    drain = _fill_cycles(ofm, kernel.ofm, system, read=False)
    exposed = abs(drain - fill) * one if units > per_block else 0
    issue = (exposed + mac + output) // 4
    mac_stage, output_stage = max(mac, issue), max(output, issue)
    if mac_stage > output_stage:
        tail = output_stage // one
        total = mac_stage * units // (per_block * one) + tail
        bound = Bound.MAC if mac >= issue else Bound.ISSUE
    else:
        tail = 0
        total = (output_stage * units + mac_stage * per_block) // (per_block * one)
        bound = Bound.OUTPUT if output >= issue else Bound.ISSUE
    return total + drain + fill, fill, drain + tail, bound


def _elementwise_cycles(
    op: Operation, config: NpuConfig, kernel: Blocks, system: SystemConfig
) -> tuple[int, Bound]:
    ofm = op.ofm()
    depth = round_up(ofm.depth, 16) if ofm.nhcwb16 else ofm.depth
    elements = ofm.height * ofm.width * depth
    rate = _output_rate(op, config, kernel)
    output = -(-rate * elements // _RATE)
    block_cycles = max(
        _fill_cycles(ofm, kernel.ofm, system, read=False), _input_fill(op, kernel, system)
    )
    volume = kernel.ofm.volume
    # (block_cycles / volume + rate / 16) / 4 an element
    issue = -(-(_RATE * block_cycles + rate * volume) * elements // (4 * _RATE * volume))
    return (issue, Bound.ISSUE) if issue > output else (output, Bound.ELEMENTWISE)


def _memory_bound(traffic: list[_Traffic], *, worst: bool) -> tuple[int, Bound]:
    """Slowest memory's cycles, and the traffic that takes most of them."""
    ports: dict[MemoryTiming, list[_Traffic]] = {}
    for t in traffic:
        ports.setdefault(t.memory, []).append(t)
    cycles, bound = 0, Bound.IFM
    for memory, items in ports.items():
        if worst:
            total = sum(memory.worst_cycles(t.size, write=t.write) for t in items)
        else:
            total = memory.transfer_cycles(sum(t.size for t in items))
        if total > cycles:
            sizes: dict[Bound, int] = {}
            for t in items:
                sizes[t.kind] = sizes.get(t.kind, 0) + t.size
            cycles, bound = total, max(sizes, key=lambda kind: sizes[kind])
    return cycles, bound


def kernel_cycles(op: Operation, config: NpuConfig, system: SystemConfig) -> OperationCycles:
    """Duration of a kernel that runs alone.

    Raises
    ------
    CommandStreamError
        A register that it reads was never set.
    """
    kernel = blocks(op, config)
    fill = drain = 0
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        compute, bound = _elementwise_cycles(op, config, kernel, system)
    else:
        compute, fill, drain, bound = _mac_cycles(op, config, kernel, system)
    traffic = _traffic(op, kernel, system)
    memory, memory_bound = _memory_bound(traffic, worst=False)
    worst_memory, _ = _memory_bound(traffic, worst=True)
    if memory > compute:
        bound = memory_bound
    nominal = max(compute, memory)
    return OperationCycles(nominal, max(nominal, worst_memory), bound, compute, memory, fill, drain)
