# SPDX-License-Identifier: Apache-2.0
"""Jobs on an ARM image by injected task bodies: frames from its memory, outputs into its memory.

Networks that begin or end on the CPU are not to be followed by the runs of the NPU alone. So what
tasks do is typed at the image's prompt (`device_bodies`): each job takes the next of the frames
that were put into the flash behind the container, and leaves its outputs there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from hocket_host.machines.common import EmulatedMachine
from hocket_host.machines.common.prompt import Prompt, device_program
from hocket_host.machines.results import Frame, OnJob, Run

from .. import container as hkt
from ..app.inputs import open_inputs
from ..pack.packed import Packed
from .machines import BackEndError, Guest, create

_ALIGN = 16
_DEVICE = Path(__file__).with_name("device_bodies.py")
#: For the boot, and for printing the report.
_MARGIN_NS = 2_000_000_000


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
    def data(self) -> bytes:
        """All frames, one behind the other."""
        return b"".join(np.ascontiguousarray(part).tobytes() for f in self.frames for part in f)

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
    on_job: OnJob,
) -> Run:
    """Run as many jobs as there are releases in a while of virtual time.

    Parameters
    ----------
    back_end, guest
        As of `create`.
    packed
        The application of the guest's container.
    duration_ns
        Virtual time that the jobs are for. They may take longer, up to twice as long.
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
        # Not where the default application looks for it.
        base = machine.container_base + _ALIGN
        tasks = tuple(_lay_out(packed, base, duration_ns))
        machine.load_container(packed.data, base)
        for task in tasks:
            machine.load_container(task.data, task.inputs)
        begin = time.perf_counter()
        prompt = Prompt(machine, console)
        prompt.start(_script(base, tasks, 2 * duration_ns))
        said = prompt.finish(2 * duration_ns + _MARGIN_NS)
        wall_s = time.perf_counter() - begin
        if said.error:
            raise BackEndError(
                "the application fails on the image", where=back_end, found=said.error.strip(),
                expected="no traceback", try_="hocket run, on the same application",
            )  # fmt: skip
        for task in tasks:
            for frame, outputs in zip(task.frames, _results(machine, task), strict=True):
                on_job(task.name, frame, outputs)
        return Run(
            platform=back_end,
            duration_ns=machine.now_ns,
            names=tuple(task.name for task in tasks),
            completed={task.name: len(task.frames) for task in tasks},
            report=said.output,
            npu_runs=machine.npu_runs,
            instructions=machine.instructions,
            problems=tuple(machine.problems),
            wall_s=wall_s,
        )


def _lay_out(packed: Packed, base: int, duration_ns: int) -> Iterator[_Task]:
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


def _script(base: int, tasks: tuple[_Task, ...], limit_ns: int) -> str:
    described = tuple(
        (task.name, len(task.frames), task.inputs, task.sizes, task.outputs, len(task.results))
        for task in tasks
    )
    return device_program(_DEVICE, f"main({base}, {described!r}, {limit_ns // 1000})")


def _results(machine: EmulatedMachine, task: _Task) -> Iterator[Frame]:
    at = task.outputs
    for _ in task.frames:
        outputs = []
        for tensor in task.results:
            raw = machine.read_memory(at, tensor.size)
            outputs.append(np.frombuffer(raw, tensor.dtype.label).reshape(tensor.shape))
            at += tensor.size
        yield tuple(outputs)
