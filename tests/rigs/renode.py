# SPDX-License-Identifier: Apache-2.0
"""One NPU in process and one behind Renode's script and the server, driven alike."""

from functools import cache

import numpy as np

from hocket_host.board.board import load
from hocket_host.ethosu.device.registers import Reg
from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.hosted import HostedBoard
from hocket_host.server import NpuServer, ServedNpu
from hocket_tools.vela import VelaOptions, compile_model
from hocket_tools.vela.options import resolve
from paths import ROOT
from rigs.fake_renode import Machine, PythonPeripheral

RENODE = ROOT / "renode"
BOARD = load("corstone300")
CONSTANTS = BOARD.flash_base + 0x4_0000
ARENA = BOARD.arena_base
RUN, CLEAR_IRQ, STOP, HOLD = 1, 2, 0x10, 0xC


@cache
def compiled(model):
    return compile_model(
        (ROOT / "tests" / "models" / f"{model}.tflite").read_bytes(), VelaOptions("ethos-u55-128")
    )


@cache
def platform():
    options = resolve(VelaOptions("ethos-u55-128"))
    system = parse_system_config(
        options.config_text,
        options.npu,
        system_config=options.system_config,
        memory_mode=options.memory_mode,
    )
    return ServedNpu(options.npu, system, BOARD)


class Bench:
    """What a driver does; the subclasses say to which NPU."""

    def place(self, network, seed=1):
        """Put a network, its constants, state and noise as input into memory; program the NPU."""
        self.network = network
        rng = np.random.default_rng(seed)
        arena = rng.integers(0, 256, network.scratch_size, np.uint8)
        for state in network.state:
            arena[state.offset : state.offset + len(state.initial)] = list(state.initial)
        self.load(ARENA, arena.tobytes())
        self.load(CONSTANTS, bytes(network.read_only))
        self.queue(network.command_stream)
        for region in range(8):
            base = CONSTANTS if region == network.flash_region else ARENA
            self.write(Reg.BASEP0 + 8 * region, base)
            self.write(Reg.BASEP0 + 8 * region + 4, 0)

    def queue(self, stream):
        self.load(BOARD.flash_base, bytes(stream))
        self.write(Reg.QBASE, BOARD.flash_base)
        self.write(Reg.QBASE_HI, 0)
        self.write(Reg.QSIZE, len(stream))
        self.write(Reg.QCONFIG, 2)
        self.write(Reg.REGIONCFG, 0x5553)

    def power_on(self):
        self.write(Reg.RESET, 1)
        self.run(1_000)
        self.write(Reg.CMD, HOLD)
        return self

    def start(self):
        self.write(Reg.CMD, HOLD | RUN)

    def clear_irq(self):
        self.write(Reg.CMD, HOLD | CLEAR_IRQ)

    def stop(self):
        self.write(Reg.CMD, HOLD | STOP)

    def status(self):
        return self.read(Reg.STATUS)

    def arena(self):
        return self.memory(ARENA, self.network.scratch_size)

    def infer(self, limit_ns=20_000_000):
        """Start, and wait for the interrupt as far as the limit."""
        self.start()
        end = self.now_ns + limit_ns
        while not self.irq and self.now_ns < end:
            self.run(10_000)


class Direct(Bench):
    """The NPU of the emulated board, in process."""

    def __init__(self):
        self.soc = HostedBoard(BOARD, NpuOptions(platform().config, platform().system))
        self.irq = False
        self.soc.npu._irq_line = self._level

    def _level(self, high):
        self.irq = high

    @property
    def now_ns(self):
        return self.soc.clock.now_ns

    def read(self, register):
        return self.soc.npu.read(int(register), 4)

    def write(self, register, value):
        self.soc.npu.write(int(register), 4, value)

    def run(self, ns):
        self.soc.clock.run_until(self.soc.clock.now_ns + ns)

    def load(self, address, data):
        self.soc.bus.load(address, data)

    def memory(self, address, size):
        return bytes(self.soc.bus.view(address, size))


class Renode(Bench):
    """The NPU as the processor of Renode's machine sees it."""

    def __init__(self, **names):
        self.memories = {
            BOARD.flash_base: bytearray(1 << 20),
            BOARD.sram_base: bytearray(BOARD.sram_size),
        }
        self.machine = Machine(self.memories)
        self.npu = PythonPeripheral(self.machine, RENODE / "ethos_u55.py", **names)
        self.machine.devices["sysbus.npu"] = self.npu

    @property
    def irq(self):
        return bool(self.machine.level)

    @property
    def now_ns(self):
        return self.machine.now_ns

    def read(self, register):
        return self.npu.ReadDoubleWord(int(register))

    def write(self, register, value):
        self.npu.WriteDoubleWord(int(register), int(value))

    def run(self, ns):
        self.machine.run(ns)

    def load(self, address, data):
        base = max(base for base in self.memories if base <= address)
        self.memories[base][address - base : address - base + len(data)] = data

    def memory(self, address, size):
        base = max(base for base in self.memories if base <= address)
        return bytes(self.memories[base][address - base : address - base + size])

    def close(self):
        if "npu" in self.npu.scope:
            self.npu.scope["npu"].close()


def server(**options):
    return NpuServer(platform(), port=0, **options)
