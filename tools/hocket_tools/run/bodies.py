# SPDX-License-Identifier: Apache-2.0
"""Jobs on an ARM image by bodies of our own: frames from its memory, outputs into its memory.

Networks that begin or end on the CPU are not to be followed by the runs of the NPU alone. So
what tasks do is typed at the image's prompt: each job takes the next of the frames that were put
into the flash behind the container, and leaves its outputs there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from hocket_host.machines.common import EmulatedMachine, NpuRun
from hocket_host.machines.cpython.emulation import Frame, OnJob

from .. import container as hkt
from ..app.inputs import open_inputs
from ..pack.packed import Packed
from .machines import BackEndError, Guest, create
from .session import WatchedRun

_ALIGN = 16
_MS = 1_000_000
_STEP_NS = 10 * _MS
#: Until the prompt is there, and for typing; 115200 baud take 0.1 ms a character.
_BOOT_NS, _TYPE_NS = 2_000 * _MS, 2_000 * _MS
_RAW, _RUN = b"\x01", b"\x04"
_READY, _ACCEPTED, _END = b"raw REPL; CTRL-B to exit\r\n>", b"OK", b"\x04"

_SCRIPT = """
import hocket, uctypes
def view(at, size):
    return memoryview(uctypes.bytearray_at(at, size))
kernel = hocket.Kernel(hocket.load({base}))
left = {tasks}
def make(name, count, frames, sizes, outputs, results):
    async def body(net):
        global left
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
            left -= 1
            if left == 0:
                kernel.stop()
    kernel.every(name)(body)
{bodies}
kernel.run({limit_us})
print(kernel.report())
"""


@dataclass(frozen=True)
class _Task:
    name: str
    frames: tuple[Frame, ...]
    inputs: int
    """Address of the first frame."""
    sizes: tuple[int, ...]
    outputs: int
    """Address of the first job's outputs."""
    results: tuple[hkt.Tensor, ...]

    @property
    def output_bytes(self) -> int:
        """Of all outputs of one job."""
        return sum(tensor.size for tensor in self.results)


def needed(packed: Packed) -> bool:
    """Whether some network begins or ends on the CPU."""
    return any(
        hkt.StepKind.CPU in (model.steps[0].kind, model.steps[-1].kind)
        for model in packed.image.models
    )


def run(
    back_end: str,
    guest: Guest,
    packed: Packed,
    duration_ns: int,
    uart_output: Callable[[bytes], None],
    on_job: OnJob,
) -> WatchedRun:
    """Run as many jobs as there are releases in a while of virtual time.

    Parameters
    ----------
    back_end, guest
        As of `create`.
    packed
        The application of the guest's container.
    duration_ns
        Virtual time that the jobs are for. They may take longer, up to twice as long.
    uart_output
        Called with the kernel's report.
    on_job
        Called with task, inputs and outputs of each job, task by task, after the run.

    Raises
    ------
    HocketError
        The image or the frames do not fit, or not all jobs come to their end.
    """
    console = bytearray()
    bare = Guest(guest.elf, None, guest.npu, guest.system, guest.platform)
    with create(back_end, bare, console.extend) as machine:
        runs: list[NpuRun | None] = []
        if machine.npu is not None:
            machine.npu.observers.append(
                lambda event: runs.append(None) if event.kind == "end" else None
            )
        # Not where the default application looks for it.
        base = machine.container_base + _ALIGN
        tasks = tuple(_lay_out(machine, packed, base, duration_ns))
        machine.load_container(packed.data, base)
        for task in tasks:
            data = b"".join(
                np.ascontiguousarray(part).tobytes() for frame in task.frames for part in frame
            )
            machine.load_container(data, task.inputs)
        begin = time.perf_counter()
        _boot(machine, console)
        script = _script(base, tasks, 2 * duration_ns)
        machine.feed(script + _RUN)
        _until(machine, console, _ACCEPTED, _TYPE_NS + len(script) * _MS // 10)
        _until(machine, console, _END, 2 * duration_ns + _TYPE_NS)
        _until(machine, console, _END + b">", _TYPE_NS)
        wall_s = time.perf_counter() - begin
        _check(console, back_end)
        uart_output(bytes(console).rpartition(_ACCEPTED)[2].partition(_END)[0])
        completed = {}
        for task in tasks:
            completed[task.name] = len(task.frames)
            for frame, outputs in zip(task.frames, _results(machine, task), strict=True):
                on_job(task.name, frame, outputs)
        return WatchedRun(
            back_end=back_end,
            virtual_ns=machine.now_ns,
            wall_s=wall_s,
            instructions=machine.instructions,
            completed=completed,
            npu_runs=len(runs),
            segments=(),
            exit_code=None,
            problems=tuple(machine.problems),
        )


def _lay_out(
    machine: EmulatedMachine, packed: Packed, base: int, duration_ns: int
) -> Iterator[_Task]:
    """Frames and room for outputs, behind the container."""
    sources = open_inputs(packed.application, packed.image)
    at = _aligned(base + len(packed.data))
    for task in packed.image.tasks:
        model = packed.image.models[task.model]
        count = max(duration_ns // task.period_ns, 1)
        frames = tuple(islice(sources[task.name], count))
        sizes = tuple(tensor.size for tensor in model.inputs)
        if not frames:
            raise BackEndError(
                "the task has no input", where=f"tasks.{task.name}.input", found="no frame",
                expected="at least one", try_="give it a longer file, or loop = true",
            )  # fmt: skip
        count = len(frames)
        inputs, outputs = at, _aligned(at + count * sum(sizes))
        found = _Task(task.name, frames, inputs, sizes, outputs, tuple(model.outputs))
        at = _aligned(outputs + count * found.output_bytes)
        yield found


def _aligned(address: int) -> int:
    return -(-address // _ALIGN) * _ALIGN


def _script(base: int, tasks: tuple[_Task, ...], limit_ns: int) -> bytes:
    bodies = "\n".join(
        f"make({task.name!r}, {len(task.frames)}, {task.inputs}, {task.sizes!r}, {task.outputs},"
        f" {len(task.results)})"
        for task in tasks
    )
    text = _SCRIPT.format(base=base, tasks=len(tasks), bodies=bodies, limit_us=limit_ns // 1000)
    return text.encode()


def _boot(machine: EmulatedMachine, console: bytearray) -> None:
    machine.feed(_RAW)
    _until(machine, console, _READY, _BOOT_NS)
    console.clear()


def _until(machine: EmulatedMachine, console: bytearray, text: bytes, limit_ns: int) -> None:
    end_ns = machine.now_ns + limit_ns
    while text not in console:
        if machine.now_ns > end_ns or machine.run_for(_STEP_NS).reason == "exit":
            raise BackEndError(
                "the image does not come to its end", where=f"{machine.now_ns} ns",
                found=repr(bytes(console[-800:])), expected=repr(text),
                try_="hocket run, on the same application",
            )  # fmt: skip


def _check(console: bytearray, back_end: str) -> None:
    error = bytes(console).split(_END)[1].decode("utf-8", "replace")
    if error:
        raise BackEndError(
            "the application fails on the image", where=back_end, found=error.strip(),
            expected="no traceback", try_="hocket run, on the same application",
        )  # fmt: skip


def _results(machine: EmulatedMachine, task: _Task) -> Iterator[Frame]:
    at = task.outputs
    for _ in task.frames:
        outputs = []
        for tensor in task.results:
            raw = machine.read_memory(at, tensor.size)
            outputs.append(np.frombuffer(raw, tensor.dtype.label).reshape(tensor.shape))
            at += tensor.size
        yield tuple(outputs)
