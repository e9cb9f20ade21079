# SPDX-License-Identifier: Apache-2.0
"""The error of the Vela front end."""

from __future__ import annotations

from hocket_host.errors import HocketError


class VelaError(HocketError):
    """A model or an option that Vela cannot turn into a command stream for the NPU."""
