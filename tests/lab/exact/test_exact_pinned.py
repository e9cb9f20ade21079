# SPDX-License-Identifier: Apache-2.0
"""The values that differ follow from what Vela wrote: each pin is derived again here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Rounding
from hocket_lab.exact.cases import BY_ID
from hocket_lab.exact.pinned import PINNED
from hocket_lab.exact.sweep import Difference, feed
from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.model import TfliteModel, read_tflite
from hocket_tools.vela import CompiledModel, VelaOptions, compile_model


class _Pinned:
    def __init__(self, name: str) -> None:
        case = BY_ID[name]
        model = case.model()
        self.source: TfliteModel = read_tflite(model)
        self.compiled: CompiledModel = compile_model(model, VelaOptions("ethos-u55-128"))
        self.inputs = feed(self.source, case)
        self.pins = PINNED[name]

    def scales(self) -> list[np.float32]:
        quantised = [t.quantization for t in self.source.main.tensors]
        return [np.float32(q.scales[0]) for q in quantised if q is not None]

    def operand(self, pin: Difference, index: int = 0) -> int:
        return int(self.inputs[pin.inference][index].reshape(-1)[pin.element])


def _multiplier(real: float) -> tuple[int, int]:
    """TFLite's 31-bit multiplier and the right shift that goes with it."""
    fraction, exponent = math.frexp(real)
    return round(fraction * 2**31), 31 - exponent


def _twice_rounded(value: int, multiplier: int, shift: int) -> int:
    """TFLite's rounding: half of the doubled product, then a shift with ties away from zero."""
    product = abs(value) * multiplier
    high = (product + 2**30) >> 31 if value >= 0 else (product + 2**30 - 1) >> 31
    rest = shift - 31
    result = (high + (1 << rest >> 1)) >> rest
    return result if value >= 0 else -result


def test_mul_int16_is_scaled_by_a_float32_quotient_where_tflite_takes_float64() -> None:
    case = _Pinned("mul-int16-plain")
    left, right, out = case.scales()
    register = case.compiled.stream.operations[0].register(Cmd.OFM_SCALE)
    vela = (register & 0xFFFF_FFFF, register >> 32)
    assert vela == _multiplier(float(left * right / out))
    exact = _multiplier(float(left) * float(right) / float(out))
    assert vela != exact
    for pin in case.pins:
        product = case.operand(pin, 0) * case.operand(pin, 1)
        assert pin.npu == _twice_rounded(product, *vela)
        assert pin.oracle == _twice_rounded(product, *exact)


def test_fully_connected_is_scaled_by_a_float32_product_where_tflite_micro_takes_float64() -> None:
    case = _Pinned("fully_connected-int8-ties")
    tensors = {t.name: t for t in case.source.main.tensors}
    scale = {}
    for name in ("input", "weights", "output"):
        quantisation = tensors[name].quantization
        assert quantisation is not None
        scale[name] = np.float32(quantisation.scales[0])
    single = float(scale["input"] * scale["weights"]) / float(scale["output"])
    double = float(scale["input"]) * float(scale["weights"]) / float(scale["output"])
    bias = np.frombuffer(tensors["bias"].data or b"", np.int32)
    span = case.compiled.stream.operations[-1].scales()
    assert span is not None
    for pin in case.pins:
        record = case.compiled.read_only[span.start + 10 * pin.element :][:10]
        vela = (int.from_bytes(record[5:9], "little"), record[9] & 0x3F)
        assert vela == _multiplier(single)
        assert not case.inputs[pin.inference][0].any()  # so that the sum is the bias alone
        assert pin.npu == _twice_rounded(int(bias[pin.element]), *vela)
        assert pin.oracle == _twice_rounded(int(bias[pin.element]), *_multiplier(double))


def test_sum_int8_is_rounded_once_where_tflite_rounds_twice() -> None:
    case = _Pinned("sum-int8-depth-double-rounding")
    assert case.compiled.stream.operations[0].ofm_rounding == Rounding.NATURAL
    source, result = case.source.main.tensors[0], case.source.main.tensors[-1]
    assert source.quantization is not None
    assert result.quantization is not None
    scale = np.float64(source.quantization.scales[0]) / np.float64(result.quantization.scales[0])
    depth = source.shape[-1]
    for pin in case.pins:
        values = case.inputs[pin.inference][0].reshape(-1, depth)[pin.element].astype(np.int64)
        total = int((values - source.quantization.zero_points[0]).sum())
        zero = result.quantization.zero_points[0]
        assert pin.npu == math.floor(total * scale + 0.5) + zero
        assert pin.oracle == _twice_rounded(total, *_multiplier(float(scale))) + zero


def _table(compiled: CompiledModel, dtype: Any) -> NDArray[Any]:
    dma = next(o.dma() for o in compiled.stream.operations if o.is_dma)
    raw = compiled.read_only[dma.source.start : dma.source.start + dma.source.length]
    return np.frombuffer(raw, dtype)


def test_tanh_int8_table_holds_the_correctly_rounded_values() -> None:
    case = _Pinned("tanh-int8-ties")
    table = _table(case.compiled, np.int8)
    for pin in case.pins:
        value = case.operand(pin)
        assert pin.npu == table[value + 128]
        assert pin.npu == round(math.tanh((value + 128) / 256) * 128)
        assert pin.npu != pin.oracle


def test_rsqrt_int16_is_a_chord_of_the_table() -> None:
    case = _Pinned("rsqrt-int16-plain")
    table = _table(case.compiled, np.int16).reshape(512, 2).astype(np.int64)
    for pin in case.pins:
        value = case.operand(pin) + 32768
        base, slope = table[value >> 7]
        assert pin.npu == base + ((slope * (value & 127) + 64) >> 7)
        assert pin.npu != pin.oracle


@pytest.mark.parametrize("name", PINNED)
def test_the_oracle_still_gives_its_pinned_values(name: str) -> None:
    case = BY_ID[name]
    oracle = Oracle(case.model())
    outputs = [oracle.run(inputs) for inputs in feed(oracle.source, case)]
    for pin in PINNED[name]:
        assert outputs[pin.inference][pin.output].reshape(-1)[pin.element] == pin.oracle
