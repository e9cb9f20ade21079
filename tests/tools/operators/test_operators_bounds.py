# SPDX-License-Identifier: Apache-2.0
"""No operator that is made reaches beyond its memory, whatever its parameters hold."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict_memory import Enough, Guarded, strict_pointers

from hocket_host.shims import installed
from hocket_host.shims.testing import ProcessMachine
from hocket_tools.operators.cases import CASES
from hocket_tools.operators.packing import MODULES, OperatorError, Packed, element_bytes
from hocket_tools.operators.registry import candidates, kinds
from hocket_tools.operators.source import read_source
from hocket_tools.tflite import read_tflite

#: Cases of a kind, and bytes of the largest tensor of those whose parameters are changed.
SAMPLE = 6
MOST_BYTES = 1 << 14
#: Beyond this an inference is not followed.
ACCESSES = 30_000
STEPS = 2_000


@dataclass(frozen=True, repr=False)
class Memory:
    """What an operator is made over."""

    packed: Packed
    inputs: tuple[bytes, ...]
    outputs: tuple[int, ...]


def memories(kind: str) -> list[Memory]:
    """Operators of a kind, by each primitive, with constants as they are and noise elsewhere."""
    cases = sorted(
        (c for c in CASES.values() if c.op == kind), key=lambda c: zlib.crc32(c.id.encode())
    )
    found = []
    for case in cases[:SAMPLE]:
        data = case.model()
        model = read_tflite(data)
        tensors = model.main.tensors

        def contents(index: int, tensors=tensors) -> bytes:
            tensor = tensors[index]
            noise = random.Random(index).randbytes(tensor.elements * element_bytes(tensor))
            return tensor.data if tensor.data is not None else noise

        try:
            ways = list(candidates(read_source(data, model)[0]))
        except OperatorError:
            continue
        found += [
            Memory(
                packed,
                tuple(contents(i) for i in packed.inputs),
                tuple(len(contents(i)) for i in packed.outputs),
            )
            for packed in ways
        ]
    return found


@cache
def of_module() -> dict[str, list[Memory]]:
    """Small operators by module."""
    found: dict[str, list[Memory]] = {}
    for kind in sorted({c.op for c in CASES.values()} & set(kinds())):
        for memory in memories(kind):
            sizes = [len(m) for m in memory.inputs] + list(memory.outputs)
            if max(sizes) <= MOST_BYTES:
                found.setdefault(MODULES[memory.packed.code], []).append(memory)
    return found


def run(
    memory: Memory, params: bytes, cut: tuple[int, int] | None = None
) -> tuple[bool, list[Guarded]]:
    """Whether the operator is made; if so, an inference of it over guarded memory.

    `cut` takes bytes off the end of an input, an output or scratch memory.
    """
    given = [Guarded(contents) for contents in memory.inputs]
    results = [Guarded(bytes(size)) for size in memory.outputs]
    scratch = Guarded(random.Random(1).randbytes(memory.packed.scratch_bytes))
    packed = Guarded(params)
    everything = [*given, *results, scratch, packed]
    if cut is not None:
        which = everything[cut[0] % len(everything)]
        which.raw = which.raw[: max(0, len(which.raw) - cut[1])]
    sizes = [len(g.raw) for g in everything]
    with installed(ProcessMachine()), strict_pointers(ACCESSES):
        from hocket.ops import make

        try:
            operator = make(memory.packed.code, packed.raw, given, results, scratch.raw)
        except ValueError:
            return False, everything
        try:
            for _ in range(STEPS):
                if operator.step():
                    break
        except (Enough, ArithmeticError, ValueError):
            pass  # a job that fails has harmed no one
    assert sizes == [len(g.raw) for g in everything]
    return True, everything


_WORDS = st.one_of(
    st.sampled_from((0, 1, 2, 3, 5, 255, 256, 0x7FFF, 0x10000, 1 << 28, (1 << 29) - 1, 1 << 29)),
    st.sampled_from((1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 32) - 2)),
    st.integers(0, 300),
    st.integers(0, (1 << 32) - 1),
)


@st.composite
def damages(draw: st.DrawFn, name: str) -> tuple[Memory, bytes, tuple[int, int] | None]:
    """An operator, its parameters with some words changed, and a view cut short."""
    memory = draw(st.sampled_from(of_module()[name]))
    params = bytearray(memory.packed.params)
    head = min(len(params) // 4, 64)
    for _ in range(draw(st.integers(0, 3))):
        at = 4 * draw(st.integers(0, head - 1) | st.integers(0, len(params) // 4 - 1))
        old = int.from_bytes(params[at : at + 4], "little")
        value = draw(_WORDS | st.sampled_from((old + 1, old - 1, old * 2, old // 2, -old)))
        params[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
    cut = draw(st.none() | st.tuples(st.integers(0, 15), st.integers(1, 9) | st.integers(1, 999)))
    return memory, bytes(params), cut


CHECKED = tuple(name for name in MODULES if name != "detect")


@pytest.mark.parametrize("name", CHECKED)
def test_sound_parameters_are_accepted(name: str) -> None:
    for memory in of_module()[name]:
        assert run(memory, memory.packed.params)[0], memory.packed.primitive


@pytest.mark.parametrize("name", CHECKED)
def test_damaged_parameters_are_refused_or_reach_nothing_else(name: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damages(name))
    def damaged(damage: tuple[Memory, bytes, tuple[int, int] | None]) -> None:
        _, everything = run(*damage)
        assert all(guarded.intact for guarded in everything)

    damaged()
