# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: UP031 - MicroPython formats by %, quickest
# Runs the container's networks on frames that lie in memory, each at its own rate, and compares
# every byte of output with what tflite_micro had. For MicroPython, by exec() at the prompt, which
# then calls check(). A fault may be caused in one job of one network; its frame is run again.
import struct

import board
import uctypes
from machine import mem32

import hocket

CONTAINER, FRAMES = 0x70000000, 0x71000000
UNKNOWN_COMMAND, RESET = 0x3FF, 0xC
SPOILT_FRAME = 2


def check(victim=None, cause=None):
    kernel = hocket.Kernel(hocket.load(CONTAINER))
    left = [task.name for task in kernel.app.tasks]
    for index, task in enumerate(kernel.app.tasks):
        place = struct.unpack("<4I", uctypes.bytearray_at(FRAMES + 4 + 16 * index, 16))
        follow(kernel, left, task.name, place, cause if task.name == victim else None)
    kernel.run()
    print(kernel.report())
    kernel.close()
    print("all frames were run")


def follow(kernel, left, name, place, cause):
    at, frames, given, wanted = place
    done = [0, 0, cause]  # frames, those whose outputs were right, what is to go wrong

    async def body(net):
        if done[0] == frames:
            return
        at_frame = FRAMES + at + done[0] * (given + wanted)
        frame = memoryview(uctypes.bytearray_at(at_frame, given + wanted))
        start = 0
        for tensor in tensors(net.input):
            tensor.write(frame[start : start + len(tensor.raw)])
            start += len(tensor.raw)
        mend = None
        if done[2] is not None and done[0] == SPOILT_FRAME:
            mend = done[2](kernel, net)
            done[2] = None
        try:
            await net.infer()
        except hocket.NpuError as error:
            print("one job failed:", error)
            return
        finally:
            if mend is not None:
                mend()
        done[0] += 1
        done[1] += b"".join([bytes(t.raw) for t in tensors(net.output)]) == bytes(frame[given:])
        if done[0] == frames:
            print("%s: %d of %d outputs are right" % (name, done[1], frames))
            left.remove(name)
            if not left:
                kernel.stop()

    kernel.every(name)(body)


def tensors(get):
    found = []
    try:
        while True:
            found.append(get(len(found)))
    except IndexError:
        return found


# The network's first stream begins with a command that no NPU knows.
def damage(kernel, net):
    app = kernel.app
    address = app.address + app.step_offset(app.nets[net.slot].first_step)
    word = mem32[address]
    mem32[address] = UNKNOWN_COMMAND

    def mend():
        mem32[address] = word

    return mend


# Somebody resets the NPU in the middle of a segment, so that its interrupt never comes.
def reset(kernel, net):
    async def meddle():
        while kernel.dispatcher.running is None or kernel.dispatcher.running[0] != net.slot:
            await hocket.sleep_us(100)
        mem32[board.NPU_BASE + RESET] = kernel.port.npu_protection

    kernel.spawn(meddle(), 0)
