# SPDX-License-Identifier: Apache-2.0
"""Every one-operator case gives what tflite_micro gives, or exactly what is pinned."""

from __future__ import annotations

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_lab.exact.cases import ALL, BY_ID
from hocket_lab.exact.pinned import PINNED
from hocket_lab.exact.suite import DEFAULT_ACCELERATOR
from hocket_lab.exact.sweep import check_case

_OTHERS = [name for name in CONFIGS if name != DEFAULT_ACCELERATOR]


@pytest.mark.parametrize("name", [case.id for case in ALL])
def test_case_equals_tflite_micro(name: str) -> None:
    result = check_case(BY_ID[name], DEFAULT_ACCELERATOR)
    assert result.elements > 0
    assert result.differences == PINNED.get(name, ())


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", _OTHERS)
@pytest.mark.parametrize("name", [case.id for case in ALL])
def test_case_equals_tflite_micro_on_other_accelerators(name: str, accelerator: str) -> None:
    result = check_case(BY_ID[name], accelerator)
    assert result.differences == PINNED.get(name, ())


def test_pins_are_of_cases_that_exist() -> None:
    assert set(PINNED) <= {case.id for case in ALL}
