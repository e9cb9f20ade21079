# SPDX-License-Identifier: Apache-2.0
"""The tables of one-operator cases say truly what they cover."""

from __future__ import annotations

import pytest

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Elementwise
from hocket_lab.exact.cases import ALL, BY_ID, CRASHES_VELA, NOT_FOR_THE_NPU, WITHOUT_ORACLE
from hocket_lab.exact.sweep import feed
from hocket_tools.reference.oracle import Oracle, OracleError
from hocket_tools.tflite.builder import ModelBuilder
from hocket_tools.tflite.model import read_tflite
from hocket_tools.vela import VelaError, VelaOptions, compile_model

_OPTIONS = VelaOptions("ethos-u55-128")


def test_more_than_two_hundred_cases_are_compared() -> None:
    assert len(ALL) >= 220


def test_int16_and_int8_are_both_covered() -> None:
    kinds = {dtype: {c.op for c in ALL if c.dtype == dtype} for dtype in ("int8", "int16")}
    assert len(kinds["int8"]) >= 40
    assert len(kinds["int16"]) >= 20


def test_a_case_is_the_same_model_each_time() -> None:
    assert ALL[0].model() == ALL[0].model()


def test_each_model_holds_exactly_the_operator_that_it_names() -> None:
    for case in ALL:
        operators = read_tflite(case.model()).main.operators
        if case.op != "CHAIN":
            assert [o.kind for o in operators] == [case.op], case.id


def test_an_unknown_attribute_of_an_operator_is_refused() -> None:
    builder = ModelBuilder()
    with pytest.raises(AttributeError, match="no field 'strideQ'"):
        builder.operator("CONV_2D", (), (), "Conv2DOptions", strideQ=1)


@pytest.mark.parametrize("name", NOT_FOR_THE_NPU)
def test_cases_not_for_the_npu_are_left_on_the_cpu_by_vela(name: str) -> None:
    with pytest.raises(VelaError, match=NOT_FOR_THE_NPU[name]):
        compile_model(BY_ID[name].model(), _OPTIONS)


@pytest.mark.parametrize("name", CRASHES_VELA)
def test_cases_that_crash_vela_do_so_and_harm_nobody(name: str) -> None:
    with pytest.raises(VelaError, match="crashed"):
        compile_model(BY_ID[name].model(), _OPTIONS)


@pytest.mark.parametrize("name", WITHOUT_ORACLE)
def test_cases_without_oracle_compile_for_the_npu(name: str) -> None:
    assert compile_model(BY_ID[name].model(), _OPTIONS).operations


@pytest.mark.parametrize("name", WITHOUT_ORACLE)
def test_cases_without_oracle_are_refused_by_tflite_micro(name: str) -> None:
    model = BY_ID[name].model()
    with pytest.raises(OracleError):  # noqa: PT012 - either step may refuse
        oracle = Oracle(model)
        for inputs in feed(oracle.source, BY_ID[name]):
            oracle.run(inputs)


def test_a_sum_over_two_axes_is_compiled_into_one_over_a_single_axis() -> None:
    compiled = compile_model(BY_ID["sum-int8-hw"].model(), _OPTIONS)
    ofm = compiled.stream.operations[-1].ofm()
    assert ofm.height * ofm.width * ofm.depth == 48
    assert compiled.outputs[0].size == 8


def test_a_softmax_multiplier_of_one_is_compiled_into_a_negative_constant() -> None:
    compiled = compile_model(BY_ID["softmax-int16-scale-of-ten"].model(), _OPTIONS)
    multiply = next(
        o
        for o in compiled.stream.operations
        if o.key == Cmd.NPU_OP_ELEMENTWISE and o.param == Elementwise.MUL
    )
    constant = multiply.ifm2()
    assert constant is not None
    assert constant.region == compiled.flash_region
    raw = compiled.read_only[constant.bases[0] :][:4]
    assert int.from_bytes(raw, "little", signed=True) == -(2**31)
