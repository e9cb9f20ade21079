# SPDX-License-Identifier: Apache-2.0
"""One-operator cases that the NPU is not compared on."""

from __future__ import annotations

from ..exact.case import Case
from . import conversion_cases, elementwise_cases, layer_cases, movement_cases

CASES: tuple[Case, ...] = (
    *elementwise_cases.comparisons(),
    *elementwise_cases.arithmetic(),
    *elementwise_cases.choices(),
    *elementwise_cases.single(),
    *elementwise_cases.slopes(),
    *conversion_cases.conversions(),
    *conversion_cases.arithmetic(),
    *movement_cases.moves(),
    *movement_cases.placements(),
    *layer_cases.large(),
    *layer_cases.filters(),
)
