# SPDX-License-Identifier: Apache-2.0
"""Cases drawn at random, and networks under other memory settings, are exact too."""

from __future__ import annotations

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_lab.exact.cases.drawn import drawn_case
from hocket_lab.exact.sweep import check_case, check_network
from hocket_tools.vela import VelaOptions
from paths import MODELS

_ACCELERATORS = list(CONFIGS)
_QUICK = range(40)
_SOAK = range(40, 1000)

_SETTINGS = {
    "size": VelaOptions("ethos-u55-128", optimise="Size"),
    "arena-48k": VelaOptions("ethos-u55-128", arena_cache_size=48 << 10),
    "arena-24k": VelaOptions("ethos-u55-128", arena_cache_size=24 << 10),
    "sram-only": VelaOptions("ethos-u55-128", memory_mode="Sram_Only"),
    "u55-256-size": VelaOptions("ethos-u55-256", optimise="Size"),
    "u55-32-size": VelaOptions("ethos-u55-32", optimise="Size"),
    "u65-dedicated": VelaOptions("ethos-u65-256", memory_mode="Dedicated_Sram"),
    "u65-dedicated-64k": VelaOptions(
        "ethos-u65-256", memory_mode="Dedicated_Sram", arena_cache_size=64 << 10
    ),
}


def _check(number: int) -> None:
    case = drawn_case(number)
    result = check_case(case, _ACCELERATORS[number % len(_ACCELERATORS)])
    assert result.differences == (), case


@pytest.mark.parametrize("number", _QUICK)
def test_drawn_case_equals_tflite_micro(number: int) -> None:
    _check(number)


@pytest.mark.slow
@pytest.mark.parametrize("number", _SOAK)
def test_drawn_case_equals_tflite_micro_in_a_soak(number: int) -> None:
    _check(number)


def test_a_number_always_draws_the_same_case() -> None:
    assert drawn_case(7) == drawn_case(7)
    assert drawn_case(7).model() == drawn_case(7).model()


def test_a_cascade_in_rolling_buffers_is_compared_tensor_by_tensor() -> None:
    result = check_network(MODELS / "person_detect.tflite", _SETTINGS["size"])
    assert len(result.tensors) >= 30
    assert result.mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("setting", _SETTINGS)
@pytest.mark.parametrize(
    "model", [p.stem for p in sorted(MODELS.glob("*.tflite")) if p.stem != "mww_alexa"]
)
def test_networks_are_exact_under_other_settings(model: str, setting: str) -> None:
    result = check_network(MODELS / f"{model}.tflite", _SETTINGS[setting])
    assert [(t.name, t.detail) for t in result.tensors if t.mismatches] == []
