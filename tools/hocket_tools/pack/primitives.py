# SPDX-License-Identifier: Apache-2.0
"""Operators of a network that the CPU runs: by which primitive each, and in which memory.

All operators of one network share one scratch range, because they never overlap in time. So every
operator may take the whole of what the task's SRAM budget leaves beside the arena, and the fastest
primitive within it is the best for the network, too: latency against scratch is one choice for
each operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hocket_host.errors import HocketError
from hocket_host.units import format_size

from .. import container as hkt
from ..cpu import PackedOperator, candidates
from ..cpu.costs import STEP_CYCLES
from ..vela import CompiledModel, CpuOperator, Network

_ALIGN = 16


class PrimitiveError(HocketError):
    """Operators on the CPU that do not fit the memory."""


@dataclass(frozen=True)
class Choice:
    """An operator with the primitive that was picked for it."""

    operator: CpuOperator
    candidates: tuple[PackedOperator, ...]
    """All primitives, those included that do not fit."""
    packed: PackedOperator
    runs_on: bool = False
    """Whether the next operator follows without a yield."""

    def step(self, program: hkt.CpuProgram) -> hkt.Step:
        """The step of the operator with a program of its own."""
        name = self.operator.name.split(";")[0]
        return hkt.Step.cpu(name, program, self.packed.cycles, self.packed.cycles)

    def timing(self) -> hkt.Step:
        """The step as far as its time goes, before its operands are placed."""
        return self.step(self._program((), (), None))

    def _program(
        self,
        inputs: tuple[hkt.Operand, ...],
        outputs: tuple[hkt.Operand, ...],
        scratch: hkt.Operand | None,
    ) -> hkt.CpuProgram:
        packed = self.packed
        return hkt.CpuProgram(
            code=packed.code,
            params=packed.params,
            inputs=inputs,
            outputs=outputs,
            scratch=scratch,
            step_cycles=packed.step_cycles,
            steps=max(packed.steps, 1),
            runs_on=self.runs_on,
        )

    def placed(self, constants: dict[int, hkt.Operand], scratch: hkt.Operand | None) -> hkt.Step:
        """The step with its operands: computed tensors, state, and constants by tensor index."""

        def operand(index: int) -> hkt.Operand:
            place = self.operator.places.get(index)
            if place is None:
                return constants[index]
            return hkt.Operand(place.region, place.start, place.size)

        packed = self.packed
        own = None
        if packed.scratch_bytes:
            assert scratch is not None
            own = hkt.Operand(scratch.region, scratch.offset, packed.scratch_bytes)
        return self.step(
            self._program(
                tuple(operand(i) for i in packed.inputs),
                tuple(operand(i) for i in packed.outputs),
                own,
            )
        )

    @property
    def constants(self) -> dict[int, bytes]:
        """Contents of the constants that its primitive reads, by tensor index."""
        return {
            tensor.index: tensor.data
            for tensor in self.operator.source.inputs
            if tensor is not None
            and tensor.data is not None
            and tensor.index in self.packed.inputs
            and tensor.index not in self.operator.places
        }


def choose_primitives(
    network: Network, *, sram_bytes: int | None = None, where: str | None = None
) -> tuple[Choice, ...]:
    """Pick a primitive for every operator on the CPU, in order.

    Parameters
    ----------
    network
        A compiled network.
    sram_bytes
        What arena and scratch of the network may take together; None for any amount.
    where
        Names the task in errors.

    Raises
    ------
    PrimitiveError
        The budget does not even hold the arena, or no primitive of an operator fits beside it.
    """
    arena = network.arena_size + network.fast_size
    left = None if sram_bytes is None else sram_bytes - arena
    if left is not None and left < 0:
        raise PrimitiveError(
            "the network's arena is larger than its SRAM budget",
            where=where,
            found=format_size(arena),
            expected=f"at most {format_size(sram_bytes or 0)}",
            try_='a larger sram, optimise = "Size" or a smaller arena-cache-size',
        )
    found = [_pick(operator, left, where) for operator in network.cpu_operators]
    return _grouped(network, found)


def _pick(operator: CpuOperator, left: int | None, where: str | None) -> Choice:
    ways = tuple(candidates(operator.source))
    fitting = [p for p in ways if left is None or aligned(p.scratch_bytes) <= left]
    if not fitting:
        least = min(ways, key=lambda p: p.scratch_bytes)
        raise PrimitiveError(
            "no primitive of a layer fits the task's SRAM budget",
            where=f"{where}: layer '{operator.name}'" if where else f"layer '{operator.name}'",
            found=f"{format_size(left or 0)} beside the arena",
            expected=f"{format_size(aligned(least.scratch_bytes))} of scratch for "
            f"{operator.source.kind} by '{least.primitive}'",
            try_="a larger sram for the task",
        )
    return Choice(operator, ways, min(fitting, key=cost))


def cost(packed: PackedOperator) -> tuple[bool, int, int]:
    """Order of preference: a step beyond the bound delays every other task, so that comes first."""
    return packed.step_cycles > STEP_CYCLES, packed.cycles, packed.scratch_bytes


def _grouped(network: Network, found: Sequence[Choice]) -> tuple[Choice, ...]:
    """Let operators follow one another where the CPU stays within the bound of a step."""
    choices = iter(found)
    grouped: list[Choice] = []
    carried: int | None = None
    for part in network.parts:
        if isinstance(part, CompiledModel):
            carried = None
            continue
        choice = next(choices)
        packed = choice.packed
        if carried is not None and carried + packed.step_cycles <= STEP_CYCLES:
            previous = grouped[-1]
            grouped[-1] = Choice(
                previous.operator, previous.candidates, previous.packed, runs_on=True
            )
        else:
            carried = 0
        # After several steps only the last is in one stretch with what follows.
        carried = packed.step_cycles + (carried if packed.steps <= 1 else 0)
        grouped.append(choice)
    return tuple(grouped)


def scratch_bytes(choices: Sequence[Choice]) -> int:
    """Size of the scratch range that the operators share."""
    return max((aligned(c.packed.scratch_bytes) for c in choices), default=0)


def aligned(size: int) -> int:
    """The size, rounded up to the alignment of tensors."""
    return -(-size // _ALIGN) * _ALIGN
