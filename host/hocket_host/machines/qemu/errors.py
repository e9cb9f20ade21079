# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between Hocket and QEMU."""

from __future__ import annotations

from hocket_host.errors import HocketError


class QemuError(HocketError):
    """QEMU is not installed, cannot place the board or the image, or ended in an unforeseen way."""
