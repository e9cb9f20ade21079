# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a machine, on any emulator."""

from __future__ import annotations

from hocket_host.errors import HocketError


class MachineError(HocketError):
    """An image, container or configuration that does not fit the platform."""
