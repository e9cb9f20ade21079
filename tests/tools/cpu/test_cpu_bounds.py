# SPDX-License-Identifier: Apache-2.0
"""No operator that is made reaches beyond its memory, whatever its parameters hold."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict_memory import Enough, Guarded, strict_pointers

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_lab.cpu.cases import CASES
from hocket_tools.cpu.packing import MODULES, OperatorError, PackedOperator, element_bytes
from hocket_tools.cpu.registry import candidates, kinds
from hocket_tools.tflite.model import read_tflite
from hocket_tools.tflite.operators import read_source
from paths import FIRMWARE

#: Cases of a kind, and bytes of the largest tensor of those whose parameters are changed.
SAMPLE = 6
MOST_BYTES = 1 << 14
#: Beyond this an inference is not followed.
ACCESSES = 30_000
STEPS = 2_000

#: Prints for each line of a file whether an operator is made of it.
VERDICTS = """
import json, sys
sys.path.insert(0, {!r})
from binascii import unhexlify
from hocket.ops import make
from hocket.ops.testing import _Tensor
for line in open({!r}):
    code, params, given, results, scratch = json.loads(line)
    params = memoryview(bytearray(unhexlify(params)))
    given = [_Tensor(size) for size in given]
    results = [_Tensor(size) for size in results]
    try:
        make(code, params, given, results, memoryview(bytearray(scratch)))
        print("made")
    except ValueError as error:
        print("refused")
"""

#: Custom operators have tests of their own.
CHECKED = tuple(name for name in MODULES if name != "detect")


@dataclass(frozen=True, repr=False)
class Memory:
    """What an operator is made over."""

    packed: PackedOperator
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

        def contents(index: int, tensors: Any = tensors) -> bytes:
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
    memory: Memory, params: bytes, cut: tuple[int, int] | None = None, *, restless: bool = False
) -> tuple[bool, list[Guarded]]:
    """Whether the operator is made; if so, an inference of it over guarded memory.

    `cut` takes bytes off the end of an input, an output, scratch memory or parameters; what is
    `restless` finds another first input in each step.
    """
    noise = random.Random(2)
    given = [Guarded(contents) for contents in memory.inputs]
    results = [Guarded(bytes(size)) for size in memory.outputs]
    scratch = Guarded(random.Random(1).randbytes(memory.packed.scratch_bytes))
    packed = Guarded(params)
    everything = [*given, *results, scratch, packed]
    if cut is not None:
        which = everything[cut[0] % len(everything)]
        which.raw = which.raw[: max(0, len(which.raw) - cut[1])]
    sizes = [len(g.raw) for g in everything]
    with installed(ProcessMemory()), strict_pointers(ACCESSES):
        from hocket.ops import make

        try:
            operator = make(memory.packed.code, packed.raw, given, results, scratch.raw)
        except ValueError:
            return False, everything
        try:
            for _ in range(STEPS):
                if operator.step():
                    break
                if restless:
                    given[0].raw[:] = noise.randbytes(len(given[0].raw))
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


@pytest.mark.parametrize("name", CHECKED)
def test_sound_parameters_are_accepted(name: str) -> None:
    for memory in of_module()[name]:
        assert run(memory, memory.packed.params)[0], memory.packed.primitive


@pytest.mark.parametrize("name", CHECKED)
def test_an_input_that_changes_under_way_makes_no_step_reach_elsewhere(name: str) -> None:
    for memory in of_module()[name]:
        _, everything = run(memory, memory.packed.params, restless=True)
        assert all(guarded.intact for guarded in everything)


@pytest.mark.parametrize("name", CHECKED)
def test_damaged_parameters_are_refused_or_reach_nothing_else(name: str) -> None:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(damages(name))
    def damaged(damage: tuple[Memory, bytes, tuple[int, int] | None]) -> None:
        _, everything = run(*damage)
        assert all(guarded.intact for guarded in everything)

    damaged()


@pytest.mark.parametrize(
    ("name", "word", "value", "said"),
    [
        ("table", 0, 1 << 28, "table: input: .* bytes, accesses to 268435456"),
        ("dense", 1, 0, "dense: word 1 of the parameters is out of bounds"),
        ("pool", 1, 1 << 29, "pool: word 1 of the parameters is out of bounds"),
        ("gather", 2, 1 << 20, "gather: input: .* bytes, accesses to"),
        ("svdf", 5, 1 << 20, "svdf: state: .* bytes, accesses to"),
        ("softmax", 2, (1 << 24) - 1, "softmax: "),
    ],
)
def test_error_names_the_operator_and_what_is_too_small(
    name: str, word: int, value: int, said: str
) -> None:
    memory = of_module()[name][0]
    params = bytearray(memory.packed.params)
    params[4 * word : 4 * word + 4] = value.to_bytes(4, "little")
    given = [Guarded(contents) for contents in memory.inputs]
    results = [Guarded(bytes(size)) for size in memory.outputs]
    with installed(ProcessMemory()):
        from hocket.ops import make

        with pytest.raises(ValueError, match=said):
            make(memory.packed.code, params, given, results, bytearray(memory.packed.scratch_bytes))


def test_micropython_refuses_what_cpython_refuses(tmp_path: Path) -> None:
    source = random.Random(3)
    expected = []
    lines = []
    for name in CHECKED:
        for memory in of_module()[name]:
            for _ in range(4):
                params = bytearray(memory.packed.params)
                at = 4 * source.randrange(min(len(params) // 4, 32))
                value = source.choice((0, 1, 7, 1 << 16, (1 << 29) - 1, 1 << 30, (1 << 32) - 1))
                params[at : at + 4] = value.to_bytes(4, "little")
                expected.append("made" if run(memory, bytes(params))[0] else "refused")
                sizes = ([len(i) for i in memory.inputs], memory.outputs)
                scratch = memory.packed.scratch_bytes
                lines.append(json.dumps([memory.packed.code, params.hex(), *sizes, scratch]))
    jobs = tmp_path / "jobs.json"
    jobs.write_text("\n".join(lines))
    script = VERDICTS.format(str(FIRMWARE), str(jobs))
    done = subprocess.run(
        [sys.executable, "-m", "micropython", "-X", "heapsize=64m", "-c", script],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert done.stdout.split() == expected
    assert {"made", "refused"} == set(expected)
