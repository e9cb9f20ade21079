# SPDX-License-Identifier: Apache-2.0
"""Every tensor of the test networks that the NPU computes equals tflite_micro's."""

from __future__ import annotations

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_lab.exact.suite import check_networks
from hocket_lab.exact.sweep import NetworkResult, check_network
from hocket_tools.tflite.model import read_tflite
from paths import MODELS

_ON_THE_NPU = (
    "hello_world_int8",
    "micro_speech",
    "mlp_ad01_int8",
    "mlp_kws_int8",
    "mlp_resnet8_int8",
    "mlp_vww96_int8",
    "mnist_lstm_int8",
    "person_detect",
)


@pytest.fixture(scope="module", params=list(CONFIGS))
def accelerator(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=_ON_THE_NPU)
def result(request: pytest.FixtureRequest, accelerator: str) -> NetworkResult:
    return check_network(MODELS / f"{request.param}.tflite", accelerator)


def test_every_tensor_computed_on_the_npu_is_equal(result: NetworkResult) -> None:
    assert [(t.name, t.detail) for t in result.tensors if t.mismatches] == []


def test_every_tensor_is_compared_or_listed_with_a_reason(result: NetworkResult) -> None:
    main = read_tflite(MODELS / f"{result.model}.tflite").main
    computed = {main.tensors[i].name for o in main.operators for i in o.outputs}
    compared = {t.name for t in result.tensors}
    assert compared | {s.name for s in result.skipped} == computed
    assert all(s.reason for s in result.skipped)
    assert all(s.reason.startswith(("RESHAPE", "PAD")) for s in result.skipped)


def test_a_network_with_operators_on_the_cpu_is_refused_by_name() -> None:
    report = check_networks([MODELS / "mww_alexa.tflite"], ["ethos-u55-128"])
    assert report.models == 0
    assert [r.model for r in report.refused] == ["mww_alexa"]
    assert "VAR_HANDLE" in report.refused[0].reason
