# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a question to the analysis."""

from __future__ import annotations

from hocket_host.errors import HocketError


class AnalysisError(HocketError):
    """A task set about which nothing can be proved because it makes no sense."""
