# SPDX-License-Identifier: Apache-2.0
"""QEMU's Cortex-M55 (mps3-an547) with the NPU of this package behind it."""

from __future__ import annotations

from .errors import QemuError
from .qemu_machine import QemuMachine
from .qemu_process import missing

__all__ = ["QemuError", "QemuMachine", "missing"]
