# SPDX-License-Identifier: Apache-2.0
"""What can go wrong when a network is cut into shorter operations."""

from __future__ import annotations

from hocket_host.errors import HocketError


class TileError(HocketError):
    """A bound that makes no sense, or a compiled network that cannot be taken apart."""
