# SPDX-License-Identifier: Apache-2.0
"""Choice, refusal and registration of operators."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_lab.cpu.cases import CASES
from hocket_lab.exact.case import Case
from hocket_lab.exact.cases import BY_ID
from hocket_tools.cpu import (
    Operator,
    OperatorError,
    PackedOperator,
    SourceOperator,
    candidates,
    kinds,
    pack,
    read_source,
    read_variables,
    reason,
    register,
    registry,
)
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.cpu.packing import MODULES
from hocket_tools.tflite.builder import ModelBuilder, Quantisation


def source_of(case: Case) -> SourceOperator:
    return read_source(case.model())[0]


def test_codes_are_those_of_the_device() -> None:
    with installed(ProcessMemory()):
        from hocket import ops

        assert ops.MODULES == MODULES


def test_operator_without_implementation_is_refused_by_name_and_layer() -> None:
    with pytest.raises(OperatorError) as error:
        pack(source_of(BY_ID["gelu-int8-plain"]))
    assert "GELU" in str(error.value)
    assert "layer 'output'" in str(error.value)
    assert "register an operator" in str(error.value)


def test_types_that_do_not_suit_are_the_reason() -> None:
    assert reason(source_of(BY_ID["exp-int16-plain"])) == "an input of int16"


def test_every_kind_of_the_registry_takes_some_case_or_variables() -> None:
    taken = {case.op for case in CASES.values()}
    untried = set(kinds()) - taken - {"READ_VARIABLE", "ASSIGN_VARIABLE"}
    untried.discard("TFLite_Detection_PostProcess")  # of three operators: test_operators_detect
    # tflite_micro has these for floats alone, or for types that no case builds.
    assert untried <= {"CEIL", "COS", "FLOOR", "ROUND", "SIN", "SQRT", "SQUARE"}


def test_convolution_has_two_primitives_and_the_cheaper_is_taken() -> None:
    source = source_of(BY_ID["conv_2d-int8-3x3"])
    ways = list(candidates(source))
    assert [way.primitive for way in ways] == ["direct", "window"]
    assert pack(source).cycles == min(way.cycles for way in ways)


def test_less_scratch_takes_a_primitive_that_needs_less() -> None:
    source = source_of(BY_ID["conv_2d-int8-3x3-depth33-to-31"])
    ways = {way.primitive: way for way in candidates(source)}
    assert ways["direct"].scratch_bytes < ways["window"].scratch_bytes
    least = ways["direct"].scratch_bytes
    assert pack(source, scratch_bytes=least).primitive == "direct"
    with pytest.raises(OperatorError, match=f"{least} bytes of scratch"):
        pack(source, scratch_bytes=least - 1)


def test_steps_of_what_is_chosen_are_within_the_bound() -> None:
    sources = [source_of(case) for name, case in CASES.items() if not name.startswith("chain")]
    chosen = [pack(source) for source in sources if reason(source) is None]
    assert len(chosen) > 400
    assert max(packed.step_cycles for packed in chosen) <= STEP_CYCLES


def test_scratch_and_parameters_are_whole_words() -> None:
    for name in ("conv_2d-int8-3x3", "tanh-int16-plain", "softmax-int16-vector10"):
        for way in candidates(source_of(BY_ID[name])):
            assert len(way.params) % 4 == 0


class Doubling(Operator):
    """An operator of an application's own."""

    kinds = ("Doubling",)

    def supports(self, source: SourceOperator) -> str | None:
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator:
        given, result = source.input(0), source.outputs[0]
        return PackedOperator(
            200, primitive, b"", (given.index,), (result.index,), 0, steps=1, step_cycles=100
        )


@pytest.fixture
def doubling() -> Iterator[None]:
    register(Doubling())
    yield
    registry.unregister("Doubling")


@pytest.mark.usefixtures("doubling")
def test_own_operator_is_packed_and_made_under_its_code() -> None:
    source = SourceOperator("Doubling", "layer", *(((t,)) for t in _tensors()))
    packed = pack(source)
    with installed(ProcessMemory()):
        from hocket import ops

        ops.register(200, lambda *arguments: arguments)
        try:
            assert ops.make(packed.code, b"p", ["in"], ["out"], b"s") == (
                b"p", ["in"], ["out"], b"s",
            )  # fmt: skip
        finally:
            del ops._own[200]


def _tensors() -> tuple[object, object]:
    source = source_of(BY_ID["relu-int8-plain"])
    return source.input(0), source.outputs[0]


def test_own_code_below_128_is_refused_on_the_device() -> None:
    with installed(ProcessMemory()):
        from hocket import ops

        with pytest.raises(ValueError, match="must be 128 or more"):
            ops.register(5, print)
        with pytest.raises(ValueError, match="no operator with code 250"):
            ops.make(250, b"", [], [], b"")


def test_network_without_variables_has_none() -> None:
    builder = ModelBuilder()
    scale = Quantisation.tensor(0.1)
    given = builder.input("a", (1, 4), np.int8, scale)
    result = builder.output("b", (1, 4), np.int8, scale)
    builder.operator("RELU", (given,), (result,))
    assert read_variables(builder.finish()) == ()
