# SPDX-License-Identifier: Apache-2.0
"""A bench for the register interface: memory, a clock, and a model that only copies.

The model knows DMAs between regions, which is enough to see which operations have run, and takes
100 cycles for each; operation k of a stream copies byte k of region 0 to byte k of region 1.
"""

from types import SimpleNamespace

from hocket_host.errors import HocketError
from hocket_host.ethosu.compute.faults import NpuBusError
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device.queue import Programs
from hocket_host.ethosu.device.registers import EthosU, Reg
from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.isa import Cmd, encode
from hocket_host.sim.bus import Bus, Memory
from hocket_host.sim.clock import Clock

FLASH, SRAM = 0x7000_0000, 0x2100_0000
STREAM, CONSTANTS, ARENA = FLASH, FLASH + 0x8000, SRAM + 0x1000
HZ = 100_000_000
NS = 10
"""Nanoseconds a cycle."""
STARTUP, CYCLES, TAIL = 20, 100, 30
MARK = 0xA5


class CopyPlan:
    def __init__(self, stream):
        parsed = parse(stream)
        for op in parsed.operations:
            for key in op.reads():
                op.register(key)
        self.operations = parsed.operations
        self.word_ends = [4 * (op.word + 1) for op in parsed.operations]


class CopyModel:
    def __init__(self, memory):
        self.memory = memory
        self.runs = []
        self.broken_at = None

    def compile(self, stream):
        return CopyPlan(stream)

    def bind(self, plan, bases, extents):
        for op in plan.operations:
            for access in op.accesses():
                at = bases[access.region] + access.start
                end = bases[access.region] + access.end
                if not any(
                    e.start <= at and end <= e.start + e.size and (e.writable or not access.write)
                    for e in extents
                ):
                    raise NpuBusError("outside")

        def run(first=0, last=None):
            for index, op in list(enumerate(plan.operations))[first:last]:
                if index == self.broken_at:
                    raise HocketError("weights do not decode")
                source, target = op.dma().source, op.dma().destination
                at, to = bases[source.region] + source.start, bases[target.region] + target.start
                self.memory[to : to + target.length] = self.memory[at : at + source.length]
                self.runs.append(index)

        return SimpleNamespace(run=run)


def copy_timing(operations):
    spans = [
        SimpleNamespace(start=STARTUP + CYCLES * i, end=STARTUP + CYCLES * (i + 1))
        for i in range(len(operations))
    ]
    return SimpleNamespace(
        operations=spans,
        startup_cycles=STARTUP,
        total_cycles=STARTUP + CYCLES * len(spans) + TAIL,
        ends=lambda: [s.end for s in spans],
    )


def words(*commands):
    out = []
    for key, value in commands:
        out += encode(int(key), value)
    return out


def to_bytes(stream):
    return b"".join(word.to_bytes(4, "little") for word in stream)


SETUP = words(
    (Cmd.DMA0_SRC_REGION, 0), (Cmd.DMA0_DST_REGION, 1), (Cmd.DMA0_LEN, 1),
)  # fmt: skip
STOP = words((Cmd.NPU_OP_STOP, 0xFFFF))


def copy(index, target=None):
    """Words of one operation."""
    return words(
        (Cmd.DMA0_SRC, index),
        (Cmd.DMA0_DST, index if target is None else target),
        (Cmd.NPU_OP_DMA_START, 0),
    )


def copies(count):
    """A stream of ``count`` operations, without its end."""
    return SETUP + [word for index in range(count) for word in copy(index)]


class Bench:
    """An NPU after power-on, driven as a driver would."""

    def __init__(self, config="ethos-u55-128", **options):
        self.clock = Clock()
        self.bus = Bus(
            [Memory("flash", FLASH, 0x1_0000, writable=False), Memory("sram", SRAM, 0x1_0000)]
        )
        self.bus.load(CONSTANTS, bytes([MARK]) * 64)
        self.model = CopyModel(self.bus.memory)
        self.irq = False
        self.events = []
        accelerator = npu_config(config)
        self.npu = EthosU(
            accelerator, self.clock, self.bus,
            Programs(self.model, copy_timing, accelerator),
            hz=HZ, irq=self._level, **options,
        )  # fmt: skip
        self.npu.observers.append(self.events.append)

    def _level(self, high):
        self.irq = high

    def read(self, register):
        return self.npu.read(int(register), 4)

    def write(self, register, value):
        self.npu.write(int(register), 4, value)

    def power_on(self):
        """Wait for the reset that follows power-on."""
        self.clock.run_until(self.clock.now_ns + 10_000)
        return self

    def load(self, stream, size=None):
        """Put a stream into flash and program the queue and the base pointers."""
        data = to_bytes(stream)
        self.bus.load(STREAM, data)
        self.write(Reg.QBASE, STREAM)
        self.write(Reg.QBASE_HI, 0)
        self.write(Reg.QSIZE, len(data) if size is None else size)
        self.write(Reg.QCONFIG, 2)
        self.write(Reg.REGIONCFG, 0x5553)
        self.write(Reg.BASEP0, CONSTANTS)
        self.write(Reg.BASEP0 + 8, ARENA)

    def go(self):
        self.write(Reg.CMD, self.read(Reg.CMD) & 0xC | 1)

    def start(self, stream):
        self.load(stream)
        self.go()
        return self.clock.now_ns

    def clear_irq(self):
        self.write(Reg.CMD, self.read(Reg.CMD) & 0xC | 2)

    def stop(self):
        self.write(Reg.CMD, self.read(Reg.CMD) & 0xC | 0x10)

    def cycles(self, count):
        """Let NPU cycles pass."""
        self.clock.run_until(self.clock.now_ns + count * NS)

    def copied(self):
        """Indices of the operations whose effects are in the arena."""
        return [i for i, byte in enumerate(self.bus.view(ARENA, 64)) if byte == MARK]

    def kinds(self):
        return [event.kind for event in self.events]
