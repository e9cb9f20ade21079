# SPDX-License-Identifier: Apache-2.0
"""Programs for the CPU: encoded as bytes of a step, and decoded trusting nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from construct import ConstructError

from . import format as fmt
from .device import constants
from .envelope import ContainerError, problem
from .format import ProgramFlag, RegionKind, StepKind
from .image import CpuProgram, Operand, Region, Step


def encode(step: Step) -> bytes:
    """Return what the streams section holds for a step.

    Raises
    ------
    ContainerError
        The step's kind and content disagree, or a value does not fit its field.
    """
    program = step.program
    if (program is None) != (step.kind == StepKind.NPU) or (program and step.stream):
        raise ContainerError(
            f"step {step.name!r} is not of its kind",
            found=f"{step.kind.name}, {len(step.stream)} bytes of stream, "
            + ("no program" if program is None else "a program"),
            expected="a stream alone for the NPU, a program alone for the CPU",
            try_="use Step.cpu(...) for an operator",
        )
    if program is None:
        return bytes(step.stream)
    scratch = program.scratch or Operand(0, 0, 0)
    fields: dict[str, Any] = {
        "code": program.code,
        "flags": ProgramFlag.RUN_ON if program.runs_on else ProgramFlag.NONE,
        "inputs": len(program.inputs),
        "outputs": len(program.outputs),
        "reserved": bytes(3),
        "step_cycles": program.step_cycles,
        "steps": program.steps,
        "scratch_region": scratch.region,
        "scratch_offset": scratch.offset,
        "scratch_size": scratch.size,
        "params_size": len(program.params),
    }
    try:
        parts = [fmt.CPU_PROGRAM.build(fields)]
        parts += [fmt.OPERAND.build(vars(o)) for o in (*program.inputs, *program.outputs)]
    except ConstructError as error:
        raise ContainerError(
            f"a field of the program of step {step.name!r} is out of range",
            found=str(error).replace("\n", " "),
            expected="an integer that fits the field",
            try_="correct the value in the image",
        ) from error
    return b"".join([*parts, bytes(program.params), bytes(-len(program.params) % 4)])


#: By operator code, inputs that the operator writes, too: the states of SVDF and of LSTM.
IN_PLACE: dict[int, tuple[int, ...]] = constants("ops")["IN_PLACE"]


class _Places:
    """Checks operands against a model's regions."""

    def __init__(self, at: int, regions: tuple[Region, ...]) -> None:
        self._at = at
        self._regions = regions

    def check(self, operand: Operand, what: str, *, written: bool) -> Operand:
        region = self._regions[operand.region] if operand.region < len(self._regions) else Region()
        allowed = region.kind == RegionKind.ARENA or (
            region.kind == RegionKind.READ_ONLY and not written
        )
        if not allowed or not operand.size or operand.offset + operand.size > region.size:
            raise problem(
                self._at,
                "streams",
                f"{what} of a program that does not lie in its region",
                found=f"{operand.size} bytes at {operand.offset} of region {operand.region}",
                expected=f"at least a byte, inside {region.size} bytes of "
                + ("an arena region" if written else "a region in use"),
            )
        return operand

    def check_scratch(self, scratch: Operand, operands: Sequence[Operand]) -> None:
        self.check(scratch, "scratch memory", written=True)
        if scratch.offset % 4 or any(self._overlap(scratch, operand) for operand in operands):
            raise problem(
                self._at,
                "streams",
                "scratch memory of a program that is not aligned, or that is an operand's, too",
                found=f"{scratch.size} bytes at {scratch.offset} of region {scratch.region}",
                expected="4-byte aligned, apart from inputs and outputs",
            )

    def _overlap(self, first: Operand, second: Operand) -> bool:
        """Whether two operands share memory, if by different regions."""
        one, other = self._regions[first.region], self._regions[second.region]
        if one.kind != other.kind or one.kind != RegionKind.ARENA:
            return False
        start, end = one.offset + first.offset, other.offset + second.offset
        return start < end + second.size and end < start + first.size


def _head(at: int, stream: bytes, worst_cycles: int, newer: bool) -> Any:
    """Fields of a program that make sense together."""
    if len(stream) < fmt.CPU_PROGRAM.sizeof():
        raise problem(at, "streams", "a program cut short", len(stream), fmt.CPU_PROGRAM.sizeof())
    head = fmt.CPU_PROGRAM.parse(stream)
    size = fmt.program_size(head.inputs + head.outputs, head.params_size)
    if len(stream) != size:
        raise problem(at, "streams", "a program of the wrong size", len(stream), size)
    if head.flags & ~ProgramFlag.RUN_ON.value or (any(head.reserved) and not newer):
        raise problem(
            at,
            "streams",
            "unknown flags or reserved bytes in use in a program",
            found=f"flags {head.flags:#x}, reserved {bytes(head.reserved).hex(' ')}",
            expected="flags 0 or 1, zeros",
        )
    if not head.steps or not (head.step_cycles <= worst_cycles <= head.steps * head.step_cycles):
        raise problem(
            at,
            "streams",
            "CPU steps that do not make up their operator",
            found=f"{head.steps} of {head.step_cycles} cycles",
            expected=f"at least one, together {worst_cycles} cycles or more, none of them longer",
        )
    return head


def decode(
    at: int, stream: bytes, worst_cycles: int, regions: tuple[Region, ...], *, newer: bool
) -> CpuProgram:
    """Read a program and check every place in it.

    Parameters
    ----------
    at
        Where it lies in the container, for errors.
    stream
        Its bytes.
    worst_cycles
        CPU cycles of its step.
    regions
        Those of its model.
    newer
        Whether the container's minor version is beyond ours, so that reserved bytes may be in use.

    Raises
    ------
    ContainerError
        At the first thing that does not hold.
    """
    head = _head(at, stream, worst_cycles, newer)
    places = _Places(at, regions)
    operands = []
    start = fmt.CPU_PROGRAM.sizeof()
    for index in range(head.inputs + head.outputs):
        record = fmt.OPERAND.parse(stream[start + index * fmt.OPERAND.sizeof() :])
        is_output = index >= head.inputs
        written = is_output or index in IN_PLACE.get(head.code, ())
        operand = Operand(record.region, record.offset, record.size)
        what = "an output" if is_output else "state" if written else "an input"
        operands.append(places.check(operand, what, written=written))
    scratch = Operand(head.scratch_region, head.scratch_offset, head.scratch_size)
    if scratch.size or scratch.region or scratch.offset:
        places.check_scratch(scratch, operands)
    params = start + len(operands) * fmt.OPERAND.sizeof()
    return CpuProgram(
        code=head.code,
        params=stream[params : params + head.params_size],
        inputs=tuple(operands[: head.inputs]),
        outputs=tuple(operands[head.inputs :]),
        scratch=scratch if scratch.size else None,
        step_cycles=head.step_cycles,
        steps=head.steps,
        runs_on=bool(head.flags & ProgramFlag.RUN_ON),
    )
