# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on the device: task bodies whose frames and outputs lie in memory.

Typed at its prompt by `bodies`.
"""

import uctypes

import hocket


def view(at, size):
    return memoryview(uctypes.bytearray_at(at, size))


class Bodies:
    def __init__(self, kernel, tasks):
        self.kernel = kernel
        self.left = len(tasks)
        for task in tasks:
            self.add(*task)

    def add(self, name, count, frames, sizes, outputs, results):
        async def body(net):
            nonlocal count, frames, outputs
            if count == 0:
                return
            parts = []
            for size in sizes:
                parts.append(view(frames, size))
                frames += size
            await net.infer(tuple(parts))
            for i in range(results):
                raw = net.output(i).raw
                view(outputs, len(raw))[:] = raw
                outputs += len(raw)
            count -= 1
            if count == 0:
                self.left -= 1
                if self.left == 0:
                    self.kernel.stop()

        self.kernel.every(name)(body)


def main(base, tasks, limit_us):
    # For each task: name, jobs, address of the frames, sizes of one, address of the outputs, their
    # number in one job.
    kernel = hocket.Kernel(hocket.load(base))
    Bodies(kernel, tasks)
    kernel.run(limit_us)
    print(kernel.report())
