# SPDX-License-Identifier: Apache-2.0
"""One application on every platform that is here: outputs, order of segments, response times."""

from __future__ import annotations

from .answers import Answers, Response
from .compare import report, wrong
from .platforms import PLATFORMS, missing, run

__all__ = ["PLATFORMS", "Answers", "Response", "missing", "report", "run", "wrong"]
