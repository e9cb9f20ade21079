# SPDX-License-Identifier: Apache-2.0
"""Builds the ARM image: MicroPython's source, the toolchain, the build."""

from __future__ import annotations

from .build import ArmImage, build, built, is_current
from .errors import FirmwareError
from .lacking import lacking

__all__ = ["ArmImage", "FirmwareError", "build", "built", "is_current", "lacking"]
