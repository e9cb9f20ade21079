# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on the device: the audio front end over samples in memory.

A line of heap, then one a frame: instructions of the frame and of its longest step, how many steps,
and the features.
"""

import gc
import time

import micropython
import uctypes


def timed(frontend, samples, now=time.ticks_cpu, diff=time.ticks_diff):
    size = 2 * frontend.step_samples
    for at in range(0, len(samples) - size + 1, size):
        chunk = samples[at : at + size]
        longest = steps = 0
        micropython.heap_lock()
        began = now()
        due = frontend.push(chunk)
        total = diff(now(), began)
        while due:
            began = now()
            due = not frontend.step()
            taken = diff(now(), began)
            total += taken
            steps += 1
            longest = max(longest, taken)
        micropython.heap_unlock()
        if steps:
            print(total, longest, steps, bytes(frontend.features).hex())


def main(address, size):
    gc.collect()
    start = gc.mem_alloc()
    from hocket.features import Frontend

    gc.collect()
    modules = gc.mem_alloc() - start
    frontend = Frontend()
    gc.collect()
    print(modules, gc.mem_alloc() - start - modules)
    timed(frontend, memoryview(uctypes.bytearray_at(address, size)))
