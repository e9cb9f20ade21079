# SPDX-License-Identifier: Apache-2.0
"""The error of everything that builds, reads or writes a container."""

from __future__ import annotations

from hocket_host.errors import HocketError


class ContainerError(HocketError):
    """A container that cannot be built from its image, or cannot be trusted as read."""
