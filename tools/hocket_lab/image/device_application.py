# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on the device: an application of four tasks of eight segments.

The NPU is a block of memory behind the arenas, so it never ends a segment by itself; a script that
follows raises its interrupt through the interrupt controller.
"""

import gc

import board
import machine

npu = board.ARENA_BASE + 0x200000
for at in range(0, 0x1000, 4):
    machine.mem32[npu + at] = 0
machine.mem32[npu] = 0x10066001
machine.mem32[npu + 0x28] = 0x1807
board.NPU_BASE = npu


class Record:
    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


def tensor(name):
    return Record(
        name=name,
        shape=(4,),
        dtype="int8",
        typecode="b",
        scale=1.0,
        zero_point=0,
        region=1,
        offset=0,
        size=4,
    )


def net(k):
    return Record(
        name="net",
        regions=[(0, 0, 0), (2, 32 * k, 32)] + [(0, 0, 0)] * 6,
        inputs=[tensor("in")],
        outputs=[tensor("out")],
        persistent=(),
        first_step=8 * k,
        steps=8,
        arena_offset=32 * k,
        arena_size=32,
        shared_arena=False,
    )


def task(k):
    return Record(
        name="task",
        net=k,
        period_ns=10000000,
        deadline_ns=10000000,
        offset_ns=0,
        priority=k,
        overrun=0,
        cpu_ns=0,
    )


class App:
    def __init__(self, count):
        self.nets = [net(k) for k in range(count)]
        self.tasks = [task(k) for k in range(count)]
        self.address = board.FLASH_BASE
        self.arena_size = 32 * count
        self.npu_hz = 50000000
        self.npu_config = 0x1807
        self.npu_id = 0x10066001
        self.policy = 1

    def step_offset(self, i):
        return 16 * i

    def step_size(self, i):
        return 16

    def step_cycles(self, i):
        return 1000

    step_worst_cycles = step_cycles

    def step_is_cpu(self, i):
        return False


app = App(4)


def used():
    gc.collect()
    return gc.mem_alloc()
