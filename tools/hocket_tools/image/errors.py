# SPDX-License-Identifier: Apache-2.0
"""Errors of the firmware build."""

from __future__ import annotations

from hocket_host.errors import HocketError


class FirmwareError(HocketError):
    """A tool or source that is missing or wrong, or a build or a run that failed."""
