# SPDX-License-Identifier: Apache-2.0
"""Builds the ARM image: MicroPython's source, the toolchain, the build."""

from __future__ import annotations

from .build import Image, build
from .errors import FirmwareError

__all__ = ["FirmwareError", "Image", "build"]
