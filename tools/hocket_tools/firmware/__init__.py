# SPDX-License-Identifier: Apache-2.0
"""The ARM image: MicroPython's source, the build, and what the image costs."""

from __future__ import annotations

from .build import Image, build
from .errors import FirmwareError
from .size import SizeReport, measure

__all__ = ["FirmwareError", "Image", "SizeReport", "build", "measure"]
