# SPDX-License-Identifier: Apache-2.0
"""The value of a container: what the packer builds and every tool reads.

Nothing here knows where things lie in the file. Read-only data and command streams are plain
bytes; `hocket_tools.container.build` stores equal ones once.
"""

from __future__ import annotations

from dataclasses import dataclass

from .format import REGION_SLOTS, DType, Overrun, Policy, RegionKind, StepKind


@dataclass(frozen=True)
class Region:
    """What one of a model's eight base pointers refers to.

    Attributes
    ----------
    kind
        Unused, read-only data in the container, or part of the arena pool.
    offset
        Arena: bytes from the start of the pool, a multiple of 16. Otherwise 0.
    size
        Bytes.
    data
        Read-only: the content, ``size`` bytes. Otherwise empty.
    """

    kind: RegionKind = RegionKind.UNUSED
    offset: int = 0
    size: int = 0
    data: bytes = b""

    @classmethod
    def read_only(cls, data: bytes) -> Region:
        """A region of constant bytes."""
        return cls(RegionKind.READ_ONLY, 0, len(data), bytes(data))

    @classmethod
    def arena(cls, offset: int, size: int) -> Region:
        """A region of ``size`` bytes at ``offset`` in the arena pool."""
        return cls(RegionKind.ARENA, offset, size)


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes
    ----------
    shape
        At most six dimensions, none of them zero; ``()`` is a scalar.
    scale
        Must be a float32 exactly; 0.0 when the tensor is not quantised.
    region, offset, size
        Place: index of the model's region, bytes from its start, bytes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    scale: float
    zero_point: int
    region: int
    offset: int
    size: int


@dataclass(frozen=True)
class Operand:
    """Bytes that an operator on the CPU works on: a place in one of the model's regions."""

    region: int
    offset: int
    size: int


@dataclass(frozen=True)
class CpuProgram:
    """An operator as the CPU executes it.

    Attributes
    ----------
    code
        Of the operator; 128 and more for an application's own.
    params
        Its packed parameters.
    inputs, outputs
        In the operator's order. Outputs lie in the arena.
    scratch
        Memory of the arena, 4-byte aligned and apart from all operands, whose content does not
        outlive the step; None when it needs none.
    step_cycles
        CPU cycles of the longest CPU step.
    steps
        CPU steps in which the operator does its work; other tasks may go first between two.
    runs_on
        Whether the next step, which is the CPU's too, follows the last CPU step at once.
    """

    code: int
    params: bytes
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    scratch: Operand | None = None
    step_cycles: int = 0
    steps: int = 1
    runs_on: bool = False


@dataclass(frozen=True)
class Step:
    """What one unit executes of a network before another may: an NPU segment or a CPU operator.

    Attributes
    ----------
    stream
        NPU: command stream, little-endian 32-bit words, which runs without interruption.
        CPU: empty.
    nominal_cycles, worst_cycles
        Cycles of the unit that executes it.
    first_operation, operations
        Which of the model's NPU operations it executes.
    program
        CPU: the operator. NPU: None.
    """

    name: str
    stream: bytes
    nominal_cycles: int
    worst_cycles: int
    first_operation: int = 0
    operations: int = 0
    kind: StepKind = StepKind.NPU
    program: CpuProgram | None = None

    @classmethod
    def cpu(cls, name: str, program: CpuProgram, nominal_cycles: int, worst_cycles: int) -> Step:
        """Make a step for the CPU."""
        return cls(name, b"", nominal_cycles, worst_cycles, 0, 0, StepKind.CPU, program)

    @property
    def cpu_step_cycles(self) -> int:
        """CPU cycles of its longest CPU step; 0 for a segment."""
        return 0 if self.program is None else self.program.step_cycles


@dataclass(frozen=True)
class PersistentRange:
    """Bytes of the arena that outlive an inference.

    Attributes
    ----------
    fill
        Byte that they hold before the first one.
    initial
        What they hold before it instead, ``size`` bytes; empty for ``fill``.
    """

    region: int
    offset: int
    size: int
    fill: int = 0
    initial: bytes = b""


@dataclass(frozen=True)
class Model:
    """A compiled network cut into steps.

    Attributes
    ----------
    regions
        Eight; see `region_slots`.
    arena_offset, arena_size
        Its part of the pool, bytes; the arena regions lie inside.
    shared_arena
        Whether other such models may use the same bytes, because they never run interleaved.
    """

    name: str
    regions: tuple[Region, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    steps: tuple[Step, ...]
    arena_offset: int
    arena_size: int
    persistent: tuple[PersistentRange, ...] = ()
    shared_arena: bool = False


@dataclass(frozen=True)
class Task:
    """A periodic job on a model.

    Attributes
    ----------
    model
        Index in ``Image.models``.
    priority
        0 to 255, 0 the most urgent.
    cpu_ns
        Declared CPU time of a job.
    """

    name: str
    model: int
    period_ns: int
    deadline_ns: int
    offset_ns: int = 0
    priority: int = 0
    overrun: Overrun = Overrun.SKIP
    cpu_ns: int = 0


@dataclass(frozen=True)
class PlanEntry:
    """What the analysis found for the task of the same index; a bound of 0 is "not analysed"."""

    segments: int = 0
    longest_segment_cycles: int = 0
    total_cycles: int = 0
    blocking_cycles: int = 0
    response_bound_ns: int = 0


@dataclass(frozen=True)
class Image:
    """An application: models, the tasks that run them and the NPU that they were compiled for.

    Attributes
    ----------
    accelerator
        Vela's name of it, such as ``ethos-u55-128``.
    npu_config, npu_id
        Values of its CONFIG and ID registers.
    npu_hz
        Its clock, hertz.
    arena_size
        Bytes of the pool that all models' arenas lie in.
    plan
        One entry a task.
    notes
        For the host only: where the container came from. Empty when stripped.
    """

    accelerator: str
    npu_config: int
    npu_id: int
    npu_hz: int
    arena_size: int
    policy: Policy
    models: tuple[Model, ...]
    tasks: tuple[Task, ...] = ()
    plan: tuple[PlanEntry, ...] = ()
    notes: bytes = b""


def region_slots(*regions: Region) -> tuple[Region, ...]:
    """Fill ``regions`` up to the eight slots of a model with unused ones."""
    return (*regions, *(Region() for _ in range(REGION_SLOTS - len(regions))))
