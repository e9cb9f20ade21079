# SPDX-License-Identifier: Apache-2.0
"""The process that the oracles run in: its end is an error, and nobody else's."""

from __future__ import annotations

import numpy as np
import pytest

from hocket_tools.reference.oracle import LITERT, EndedError, Oracle, OracleError
from hocket_tools.reference.process import ReferenceProcess
from hocket_tools.tflite.builder import ModelBuilder, Quantisation

SCALE = Quantisation.tensor(0.05)
VALUES = np.arange(-5, 5, dtype=np.int8).reshape(1, 10)


def model(kind: str, options: str | None = None, scale: float = 0.05) -> bytes:
    builder = ModelBuilder()
    given = builder.input("given", (1, 10), "int8", Quantisation.tensor(scale))
    target = Quantisation.tensor(1 / 256, -128) if kind == "SOFTMAX" else SCALE
    result = builder.output("result", (1, 10), "int8", target)
    attributes = {"beta": 1.0} if kind == "SOFTMAX" else {}
    builder.operator(kind, (given,), (result,), options, **attributes)
    return builder.finish()


def relu() -> list[list[int]]:
    return np.maximum(VALUES, 0).tolist()


def crash(process: ReferenceProcess | None = None) -> None:
    with pytest.raises(EndedError, match="crashes"):
        Oracle(model("SOFTMAX", "SoftmaxOptions", 1e-20), process=process)


def test_a_process_of_ones_own_ends_alone() -> None:
    mine, other = ReferenceProcess(), ReferenceProcess()
    oracle = Oracle(model("RELU"), process=other)
    crash(mine)
    assert not mine.alive
    with pytest.raises(EndedError):
        Oracle(model("RELU"), process=mine)
    assert oracle.run([VALUES])[0].tolist() == relu()


def test_who_shares_a_process_is_served_by_the_next_one() -> None:
    oracle = Oracle(model("RELU"))
    crash()
    assert oracle.run([VALUES])[0].tolist() == relu()


def test_an_inference_that_never_ends_is_an_error() -> None:
    process = ReferenceProcess(limit_s=0.0)
    with pytest.raises(EndedError, match="does not finish"):
        Oracle(model("RELU"), process=process)


def test_what_the_interpreter_prints_is_the_reason_of_the_refusal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OracleError) as error:
        Oracle(model("COS", "CosOptions")).run([VALUES])
    assert "COS" in str(error.value.found)
    assert capfd.readouterr() == ("", "")


def test_both_interpreters_hold_models_side_by_side() -> None:
    process = ReferenceProcess()
    ours = Oracle(model("RELU"), process=process)
    theirs = Oracle(model("RELU"), process=process, engine=LITERT)
    for oracle in (ours, theirs):
        assert oracle.run([VALUES])[0].tolist() == relu()
        assert oracle.tensor(0).tolist() == VALUES.tolist()


def test_arrays_keep_type_and_shape() -> None:
    builder = ModelBuilder()
    given = builder.input("given", (), "float32", None)
    result = builder.output("result", (), "int8", SCALE)
    builder.operator("QUANTIZE", (given,), (result,), "QuantizeOptions")
    (found,) = Oracle(builder.finish()).run([np.float32(1.0).reshape(())])
    assert found.dtype == np.int8
    assert found.reshape(-1).tolist() == [20]
