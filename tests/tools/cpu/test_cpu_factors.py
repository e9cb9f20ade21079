# SPDX-License-Identifier: Apache-2.0
"""Quotients of scales keep all their bits: tflite_micro divides them as float64."""

from __future__ import annotations

import pytest

from hocket_lab.cpu.check import jobs_of, run_on_micropython
from hocket_lab.cpu.plain_case import Operand, Plain

#: Their quotient, and its product with a slope of 0.3, differ from those of float32 by enough to
#: round some of these elements the other way. They are a published network's.
GIVEN, RESULT = 0.005836874712258577, 0.0046422905288636684
SHAPE = (1, 16, 64, 8)


@pytest.mark.parametrize("kind", ["LEAKY_RELU", "ABS", "RELU"])
def test_int16_is_scaled_by_the_quotient_in_float64(kind: str) -> None:
    leaky = kind == "LEAKY_RELU"
    case = Plain(
        "quotient",
        "int16",
        kind=kind,
        operands=(Operand(SHAPE, "int16", (GIVEN, 0)),),
        results=(Operand(SHAPE, "int16", (RESULT, 0)),),
        options="LeakyReluOptions" if leaky else None,
        attributes=(("alpha", 0.3),) if leaky else (),
    )
    (result,) = run_on_micropython([job for job, _, _ in jobs_of(case)])
    assert result["mismatches"] == 0
